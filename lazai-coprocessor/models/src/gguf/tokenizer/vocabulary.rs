//! The tokens of a file with their types.

use std::{borrow::Cow, collections::BTreeMap};

use super::keys::{self, SCORES, TOKEN_TYPES, TOKENS, UNKNOWN};
use crate::gguf::{Gguf, GgufError, error::shorten};

/// The tokens of a file, in the order of their numbers.
pub(super) struct Vocabulary<'a> {
    tokens: Vec<(Cow<'a, str>, TokenType)>,
    ids: BTreeMap<Cow<'a, str>, u32>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum TokenType {
    /// A byte that no other token has.
    Byte,
    /// A token with a meaning of its own, which no text spells.
    Control,
    Normal,
    /// Not of the original tokenizer: it fills the vocabulary up to the size of the embedding.
    Padding,
    /// The token of a text that has no others.
    Unknown,
    Unused,
    /// A text that is one token before anything else is looked at.
    UserDefined,
}

/// Changes the text of a token.
pub(super) type Rewrite = for<'a> fn(TokenType, &'a str) -> Cow<'a, str>;

impl TokenType {
    /// Returns whether the token is found before the model sees a text.
    pub(super) const fn is_added(self) -> bool {
        matches!(self, Self::Control | Self::Unknown | Self::UserDefined)
    }

    /// Returns whether the model makes the token by merging others.
    pub(super) const fn is_merged(self) -> bool {
        matches!(self, Self::Normal | Self::UserDefined)
    }

    fn new(id: usize, code: i64) -> Result<Self, GgufError> {
        Ok(match code {
            // The first is "undefined".
            0 | 1 => Self::Normal,
            2 => Self::Unknown,
            3 => Self::Control,
            4 => Self::UserDefined,
            5 => Self::Unused,
            6 => Self::Byte,
            _ => {
                let got = format!("{code} for token {id}");
                return Err(GgufError::value(TOKEN_TYPES, "integers from 0 to 6", got));
            }
        })
    }
}

impl<'a> Vocabulary<'a> {
    /// Reads the tokens and their types; a token that `is_special` is a control token, whatever its
    /// type says.
    pub(super) fn read(
        file: &'a Gguf,
        is_special: impl Fn(u32) -> bool,
        rewrite: Rewrite,
    ) -> Result<Self, GgufError> {
        let texts = file.texts(TOKENS)?.ok_or_else(|| GgufError::missing_key(TOKENS))?;
        let types = file.i64s(TOKEN_TYPES)?;
        if let Some(types) = types.as_ref().filter(|types| types.len() != texts.len()) {
            let got = format!("{} for {} tokens", types.len(), texts.len());
            return Err(GgufError::value(TOKEN_TYPES, "one integer for each token", got));
        }
        let mut vocabulary = Self { tokens: Vec::new(), ids: BTreeMap::new() };
        for (id, text) in texts.iter().enumerate() {
            let failed = |problem| Err(GgufError::Token { index: id, problem, got: shorten(text) });
            if text.len() > MAX_TOKEN_BYTES {
                return failed("has more than 1,024 bytes");
            }
            let mut kind = match &types {
                Some(types) => TokenType::new(id, types[id])?,
                None => TokenType::Normal,
            };
            if is_special(id as u32) {
                kind = TokenType::Control;
            }
            let piece = rewrite(kind, text);
            if text.is_empty() || is_padding(kind, &piece) {
                kind = TokenType::Padding;
            } else if vocabulary.ids.insert(piece.clone(), id as u32).is_some() {
                return failed("appears twice");
            }
            vocabulary.tokens.push((piece, kind));
        }
        Ok(vocabulary)
    }

    /// Iterates over number, text and type of every token but padding.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &str, TokenType)> {
        self.tokens
            .iter()
            .zip(0..)
            .filter(|((_, kind), _)| *kind != TokenType::Padding)
            .map(|((text, kind), id)| (id, text.as_ref(), *kind))
    }

    /// Tokens, padding included.
    pub(super) const fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Returns the number of a token.
    pub(super) fn id(&self, text: &str) -> Option<u32> {
        self.ids.get(text).copied()
    }

    /// Returns the type of a token by its number; padding if there is no such token.
    pub(super) fn kind(&self, id: u32) -> TokenType {
        self.tokens.get(id as usize).map_or(TokenType::Padding, |(_, kind)| *kind)
    }

    /// Returns the text of a token, even of padding.
    pub(super) fn raw(&self, index: usize) -> &str {
        self.tokens.get(index).map_or("", |(text, _)| text)
    }

    /// Returns the text of a token that a key names.
    pub(super) fn text(&self, key: &'static str, id: u32) -> Result<&str, GgufError> {
        match self.tokens.get(id as usize) {
            Some((text, kind)) if *kind != TokenType::Padding && !text.is_empty() => Ok(text),
            _ => Err(GgufError::value(key, "a token with a text", id.to_string())),
        }
    }

    /// Finds the token for what the model does not know, by its key or its type.
    pub(super) fn unknown(&self, file: &Gguf) -> Result<Option<(u32, &str)>, GgufError> {
        match keys::token(file, UNKNOWN)? {
            Some(id) => Ok(Some((id, self.text(UNKNOWN, id)?))),
            None => Ok(self
                .iter()
                .find(|(_, _, kind)| *kind == TokenType::Unknown)
                .map(|(id, text, _)| (id, text))),
        }
    }

    /// Reads the score of every token, in the order of their numbers.
    pub(super) fn scores(&self, file: &'a Gguf) -> Result<&'a [f32], GgufError> {
        let scores = file.f32s(SCORES)?.ok_or_else(|| GgufError::missing_key(SCORES))?;
        if scores.len() != self.len() {
            let got = format!("{} for {} tokens", scores.len(), self.len());
            return Err(GgufError::value(SCORES, "one f32 for each token", got));
        }
        match scores.iter().position(|score| !score.is_finite()) {
            Some(index) => {
                let got = format!("{} for token {index}", scores[index]);
                Err(GgufError::value(SCORES, "finite numbers", got))
            }
            None => Ok(scores),
        }
    }
}

/// Returns the text of a token as it stands.
pub(super) const fn verbatim(_: TokenType, text: &str) -> Cow<'_, str> {
    Cow::Borrowed(text)
}

/// Returns whether a token is padding that a converter added, `[PAD32000]` for instance.
fn is_padding(kind: TokenType, text: &str) -> bool {
    matches!(kind, TokenType::Unused | TokenType::UserDefined)
        && text.strip_prefix("[PAD").and_then(|rest| rest.strip_suffix(']')).is_some_and(|number| {
            !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
        })
}

const MAX_TOKEN_BYTES: usize = 1_024;
