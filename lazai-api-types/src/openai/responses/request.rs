use alloc::{collections::BTreeMap, string::String, vec::Vec};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ResponseInput;
use crate::{
    Sampling,
    authorization::LazaiFields,
    openai::{
        Capabilities, ChatMessage, OtherFields, Request, RequestError, capabilities, limits,
        number::{candidates, limit, whole},
        request_error::{bound, bound_metadata, bound_number, bound_text},
        sampling::SamplingParameters,
    },
};

/// Asks a model for a response: the body of `POST /v1/responses`.
///
/// # Examples
/// ```
/// use lazai_api_types::openai::{ChatMessage, Request, ResponseRequest};
///
/// let body = br#"{
///     "model": "storyteller",
///     "instructions": "Be brief.",
///     "input": "Tell me a story.",
///     "max_output_tokens": 64
/// }"#;
/// let request = ResponseRequest::from_json(body)?;
/// let chat = [ChatMessage::system("Be brief."), ChatMessage::user("Tell me a story.")];
/// assert_eq!(request.messages()?, chat);
/// # Ok::<(), lazai_api_types::openai::RequestError>(())
/// ```
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct ResponseRequest {
    /// Name of the model that answers.
    pub model: String,
    /// What it answers.
    pub input: ResponseInput,
    /// Instructions, ahead of the input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
    /// Most tokens of an answer; -1 is read as absent.
    #[serde(default, deserialize_with = "limit", skip_serializing_if = "Option::is_none")]
    pub max_output_tokens: Option<u32>,
    /// Notes of the client, at most 16.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<BTreeMap<String, String>>,
    /// Whether the model may call several tools at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parallel_tool_calls: Option<bool>,
    /// The response that this one goes on from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_response_id: Option<String>,
    /// Names a group of requests that begin alike; a server may ignore it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_cache_key: Option<String>,
    /// How the model thinks first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<ResponseReasoning>,
    /// An identifier of the end user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub safety_identifier: Option<String>,
    /// Chooses among the possible answers; 0 if absent. Not in the OpenAI API.
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "Option::is_none")]
    pub seed: Option<i64>,
    /// The class of service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_tier: Option<String>,
    /// Whether to keep the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<bool>,
    /// Whether to send the answer in pieces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<bool>,
    /// From 0 to 2; 0 takes the best token, 1 is the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f32>,
    /// The form of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<ResponseText>,
    /// Which tools the model may call, as the client wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_choice: Option<Value>,
    /// Tools that the model may call, as the client wrote them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<Vec<Value>>,
    /// Considers only so many best tokens; 0 means all, and so does -1. Not in the OpenAI API.
    #[serde(default, deserialize_with = "candidates", skip_serializing_if = "Option::is_none")]
    pub top_k: Option<u32>,
    /// Alternatives to list for each token, up to 20.
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "Option::is_none")]
    pub top_logprobs: Option<u32>,
    /// From 0 to 1; considers only the best tokens that together are so likely.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f32>,
    /// An identifier of the end user, in the older spelling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Who pays, and which data may be used.
    #[serde(flatten)]
    pub lazai: LazaiFields,
    /// Fields that this type does not have; refused if they would change the answer.
    #[serde(flatten)]
    pub other: OtherFields,
}

impl ResponseRequest {
    /// Returns the chat that asks for the same: the instructions as a message of the system, and
    /// the input.
    ///
    /// # Errors
    /// [`RequestError::Unsupported`] names a part of the input that a chat does not have.
    pub fn messages(&self) -> Result<Vec<ChatMessage>, RequestError> {
        let instructions = self.instructions.as_deref().map(ChatMessage::system);
        let mut messages: Vec<_> = instructions.into_iter().collect();
        messages.extend(self.input.messages()?);
        Ok(messages)
    }

    /// Converts the sampling parameters to the integers that choose tokens.
    ///
    /// # Errors
    /// [`RequestError`] if a number is not finite or out of range.
    pub fn sampling(&self) -> Result<Sampling, RequestError> {
        self.sampling_parameters().sampling()
    }

    fn sampling_parameters(&self) -> SamplingParameters<'_> {
        SamplingParameters {
            temperature: self.temperature,
            top_p: self.top_p,
            top_k: self.top_k,
            seed: self.seed,
            ..SamplingParameters::default()
        }
    }
}

impl Request for ResponseRequest {
    fn validate(&self) -> Result<(), RequestError> {
        bound_text("model", &self.model, limits::MAX_NAME_BYTES)?;
        self.input.validate()?;
        bound_number("max_output_tokens", self.max_output_tokens, 1, u32::MAX)?;
        bound_number("top_logprobs", self.top_logprobs, 0, limits::MAX_TOP_LOGPROBS)?;
        bound("tools", self.tools.as_ref().map_or(0, Vec::len), limits::MAX_TOOLS)?;
        bound_metadata(self.metadata.as_ref())?;
        let verbosity = self.text.as_ref().and_then(|text| text.verbosity.as_deref());
        if verbosity.is_some_and(|verbosity| verbosity != "medium") {
            return Err(RequestError::Unsupported { parameter: "text.verbosity" });
        }
        self.sampling_parameters().validate()?;
        self.other.validate()
    }

    fn check(&self, server: &Capabilities) -> Result<(), RequestError> {
        let format = self.text.as_ref().and_then(|text| text.format.as_ref());
        let has_format = !matches!(format, None | Some(ResponseTextFormat::Text));
        let has_tools = self.tools.as_ref().is_some_and(|tools| !tools.is_empty());
        let reasons = |reasoning: &ResponseReasoning| *reasoning != ResponseReasoning::default();
        let has_previous = self.previous_response_id.is_some();
        capabilities::check(&[
            ("input.content", self.input.has_attachments(), server.attachments),
            ("previous_response_id", has_previous, server.conversations),
            ("reasoning", self.reasoning.as_ref().is_some_and(reasons), server.reasoning),
            ("text.format", has_format, server.response_format),
            ("tools", has_tools, server.tools),
            ("top_logprobs", self.top_logprobs.is_some_and(|top| top > 0), server.logprobs),
        ])?;
        self.sampling().map(drop)
    }
}

/// How the model thinks first.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct ResponseReasoning {
    /// How long it thinks.
    #[serde(default)]
    pub effort: Option<String>,
    /// Whether the answer tells what it thought.
    #[serde(default)]
    pub summary: Option<String>,
}

/// The form of a response.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct ResponseText {
    /// The form; text if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<ResponseTextFormat>,
    /// How long the answer is; nothing but `medium` is read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verbosity: Option<String>,
}

/// The form of an answer.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ResponseTextFormat {
    /// Some JSON object.
    JsonObject,
    /// JSON that obeys a schema.
    JsonSchema {
        /// The name of the form.
        name: String,
        /// The schema in the JSON Schema language.
        schema: Value,
        /// What the form is for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        description: Option<String>,
        /// Whether the answer must obey it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        strict: Option<bool>,
    },
    /// Free text, the default.
    Text,
}
