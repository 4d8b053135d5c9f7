use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, de::IgnoredAny};

use super::vocabulary::{Merges, Vocabulary};
use crate::tokenizer::{TokenizerError, unigram::SCORE_FRACTION_BITS};

/// What makes tokens of a word.
#[derive(Debug)]
pub(crate) enum Model {
    BytePairs(BytePairModel),
    Unigram(UnigramModel),
    WordPiece(WordPieceModel),
    Words(WordModel),
}

/// Texts of which pairs are merged.
#[derive(Debug, Default)]
pub(crate) struct BytePairModel {
    pub(crate) vocabulary: BTreeMap<String, u32>,
    /// In the order of their ranks; of equal ones the last counts.
    pub(crate) merges: Vec<(String, String)>,
    pub(crate) unknown: Option<String>,
    /// What stands before each text that is not the first of a word.
    pub(crate) prefix: Option<String>,
    /// What stands behind the last text of a word.
    pub(crate) suffix: Option<String>,
    pub(crate) fuses_unknown: bool,
    pub(crate) falls_back_to_bytes: bool,
    /// Whether a word that is a token is not merged.
    pub(crate) ignores_merges: bool,
}

/// Pieces with scores.
#[derive(Debug)]
pub(crate) struct UnigramModel {
    /// The place of a piece is its token.
    pub(crate) pieces: Vec<(String, i64)>,
    pub(crate) unknown: Option<u32>,
    pub(crate) falls_back_to_bytes: bool,
}

/// The longest pieces of a word.
#[derive(Debug)]
pub(crate) struct WordPieceModel {
    pub(crate) vocabulary: BTreeMap<String, u32>,
    pub(crate) unknown: String,
    /// What stands before each piece that is not the first of a word.
    pub(crate) prefix: String,
    /// Most characters of a word that is read.
    pub(crate) max_chars: usize,
}

/// Whole words.
#[derive(Debug)]
pub(crate) struct WordModel {
    pub(crate) vocabulary: BTreeMap<String, u32>,
    pub(crate) unknown: String,
}

/// The fields of all kinds, as older files do not name their kind.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fields {
    #[serde(rename = "type")]
    kind: Option<Kind>,
    vocab: Vocabulary,
    merges: Option<Merges>,
    dropout: Option<IgnoredAny>,
    unk_token: Option<String>,
    continuing_subword_prefix: Option<String>,
    end_of_word_suffix: Option<String>,
    fuse_unk: Option<bool>,
    byte_fallback: Option<bool>,
    ignore_merges: Option<bool>,
    max_input_chars_per_word: Option<usize>,
    unk_id: Option<u32>,
    score_fraction_bits: Option<u32>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
enum Kind {
    #[serde(rename = "BPE")]
    BytePairs,
    Unigram,
    WordLevel,
    WordPiece,
}

impl Fields {
    /// Checks that the fields are those of a kind, within their bounds.
    pub(super) fn check(self) -> Result<Model, TokenizerError> {
        if self.dropout.is_some() {
            return Err(TokenizerError::Dropout);
        }
        for (part, text, max) in [
            ("unk_token", &self.unk_token, MAX_UNKNOWN_BYTES),
            ("continuing_subword_prefix", &self.continuing_subword_prefix, MAX_AFFIX_BYTES),
            ("end_of_word_suffix", &self.end_of_word_suffix, MAX_AFFIX_BYTES),
        ] {
            let got = text.as_ref().map_or(0, String::len);
            if got > max {
                return Err(TokenizerError::TextLength { part, got, max });
            }
        }
        let (got, max) = (self.vocab.bytes(), MAX_VOCABULARY_BYTES);
        if got > max {
            return Err(TokenizerError::TextLength { part: "vocab", got, max });
        }
        match self.kind() {
            Kind::BytePairs => self.byte_pairs().map(Model::BytePairs),
            Kind::Unigram => self.unigram().map(Model::Unigram),
            Kind::WordLevel => self.words().map(Model::Words),
            Kind::WordPiece => self.word_piece().map(Model::WordPiece),
        }
    }

    /// The kind, told by the fields where the file does not name it.
    const fn kind(&self) -> Kind {
        match self.kind {
            Some(kind) => kind,
            None if matches!(self.vocab, Vocabulary::Pieces(_)) => Kind::Unigram,
            None if self.merges.is_some() => Kind::BytePairs,
            None if self.max_input_chars_per_word.is_some() => Kind::WordPiece,
            None => Kind::WordLevel,
        }
    }

    fn byte_pairs(self) -> Result<BytePairModel, TokenizerError> {
        let Merges(merges) = self.merges.ok_or_else(|| missing("merges"))?;
        let model = BytePairModel {
            vocabulary: self.vocab.texts()?,
            merges,
            unknown: self.unk_token,
            prefix: self.continuing_subword_prefix,
            suffix: self.end_of_word_suffix,
            fuses_unknown: self.fuse_unk.unwrap_or(false),
            falls_back_to_bytes: self.byte_fallback.unwrap_or(false),
            ignores_merges: self.ignore_merges.unwrap_or(false),
        };
        if model.falls_back_to_bytes && model.has_affix() {
            return Err(TokenizerError::AffixBytes);
        }
        // The crate drops the length of the prefix from the right side of every merge, without a
        // look at what it drops.
        let prefix = model.prefix.as_deref().unwrap_or_default();
        match model.merges.iter().position(|(_, right)| !right.starts_with(prefix)) {
            Some(index) => Err(TokenizerError::Merge { index }),
            None => Ok(model),
        }
    }

