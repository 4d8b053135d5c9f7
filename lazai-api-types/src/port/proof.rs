use alloc::vec::Vec;
use core::fmt::Debug;

use crate::{Job, PortError, ProofSystemId, Statement, Work};

/// Checks proofs of one system.
///
/// The proof is hostile: an implementation bounds its size before parsing, never panics and never
/// allocates by a length that the proof claims.
pub trait ProofVerifier: Debug + Send + Sync {
    /// The system that this verifier checks.
    fn id(&self) -> ProofSystemId;

    /// The work of checking a proof of `proof_bytes` bytes; pure, and monotonic in the size.
    fn work(&self, proof_bytes: u64) -> Work;

    /// Whether `proof` shows `statement`; a malformed proof is `Ok(false)`.
    ///
    /// # Errors
    /// [`PortError::Fault`] only: a verdict that depends on this machine must not reach a receipt.
    fn verify(&self, statement: &Statement, proof: &[u8]) -> Result<bool, PortError>;
}

/// Makes proofs that its [`ProofVerifier`] part accepts.
pub trait ProofSystem: ProofVerifier {
    /// What keygen prepares for one model: circuit, keys, layout.
    type Prepared: Debug + Send + Sync;

    /// Prepares everything that depends on the shape of `job` but not on its values.
    ///
    /// # Errors
    /// [`PortError::Rejected`] if the system cannot prove such a job.
    fn prepare(&self, job: &Job) -> Result<Self::Prepared, PortError>;

    /// Proves `statement` about `job`.
    ///
    /// # Errors
    /// [`PortError::Rejected`] if the statement is false.
    fn prove(
        &self,
        prepared: &Self::Prepared,
        job: &Job,
        statement: &Statement,
    ) -> Result<Vec<u8>, PortError>;
}
