use alloy_primitives::B256;
use lazai_api_types::{Job, ModelId, ProofSystemId, Task};

use crate::{Listing, revert::RevertReason};

/// What the operator of a chain decides about the precompiles; part of consensus.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Settings {
    /// The model that the zero id and the raw prompt mean.
    pub default_model: Option<ModelId>,
    /// Tokens that a raw prompt may produce.
    pub prompt_max_tokens: u32,
    /// Longest calldata read, in bytes.
    pub max_input_bytes: usize,
    /// The models that contracts may name; the default model is always one of them.
    pub models: Listing<ModelId>,
    /// The proof systems that contracts may name.
    pub proof_systems: Listing<ProofSystemId>,
}

impl Settings {
    /// Makes a job of `task`, on the default model if `model` is the zero id.
    pub(crate) fn job(&self, model: B256, task: Task) -> Result<Job, RevertReason> {
        let model = if model.is_zero() {
            self.default_model.ok_or(RevertReason::NoDefaultModel)?
        } else {
            ModelId(model)
        };
        Ok(Job { model, task })
    }

    /// Tells whether the chain has `model`; none if that is for the device to say.
    pub(crate) fn has_model(&self, model: ModelId) -> Option<bool> {
        let has = self.models.has(&model)?;
        Some(has || self.default_model == Some(model))
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            default_model: None,
            prompt_max_tokens: 64,
            max_input_bytes: 64 * 1_024,
            models: Listing::Local,
            proof_systems: Listing::Local,
        }
    }
}
