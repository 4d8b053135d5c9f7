use alloc::{collections::BTreeMap, string::String, vec::Vec};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    ResponseItem, ResponseReasoning, ResponseRequest, ResponseStatus, ResponseText,
    ResponseTextFormat,
};
use crate::{Usage, openai::ResponseObject};

/// A response: the answer, and the parameters that it was made with.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Response {
    /// Identifies the response among those of the server.
    pub id: String,
    /// Always `response`.
    #[serde(default)]
    pub object: ResponseObject,
    /// When it was begun, in Unix seconds.
    pub created_at: u32,
    /// How far it is.
    pub status: ResponseStatus,
    /// Why there is no answer.
    pub error: Option<ResponseError>,
    /// Why the answer is cut.
    pub incomplete_details: Option<ResponseIncomplete>,
    /// The instructions of the request.
    pub instructions: Option<String>,
    /// Most tokens of the answer.
    pub max_output_tokens: Option<u32>,
    /// The model that answers.
    pub model: String,
    /// What it says and calls.
    pub output: Vec<ResponseItem>,
    /// Whether the model may call several tools at once.
    pub parallel_tool_calls: bool,
    /// The response that this one goes on from.
    pub previous_response_id: Option<String>,
    /// How the model thinks first.
    pub reasoning: Option<ResponseReasoning>,
    /// The class of service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_tier: Option<String>,
    /// Whether the server keeps it.
    pub store: bool,
    /// From 0 to 2.
    pub temperature: Option<f32>,
    /// The form of the answer.
    pub text: Option<ResponseText>,
    /// Which tools the model may call.
    pub tool_choice: Value,
    /// Tools that the model may call.
    pub tools: Vec<Value>,
    /// From 0 to 1.
    pub top_p: Option<f32>,
    /// Whether a conversation that is too long is cut; always `disabled`.
    pub truncation: Option<String>,
    /// Tokens used, once it has ended.
    pub usage: Option<ResponseUsage>,
    /// An identifier of the end user.
    pub user: Option<String>,
    /// Notes of the client.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
}

impl Response {
    /// Makes the response to `request`, of which nothing is written yet.
    #[must_use]
    pub fn new(request: &ResponseRequest, id: String, created_at: u32) -> Self {
        let text = ResponseText { format: Some(ResponseTextFormat::Text), verbosity: None };
        Self {
            id,
            object: ResponseObject::Response,
            created_at,
            status: ResponseStatus::InProgress,
            error: None,
            incomplete_details: None,
            instructions: request.instructions.clone(),
            max_output_tokens: request.max_output_tokens,
            model: request.model.clone(),
            output: Vec::new(),
            parallel_tool_calls: request.parallel_tool_calls.unwrap_or(true),
            previous_response_id: request.previous_response_id.clone(),
            reasoning: Some(request.reasoning.clone().unwrap_or_default()),
            service_tier: None,
            store: request.store.unwrap_or(false),
            temperature: Some(request.temperature.unwrap_or(1.0)),
            text: Some(request.text.clone().unwrap_or(text)),
            tool_choice: request.tool_choice.clone().unwrap_or_else(|| "auto".into()),
            tools: request.tools.clone().unwrap_or_default(),
            top_p: Some(request.top_p.unwrap_or(1.0)),
            truncation: Some("disabled".into()),
            usage: None,
            user: request.user.clone(),
            metadata: request.metadata.clone().unwrap_or_default(),
        }
    }
}

/// Why there is no answer.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct ResponseError {
    /// A code for programs.
    pub code: String,
    /// What went wrong, for a person to read.
    pub message: String,
}

/// Why an answer is cut.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct ResponseIncomplete {
    /// `max_output_tokens` or `content_filter`.
    pub reason: String,
}

/// Tokens that a response used.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct ResponseUsage {
    /// Tokens of the input, read once.
    pub input_tokens: u32,
    /// The parts of the input.
    pub input_tokens_details: InputTokensDetails,
    /// Tokens that the model wrote.
    pub output_tokens: u32,
    /// What the output consisted of.
    pub output_tokens_details: OutputTokensDetails,
    /// Sum of input and output tokens.
    pub total_tokens: u32,
}

impl From<Usage> for ResponseUsage {
    fn from(usage: Usage) -> Self {
        let Usage { prompt_tokens, completion_tokens } = usage;
        Self {
            input_tokens: prompt_tokens,
            output_tokens: completion_tokens,
            total_tokens: prompt_tokens.saturating_add(completion_tokens),
            ..Self::default()
        }
    }
}

/// The parts of an input, in tokens.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct InputTokensDetails {
    /// Tokens that were still known from an earlier request.
    pub cached_tokens: u32,
}

/// What an output consisted of, in tokens.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct OutputTokensDetails {
    /// Tokens of reasoning that the answer does not show.
    pub reasoning_tokens: u32,
}
