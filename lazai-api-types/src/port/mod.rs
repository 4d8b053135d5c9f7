//! The ports: what LazVM asks of the world, as traits that anyone can implement.

mod coprocessor;
mod data;
mod error;
mod proof;

pub use coprocessor::{Coprocessor, PreparedJob};
pub use data::DataSource;
pub use error::{Fault, FaultKind, PortError, Rejection, SamplingParameter};
pub use proof::{Claim, InvalidKey, ProofCost, ProofLimits, ProofSystem, ProofVerifier, key_hash};
