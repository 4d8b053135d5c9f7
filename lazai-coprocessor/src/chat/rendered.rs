use super::mark::Mark;

/// A chat as the template writes it, with what is needed to tell the template's special tokens from those that a content
/// spells.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rendered {
    text: String,
    /// With a mark inside each special token that a content spells.
    marked: String,
    /// With a mark at each character of each content.
    shredded: String,
    mark: Mark,
}

impl Rendered {
    pub(super) fn new(marked: String, shredded: String, mark: Mark) -> Self {
        Self { text: mark.remove(&marked), marked, shredded, mark }
    }

    /// The text, for people to read. Its special tokens may be forged; encode the [`Rendered`] itself.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn marked(&self) -> &str {
        &self.marked
    }

    pub(crate) fn shredded(&self) -> &str {
        &self.shredded
    }

    /// The mark, if the text has any.
    pub(crate) fn mark(&self) -> Option<char> {
        (self.marked.len() != self.text.len()).then(|| self.mark.character())
    }
}
