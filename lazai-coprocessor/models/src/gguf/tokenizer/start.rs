//! The token that begins a text.

use super::keys::{self, ADD_BOS, BOS};
use crate::gguf::{Gguf, GgufError};

impl Gguf {
    /// Returns the token that llama.cpp puts before every text, a chat too, if it puts one.
    pub(crate) fn start_token(&self) -> Result<Option<u32>, GgufError> {
        let usual = match self.text(keys::MODEL)? {
            Some("gpt2") => self.text(keys::PRE_TOKENIZER)?.is_some_and(|pre| PRE.contains(&pre)),
            Some("llama") => true,
            _ => false,
        };
        if self.bool(ADD_BOS)?.unwrap_or(usual) { keys::token(self, BOS) } else { Ok(None) }
    }
}

/// Names of words with which a text begins with a token where the file does not say it.
const PRE: [&str; 11] = [
    "chameleon",
    "falcon-h1",
    "falcon3",
    "jina-v5-nano",
    "lfm2",
    "llama-bpe",
    "llama-v3",
    "llama3",
    "midm-2.0",
    "pixtral",
    "tekken",
];
