//! Certificates as proofs of the chain: contracts ask for them through the precompile that checks
//! proofs.

mod certificate;
mod committee_cache;
mod error;

pub use certificate::QuorumVerifier;
pub use error::QuorumVerifierError;
