//! Chat completions.

mod chunk;
mod content;
mod logprobs;
mod message;
mod request;
mod response;
mod stream;
mod tool;

pub use chunk::{
    ChatChunkChoice, ChatCompletionChunk, ChatDelta, CustomCallDelta, FunctionCallDelta,
    ToolCallDelta,
};
pub use content::{AudioId, AudioInput, Content, ContentPart, FileInput, ImageUrl, VideoUrl};
pub use logprobs::{ChatLogprobs, TokenLogprob, TopLogprob};
pub use message::{AssistantMessage, ChatMessage, Role};
pub use request::{ChatCompletionRequest, JsonSchema, ResponseFormat, StreamOptions};
pub use response::{ChatChoice, ChatCompletion, ResponseMessage, StopReason};
pub use stream::ChatStream;
pub use tool::{
    CustomCall, CustomTool, FunctionCall, FunctionChoice, FunctionDefinition, FunctionName,
    NamedTool, Tool, ToolCall, ToolCallType, ToolChoice, ToolChoiceMode,
};
