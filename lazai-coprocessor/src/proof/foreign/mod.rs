//! What proofs of zkVMs have in common, whatever system made them: keys, public values, points of bn254.

mod envelope;
mod error;
mod inputs;
mod key;
mod point;
mod receipt;

pub use error::{KeyError, ProofError};
pub use key::{ForeignKey, ZkVm};

pub(crate) use envelope::{MAX_PROOF_BYTES, open};
pub(crate) use key::MAX_HEADER_BYTES;
pub(crate) use point::Reader;
#[cfg(feature = "groth16")]
pub(crate) use receipt::selector;
