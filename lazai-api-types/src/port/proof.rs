use alloc::{
    string::{String, ToString},
    vec::Vec,
};
use core::fmt::Debug;

use alloy_primitives::{B256, keccak256};

use crate::{InferenceStatement, Job, PortError, ProofSystemId, Work};

/// Checks proofs of one system against verifying keys that the caller brings.
///
/// # Guarantees of an implementation
/// - Key and proof are hostile: nothing panics, and nothing is allocated by a length that they
///   claim.
/// - Sizes are checked by the caller, once: [`admit`](Self::admit), [`work`](Self::work) and
///   [`verify`](Self::verify) may take for granted that key and proof are within
///   [`limits`](Self::limits). Chains and registries call verifiers through a
///   [`GuardedVerifier`](crate::GuardedVerifier), which sees to it; who calls one directly must do
///   so. What a verifier parses it bounds by the format of its own proofs, not by the limits again.
/// - Every answer is a function of the arguments alone, on every machine. Parsed keys may be
///   cached, but not so that a panic, which a [`GuardedVerifier`](crate::GuardedVerifier) survives,
///   changes a later answer, as a poisoned lock would.
pub trait ProofVerifier: Debug + Send + Sync {
    /// Returns the system that this verifier checks.
    fn id(&self) -> ProofSystemId;

    /// Returns the largest key and proof that are read.
    fn limits(&self) -> ProofLimits;

    /// Returns the work of checking a proof of `proof_bytes` bytes under a key of `key_bytes`
    /// bytes, that of [`admit`](Self::admit) included; pure, and monotonic in both.
    fn work(&self, key_bytes: u64, proof_bytes: u64) -> Work;

    /// Checks that `key` may be registered: it is canonical, and no proof under it can be forged
    /// for a reason that shows in the key itself.
    ///
    /// # Errors
    /// [`InvalidKey`], with the same code on every machine.
    fn admit(&self, key: &[u8]) -> Result<(), InvalidKey>;

    /// Returns whether `proof` shows `claim` under `key`; what is malformed, the key included,
    /// gives `Ok(false)`.
    ///
    /// # Errors
    /// [`PortError::Fault`] only: a verdict that depends on this machine must not reach a receipt.
    fn verify(&self, key: &[u8], claim: Claim<'_>, proof: &[u8]) -> Result<bool, PortError>;
}

/// What a proof is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Claim<'a> {
    /// A run of a model.
    Statement(&'a InferenceStatement),
    /// The public values of a program that a zkVM ran, as the program committed them. Systems that
    /// have no such values accept no proof of them.
    Values(&'a [u8]),
}

/// The largest inputs of a verifier, in bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ProofLimits {
    /// Of a verifying key.
    pub key_bytes: u64,
    /// Of a proof, its envelope included.
    pub proof_bytes: u64,
}

/// What checking a proof costs, as a function of the lengths of key and proof.
///
/// Operations are priced at 100,000 for a microsecond of one core (docs/gas.md).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ProofCost {
    /// Operations of every check.
    pub operations: u64,
    /// Operations for each byte of the key.
    pub operations_per_key_byte: u64,
    /// Operations for each byte of the proof, its envelope included.
    pub operations_per_proof_byte: u64,
    /// Peak bytes of every check.
    pub peak_bytes: u64,
    /// Peak bytes for each byte of the key.
    pub peak_bytes_per_key_byte: u64,
    /// Peak bytes for each byte of the proof.
    pub peak_bytes_per_proof_byte: u64,
}

impl ProofCost {
    /// Returns the work of [`ProofVerifier::work`]: monotonic in both lengths, and saturating at 64
    /// bits.
    #[must_use]
    pub const fn work(&self, key_bytes: u64, proof_bytes: u64) -> Work {
        let flops = self
            .operations
            .saturating_add(key_bytes.saturating_mul(self.operations_per_key_byte))
            .saturating_add(proof_bytes.saturating_mul(self.operations_per_proof_byte));
        let peak_bytes = self
            .peak_bytes
            .saturating_add(key_bytes.saturating_mul(self.peak_bytes_per_key_byte))
            .saturating_add(proof_bytes.saturating_mul(self.peak_bytes_per_proof_byte));
        Work { flops, peak_bytes }
    }
}

/// Why a verifying key was refused.
///
/// # Guarantees of a verifier
/// The code is a function of the key alone and never changes its meaning: a chain names the reason
/// by it. The text is for people and reaches no chain.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the verifying key is refused (code {code}): {reason}")]
pub struct InvalidKey {
    /// The number of the reason, among those of the proof system; 0 is
    /// [`PANICKED`](Self::PANICKED).
    pub code: u32,
    /// What was expected and what came.
    pub reason: String,
}

impl InvalidKey {
    /// The code of a verifier that panicked, in every proof system.
    pub const PANICKED: u32 = 0;

    /// Creates the refusal of a key.
    pub fn new(code: u32, reason: &impl ToString) -> Self {
        Self { code, reason: reason.to_string() }
    }
}

/// Returns the name of a verifying key: `keccak256("lazvm/verifying-key/1" ‖ system as u32
/// big-endian ‖ key)`.
#[must_use]
pub fn key_hash(system: ProofSystemId, key: &[u8]) -> B256 {
    const DOMAIN: &[u8] = b"lazvm/verifying-key/1";
    let mut bytes = Vec::with_capacity(DOMAIN.len() + 4 + key.len());
    bytes.extend_from_slice(DOMAIN);
    bytes.extend_from_slice(&system.0.to_be_bytes());
    bytes.extend_from_slice(key);
    keccak256(bytes)
}

/// Makes proofs that its [`ProofVerifier`] part accepts.
pub trait ProofSystem: ProofVerifier {
    /// What keygen prepares for one model and one shape: circuit, keys, layout.
    type Prepared: Debug + Send + Sync;

    /// Prepares everything that depends on the shape of `job` but not on its values.
    ///
    /// # Errors
    /// [`PortError::Rejected`] if the system cannot prove such a job.
    fn prepare(&self, job: &Job) -> Result<Self::Prepared, PortError>;

    /// Returns the verifying key, as [`ProofVerifier::verify`] takes it.
    fn key<'p>(&self, prepared: &'p Self::Prepared) -> &'p [u8];

    /// Proves `statement` about `job`.
    ///
    /// # Errors
    /// [`PortError::Rejected`] if the statement is false.
    fn prove(
        &self,
        prepared: &Self::Prepared,
        job: &Job,
        statement: &InferenceStatement,
    ) -> Result<Vec<u8>, PortError>;
}
