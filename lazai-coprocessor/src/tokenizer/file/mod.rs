//! A `tokenizer.json`, by its fields.
//!
//! The crate passes over fields that it does not know, takes steps by the shape of their fields and
//! builds trees of values, so a rule that looked at a file would speak of another one than the
//! crate reads. Here each field has a type and a bound and no other is allowed, and the crate is
//! handed what was read, not the file.

mod added;
mod decoder;
mod model;
mod normalizer;
mod part;
mod post_processor;
mod pre_tokenizer;
mod vocabulary;

use serde::{Deserialize, de::IgnoredAny};
use serde_json::value::RawValue;

pub(super) use added::AddedToken;
pub(super) use decoder::Decoder;
pub(super) use model::{BytePairModel, Model, WordModel, WordPieceModel};
pub(super) use normalizer::Normalizer;
pub(super) use part::{ByteLevel, Metaspace, Part, Pattern, Step, of_the_crate};
pub(super) use post_processor::{PostProcessor, TemplatePiece};
pub(super) use pre_tokenizer::PreTokenizer;
#[cfg(test)]
pub(super) use vocabulary::{MAX_MERGES, MAX_TEXTS};

use super::TokenizerError;

/// What a `tokenizer.json` says.
#[derive(Debug)]
pub(super) struct File {
    pub(super) normalizer: Part<Normalizer>,
    pub(super) pre_tokenizer: Part<PreTokenizer>,
    pub(super) post_processor: Part<PostProcessor>,
    pub(super) decoder: Part<Decoder>,
    pub(super) added_tokens: Vec<AddedToken>,
    pub(super) model: Model,
}

/// The file in one pass; the parts are kept as they are written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields<'a> {
    version: Option<String>,
    #[serde(rename = "truncation")]
    _truncation: Option<IgnoredAny>,
    #[serde(rename = "padding")]
    _padding: Option<IgnoredAny>,
    #[serde(default)]
    added_tokens: Vec<AddedToken>,
    #[serde(borrow)]
    normalizer: Option<&'a RawValue>,
    #[serde(borrow)]
    pre_tokenizer: Option<&'a RawValue>,
    #[serde(borrow)]
    post_processor: Option<&'a RawValue>,
    #[serde(borrow)]
    decoder: Option<&'a RawValue>,
    model: model::Fields,
}

impl File {
    /// Reads a file of at most [`MAX_BYTES`].
    ///
    /// # Errors
    /// [`TokenizerError`] if it is larger, does not parse, holds a field or a step that is not
    /// known, or more of one than there may be.
    pub(super) fn new(json: &[u8]) -> Result<Self, TokenizerError> {
        if json.len() > MAX_BYTES {
            return Err(TokenizerError::TooLarge { got: json.len(), max: MAX_BYTES });
        }
        let fields: Fields<'_> = serde_json::from_slice(json).map_err(TokenizerError::syntax)?;
        if let Some(version) = fields.version.filter(|version| version != "1.0") {
            return Err(TokenizerError::syntax(format_args!(
                "expected version 1.0, got {version}"
            )));
        }
        Ok(Self {
            normalizer: Part::read(fields.normalizer)?,
            pre_tokenizer: Part::read(fields.pre_tokenizer)?,
            post_processor: Part::read(fields.post_processor)?,
            decoder: Part::read(fields.decoder)?,
            added_tokens: fields.added_tokens,
            model: fields.model.check()?,
        })
    }
}

/// Largest `tokenizer.json`, in bytes.
const MAX_BYTES: usize = 32 << 20;
