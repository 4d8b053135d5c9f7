use alloc::{sync::Arc, vec::Vec};

use alloy_primitives::Address;
use lazai_api_types::{Coprocessor, Fault, ModelId, ProofSystemId, ProofVerifier};

use crate::{Call, Reply, address};

/// The AI precompiles: what a contract can ask of a [`Coprocessor`] and of proof verifiers.
#[derive(Clone, Debug)]
pub struct AiPrecompiles {
    pub(crate) coprocessor: Arc<dyn Coprocessor>,
    pub(crate) verifiers: Vec<Arc<dyn ProofVerifier>>,
    pub(crate) settings: Settings,
}

impl AiPrecompiles {
    /// Puts the precompiles over a device and any number of proof systems.
    ///
    /// # Errors
    /// [`DuplicateVerifier`] if two verifiers claim one id.
    pub fn new(
        coprocessor: Arc<dyn Coprocessor>,
        verifiers: Vec<Arc<dyn ProofVerifier>>,
        settings: Settings,
    ) -> Result<Self, DuplicateVerifier> {
        for (index, verifier) in verifiers.iter().enumerate() {
            let system = verifier.id();
            if verifiers.iter().skip(index + 1).any(|other| other.id() == system) {
                return Err(DuplicateVerifier { system });
            }
        }
        Ok(Self { coprocessor, verifiers, settings })
    }

    /// The addresses that [`call`](Self::call) answers.
    #[must_use]
    #[allow(clippy::unused_self, reason = "a later set may depend on the settings")]
    pub const fn addresses(&self) -> &[Address] {
        &address::ALL
    }

    /// The configuration.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Answers `call`; none if its address is not one of [`addresses`](Self::addresses).
    ///
    /// # Errors
    /// [`Fault`] if this machine failed. Other machines may not have, so the transaction must be aborted and must
    /// never become a receipt.
    pub fn call(&self, call: &Call<'_>) -> Result<Option<Reply>, Fault> {
        let _ = call;
        Ok(None)
    }
}

/// What the operator of a chain decides about the precompiles; part of consensus.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Settings {
    /// The model that the zero id and the raw prompt mean.
    pub default_model: Option<ModelId>,
    /// Tokens that a raw prompt may produce.
    pub prompt_max_tokens: u32,
    /// Longest calldata read, in bytes.
    pub max_input_bytes: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { default_model: None, prompt_max_tokens: 64, max_input_bytes: 64 * 1_024 }
    }
}

/// Two verifiers claim one id.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("two verifiers claim the proof system {}", system.0)]
pub struct DuplicateVerifier {
    /// The id claimed twice.
    pub system: ProofSystemId,
}
