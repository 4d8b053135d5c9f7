use alloy_primitives::B256;

use crate::{Fault, InvalidKey, ProofSystemId};

/// Why a verifying key or a proof was not taken.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RegistryError {
    /// This machine failed; others may not.
    #[error("node fault: {0}")]
    Fault(#[from] Fault),
    /// The verifier refuses the key.
    #[error(transparent)]
    InvalidKey(#[from] InvalidKey),
    /// The key is longer than its verifier reads.
    #[error("the verifying key has {got} bytes, above the limit {max}")]
    KeyTooLong {
        /// Bytes of the key.
        got: u64,
        /// Most bytes read.
        max: u64,
    },
    /// The proof is longer than its verifier reads.
    #[error("the proof has {got} bytes, above the limit {max}")]
    ProofTooLong {
        /// Bytes of the proof.
        got: u64,
        /// Most bytes read.
        max: u64,
    },
    /// No such key was registered.
    #[error("no verifying key {key_hash} of the proof system {} is registered", system.0)]
    UnknownKey {
        /// The system asked for.
        system: ProofSystemId,
        /// The key asked for.
        key_hash: B256,
    },
    /// No verifier has this id.
    #[error("no verifier for the proof system {}", system.0)]
    UnknownSystem {
        /// The id asked for.
        system: ProofSystemId,
    },
}
