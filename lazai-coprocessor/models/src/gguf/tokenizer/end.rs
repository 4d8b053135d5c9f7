//! The tokens that end a text.

use super::keys::{self, EOM, EOS, EOT, FIM_PAD, FIM_REPO, FIM_SEP};
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
        tokens.extend(self.usual_end_token()?);
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
        tokens.extend(self.usual_end_token()?.map(|token| (EOS, token)));
        Ok(tokens)
    }

    /// Returns the token that ends a text where no key says one: that of SentencePiece.
    fn usual_end_token(&self) -> Result<Option<u32>, GgufError> {
        let usual = self.u32(EOS)?.is_none() && self.text(keys::MODEL)? == Some("llama");
        let count = self.texts(keys::TOKENS)?.unwrap_or_default().len();
        Ok((usual && count > USUAL as usize).then_some(USUAL))
    }

    /// Returns the tokens whose text says that they end a text, in ascending order.
    pub(crate) fn spelled_end_tokens(&self) -> Result<Vec<u32>, GgufError> {
        if self.text(keys::MODEL)? == Some("bert") {
            return Ok(Vec::new());
        }
        let texts = self.texts(keys::TOKENS)?.unwrap_or_default();
        let has = |text: &str| texts.iter().any(|known| known == text);
        // Where answers and calls end in tokens of their own, a message is a part of them.
        let parts = (has("<|return|>") && has("<|call|>"))
            || ((has("<|call|>") || has("<|calls|>")) && has("<|flush|>"));
        // What fills text in counts by its text where no key says it.
        let mut fills = Vec::new();
        for (key, texts) in FILLS {
            if self.u32(key)?.is_none() {
                fills.extend(*texts);
            }
        }
        let ends = |text: &str| {
            (TEXTS.contains(&text) || fills.contains(&text))
                && !(text == "<|end|>" && parts)
                && !(text == "</s>" && has("<|tool_response>"))
        };
        let spelled = (0..).zip(texts).filter(|(_, text)| ends(text));
        Ok(spelled.map(|(token, _)| token).collect())
    }
}

const KEYS: [&str; 6] = [EOS, EOT, EOM, FIM_PAD, FIM_REPO, FIM_SEP];

/// Texts by which llama.cpp knows the tokens that end a turn or a text.
const TEXTS: [&str; 22] = [
    "</s>",
    "<EOT>",
    "<end_of_turn>",
    "<end_of_utterance>",
    "<eos>",
    "<turn|>",
    "<|call|>",
    "<|calls|>",
    "<|end_of_text|>",
    "<|end|>",
    "<|endoftext|>",
    "<|eom_id|>",
    "<|eot_id|>",
    "<|flush|>",
    "<|im_end|>",
    "<|return|>",
    "<|tool_response>",
    "<\u{ff5c}end\u{2581}of\u{2581}sentence\u{ff5c}>",
    "[EOS]",
    "[EOT]",
    "[e~[",
    "_<EOT>",
];

/// Texts of tokens that frame a text that is filled in, which end a text too.
const FILLS: &[(&str, &[&str])] = &[
    (FIM_PAD, &["<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>", "[PAD]"]),
    (FIM_REPO, &["<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>", "<reponame>"]),
    (FIM_SEP, &["<|file_sep|>"]),
];

/// `</s>`, which stands behind `<unk>` and `<s>`.
const USUAL: u32 = 2;
