use alloc::string::String;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::openai::{FineTuningCheckpointObject, FineTuningEventObject};

/// Something that a fine-tuning job reported.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct FineTuningEvent {
    /// Identifies the event or the checkpoint.
    pub id: String,
    /// Always `fine_tuning.job.event`.
    #[serde(default)]
    pub object: FineTuningEventObject,
    /// When it happened, in Unix seconds.
    pub created_at: u32,
    /// How serious it is.
    pub level: EventLevel,
    /// What happened, for a person to read.
    pub message: String,
    /// The kind of the event.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<EventType>,
    /// Figures of training, if the event has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
}

/// How serious an event is.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EventLevel {
    /// The job failed because of it.
    Error,
    /// Progress as it should be.
    #[default]
    Info,
    /// Something odd that did not stop the job.
    Warn,
}

/// The kind of the event.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EventType {
    /// An event with a text to read.
    Message,
    /// An event with figures of training.
    Metrics,
}

/// A model as it was at some step of its training.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct FineTuningCheckpoint {
    /// Identifies the event or the checkpoint.
    pub id: String,
    /// Always `fine_tuning.job.checkpoint`.
    #[serde(default)]
    pub object: FineTuningCheckpointObject,
    /// When it was made, in Unix seconds.
    pub created_at: u32,
    /// The name of the model.
    pub fine_tuned_model_checkpoint: String,
    /// The job that made it.
    pub fine_tuning_job_id: String,
    /// The step after which it was made.
    pub step_number: u32,
    /// How good it is.
    pub metrics: FineTuningMetrics,
}

/// How good a checkpoint is; what was not measured is absent.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct FineTuningMetrics {
    /// The step that the figures are of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<u32>,
    /// Loss on the examples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train_loss: Option<f32>,
    /// Share of tokens guessed right on the examples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train_mean_token_accuracy: Option<f32>,
    /// Loss on some examples to measure by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_loss: Option<f32>,
    /// Share of tokens guessed right on some examples to measure by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_mean_token_accuracy: Option<f32>,
    /// Loss on all examples to measure by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full_valid_loss: Option<f32>,
    /// Share of tokens guessed right on all examples to measure by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full_valid_mean_token_accuracy: Option<f32>,
}
