use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Serialize};

use super::{ChatLogprobs, Role, StopReason, ToolCallType};
use crate::openai::{ChatCompletionChunkObject, TokenUsage, usage::present};

/// A piece of a streamed answer.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct ChatCompletionChunk {
    /// Identifies the answer; the same in every piece.
    pub id: String,
    /// Always `chat.completion.chunk`.
    #[serde(default)]
    pub object: ChatCompletionChunkObject,
    /// When the answer was begun, in Unix seconds; the same in every piece.
    pub created: u32,
    /// The model that answers.
    pub model: String,
    /// The class of service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_tier: Option<String>,
    /// Identifies everything that determines an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_fingerprint: Option<String>,
    /// The new part of each answer; empty in the piece that carries the usage.
    pub choices: Vec<ChatChunkChoice>,
    /// Tokens used. Absent unless asked for; otherwise `null` in every piece but the last.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub usage: Option<Option<TokenUsage>>,
}

/// The new part of one answer.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct ChatChunkChoice {
    /// The index of the answer.
    pub index: u32,
    /// What this piece adds to the answer.
    pub delta: ChatDelta,
    /// The log probabilities of the new tokens, if asked for.
    #[serde(default)]
    pub logprobs: Option<ChatLogprobs>,
    /// Why the answer ended; `null` until it has.
    #[serde(default)]
    pub finish_reason: Option<StopReason>,
}

/// The new part of a message.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct ChatDelta {
    /// The role of the author; in the first piece alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// Text to append to the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// New text of what the model thinks before it speaks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning_content: Option<String>,
    /// New text of a refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
    /// New pieces of calls of tools.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_calls: Option<Vec<ToolCallDelta>>,
    /// A new piece of the call of a function, in the older spelling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function_call: Option<FunctionCallDelta>,
}

/// A piece of the call of a tool: the first has everything but the arguments, which the others add.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct ToolCallDelta {
    /// The place of the call among the calls of the message.
    pub index: u32,
    /// Identifies the call; in the first piece alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The kind of the tool; in the first piece alone.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<ToolCallType>,
    /// What this piece adds to the call of the function.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<FunctionCallDelta>,
    /// What this piece adds to the call of a tool whose input is free text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom: Option<CustomCallDelta>,
}

/// A piece of the call of a function.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct FunctionCallDelta {
    /// The function; in the first piece alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// New text of the arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<String>,
}

/// A piece of the call of a tool whose input is free text.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct CustomCallDelta {
    /// The tool; in the first piece alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// New text of the input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<String>,
}
