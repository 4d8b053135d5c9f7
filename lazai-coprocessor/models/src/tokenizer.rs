//! Scores of unigram tokenizers as integers.
//!
//! A `tokenizer.json` holds the scores of a unigram model as decimal fractions, and which of two
//! equally likely ways to cut a text wins depends on how exactly they are read. An artifact holds
//! integers instead.

use core::fmt;
use std::borrow::Cow;

use lazai_coprocessor::Tokenizer;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

/// Returns a `tokenizer.json` whose scores are integers of
/// [`Tokenizer::SCORE_FRACTION_BITS`] fraction bits, rounded to nearest with halves away from zero.
///
/// A tokenizer of another kind, one that was converted before, and a file that is none come back
/// byte for byte.
///
/// # Errors
/// [`ScoreError`] if a score is out of range.
pub fn with_integer_scores(json: &[u8]) -> Result<Cow<'_, [u8]>, ScoreError> {
    let Some((mut document, mut model, pieces)) = read(json) else { return Ok(json.into()) };
    let mut vocab = String::from("[");
    for (index, (text, score)) in pieces.into_iter().enumerate() {
        // Not by the parser of serde_json, whose last bit depends on a feature.
        let score = score.get();
        let integer = score.parse().ok().and_then(fixed_point);
        let integer = integer.ok_or_else(|| ScoreError { index, got: score.to_owned() })?;
        let comma = if index == 0 { "" } else { "," };
        vocab.push_str(&format!("{comma}[{},{integer}]", text.get()));
    }
    vocab.push(']');
    model.replace("vocab", vocab);
    model.0.push((FRACTION_BITS.to_owned(), Tokenizer::SCORE_FRACTION_BITS.to_string().into()));
    let model = model.to_string();
    document.replace("model", model);
    Ok(document.to_string().into_bytes().into())
}

/// Counts the scores of a `tokenizer.json` that [`with_integer_scores`] cannot keep as they are.
///
/// Where several ways to cut a text are about equally likely, the integers may then choose another
/// than the original does.
#[must_use]
pub fn rounded_scores(json: &[u8]) -> usize {
    let pieces = read(json).map(|(_, _, pieces)| pieces).unwrap_or_default();
    let rounded = |(_, score): &&(&RawValue, &RawValue)| {
        score.get().parse().is_ok_and(|score| !is_kept(score))
    };
    pieces.iter().filter(rounded).count()
}

/// Returns whether a score is an integer of the fraction bits.
pub(crate) fn is_kept(score: f64) -> bool {
    (score * f64::from(1_u32 << Tokenizer::SCORE_FRACTION_BITS)).fract() == 0.0
}

/// Returns the integer of a score; `None` if it is out of range.
pub(crate) fn fixed_point(score: f64) -> Option<i64> {
    let scaled = (score * f64::from(1_u32 << Tokenizer::SCORE_FRACTION_BITS)).round();
    // Integers of a score's 39 bits are exact.
    (scaled.abs() <= MAX_SCORE).then_some(scaled as i64)
}

/// A score that is no number or out of range.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the score of piece {index} must be a number from -16384 to 16384, got {got}")]
pub struct ScoreError {
    /// The piece.
    pub index: usize,
    /// Its score, as it is written.
    pub got: String,
}

/// The entries of an object in their order, each as it is written.
struct Entries<'a>(Vec<(String, Cow<'a, str>)>);

/// The document, the model and the pieces of a unigram model whose scores are not converted.
type Parts<'a> = (Entries<'a>, Entries<'a>, Vec<(&'a RawValue, &'a RawValue)>);

fn read(json: &[u8]) -> Option<Parts<'_>> {
    let document: Entries<'_> = serde_json::from_slice(json).ok()?;
    let model: Entries<'_> = serde_json::from_str(document.borrowed("model")?).ok()?;
    if model.borrowed(FRACTION_BITS).is_some() {
        return None;
    }
    // The vocabularies of the other kinds are objects.
    let pieces = serde_json::from_str(model.borrowed("vocab")?).ok()?;
    Some((document, model, pieces))
}

