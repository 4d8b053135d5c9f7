use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Serialize};

/// How likely each token of an answer was.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct ChatLogprobs {
    /// For the tokens of the answer.
    pub content: Option<Vec<TokenLogprob>>,
    /// For the tokens of a refusal.
    pub refusal: Option<Vec<TokenLogprob>>,
}

/// How likely a token was.
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

/// How likely another token was.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct TopLogprob {
    /// The token as text.
    pub token: String,
    /// The natural logarithm of its probability.
    pub logprob: f32,
    /// The token as bytes.
    pub bytes: Option<Vec<u8>>,
}
