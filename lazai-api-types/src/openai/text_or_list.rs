use alloc::{string::String, vec::Vec};
use core::{fmt, marker::PhantomData, slice};

use serde::{Deserialize, Deserializer, Serialize, de};

use super::{RequestError, limits, request_error::bound};

/// The texts that end a generation: one, or a list.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Stop {
    /// A single text.
    Text(String),
    /// Any of these texts.
    Texts(Vec<String>),
}

impl Stop {
    /// Returns the texts.
    #[must_use]
    pub fn texts(&self) -> &[String] {
        match self {
            Self::Text(text) => slice::from_ref(text),
            Self::Texts(texts) => texts,
        }
    }

    pub(super) fn validate(&self) -> Result<(), RequestError> {
        let texts = self.texts();
        bound("stop", texts.len(), limits::MAX_STOP)?;
        for text in texts {
            if text.is_empty() {
                return Err(RequestError::Empty { parameter: "stop" });
            }
            if text.len() > limits::MAX_STOP_BYTES {
                return Err(RequestError::too_long("stop", text.len(), limits::MAX_STOP_BYTES));
            }
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Stop {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match TextOrList::deserialize(deserializer)? {
            TextOrList::Text(text) => Self::Text(text),
            TextOrList::List(texts) => Self::Texts(texts),
        })
    }
}

/// What many fields of the API are: a text, or a list of something.
pub(super) enum TextOrList<T> {
    Text(String),
    List(Vec<T>),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for TextOrList<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Unlike serde's untagged enums this copies nothing first, and keeps the inner error.
        deserializer.deserialize_any(Visitor(PhantomData))
    }
}

struct Visitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> de::Visitor<'de> for Visitor<T> {
    type Value = TextOrList<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a list")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(TextOrList::Text(text.into()))
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Self::Value, E> {
        Ok(TextOrList::Text(text))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(TextOrList::List(items))
    }
}
