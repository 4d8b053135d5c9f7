//! The token that begins a text.

use super::keys;
use crate::gguf::{Gguf, GgufError};

impl Gguf {
    /// Returns the token that llama.cpp puts before every text, a chat too, if it puts one.
    #[cfg(feature = "chat")]
    pub(crate) fn start_token(&self) -> Result<Option<u32>, GgufError> {
        let usual = match self.text(keys::MODEL)? {
            Some("gpt2") => self.words_begin()?,
            Some("llama") => true,
            _ => false,
        };
        if self.bool(keys::ADD_BOS)?.unwrap_or(usual) {
            keys::token(self, keys::BOS)
        } else {
            Ok(None)
        }
    }

    /// Returns whether a text in words of bytes begins with a token where the file does not say it.
    pub(super) fn words_begin(&self) -> Result<bool, GgufError> {
        Ok(self.text(keys::PRE_TOKENIZER)?.is_some_and(|pre| PRE.contains(&pre)))
    }
}

/// Names of words with which llama.cpp begins a text with a token.
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
