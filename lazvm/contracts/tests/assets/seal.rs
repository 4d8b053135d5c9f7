//! A proof system of the tests: a proof is the statement's hash under a key.

use alloy_primitives::{Bytes, keccak256};
use lazai_api_types::{
    Claim, InferenceStatement, InvalidKey, PortError, ProofLimits, ProofSystemId, ProofVerifier,
    Work,
};

/// The system that a proof system of somebody's own would have.
pub(crate) const SYSTEM: ProofSystemId = ProofSystemId(1_000);

/// Proves a run under a key.
pub(crate) fn seal(key: &[u8], run: &InferenceStatement) -> Bytes {
    keccak256([key, run.hash().as_slice()].concat()).to_vec().into()
}

/// Verifies what [`seal`] made.
#[derive(Debug)]
pub(crate) struct Seal;

impl ProofVerifier for Seal {
    fn id(&self) -> ProofSystemId {
        SYSTEM
    }

    fn limits(&self) -> ProofLimits {
        ProofLimits { key_bytes: 32, proof_bytes: 32 }
    }

    fn work(&self, _: u64, _: u64) -> Work {
        Work { flops: 1_000, peak_bytes: 64 }
    }

    fn admit(&self, _: &[u8]) -> Result<(), InvalidKey> {
        Ok(())
    }

    fn verify(&self, key: &[u8], claim: Claim<'_>, proof: &[u8]) -> Result<bool, PortError> {
        Ok(matches!(claim, Claim::Statement(run) if *seal(key, run) == *proof))
    }
}
