//! Certificates and openings as proofs of the chain: contracts ask for them through the precompile that checks proofs.

mod certificate;
mod opening;
mod seated;

pub use certificate::{QcVerify, QcVerifyError};
pub use opening::{DaOpeningVerify, OpeningKey, OpeningProof, OpeningProofError, OpeningValues};

/// The version of an envelope.
const ENVELOPE: u8 = 1;
