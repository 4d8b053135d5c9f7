use core::fmt;
use std::collections::BTreeMap;

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};

/// The vocabulary of a model in a file.
#[derive(Debug)]
pub(super) enum Vocabulary {
    /// That of a unigram model: pieces with their scores; `None` for one that is no integer.
    Pieces(Vec<(String, Option<i64>)>),
    /// Texts with their tokens.
    Texts(BTreeMap<String, u32>),
}

/// Merges of a BPE model in the order of their ranks.
#[derive(Debug)]
pub(super) struct Merges(pub(super) Vec<(String, String)>);

impl<'de> Deserialize<'de> for Vocabulary {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Found;

        impl<'de> Visitor<'de> for Found {
            type Value = Vocabulary;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("texts with their tokens, or pieces with their scores")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vocabulary, A::Error> {
                let mut texts = BTreeMap::new();
                while let Some((text, token)) = map.next_entry()? {
                    if texts.len() == MAX_TEXTS {
                        return Err(too_many("texts", MAX_TEXTS));
                    }
                    // Of equal texts the last counts.
                    texts.insert(text, token);
                }
                Ok(Vocabulary::Texts(texts))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Vocabulary, A::Error> {
                let pieces: Vec<(String, Score)> = bounded(list, "pieces", MAX_TEXTS)?;
                let pieces = pieces.into_iter().map(|(piece, Score(score))| (piece, score));
                Ok(Vocabulary::Pieces(pieces.collect()))
            }
        }

        deserializer.deserialize_any(Found)
    }
}

impl<'de> Deserialize<'de> for Merges {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Found;

        impl<'de> Visitor<'de> for Found {
            type Value = Merges;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a list of merges")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Merges, A::Error> {
                let merges: Vec<Merge> = bounded(list, "merges", MAX_MERGES)?;
                Ok(Merges(merges.into_iter().filter_map(|Merge(pair)| pair).collect()))
            }
        }

        deserializer.deserialize_seq(Found)
    }
}

/// A pair of texts. The older form holds both in one text, parted by a space, and may begin with a
/// line that is no merge.
struct Merge(Option<(String, String)>);

impl<'de> Deserialize<'de> for Merge {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Found;

        impl<'de> Visitor<'de> for Found {
            type Value = Merge;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("two texts, or one with a space between them")
            }

            fn visit_str<E: Error>(self, line: &str) -> Result<Merge, E> {
                if line.starts_with("#version") {
                    return Ok(Merge(None));
                }
                let pair = line.split_once(' ').filter(|(_, right)| !right.contains(' '));
                let (left, right) =
                    pair.ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(line), &self))?;
                Ok(Merge(Some((left.to_owned(), right.to_owned()))))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut pair: A) -> Result<Merge, A::Error> {
                let left =
                    pair.next_element()?.ok_or_else(|| A::Error::invalid_length(0, &self))?;
                let right =
                    pair.next_element()?.ok_or_else(|| A::Error::invalid_length(1, &self))?;
                Ok(Merge(Some((left, right))))
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

/// Reads a list of at most `max` entries.
fn bounded<'de, T: Deserialize<'de>, A: SeqAccess<'de>>(
    mut list: A,
    what: &str,
    max: usize,
) -> Result<Vec<T>, A::Error> {
    let mut entries = Vec::new();
    while let Some(entry) = list.next_element()? {
        if entries.len() == max {
            return Err(too_many(what, max));
        }
        entries.push(entry);
    }
    Ok(entries)
}

fn too_many<E: Error>(what: &str, max: usize) -> E {
    E::custom(format_args!("more than {max} {what}"))
}

/// Most texts of a vocabulary; Gemma's has 262,144.
pub(crate) const MAX_TEXTS: usize = 1 << 19;

/// Most merges; Gemma has 514,906.
pub(crate) const MAX_MERGES: usize = 1 << 20;
