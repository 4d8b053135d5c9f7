use serde::{Deserialize, Deserializer, Serialize};

use crate::Usage;

/// Tokens that a request used.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct TokenUsage {
    /// Tokens of the prompt, read once.
    pub prompt_tokens: u32,
    /// Tokens that the model wrote.
    pub completion_tokens: u32,
    /// Sum of prompt and completion tokens.
    pub total_tokens: u32,
    /// The parts of the prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_tokens_details: Option<PromptTokensDetails>,
    /// What the completion consisted of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completion_tokens_details: Option<CompletionTokensDetails>,
}

impl From<Usage> for TokenUsage {
    fn from(usage: Usage) -> Self {
        let Usage { prompt_tokens, completion_tokens } = usage;
        let total_tokens = prompt_tokens.saturating_add(completion_tokens);
        Self { prompt_tokens, completion_tokens, total_tokens, ..Self::default() }
    }
}

/// The parts of a prompt, in tokens.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct PromptTokensDetails {
    /// Tokens that stand for audio.
    pub audio_tokens: Option<u32>,
    /// Tokens that were still known from an earlier request.
    pub cached_tokens: Option<u32>,
}

/// What a completion consisted of.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct CompletionTokensDetails {
    /// Predicted tokens that appeared.
    pub accepted_prediction_tokens: Option<u32>,
    /// Tokens that stand for audio.
    pub audio_tokens: Option<u32>,
    /// Tokens of reasoning that the answer does not show.
    pub reasoning_tokens: Option<u32>,
    /// Predicted tokens that did not appear.
    pub rejected_prediction_tokens: Option<u32>,
}

/// Reads a field that is present, be it null; its absence is the default, `None`.
pub(super) fn present<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Some)
}
