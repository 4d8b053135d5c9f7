use super::{TokenizerError, file::Model, piece::Piece, unigram::Unigram, word_piece::WordPiece};

/// A model that is read here and not by the crate.
#[derive(Clone, Debug)]
pub(super) enum OwnModel {
    Unigram(Unigram),
    WordPiece(WordPiece),
}

impl OwnModel {
    /// Reads a model of a file; `None` for one that the crate reads.
    pub(super) fn new(model: &Model) -> Result<Option<Self>, TokenizerError> {
        Ok(match model {
            Model::Unigram(model) => Some(Self::Unigram(Unigram::new(
                &model.pieces,
                model.unknown,
                model.falls_back_to_bytes,
            )?)),
            Model::WordPiece(model) => Some(Self::WordPiece(WordPiece::new(model))),
            Model::BytePairs(_) | Model::Words(_) => None,
        })
    }

    /// Returns the tokens of a word; `None` if it holds what the model does not know and has no
    /// token for.
    pub(super) fn tokenize(&self, word: &str) -> Option<Vec<Piece>> {
        match self {
            Self::Unigram(model) => model.tokenize(word),
            Self::WordPiece(model) => model.tokenize(word),
        }
    }
}
