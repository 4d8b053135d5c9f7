use alloc::{collections::BTreeMap, format, string::ToString, vec::Vec};

use lazai_api_types::{
    Claim, InferenceStatement, ModelId, ProofSystemId, ProofVerifiers, Work,
    codec::{DecodeError, Reader},
};

use crate::{Attestation, EvidenceError, Fact, Refuter};

/// Refutes a certified run of a model by the proof of another result for the same input.
///
/// What a model's runs are proved with is fixed here, because whoever chooses the verifying key
/// chooses the model.
///
/// # Stability
/// Unstable: no node refutes runs yet. It is the back end of
/// [`Evidence::FalseValidity`](crate::Evidence::FalseValidity) that disputes need.
#[derive(Clone, Debug, Default)]
pub struct ProofRefuter {
    verifiers: ProofVerifiers,
    keys: BTreeMap<(ModelId, ProofSystemId), Vec<u8>>,
}

impl ProofRefuter {
    /// Creates a refuter with `verifiers` that trusts no key yet.
    #[must_use]
    pub const fn new(verifiers: ProofVerifiers) -> Self {
        Self { verifiers, keys: BTreeMap::new() }
    }

    /// Trusts `key` to check runs of `model` in `system`; it takes the place of an earlier one.
    #[must_use]
    pub fn trust(mut self, model: ModelId, system: ProofSystemId, key: Vec<u8>) -> Self {
        self.keys.insert((model, system), key);
        self
    }
}

impl Refuter for ProofRefuter {
    fn refutes(&self, attestation: &Attestation, refutation: &[u8]) -> Result<bool, EvidenceError> {
        let Fact::Workflow { run } = attestation.fact else { return Ok(false) };
        let Ok(refutation) = Refutation::decode(refutation) else { return Ok(false) };
        let truth = InferenceStatement { output: refutation.output, work: refutation.work, ..run };
        // Another work alone is what a key of another version of the prices claims.
        if truth.output == run.output {
            return Ok(false);
        }
        let system = refutation.system;
        // Without key or verifier another node might know better.
        let unknown = || EvidenceError::Undecided {
            reason: format!(
                "trust a verifying key for model {} in proof system {}",
                run.model, system.0
            ),
        };
        let key = self.keys.get(&(run.model, system)).ok_or_else(unknown)?;
        let verifier = self.verifiers.find(system).ok_or_else(unknown)?;
        let verdict = verifier.verify(key, Claim::Statement(&truth), refutation.proof);
        verdict.map_err(|fault| EvidenceError::Undecided { reason: fault.to_string() })
    }
}

/// The proof that a certified run is false: the true result and its proof.
///
/// Bytes: version 1 ‖ system u32 ‖ output ‖ FLOPs u64 ‖ peak bytes u64 ‖ proof to the end; integers
/// are big-endian.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Refutation<'a> {
    /// The system of the proof.
    pub system: ProofSystemId,
    /// The hash of the true output.
    pub output: alloy_primitives::B256,
    /// The work of the run.
    pub work: Work,
    /// The proof of the run with this output.
    pub proof: &'a [u8],
}

impl<'a> Refutation<'a> {
    /// Returns the canonical bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_BYTES.saturating_add(self.proof.len()));
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.system.0.to_be_bytes());
        bytes.extend_from_slice(self.output.as_slice());
        bytes.extend_from_slice(&self.work.flops.to_be_bytes());
        bytes.extend_from_slice(&self.work.peak_bytes.to_be_bytes());
        bytes.extend_from_slice(self.proof);
        bytes
    }

    /// Reads what [`encode`](Self::encode) wrote. The proof is not decoded; its verifier bounds it.
    ///
    /// # Errors
    /// [`DecodeError`] if the bytes end before the proof or are of another version.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        reader.version(VERSION)?;
        let system = ProofSystemId(reader.u32()?);
        let output = reader.hash()?;
        let work = Work { flops: reader.u64()?, peak_bytes: reader.u64()? };
        let proof = reader.slice(reader.remaining())?;
        Ok(Self { system, output, work, proof })
    }
}

const VERSION: u8 = 1;
const HEADER_BYTES: usize = 1 + 4 + 32 + 2 * 8;
