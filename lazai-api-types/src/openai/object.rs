//! The field `object`, by which clients tell the bodies of the API apart: one type for each text
//! that it may hold.

use serde::{Deserialize, Serialize};

/// The `object` of a chat completion.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub enum ChatCompletionObject {
    /// `chat.completion`.
    #[default]
    #[serde(rename = "chat.completion")]
    ChatCompletion,
}

/// The `object` of a piece of a streamed chat completion.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub enum ChatCompletionChunkObject {
    /// `chat.completion.chunk`.
    #[default]
    #[serde(rename = "chat.completion.chunk")]
    ChatCompletionChunk,
}

/// The `object` of a completion.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub enum CompletionObject {
    /// `text_completion`.
    #[default]
    #[serde(rename = "text_completion")]
    TextCompletion,
}

/// The `object` of an embedding.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub enum EmbeddingObject {
    /// `embedding`.
    #[default]
    #[serde(rename = "embedding")]
    Embedding,
}

/// The `object` of a checkpoint of a fine-tuning job.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub enum FineTuningCheckpointObject {
    /// `fine_tuning.job.checkpoint`.
    #[default]
    #[serde(rename = "fine_tuning.job.checkpoint")]
    FineTuningCheckpoint,
}

/// The `object` of an event of a fine-tuning job.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub enum FineTuningEventObject {
    /// `fine_tuning.job.event`.
    #[default]
    #[serde(rename = "fine_tuning.job.event")]
    FineTuningEvent,
}

/// The `object` of a fine-tuning job.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub enum FineTuningJobObject {
    /// `fine_tuning.job`.
    #[default]
    #[serde(rename = "fine_tuning.job")]
    FineTuningJob,
}

/// The `object` of a list.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub enum ListObject {
    /// `list`.
    #[default]
    #[serde(rename = "list")]
    List,
}

/// The `object` of a response.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub enum ResponseObject {
    /// `response`.
    #[default]
    #[serde(rename = "response")]
    Response,
}

/// The `object` of a model.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub enum ModelObject {
    /// `model`.
    #[default]
    #[serde(rename = "model")]
    Model,
}
