use super::{piece::Piece, unigram::Unigram, word_piece::WordPiece};

/// A model that is read here and not by the crate.
#[derive(Clone, Debug)]
pub(super) enum OwnModel {
    Unigram(Unigram),
    WordPiece(WordPiece),
}

impl OwnModel {
    /// Returns the tokens of a word; `None` if it holds what the model does not know and has no
    /// token for.
    pub(super) fn tokenize(&self, word: &str) -> Option<Vec<Piece>> {
        match self {
            Self::Unigram(model) => model.tokenize(word),
            Self::WordPiece(model) => model.tokenize(word),
        }
    }
}
