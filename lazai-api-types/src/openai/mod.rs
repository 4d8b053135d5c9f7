//! Requests and responses in the shapes of the OpenAI API.
//!
//! Every type is read and written by serde; a known field with a wrong type is an error. A request
//! is read by [`Request::from_json`], which bounds it before parsing and checks it after. No field
//! of a request that changes the answer is passed over: what the types do not have is in
//! [`OtherFields`] and refused by its name, and what they have but a server cannot do is refused by
//! [`Request::check`]. Answers may have fields that are not known. Floats live in this
//! module alone: [`Sampling`](crate::Sampling), which reaches consensus, is made from them by a
//! checked conversion.
//!
//! ```rust
//! use lazai_api_types::{
//!     Sampling,
//!     openai::{ChatCompletionRequest, Request, RequestError},
//! };
//!
//! let body = br#"{
//!     "model": "storyteller",
//!     "messages": [{"role": "user", "content": "Tell me a story."}],
//!     "temperature": 0.7, "seed": 42, "max_tokens": 64,
//!     "dat_id": "10"
//! }"#;
//! let request = ChatCompletionRequest::from_json(body)?;
//! assert_eq!(request.token_limit(), Some(64));
//!
//! // Floats end here: what reaches consensus is thousandths.
//! let sampling = request.sampling()?;
//! assert_eq!(sampling, Sampling { temperature_milli: 700, seed: 42, ..Sampling::default() });
//! # Ok::<(), RequestError>(())
//! ```
//!
//! A stream is made in the order that clients expect and written byte by byte as they read it:
//!
//! ```rust
//! use lazai_api_types::openai::{ChatStream, StopReason, sse};
//!
//! let stream = ChatStream {
//!     id: "chatcmpl-1".into(),
//!     created: 1_700_000_000,
//!     model: "storyteller".into(),
//!     system_fingerprint: None,
//!     include_usage: false,
//! };
//! let mut body = String::new();
//! for chunk in [stream.begin(0), stream.text(0, "Once".into()), stream.end(0, StopReason::Stop)] {
//!     body += &sse::event(&chunk)?;
//! }
//! body += sse::DONE;
//! assert!(body.starts_with("data: {\"id\":\"chatcmpl-1\""));
//! assert!(body.ends_with("data: [DONE]\n\n"));
//! # Ok::<(), serde_json::Error>(())
//! ```

mod auto;
mod capabilities;
mod chat;
mod completion;
mod embedding;
mod error;
mod fine_tuning;
mod input;
pub mod limits;
mod list;
mod model;
mod number;
mod object;
mod other;
mod request;
mod request_error;
mod responses;
mod sampling;
pub mod sse;
mod text_or_list;
mod usage;

pub use auto::Auto;
pub use capabilities::Capabilities;
pub use chat::{
    AssistantMessage, AudioId, AudioInput, ChatChoice, ChatChunkChoice, ChatCompletion,
    ChatCompletionChunk, ChatCompletionRequest, ChatDelta, ChatLogprobs, ChatMessage, ChatStream,
    Content, ContentPart, CustomCall, CustomCallDelta, CustomTool, FileInput, FunctionCall,
    FunctionCallDelta, FunctionChoice, FunctionDefinition, FunctionName, ImageUrl, JsonSchema,
    NamedTool, ResponseFormat, ResponseMessage, Role, StopReason, StreamOptions, TokenLogprob,
    Tool, ToolCall, ToolCallDelta, ToolCallType, ToolChoice, ToolChoiceMode, TopLogprob, VideoUrl,
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
    ModelObject, ResponseObject,
};
pub use other::OtherFields;
pub use request::Request;
pub use request_error::RequestError;
pub use responses::{
    InputTokensDetails, OutputTokensDetails, Response, ResponseContent, ResponseError,
    ResponseEvent, ResponseIncomplete, ResponseInput, ResponseItem, ResponsePart,
    ResponseReasoning, ResponseRequest, ResponseStatus, ResponseStream, ResponseText,
    ResponseTextFormat, ResponseUsage,
};
pub use text_or_list::Stop;
pub use usage::{CompletionTokensDetails, PromptTokensDetails, TokenUsage};
