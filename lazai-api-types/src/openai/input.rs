use alloc::{string::String, vec, vec::Vec};
use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};

use super::{RequestError, limits, request_error::bound};
use crate::{Prompt, TokenId};

/// What a completion continues or an embedding stands for: one or more prompts, as text or as
/// tokens.
///
/// Token ids mean something only to the tokenizer that made them, so a server accepts them only for
/// a model whose tokenizer the client is known to use.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Input {
    /// A single text.
    Text(String),
    /// Several texts, each a prompt of its own.
    Texts(Vec<String>),
    /// One sequence of tokens.
    Tokens(Vec<TokenId>),
    /// Several sequences of tokens.
    TokenLists(Vec<Vec<TokenId>>),
}

impl Input {
    /// Returns the prompts in order; each is answered by its own choices or its own embedding.
    #[must_use]
    pub fn prompts(self) -> Vec<Prompt> {
        match self {
            Self::Text(text) => vec![Prompt::Text(text)],
            Self::Texts(texts) => texts.into_iter().map(Prompt::Text).collect(),
            Self::Tokens(tokens) => vec![Prompt::Tokens(tokens)],
            Self::TokenLists(lists) => lists.into_iter().map(Prompt::Tokens).collect(),
        }
    }

    /// Returns whether the prompts are tokens.
    #[must_use]
    pub const fn is_tokens(&self) -> bool {
        matches!(self, Self::Tokens(_) | Self::TokenLists(_))
    }

    pub(super) fn validate(&self, parameter: &'static str) -> Result<(), RequestError> {
        let (count, is_any_empty) = match self {
            Self::Text(text) => (1, text.is_empty()),
            Self::Texts(texts) => (texts.len(), texts.iter().any(String::is_empty)),
            Self::Tokens(tokens) => (1, tokens.is_empty()),
            Self::TokenLists(lists) => (lists.len(), lists.iter().any(Vec::is_empty)),
        };
        if is_any_empty || count == 0 {
            return Err(RequestError::Empty { parameter });
        }
        bound(parameter, count, limits::MAX_INPUTS)
    }
}

impl Default for Input {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

impl From<&str> for Input {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl<'de> Deserialize<'de> for Input {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(InputVisitor)
    }
}

struct InputVisitor;

impl<'de> de::Visitor<'de> for InputVisitor {
    type Value = Input;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a list of texts, a list of token ids or a list of lists of token ids")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Input, E> {
        Ok(Input::Text(text.into()))
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Input, E> {
        Ok(Input::Text(text))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Input, A::Error> {
        // The first item decides, so that a mixed list is an error at its first odd item.
        Ok(match list.next_element()? {
            None => Input::Texts(Vec::new()),
            Some(Item::Text(text)) => Input::Texts(collect(text, &mut list)?),
            Some(Item::Token(token)) => Input::Tokens(collect(token, &mut list)?),
            Some(Item::Tokens(tokens)) => Input::TokenLists(collect(tokens, &mut list)?),
        })
    }
}

/// Returns `first` and the rest of `list`.
fn collect<'de, A, T>(first: T, list: &mut A) -> Result<Vec<T>, A::Error>
where
    A: de::SeqAccess<'de>,
    T: Deserialize<'de>,
{
    let mut items = vec![first];
    while let Some(item) = list.next_element()? {
        items.push(item);
    }
    Ok(items)
}

/// The first item of a list.
enum Item {
    Text(String),
    Token(TokenId),
    Tokens(Vec<TokenId>),
}

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ItemVisitor)
    }
}

struct ItemVisitor;

impl<'de> de::Visitor<'de> for ItemVisitor {
    type Value = Item;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a token id or a list of token ids")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Item, E> {
        Ok(Item::Text(text.into()))
    }

    fn visit_u64<E: de::Error>(self, token: u64) -> Result<Item, E> {
        u32::try_from(token)
            .map(|token| Item::Token(TokenId(token)))
            .map_err(|_| E::invalid_value(de::Unexpected::Unsigned(token), &"a 32-bit token id"))
    }

    fn visit_i64<E: de::Error>(self, token: i64) -> Result<Item, E> {
        match u64::try_from(token) {
            Ok(token) => self.visit_u64(token),
            Err(_) => Err(E::invalid_value(de::Unexpected::Signed(token), &"a 32-bit token id")),
        }
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Item, A::Error> {
        Ok(Item::Tokens(match list.next_element()? {
            None => Vec::new(),
            Some(first) => collect(first, &mut list)?,
        }))
    }
}