impl<'a> Entries<'a> {
    fn borrowed(&self, key: &str) -> Option<&'a str> {
        let (_, value) = self.0.iter().find(|(name, _)| name == key)?;
        match value {
            Cow::Borrowed(value) => Some(*value),
            Cow::Owned(_) => None,
        }
    }

    fn replace(&mut self, key: &str, value: String) {
        if let Some(entry) = self.0.iter_mut().find(|(name, _)| name == key) {
            entry.1 = value.into();
        }
    }
}

impl fmt::Display for Entries<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut open = '{';
        for (key, value) in &self.0 {
            write!(formatter, "{open}{}:{value}", serde_json::Value::from(key.as_str()))?;
            open = ',';
        }
        formatter.write_str(if self.0.is_empty() { "{}" } else { "}" })
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Found;

        impl<'de> Visitor<'de> for Found {
            type Value = Entries<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<'de>, A::Error> {
                let mut entries = Vec::new();
                while let Some((key, value)) = map.next_entry::<String, &RawValue>()? {
                    entries.push((key, Cow::Borrowed(value.get())));
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_map(Found)
    }
}

/// The field that tells the scale of the scores.
const FRACTION_BITS: &str = "score_fraction_bits";

/// Largest score either way, as an integer.
const MAX_SCORE: f64 = (1_u64 << 14 << Tokenizer::SCORE_FRACTION_BITS) as f64;

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::{ScoreError, rounded_scores, with_integer_scores};

    fn converted(json: &str) -> String {
        String::from_utf8(with_integer_scores(json.as_bytes()).unwrap().into_owned()).unwrap()
    }

    #[test]
    fn scores_become_integers_and_nothing_else_changes() {
        let json = r#"{"a": [1.50, "\u0041"], "model":{"type":"Unigram","unk_id":0,
            "vocab":[["<unk>",0.0],["\u2581a", -1.5],["b",-11.463970184326172],["c",3e-1],["d",-2]]}}"#;
        assert_eq!(
            converted(json),
            concat!(
                r#"{"a":[1.50, "\u0041"],"model":{"type":"Unigram","unk_id":0,"#,
                r#""vocab":[["<unk>",0],["\u2581a",-25165824],["b",-192333504],["c",5033165],"#,
                r#"["d",-33554432]],"score_fraction_bits":24}}"#
            )
        );
        // Once is enough.
        assert_eq!(converted(&converted(json)), converted(json));
    }

    #[test]
    fn scores_that_are_not_kept_are_counted() {
        // The third has 20 fraction bits, the fourth is a decimal fraction, the last has 26 bits.
        let json = r#"{"model":{"type":"Unigram","unk_id":0,"vocab":[["<unk>",0.0],["a",-1.5],
            ["b",-11.463970184326172],["c",3e-1],["d",-0.10000000149011612]]}}"#;
        assert_eq!(rounded_scores(json.as_bytes()), 2);
        assert_eq!(rounded_scores(converted(json).as_bytes()), 0);
        assert_eq!(rounded_scores(br#"{"model": {"type": "BPE", "vocab": {"a": 0}}}"#), 0);
    }

    #[test]
    fn what_has_no_scores_comes_back_as_it_is() {
        for json in [
            r#"{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": [] } }"#,
            r#"{"model": {"vocab": [["a"]]}}"#,
            r#"{"model": 3}"#,
            "[",
        ] {
            let same = with_integer_scores(json.as_bytes()).unwrap();
            assert!(matches!(same, Cow::Borrowed(same) if same == json.as_bytes()), "{json}");
        }
    }

    #[test]
    fn scores_out_of_range_are_refused() {
        for got in ["16385", "-1e300", "null", "\"1\""] {
            let json = format!(r#"{{"model":{{"vocab":[["a",0],["b",{got}]]}}}}"#);
            let error = with_integer_scores(json.as_bytes()).unwrap_err();
            assert_eq!(error, ScoreError { index: 1, got: got.to_owned() });
        }
    }
}
