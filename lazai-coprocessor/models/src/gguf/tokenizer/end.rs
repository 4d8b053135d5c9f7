//! The tokens that end a text.

use super::keys::{self, EOM, EOS, EOT};
use crate::gguf::{Gguf, GgufError};

impl Gguf {
    /// Returns the tokens that end a text, a turn or a message, in ascending order: those that a
    /// key names, and those that llama.cpp knows by their text.
    ///
    /// # Errors
    /// [`GgufError::Value`] if one is not in the vocabulary.
    pub fn end_tokens(&self) -> Result<Vec<u32>, GgufError> {
        let mut tokens = self.spelled_end_tokens()?;
        for key in KEYS {
            tokens.extend(keys::token(self, key)?);
        }
        tokens.sort_unstable();
        tokens.dedup();
        Ok(tokens)
    }

    /// Returns the tokens that a key says to end a text, whatever the vocabulary.
    pub(crate) fn named_end_tokens(&self) -> Result<Vec<(&'static str, u32)>, GgufError> {
        let mut tokens = Vec::new();
        for key in KEYS {
            tokens.extend(self.u32(key)?.map(|token| (key, token)));
        }
        Ok(tokens)
    }

    /// Returns the tokens whose text says that they end a text, in ascending order.
    pub(crate) fn spelled_end_tokens(&self) -> Result<Vec<u32>, GgufError> {
        if self.text(keys::MODEL)? == Some("bert") {
            return Ok(Vec::new());
        }
        let texts = self.texts(keys::TOKENS)?.unwrap_or_default();
        let spelled = (0..).zip(texts).filter(|(_, text)| TEXTS.contains(&text.as_str()));
        Ok(spelled.map(|(token, _)| token).collect())
    }
}

const KEYS: [&str; 3] = [EOS, EOT, EOM];

/// Texts by which llama.cpp knows the tokens that end a turn or a text, or fill one in.
const TEXTS: [&str; 19] = [
    "<EOT>",
    "<end_of_turn>",
    "<end_of_utterance>",
    "<|call|>",
    "<|end_of_text|>",
    "<|end|>",
    "<|endoftext|>",
    "<|eom_id|>",
    "<|eot_id|>",
    "<|file_sep|>",
    "<|fim_pad|>",
    "<|im_end|>",
    "<|repo_name|>",
    "<|return|>",
    "<\u{ff5c}end\u{2581}of\u{2581}sentence\u{ff5c}>",
    "[EOS]",
    "[EOT]",
    "_<EOT>",
    "<turn|>",
];
