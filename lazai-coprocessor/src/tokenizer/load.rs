use std::{collections::BTreeSet, panic};

use lazai_api_types::Rejection;

use super::{SpecialTexts, TokenizerError, header::Header};

/// The tokenizer of a model.
#[derive(Debug)]
pub struct Tokenizer {
    pub(crate) inner: tokenizers::Tokenizer,
    /// Special tokens, which a prompt must not spell.
    pub(super) special: SpecialTexts,
    /// The same, by token.
    pub(crate) special_tokens: BTreeSet<u32>,
    /// What the model makes of a piece that it does not know.
    pub(crate) unknown: Option<u32>,
    /// Most bytes of a text that is encoded.
    pub(super) max_text_bytes: usize,
    vocabulary: u32,
}

impl Tokenizer {
    /// Most bytes of a text that is encoded; fewer where the normalizer makes texts much longer.
    pub const MAX_TEXT_BYTES: usize = 1 << 20;

    /// Reads a `tokenizer.json` for a model of `vocabulary` tokens. Truncation and padding in it
    /// are turned off.
    ///
    /// # Errors
    /// [`TokenizerError`] if it is too large, does not parse, could fill the memory, or makes other
    /// tokens than the model has.
    pub fn new(json: &[u8], vocabulary: u32) -> Result<Self, TokenizerError> {
        if json.len() > MAX_JSON_BYTES {
            return Err(TokenizerError::TooLarge { got: json.len(), max: MAX_JSON_BYTES });
        }
        let header = Header::new(json)?;
        // The crate panics at parts that are malformed, while it parses and while it encodes.
        let parsed = panic::catch_unwind(|| parse(json));
        let panicked = |_| TokenizerError::Syntax { message: "a part is malformed".to_owned() };
        let (inner, template) = parsed.map_err(panicked)??;
        if let tokenizers::ModelWrapper::BPE(model) = inner.get_model()
            && let Some(dropout) = model.dropout
        {
            return Err(TokenizerError::Dropout { got: dropout.to_string() });
        }
        check_tokens(&inner, &template, vocabulary)?;
        let special = SpecialTexts::new(
            inner
                .get_added_tokens_decoder()
                .into_iter()
                .filter(|(_, token)| token.special || SpecialTexts::is_control(&token.content))
                .map(|(id, token)| (token.content, id)),
        );
        let unknown =
            header.unknown(|text| tokenizers::Model::token_to_id(inner.get_model(), text));
        let growth = usize::try_from(header.growth()?).unwrap_or(usize::MAX);
        let max_text_bytes = Self::MAX_TEXT_BYTES.min(MAX_NORMALIZED_BYTES / growth.max(1));
        let special_tokens = special.tokens().collect();
        Ok(Self { inner, special, special_tokens, unknown, max_text_bytes, vocabulary })
    }

    /// Returns the most bytes of a text that this tokenizer encodes.
    #[must_use]
    pub const fn max_text_bytes(&self) -> usize {
        self.max_text_bytes
    }

    /// Checks that every token is in the vocabulary.
    ///
    /// # Errors
    /// [`Rejection::UnknownToken`] for the first that is not.
    pub fn check(&self, tokens: &[u32]) -> Result<(), Rejection> {
        match tokens.iter().position(|token| *token >= self.vocabulary) {
            Some(index) => Err(Rejection::UnknownToken {
                token: tokens[index],
                index: index as u64,
                vocabulary: u64::from(self.vocabulary),
            }),
            None => Ok(()),
        }
    }

    /// Returns the text of a special token; it is no part of a decoded text.
    #[must_use]
    pub fn special_text(&self, token: u32) -> Option<&str> {
        self.special.text(token)
    }

    /// Returns the texts that only a template may place.
    #[cfg(feature = "chat")]
    pub(crate) const fn special(&self) -> &SpecialTexts {
        &self.special
    }
}

/// Parses, and returns the tokens that every text gets besides.
fn parse(json: &[u8]) -> Result<(tokenizers::Tokenizer, Vec<u32>), TokenizerError> {
    let syntax = |error: tokenizers::Error| TokenizerError::Syntax { message: error.to_string() };
    let mut inner = tokenizers::Tokenizer::from_bytes(json).map_err(syntax)?;
    inner.with_truncation(None).map_err(syntax)?;
    inner.with_padding(None);
    let template = inner.encode_fast("", true).map_err(syntax)?;
    Ok((inner, template.get_ids().to_vec()))
}

/// Checks that each token has one text that is not too long, and that the model has it. The
/// `template`'s tokens need not be in the vocabulary of the tokenizer.
fn check_tokens(
    inner: &tokenizers::Tokenizer,
    template: &[u32],
    vocabulary: u32,
) -> Result<(), TokenizerError> {
    let tokens = inner.get_vocab(true);
    let longest = tokens.iter().map(|(text, token)| (text.len(), *token)).max();
    if let Some((got, token)) = longest.filter(|(got, _)| *got > MAX_TOKEN_BYTES) {
        return Err(TokenizerError::TokenLength { token, got, max: MAX_TOKEN_BYTES });
    }
    let unique: BTreeSet<u32> = tokens.values().copied().collect();
    if unique.len() != tokens.len() {
        return Err(TokenizerError::Ambiguous { texts: tokens.len(), tokens: unique.len() });
    }
    let largest = unique.last().into_iter().chain(template).max();
    if let Some(got) = largest.copied().filter(|token| *token >= vocabulary) {
        return Err(TokenizerError::Vocabulary { got, vocabulary });
    }
    Ok(())
}

/// Largest `tokenizer.json`, in bytes.
const MAX_JSON_BYTES: usize = 32 << 20;

/// Longest token, in bytes.
pub(super) const MAX_TOKEN_BYTES: usize = 1_024;

/// Most bytes that normalizer and pre-tokenizer may make of a text.
const MAX_NORMALIZED_BYTES: usize = 16 << 20;
