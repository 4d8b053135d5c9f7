//! The other proof system: no secrets, the verifier runs the model again.

use alloy_primitives::B256;
use lazai_api_types::{
    Claim, InferenceStatement, InvalidKey, PortError, ProofLimits, ProofSystemId, ProofVerifier,
    Work,
};

use crate::linear::{self, MAX_FEATURES};

/// Runs a model again whose weights are its key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Open;

impl Open {
    /// The key: four bytes a weight, big-endian.
    pub(crate) fn key(weights: &[i32]) -> Vec<u8> {
        weights.iter().flat_map(|weight| weight.to_be_bytes()).collect()
    }

    /// The statement that the model answers `input`, and its proof: the input. None if it does not
    /// answer.
    pub(crate) fn prove(
        weights: &[i32],
        input: &[u32],
        context: B256,
    ) -> Option<(InferenceStatement, Vec<u8>)> {
        let answer = linear::run(weights, input)?;
        let model = linear::model(&Self::key(weights));
        let features = input.iter().flat_map(|feature| feature.to_be_bytes());
        let proof = core::iter::once(1).chain(features).collect();
        Some((linear::statement(model, input, answer, context), proof))
    }
}

impl ProofVerifier for Open {
    fn id(&self) -> ProofSystemId {
        ProofSystemId(1_000)
    }

    fn limits(&self) -> ProofLimits {
        let bytes = 4 * MAX_FEATURES as u64;
        ProofLimits { key_bytes: bytes, proof_bytes: 1 + bytes }
    }

    /// Five microseconds for the hashes and ten nanoseconds a byte, at 100,000 operations a
    /// microsecond.
    fn work(&self, key_bytes: u64, proof_bytes: u64) -> Work {
        let bytes = key_bytes + proof_bytes;
        Work { flops: 500_000 + 1_000 * bytes, peak_bytes: 4_096 + 4 * bytes }
    }

    fn admit(&self, key: &[u8]) -> Result<(), InvalidKey> {
        match key.as_chunks::<4>() {
            ([_, ..], []) => Ok(()),
            _ => Err(InvalidKey::new(1, &format!("{} bytes are no weights", key.len()))),
        }
    }

    /// Proof: `1 ‖ x[0] ‖ x[1] ‖ …`.
    fn verify(&self, key: &[u8], claim: Claim<'_>, proof: &[u8]) -> Result<bool, PortError> {
        let (Claim::Statement(shown), [1, features @ ..]) = (claim, proof) else {
            return Ok(false);
        };
        let ((weights, []), (features, [])) = (key.as_chunks(), features.as_chunks()) else {
            return Ok(false);
        };
        let weights: Vec<_> = weights.iter().map(|bytes| i32::from_be_bytes(*bytes)).collect();
        let input: Vec<_> = features.iter().map(|bytes| u32::from_be_bytes(*bytes)).collect();
        let proved = Self::prove(&weights, &input, shown.context);
        Ok(proved.is_some_and(|(statement, _)| statement == *shown))
    }
}
