use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Serialize};

/// The log probabilities of the tokens of an answer.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct ChatLogprobs {
    /// For the tokens of the answer.
    pub content: Option<Vec<TokenLogprob>>,
    /// For the tokens of a refusal.
    pub refusal: Option<Vec<TokenLogprob>>,
}

/// The log probability of a token.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct TokenLogprob {
    /// The token as text.
    pub token: String,
    /// The natural logarithm of its probability; -9999 stands for very unlikely.
    pub logprob: f32,
    /// The token as bytes, since one token may be a part of a character.
    pub bytes: Option<Vec<u8>>,
    /// The most likely tokens at this place.
    pub top_logprobs: Vec<TopLogprob>,
}

/// The log probability of an alternative token.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct TopLogprob {
    /// The token as text.
    pub token: String,
    /// The natural logarithm of its probability.
    pub logprob: f32,
    /// The token as bytes.
    pub bytes: Option<Vec<u8>>,
}
