use core::panic::AssertUnwindSafe;
use std::panic;

use lazai_api_types::Rejection;

use super::Tokenizer;

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
}
