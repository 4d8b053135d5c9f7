//! Certificates as proofs of the chain: contracts ask for them through the precompile that checks proofs.

mod certificate;
mod seated;

pub use certificate::{QcVerify, QcVerifyError};

/// The version of an envelope.
const ENVELOPE: u8 = 1;
