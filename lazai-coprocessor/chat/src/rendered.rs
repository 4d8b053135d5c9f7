use lazai_api_types::Rejection;

use super::sentinel::Sentinel;
use lazai_coprocessor::Tokenizer;

/// A chat as the template writes it, with what tells the template's special tokens from those that
/// a content spells.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rendered {
    text: String,
    /// The text with a sentinel inside each special token that a content spells.
    marked: String,
    /// The text with a sentinel after each character of each content.
    shredded: String,
    sentinel: Sentinel,
}

impl Rendered {
    pub(super) fn new(marked: String, shredded: String, sentinel: Sentinel) -> Self {
        Self { text: sentinel.remove(&marked), marked, shredded, sentinel }
    }

    /// Returns the text, for people to read. Its special tokens may be forged: encode the
    /// [`Rendered`] itself.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the tokens: exactly those of Hugging Face if no content spells a special token. One
    /// that a content spells is read as ordinary text, so only the template places special tokens.
    ///
    /// Nothing is added: the template writes the first token itself, where the model has one.
    ///
    /// # Errors
    /// [`Rejection`] if the text is too long, cannot be tokenized without a loss, or if contents
    /// together with the template spell a special token that neither spells alone.
    pub fn encode(&self, tokenizer: &Tokenizer) -> Result<Vec<u32>, Rejection> {
        let bytes = self.text.len();
        let sentinel = (self.marked.len() != bytes).then(|| self.sentinel.character());
        tokenizer.encode_marked(bytes, &self.marked, &self.shredded, sentinel)
    }
}
