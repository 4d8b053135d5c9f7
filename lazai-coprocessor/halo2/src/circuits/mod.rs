//! The circuits that are proved, with their witnesses, for tools that check circuits.

mod gadget;
mod placed;

pub use gadget::{Gadget, NormParameters};
pub use placed::{
    CircuitColumns, CircuitPart, CircuitShape, Place, PlaceColumn, PlacedCircuit, PlacedSites,
};
