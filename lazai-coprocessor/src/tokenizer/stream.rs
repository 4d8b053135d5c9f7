use lazai_api_types::Rejection;

use super::Tokenizer;

impl Tokenizer {
    /// Starts a text that grows token by token.
    #[must_use]
    pub const fn stream(&self) -> TextStream<'_> {
        TextStream::new(self)
    }
}

/// The text of tokens as they come, without a broken character.
///
/// A token may hold a part of a character, and what it spells may depend on the one before it. So a
/// token waits until the text is whole, at most until [`MAX_WAITING`](Self::MAX_WAITING) tokens
/// wait. Where the tokens spell valid UTF-8, the pieces and [`finish`](Self::finish) together are
/// what [`Tokenizer::decode`] makes of all tokens, for byte-level, BPE with byte fallback, unigram
/// and plain decoders. A `WordPiece` decoder that cleans up spaces is no decoder of a stream.
#[derive(Clone, Debug)]
pub struct TextStream<'a> {
    tokenizer: &'a Tokenizer,
    /// The tokens of the last piece, and those that wait.
    tokens: Vec<u32>,
    /// How many of them are of the last piece.
    shown: usize,
    max_waiting: usize,
}

impl<'a> TextStream<'a> {
    /// Most tokens that wait for the rest of a character; one has at most four bytes.
    pub const MAX_WAITING: usize = 16;

    pub(super) const fn new(tokenizer: &'a Tokenizer) -> Self {
        Self { tokenizer, tokens: Vec::new(), shown: 0, max_waiting: Self::MAX_WAITING }
    }

    /// Lets no more than so many tokens wait.
    pub(crate) const fn with_max_waiting(mut self, tokens: usize) -> Self {
        self.max_waiting = tokens;
        self
    }

    /// Adds a token and returns the text that is certain now; it may be empty.
    ///
    /// # Errors
    /// Those of [`Tokenizer::decode`]; the token is then not added.
    pub fn push(&mut self, token: u32) -> Result<String, Rejection> {
        let (text, whole) = self.grow(token)?;
        Ok(if whole { text } else { String::new() })
    }

    /// Adds a token, and returns the text behind the last piece, and whether it is the next piece.
    ///
    /// # Errors
    /// Those of [`push`](Self::push).
    pub(crate) fn grow(&mut self, token: u32) -> Result<(String, bool), Rejection> {
        self.tokenizer.check(&[token])?;
        if !self.tokenizer.has_text(token) {
            return Ok((String::new(), false));
        }
        self.tokens.push(token);
        let text = match self.waiting() {
            Ok(text) => text,
            Err(rejection) => {
                self.tokens.pop();
                return Err(rejection);
            }
        };
        let whole = !text.is_empty() && !text.ends_with(char::REPLACEMENT_CHARACTER)
            || self.tokens.len() - self.shown >= self.max_waiting;
        if whole {
            self.show();
        }
        Ok((text, whole))
    }

    /// Ends the stream: returns the text of the tokens that still wait.
    ///
    /// # Errors
    /// Those of [`Tokenizer::decode`].
    pub fn finish(mut self) -> Result<String, Rejection> {
        let text = self.waiting()?;
        self.show();
        Ok(text)
    }

    /// What the waiting tokens add to the last piece.
    fn waiting(&self) -> Result<String, Rejection> {
        let before = self.tokenizer.decode(&self.tokens[..self.shown])?;
        let mut text = self.tokenizer.decode(&self.tokens)?;
        if text.starts_with(&before) {
            text.drain(..before.len());
            return Ok(text);
        }
        // Bytes that are not UTF-8 change what was shown; the rest stands alone.
        self.tokenizer.decode(&self.tokens[self.shown..])
    }

    fn show(&mut self) {
        self.tokens.drain(..self.shown);
        self.shown = self.tokens.len();
    }
}
