use alloc::{collections::BTreeMap, string::String, vec::Vec};

use serde::{Deserialize, Deserializer, Serialize};

use crate::openai::{CompletionObject, StopReason, TokenUsage, usage::present};

/// The answer to a completion request.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Completion {
    /// Identifies the answer among those of the server.
    pub id: String,
    /// Always the text `text_completion`.
    #[serde(default)]
    pub object: CompletionObject,
    /// When the answer was made, in Unix seconds; 32 bits, because that is what clients read.
    pub created: u32,
    /// The model that answered.
    pub model: String,
    /// Identifies everything that determines an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_fingerprint: Option<String>,
    /// The answers: those to the first prompt, then those to the next.
    pub choices: Vec<CompletionChoice>,
    /// Tokens that request and answers used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<TokenUsage>,
}

/// A piece of a streamed answer to a completion request.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct CompletionChunk {
    /// Identifies the answer; the same in every piece.
    pub id: String,
    /// Always the text `text_completion`.
    #[serde(default)]
    pub object: CompletionObject,
    /// When the answer was begun, in Unix seconds; the same in every piece.
    pub created: u32,
    /// The model that answers.
    pub model: String,
    /// Identifies everything that determines an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_fingerprint: Option<String>,
    /// The new part of each answer; empty in the piece that carries the usage.
    pub choices: Vec<CompletionChoice>,
    /// Tokens used. Absent unless asked for; otherwise `null` in every piece but the last.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub usage: Option<Option<TokenUsage>>,
}

/// One answer, or what is new of it.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct CompletionChoice {
    /// Text of the answer, or text to append to it.
    pub text: String,
    /// The index of the answer.
    pub index: u32,
    /// How likely each token was, if asked for.
    #[serde(default)]
    pub logprobs: Option<CompletionLogprobs>,
    /// Why the answer ended; `null` until it has.
    pub finish_reason: Option<StopReason>,
}

/// How likely each token of an answer was; the lists are equally long.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct CompletionLogprobs {
    /// The tokens as text.
    pub tokens: Vec<String>,
    /// The natural logarithms of their probabilities; `null` for the first token of an echoed
    /// prompt.
    pub token_logprobs: Vec<Option<f32>>,
    /// The most likely tokens at each place.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub top_logprobs: Vec<Option<BTreeMap<String, f32>>>,
    /// Where each token begins in the text, in characters.
    pub text_offset: Vec<u32>,
}

/// Servers write `null` where no alternatives were asked for.
fn null_is_empty<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
