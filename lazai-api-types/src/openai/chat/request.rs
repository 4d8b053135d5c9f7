use alloc::{collections::BTreeMap, string::String, vec::Vec};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ChatMessage, FunctionChoice, FunctionDefinition, Tool, ToolChoice, ToolChoiceMode};
use crate::{
    Sampling,
    authorization::LazaiFields,
    openai::{
        Capabilities, OtherFields, Request, RequestError, Stop, capabilities, limits,
        number::{bias, candidates, limit, whole},
        request_error::{bound, bound_metadata, bound_number, bound_text},
        sampling::SamplingParameters,
    },
};

/// Asks a model to continue a chat: the body of `POST /v1/chat/completions`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct ChatCompletionRequest {
    /// Name of the model that answers.
    pub model: String,
    /// The chat so far; at least one message.
    pub messages: Vec<ChatMessage>,
    /// From -2 to 2; makes tokens less likely the more often they have appeared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frequency_penalty: Option<f32>,
    /// Which function to call, in the older spelling of `tool_choice`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function_call: Option<FunctionChoice>,
    /// Functions to call, in the older spelling of `tools`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub functions: Option<Vec<FunctionDefinition>>,
    /// From -100 to 100 for a token id in decimal; makes it less or more likely.
    #[serde(default, deserialize_with = "bias", skip_serializing_if = "Option::is_none")]
    pub logit_bias: Option<BTreeMap<String, i16>>,
    /// Whether to return log probabilities of the tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<bool>,
    /// Most tokens of an answer; -1 is read as absent.
    #[serde(default, deserialize_with = "limit", skip_serializing_if = "Option::is_none")]
    pub max_completion_tokens: Option<u32>,
    /// Most tokens of an answer, in the older spelling; -1 is read as absent.
    #[serde(default, deserialize_with = "limit", skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
    /// Notes of the client, at most 16.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<BTreeMap<String, String>>,
    /// The number of answers; 1 if absent.
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "Option::is_none")]
    pub n: Option<u32>,
    /// Whether the model may call several tools at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parallel_tool_calls: Option<bool>,
    /// From -2 to 2; makes tokens that have appeared less likely.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub presence_penalty: Option<f32>,
    /// Names a group of requests that begin alike; a server may ignore it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_cache_key: Option<String>,
    /// How long the model thinks first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning_effort: Option<String>,
    /// The form of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_format: Option<ResponseFormat>,
    /// An identifier of the end user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub safety_identifier: Option<String>,
    /// Chooses among the possible answers; 0 if absent. The same request has the same answer.
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "Option::is_none")]
    pub seed: Option<i64>,
    /// The class of service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_tier: Option<String>,
    /// Texts that end an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<Stop>,
    /// Whether to keep the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<bool>,
    /// Whether to send the answer in pieces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<bool>,
    /// How to send the pieces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream_options: Option<StreamOptions>,
    /// From 0 to 2; 0 takes the best token, 1 is the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f32>,
    /// Which tools the model may call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_choice: Option<ToolChoice>,
    /// Tools that the model may call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<Vec<Tool>>,
    /// Considers only so many best tokens; 0 means all, and so does -1. Not in the OpenAI API, but
    /// usual among servers.
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

impl ChatCompletionRequest {
    /// Converts the sampling parameters to the integers that choose tokens.
    ///
    /// # Errors
    /// [`RequestError`] if a number is not finite or out of range, or if a penalty or bias would be
    /// ignored.
    pub fn sampling(&self) -> Result<Sampling, RequestError> {
        self.sampling_parameters().sampling()
    }

    /// Returns the most tokens that an answer may have, in whichever spelling the request uses.
    #[must_use]
    pub fn token_limit(&self) -> Option<u32> {
        self.max_completion_tokens.or(self.max_tokens)
    }

    /// Returns the texts that end an answer.
    #[must_use]
    pub fn stop_texts(&self) -> &[String] {
        self.stop.as_ref().map_or(&[], Stop::texts)
    }

    const fn sampling_parameters(&self) -> SamplingParameters<'_> {
        SamplingParameters {
            temperature: self.temperature,
            top_p: self.top_p,
            top_k: self.top_k,
            seed: self.seed,
            frequency_penalty: self.frequency_penalty,
            presence_penalty: self.presence_penalty,
            logit_bias: self.logit_bias.as_ref(),
        }
    }

    fn validate_tools(&self) -> Result<(), RequestError> {
        if let Some(tools) = &self.tools {
            bound("tools", tools.len(), limits::MAX_TOOLS)?;
            tools.iter().try_for_each(Tool::validate)?;
        }
        if let Some(functions) = &self.functions {
            bound("functions", functions.len(), limits::MAX_TOOLS)?;
            for function in functions {
                bound_text("functions.name", &function.name, limits::MAX_TOOL_NAME_BYTES)?;
            }
        }
        Ok(())
    }
}

