use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ChatLogprobs, FunctionCall, Role, ToolCall};
use crate::{
    FinishReason,
    openai::{ChatCompletionObject, TokenUsage},
};

/// The answer to a chat.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct ChatCompletion {
    /// Identifies the answer among those of the server.
    pub id: String,
    /// Always the text `chat.completion`.
    #[serde(default)]
    pub object: ChatCompletionObject,
    /// When the answer was made, in Unix seconds; 32 bits, because that is what clients read.
    pub created: u32,
    /// The model that answered.
    pub model: String,
    /// The answers, as many as the request asked for.
    pub choices: Vec<ChatChoice>,
    /// The log probabilities of the prompt's tokens, as vLLM writes them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_logprobs: Option<Value>,
    /// Tokens that request and answers used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<TokenUsage>,
    /// The class of service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_tier: Option<String>,
    /// Identifies everything that determines an answer. Here this is a guarantee: the same request
    /// with the same seed and the same fingerprint has the same answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_fingerprint: Option<String>,
}

/// One of the answers to a chat.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct ChatChoice {
    /// The index of the answer.
    pub index: u32,
    /// The message of the model.
    pub message: ResponseMessage,
    /// How likely each token was, if asked for.
    #[serde(default)]
    pub logprobs: Option<ChatLogprobs>,
    /// Why the answer ended.
    pub finish_reason: Option<StopReason>,
}

/// A message of the model.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ResponseMessage {
    /// Always [`Role::Assistant`].
    pub role: Role,
    /// The text, or `null` if the model calls tools instead.
    #[serde(default)]
    pub content: Option<String>,
    /// What it says instead of an answer.
    #[serde(default)]
    pub refusal: Option<String>,
    /// The tools that it calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_calls: Option<Vec<ToolCall>>,
    /// The function that it calls, in the older spelling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function_call: Option<FunctionCall>,
    /// Places that the text refers to, as the server writes them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<Vec<Value>>,
    /// What the model thought before it spoke, as servers of reasoning models write it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning_content: Option<String>,
}

impl ResponseMessage {
    /// Makes the message of a model that says `content`.
    #[must_use]
    pub fn text(content: impl Into<String>) -> Self {
        Self { content: Some(content.into()), ..Self::default() }
    }
}

impl Default for ResponseMessage {
    fn default() -> Self {
        Self {
            role: Role::Assistant,
            content: None,
            refusal: None,
            tool_calls: None,
            function_call: None,
            annotations: None,
            reasoning_content: None,
        }
    }
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// A filter cut it.
    ContentFilter,
    /// The model called a function, in the older spelling.
    FunctionCall,
    /// The token limit was reached.
    Length,
    /// The model ended it, or a stop text appeared.
    Stop,
    /// The model called tools.
    ToolCalls,
}

impl From<FinishReason> for StopReason {
    fn from(reason: FinishReason) -> Self {
        match reason {
            FinishReason::Length => Self::Length,
            FinishReason::Stop => Self::Stop,
        }
    }
}
