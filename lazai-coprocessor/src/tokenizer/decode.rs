use core::panic::AssertUnwindSafe;
use std::panic;

use lazai_api_types::Rejection;

use super::{TextStream, Tokenizer};

impl Tokenizer {
    /// Decodes tokens to their text; special tokens have none.
    ///
    /// # Errors
    /// [`Rejection::UnknownToken`] if a token is not in the vocabulary, [`Rejection::InvalidText`]
    /// if it has no text.
    pub fn decode(&self, tokens: &[u32]) -> Result<String, Rejection> {
        self.check(tokens)?;
        let tokens: Vec<u32> =
            tokens.iter().copied().filter(|token| self.has_text(*token)).collect();
        // Some decoders count down from the last token.
        if tokens.is_empty() {
            return Ok(String::new());
        }
        panic::catch_unwind(AssertUnwindSafe(|| self.inner.decode(&tokens, true)))
            .map_err(|_| Rejection::InvalidText)?
            .map_err(|_| Rejection::InvalidText)
    }

    /// Starts a text that grows token by token.
    #[must_use]
    pub const fn stream(&self) -> TextStream<'_> {
        TextStream::new(self)
    }

    /// Returns whether the decoder is shown a token at all.
    pub(super) fn has_text(&self, token: u32) -> bool {
        shown(&self.inner, token).is_some()
    }
}

/// Returns the text of a token that the decoder is shown; `None` for special tokens.
pub(super) fn shown(inner: &tokenizers::Tokenizer, token: u32) -> Option<String> {
    let text = inner.id_to_token(token);
    text.filter(|text| !inner.get_added_vocabulary().is_special_token(text))
}