impl Request for ChatCompletionRequest {
    fn validate(&self) -> Result<(), RequestError> {
        bound_text("model", &self.model, limits::MAX_NAME_BYTES)?;
        if self.messages.is_empty() {
            return Err(RequestError::Empty { parameter: "messages" });
        }
        bound("messages", self.messages.len(), limits::MAX_MESSAGES)?;
        self.messages.iter().try_for_each(ChatMessage::validate)?;
        self.validate_tools()?;
        bound_number("n", self.n, 1, limits::MAX_CHOICES)?;
        bound_number("max_tokens", self.max_tokens, 1, u32::MAX)?;
        bound_number("max_completion_tokens", self.max_completion_tokens, 1, u32::MAX)?;
        if let (Some(new), Some(old)) = (self.max_completion_tokens, self.max_tokens)
            && new != old
        {
            return Err(RequestError::Conflict {
                parameter: "max_tokens",
                other: "max_completion_tokens",
            });
        }
        bound_number("top_logprobs", self.top_logprobs, 0, limits::MAX_TOP_LOGPROBS)?;
        if self.top_logprobs.is_some() && self.logprobs != Some(true) {
            return Err(RequestError::Needs { parameter: "top_logprobs", other: "logprobs" });
        }
        StreamOptions::validate(self.stream_options.as_ref(), self.stream)?;
        self.stop.as_ref().map_or(Ok(()), Stop::validate)?;
        bound_metadata(self.metadata.as_ref())?;
        self.sampling_parameters().validate()?;
        self.other.validate()
    }

    fn check(&self, server: &Capabilities) -> Result<(), RequestError> {
        let has_format = !matches!(self.response_format, None | Some(ResponseFormat::Text));
        let has_attachments = self.messages.iter().any(ChatMessage::has_attachments);
        let no_tools =
            matches!(self.tool_choice, None | Some(ToolChoice::Mode(ToolChoiceMode::None)));
        let has_tools = self.tools.as_ref().is_some_and(|tools| !tools.is_empty());
        let has_functions = self.functions.as_ref().is_some_and(|functions| !functions.is_empty());
        capabilities::check(&[
            ("messages.content", has_attachments, server.attachments),
            ("n", self.n.is_some_and(|n| n > 1), server.choices),
            ("logprobs", self.logprobs == Some(true), server.logprobs),
            ("reasoning_effort", self.reasoning_effort.is_some(), server.reasoning),
            ("response_format", has_format, server.response_format),
            ("tools", has_tools, server.tools),
            ("tool_choice", !no_tools && !has_tools, server.tools),
            ("functions", has_functions, server.tools),
            ("function_call", self.function_call.is_some() && !has_functions, server.tools),
        ])?;
        self.sampling().map(drop)
    }
}

/// The form of an answer.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ResponseFormat {
    /// Some JSON object.
    JsonObject {
        /// The schema that the answer follows. Not in the OpenAI API, but in llama.cpp.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        schema: Option<Value>,
    },
    /// JSON that obeys a schema.
    JsonSchema {
        /// The schema that the answer follows.
        json_schema: JsonSchema,
    },
    /// Text with parts that obey schemas or grammars, as vLLM and `SGLang` have it.
    StructuralTag {
        /// Where such parts begin and end, and what they obey.
        #[serde(flatten)]
        tag: BTreeMap<String, Value>,
    },
    /// Free text, the default.
    Text,
}

/// A schema for the answer.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct JsonSchema {
    /// The name of the form.
    pub name: String,
    /// What the form is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The schema in the JSON Schema language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Value>,
    /// Whether the answer must obey it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strict: Option<bool>,
}

/// How to send an answer in pieces.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct StreamOptions {
    /// Whether a last piece says how many tokens were used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub include_usage: Option<bool>,
    /// Whether pieces are padded to hide their lengths; may be ignored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub include_obfuscation: Option<bool>,
    /// Whether every piece says how many tokens were used so far, as vLLM has it; refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub continuous_usage_stats: Option<bool>,
}

impl StreamOptions {
    pub(in crate::openai) fn validate(
        options: Option<&Self>,
        stream: Option<bool>,
    ) -> Result<(), RequestError> {
        let Some(options) = options else { return Ok(()) };
        if stream != Some(true) {
            return Err(RequestError::Needs { parameter: "stream_options", other: "stream" });
        }
        if options.continuous_usage_stats == Some(true) {
            let parameter = "stream_options.continuous_usage_stats";
            return Err(RequestError::Unsupported { parameter });
        }
        Ok(())
    }
}
