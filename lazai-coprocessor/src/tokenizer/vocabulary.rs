use core::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

/// The vocabulary of a model in a `tokenizer.json`.
#[derive(Debug, Default)]
pub(super) enum Vocabulary {
    /// That of a unigram model: pieces with their scores; `None` for one that is no integer.
    Pieces(Vec<(String, Option<i64>)>),
    /// Texts with their tokens, which only the crate reads.
    #[default]
    Texts,
}

impl<'de> Deserialize<'de> for Vocabulary {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Found;

        impl<'de> Visitor<'de> for Found {
            type Value = Vocabulary;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("texts with their tokens, or pieces with their scores")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vocabulary, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Vocabulary::Texts)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vocabulary, A::Error> {
                let mut pieces = Vec::new();
                while let Some((text, Score(score))) = list.next_element()? {
                    pieces.push((text, score));
                }
                Ok(Vocabulary::Pieces(pieces))
            }
        }

        deserializer.deserialize_any(Found)
    }
}

/// An integer, or `None` where there is a float, whatever it is.
struct Score(Option<i64>);

impl<'de> Deserialize<'de> for Score {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Found;

        impl Visitor<'_> for Found {
            type Value = Score;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a score")
            }

            fn visit_i64<E: Error>(self, score: i64) -> Result<Score, E> {
                Ok(Score(Some(score)))
            }

            fn visit_u64<E: Error>(self, score: u64) -> Result<Score, E> {
                Ok(Score(i64::try_from(score).ok()))
            }

            fn visit_f64<E: Error>(self, _: f64) -> Result<Score, E> {
                Ok(Score(None))
            }
        }

        deserializer.deserialize_i64(Found)
    }
}
