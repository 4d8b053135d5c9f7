use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::openai::{Auto, RequestError};

/// How a model is trained.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Method {
    /// On pairs of a better and a worse answer.
    Dpo {
        /// Parameters of direct preference optimization.
        #[serde(default)]
        dpo: DirectPreference,
    },
    /// On answers that a grader scores.
    Reinforcement {
        /// Parameters of reinforcement learning.
        reinforcement: Reinforcement,
    },
    /// Supervised training on example answers.
    Supervised {
        /// Parameters of supervised training.
        #[serde(default)]
        supervised: Supervised,
    },
}

impl Method {
    pub(super) fn validate(&self) -> Result<(), RequestError> {
        match self {
            Self::Dpo { dpo } => {
                let PreferenceHyperparameters { common, beta } = &dpo.hyperparameters;
                common.validate()?;
                positive("beta", *beta)
            }
            Self::Reinforcement { .. } => Ok(()),
            Self::Supervised { supervised } => supervised.hyperparameters.validate(),
        }
    }
}

/// Training on pairs of a better and a worse answer.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct DirectPreference {
    /// Sizes and rates of training.
    #[serde(default)]
    pub hyperparameters: PreferenceHyperparameters,
}

/// Training on answers that a grader scores.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Reinforcement {
    /// The grader, passed on as it is.
    pub grader: Value,
    /// The parameters, passed on as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hyperparameters: Option<Value>,
}

/// Training on example answers.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Supervised {
    /// Sizes and rates of training.
    #[serde(default)]
    pub hyperparameters: Hyperparameters,
}

/// The parameters that every training has.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Hyperparameters {
    /// Examples of each step.
    #[serde(default)]
    pub batch_size: Auto<u32>,
    /// Scales the learning rate.
    #[serde(default)]
    pub learning_rate_multiplier: Auto<f32>,
    /// How often each example is seen.
    #[serde(default)]
    pub n_epochs: Auto<u32>,
}

impl Hyperparameters {
    pub(super) fn validate(&self) -> Result<(), RequestError> {
        for (parameter, value) in [("batch_size", self.batch_size), ("n_epochs", self.n_epochs)] {
            if value == Auto::Value(0) {
                let max = u32::MAX.into();
                return Err(RequestError::OutOfRange { parameter, got: 0, min: 1, max });
            }
        }
        positive("learning_rate_multiplier", self.learning_rate_multiplier)
    }
}

/// The parameters of training on pairs.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct PreferenceHyperparameters {
    /// The parameters that every training has.
    #[serde(flatten)]
    pub common: Hyperparameters,
    /// How strongly the new model is held to the old one.
    #[serde(default)]
    pub beta: Auto<f32>,
}

fn positive(parameter: &'static str, value: Auto<f32>) -> Result<(), RequestError> {
    match value {
        Auto::Value(value) if !value.is_finite() => Err(RequestError::NotFinite { parameter }),
        Auto::Value(value) if value <= 0.0 => Err(RequestError::NotPositive { parameter }),
        _ => Ok(()),
    }
}
