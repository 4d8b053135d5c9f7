use alloc::{collections::BTreeMap, string::String};

use serde::{Deserialize, Serialize};

use crate::{
    Sampling,
    authorization::LazaiFields,
    openai::{
        Capabilities, Input, OtherFields, Request, RequestError, Stop, StreamOptions, capabilities,
        limits,
        number::{bias, candidates, limit, whole},
        request_error::{bound_number, bound_text},
        sampling::SamplingParameters,
    },
};

/// Asks a model to continue a prompt: the body of `POST /v1/completions`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct CompletionRequest {
    /// Name of the model that answers.
    pub model: String,
    /// The prompts to continue, as texts or tokens.
    pub prompt: Input,
    /// Makes so many candidates and returns the best `n`.
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "Option::is_none")]
    pub best_of: Option<u32>,
    /// Whether the answer repeats the prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub echo: Option<bool>,
    /// From -2 to 2; makes tokens less likely the more often they have appeared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frequency_penalty: Option<f32>,
    /// From -100 to 100 for a token id in decimal; makes it less or more likely.
    #[serde(default, deserialize_with = "bias", skip_serializing_if = "Option::is_none")]
    pub logit_bias: Option<BTreeMap<String, i16>>,
    /// Alternatives to list for each token, up to 5.
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<u32>,
    /// Most tokens of an answer; 0 where only the prompt is echoed, and -1 is read as absent.
    #[serde(default, deserialize_with = "limit", skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
    /// The number of answers to each prompt; 1 if absent.
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "Option::is_none")]
    pub n: Option<u32>,
    /// From -2 to 2; makes tokens that have appeared less likely.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub presence_penalty: Option<f32>,
    /// Chooses among the possible answers; 0 if absent. The same request has the same answer.
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "Option::is_none")]
    pub seed: Option<i64>,
    /// Texts that end an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<Stop>,
    /// Whether to send the answer in pieces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<bool>,
    /// How to send the pieces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream_options: Option<StreamOptions>,
    /// What comes after the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suffix: Option<String>,
    /// From 0 to 2; 0 takes the best token, 1 is the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f32>,
    /// Considers only so many best tokens; 0 means all, and so does -1. Not in the OpenAI API, but
    /// usual among servers.
    #[serde(default, deserialize_with = "candidates", skip_serializing_if = "Option::is_none")]
    pub top_k: Option<u32>,
    /// From 0 to 1; considers only the best tokens that together are so likely.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f32>,
    /// An identifier of the end user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Who pays, and which data may be used.
    #[serde(flatten)]
    pub lazai: LazaiFields,
    /// Fields that this type does not have; refused if they would change the answer.
    #[serde(flatten)]
    pub other: OtherFields,
}

impl CompletionRequest {
    /// What the API documents for a request without `max_tokens`.
    pub const DEFAULT_MAX_TOKENS: u32 = 16;

    /// Converts the sampling parameters to the integers that choose tokens.
    ///
    /// # Errors
    /// [`RequestError`] if a number is not finite or out of range, or if a penalty or bias would be
    /// ignored.
    pub fn sampling(&self) -> Result<Sampling, RequestError> {
        self.sampling_parameters().sampling()
    }

    /// Returns the most tokens that an answer may have.
    #[must_use]
    pub fn token_limit(&self) -> u32 {
        self.max_tokens.unwrap_or(Self::DEFAULT_MAX_TOKENS)
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
}

impl Request for CompletionRequest {
    fn validate(&self) -> Result<(), RequestError> {
        bound_text("model", &self.model, limits::MAX_NAME_BYTES)?;
        self.prompt.validate("prompt")?;
        bound_number("n", self.n, 1, limits::MAX_CHOICES)?;
        bound_number("best_of", self.best_of, 1, limits::MAX_BEST_OF)?;
        if self.best_of.is_some_and(|best_of| best_of < self.n.unwrap_or(1)) {
            return Err(RequestError::Conflict { parameter: "best_of", other: "n" });
        }
        if self.best_of.is_some_and(|best_of| best_of > 1) && self.stream == Some(true) {
            return Err(RequestError::Conflict { parameter: "best_of", other: "stream" });
        }
        let least = u32::from(self.echo != Some(true));
        bound_number("max_tokens", self.max_tokens, least, u32::MAX)?;
        bound_number("logprobs", self.logprobs, 0, limits::MAX_COMPLETION_LOGPROBS)?;
        StreamOptions::validate(self.stream_options.as_ref(), self.stream)?;
        self.stop.as_ref().map_or(Ok(()), Stop::validate)?;
        self.sampling_parameters().validate()?;
        self.other.validate()
    }

    fn check(&self, server: &Capabilities) -> Result<(), RequestError> {
        let has_suffix = self.suffix.as_ref().is_some_and(|suffix| !suffix.is_empty());
        capabilities::check(&[
            ("best_of", self.best_of.is_some_and(|best_of| best_of > 1), server.best_of),
            ("echo", self.echo == Some(true), server.echo),
            ("logprobs", self.logprobs.is_some(), server.logprobs),
            ("n", self.n.is_some_and(|n| n > 1), server.choices),
            ("suffix", has_suffix, server.suffix),
        ])?;
        self.sampling().map(drop)
    }
}
