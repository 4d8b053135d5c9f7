//! Small networks that read rows of numbers, before they are integers.
//!
//! They are what a circuit proves in examples and tests: a perceptron, and one block of a
//! transformer. Networks for users come as checkpoints, so this does not grow into a second format
//! of them; a third shape would have to use an operator that neither of the two has.

mod error;
mod file;
mod forward;
mod network;

#[cfg(test)]
pub(crate) mod tests;

pub use error::FloatNetworkError;
pub(crate) use forward::Place;
pub use network::FloatNetwork;
pub(crate) use network::{Block, Dense, Layers};
