//! Requests and responses in the shapes of the OpenAI API.
//!
//! Every type is read and written by serde. Unknown fields are tolerated, because clients gain new ones faster
//! than servers; a known field with a wrong type is an error. A request is read by [`Request::from_json`], which
//! bounds it before parsing and checks it after. Floats live in this module alone: [`Sampling`](crate::Sampling),
//! which reaches consensus, is made from them by a checked conversion.

mod auto;
mod chat;
mod completion;
mod embedding;
mod error;
mod fine_tuning;
mod input;
pub mod limits;
mod list;
mod model;
mod object;
mod request;
mod request_error;
mod sampling;
pub mod sse;
mod text_or_list;
mod usage;

pub use auto::Auto;
pub use chat::{
    AssistantMessage, AudioInput, ChatChoice, ChatChunkChoice, ChatCompletion, ChatCompletionChunk,
    ChatCompletionRequest, ChatDelta, ChatLogprobs, ChatMessage, ChatStream, Content, ContentPart,
    CustomCall, CustomTool, FileInput, FunctionCall, FunctionCallDelta, FunctionChoice,
    FunctionDefinition, FunctionName, ImageUrl, JsonSchema, NamedTool, ResponseFormat,
    ResponseMessage, Role, StopReason, StreamOptions, TokenLogprob, Tool, ToolCall, ToolCallDelta,
    ToolCallType, ToolChoice, ToolChoiceMode, TopLogprob,
};
pub use completion::{
    Completion, CompletionChoice, CompletionChunk, CompletionLogprobs, CompletionRequest,
};
pub use embedding::{
    Embedding, EmbeddingError, EmbeddingRequest, EmbeddingResponse, EmbeddingUsage,
    EmbeddingVector, EncodingFormat,
};
pub use error::{ApiError, ErrorBody, ErrorDetail};
pub use fine_tuning::{
    DirectPreference, EventLevel, EventType, FineTuningCheckpoint, FineTuningEvent, FineTuningJob,
    FineTuningJobRequest, FineTuningMetrics, Hyperparameters, JobError, JobStatus, Method,
    PreferenceHyperparameters, Reinforcement, Supervised,
};
pub use input::Input;
pub use list::List;
pub use model::{Model, ModelDeleted};
pub use object::{
    ChatCompletionChunkObject, ChatCompletionObject, CompletionObject, EmbeddingObject,
    FineTuningCheckpointObject, FineTuningEventObject, FineTuningJobObject, ListObject,
    ModelObject,
};
pub use request::Request;
pub use request_error::RequestError;
pub use text_or_list::Stop;
pub use usage::{CompletionTokensDetails, PromptTokensDetails, TokenUsage};
