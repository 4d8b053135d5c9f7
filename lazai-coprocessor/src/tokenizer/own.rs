use lazai_api_types::Rejection;

use super::{
    TokenizerError, file::Model, meter::Meter, piece::Piece, unigram::Unigram,
    word_piece::WordPiece,
};

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

    /// Returns the tokens of a word.
    ///
    /// # Errors
    /// [`Rejection::InvalidText`] if it holds what the model does not know and has no token for,
    /// [`Rejection::InputTooLong`] if that takes more steps than `meter` allows.
    pub(super) fn tokenize(&self, word: &str, meter: &Meter) -> Result<Vec<Piece>, Rejection> {
        match self {
            Self::Unigram(model) => model.tokenize(word, meter),
            Self::WordPiece(model) => model.tokenize(word, meter),
        }
    }

    /// Returns the most steps of a text of so many paid bytes.
    pub(super) const fn max_steps(&self, paid: u64) -> u64 {
        let for_each_byte = match self {
            Self::Unigram(_) => UNIGRAM_STEPS,
            Self::WordPiece(_) => WORD_PIECE_STEPS,
        };
        paid.saturating_mul(for_each_byte).saturating_add(STEPS)
    }
}

/// Steps for each byte: SentencePiece makes pieces of 16 characters at most, and looks for one
/// more at each; a quarter of the characters may be added by a normalizer.
const UNIGRAM_STEPS: u64 = 22;

/// Steps for each byte: BERT's take one or two.
const WORD_PIECE_STEPS: u64 = 6;

/// Steps for any text.
const STEPS: u64 = 4_096;