    fn unigram(self) -> Result<UnigramModel, TokenizerError> {
        let Vocabulary::Pieces(pieces) = self.vocab else {
            return Err(TokenizerError::syntax("expected pieces with their scores in vocab"));
        };
        let max = MAX_PIECE_BYTES;
        if let Some(token) = pieces.iter().position(|(piece, _)| piece.len() > max) {
            let got = pieces[token].0.len();
            return Err(TokenizerError::TokenLength { token: token as u32, got, max });
        }
        let unique: BTreeSet<&str> = pieces.iter().map(|(piece, _)| piece.as_str()).collect();
        if unique.len() < pieces.len() {
            return Err(TokenizerError::Ambiguous { texts: unique.len(), tokens: pieces.len() });
        }
        let scored = |(piece, score): (String, Option<i64>)| Some((piece, score?));
        let pieces: Option<Vec<_>> = pieces.into_iter().map(scored).collect();
        let (Some(SCORE_FRACTION_BITS), Some(pieces)) = (self.score_fraction_bits, pieces) else {
            return Err(TokenizerError::FloatScores { bits: SCORE_FRACTION_BITS });
        };
        let falls_back_to_bytes = self.byte_fallback.unwrap_or(false);
        Ok(UnigramModel { pieces, unknown: self.unk_id, falls_back_to_bytes })
    }

    fn word_piece(self) -> Result<WordPieceModel, TokenizerError> {
        let max_chars = self.max_input_chars_per_word;
        let max_chars = max_chars.ok_or_else(|| missing("max_input_chars_per_word"))?;
        // A word is cut into pieces from its start, over and over.
        if max_chars > MAX_WORD_CHARS {
            return Err(TokenizerError::WordLength {
                got: max_chars as u64,
                max: MAX_WORD_CHARS as u64,
            });
        }
        let prefix = self.continuing_subword_prefix;
        Ok(WordPieceModel {
            vocabulary: self.vocab.texts()?,
            unknown: self.unk_token.ok_or_else(|| missing("unk_token"))?,
            prefix: prefix.ok_or_else(|| missing("continuing_subword_prefix"))?,
            max_chars,
        })
    }

    fn words(self) -> Result<WordModel, TokenizerError> {
        let unknown = self.unk_token.ok_or_else(|| missing("unk_token"))?;
        Ok(WordModel { vocabulary: self.vocab.texts()?, unknown })
    }
}

impl Model {
    /// Returns whether bytes stand for what no text of the model covers.
    pub(crate) const fn falls_back_to_bytes(&self) -> bool {
        match self {
            Self::BytePairs(model) => model.falls_back_to_bytes,
            Self::Unigram(model) => model.falls_back_to_bytes,
            Self::WordPiece(_) | Self::Words(_) => false,
        }
    }

    /// Returns the largest token.
    pub(crate) fn largest_token(&self) -> Option<u32> {
        let vocabulary = match self {
            Self::BytePairs(model) => &model.vocabulary,
            Self::Unigram(model) => return u32::try_from(model.pieces.len().checked_sub(1)?).ok(),
            Self::WordPiece(model) => &model.vocabulary,
            Self::Words(model) => &model.vocabulary,
        };
        vocabulary.values().copied().max()
    }

    /// Returns the token of a text.
    pub(crate) fn token(&self, text: &str) -> Option<u32> {
        let vocabulary = match self {
            Self::BytePairs(model) => &model.vocabulary,
            Self::Unigram(model) => {
                let place = model.pieces.iter().position(|(piece, _)| piece == text);
                return place.and_then(|place| u32::try_from(place).ok());
            }
            Self::WordPiece(model) => &model.vocabulary,
            Self::Words(model) => &model.vocabulary,
        };
        vocabulary.get(text).copied()
    }

    /// Returns the token of what the model does not know.
    pub(crate) fn unknown(&self) -> Option<u32> {
        let text = match self {
            Self::BytePairs(model) => model.unknown.as_ref()?,
            Self::Unigram(model) => return model.unknown,
            Self::WordPiece(model) => &model.unknown,
            Self::Words(model) => &model.unknown,
        };
        self.token(text)
    }
}

impl BytePairModel {
    /// Returns whether texts are marked at their start or at the end of a word.
    pub(crate) fn has_affix(&self) -> bool {
        [&self.prefix, &self.suffix].into_iter().flatten().any(|affix| !affix.is_empty())
    }
}

impl Vocabulary {
    /// The bytes of all texts.
    fn bytes(&self) -> usize {
        match self {
            Self::Pieces(pieces) => pieces.iter().map(|(piece, _)| piece.len()).sum(),
            Self::Texts(texts) => texts.keys().map(String::len).sum(),
        }
    }

    fn texts(self) -> Result<BTreeMap<String, u32>, TokenizerError> {
        match self {
            Self::Texts(texts) => Ok(texts),
            Self::Pieces(_) => {
                Err(TokenizerError::syntax("expected texts with their tokens in vocab"))
            }
        }
    }
}

fn missing(field: &str) -> TokenizerError {
    TokenizerError::syntax(format_args!("the model has no {field}"))
}

/// Most bytes of all texts of a vocabulary; those of Gemma and XLM-R have some two million.
const MAX_VOCABULARY_BYTES: usize = 8 << 20;

/// Longest piece of a unigram model, in bytes; those of T5 and XLM-R have 16 characters at most.
const MAX_PIECE_BYTES: usize = 96;

/// Longest prefix or suffix of a text; CLIP's has four bytes.
const MAX_AFFIX_BYTES: usize = 16;

/// Longest unknown token, which is copied for each character that is not known.
const MAX_UNKNOWN_BYTES: usize = 32;

/// Longest word in which pieces are looked for; BERT's files say 100.
const MAX_WORD_CHARS: usize = 256;
