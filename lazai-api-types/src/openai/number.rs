//! Whole numbers as clients write them: `5.0` is 5, and -1 is no limit.

use alloc::{collections::BTreeMap, string::String};
use core::{fmt, marker::PhantomData};

use serde::{Deserialize, Deserializer, de};

/// Reads a whole number.
pub(super) fn whole<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Integer,
{
    let number = Option::<Whole<T>>::deserialize(deserializer)?;
    Ok(number.map(|Whole(number)| number))
}

/// Reads a number of tokens, of which -1 means that there is no limit, as if it were absent.
pub(super) fn limit<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    Ok(whole::<_, OrMinusOne>(deserializer)?.and_then(|OrMinusOne(limit)| limit))
}

/// Reads a number of candidates, of which -1 means all, as 0 does.
pub(super) fn candidates<'de, D>(deserializer: D) -> Result<Option<u32>, D::Error>
where
    D: Deserializer<'de>,
{
    let number = whole::<_, OrMinusOne>(deserializer)?;
    Ok(number.map(|OrMinusOne(candidates)| candidates.unwrap_or(0)))
}

/// Reads the bias of each token.
pub(super) fn bias<'de, D>(deserializer: D) -> Result<Option<BTreeMap<String, i16>>, D::Error>
where
    D: Deserializer<'de>,
{
    let bias = Option::<BTreeMap<String, Whole<i16>>>::deserialize(deserializer)?;
    Ok(bias.map(|bias| bias.into_iter().map(|(token, Whole(bias))| (token, bias)).collect()))
}

/// What a whole number may become.
pub(super) trait Integer: Sized {
    /// What a client may send.
    const EXPECTED: &'static str;

    fn from_i128(number: i128) -> Option<Self>;
}

macro_rules! integers {
    ($($name:ident),*) => {$(
        impl Integer for $name {
            const EXPECTED: &'static str = stringify!($name);

            fn from_i128(number: i128) -> Option<Self> {
                Self::try_from(number).ok()
            }
        }
    )*};
}

integers!(i16, i64, u32);

/// A number of 32 bits; `None` is -1.
struct OrMinusOne(Option<u32>);

impl Integer for OrMinusOne {
    const EXPECTED: &'static str = "u32 or -1";

    fn from_i128(number: i128) -> Option<Self> {
        if number == -1 { Some(Self(None)) } else { Some(Self(Some(number.try_into().ok()?))) }
    }
}

struct Whole<T>(T);

impl<'de, T: Integer> Deserialize<'de> for Whole<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Visitor(PhantomData))
    }
}

struct Visitor<T>(PhantomData<T>);

impl<T: Integer> de::Visitor<'_> for Visitor<T> {
    type Value = Whole<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
        let read = T::from_i128(number.into()).map(Whole);
        read.ok_or_else(|| E::invalid_value(de::Unexpected::Unsigned(number), &self))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Self::Value, E> {
        let read = T::from_i128(number.into()).map(Whole);
        read.ok_or_else(|| E::invalid_value(de::Unexpected::Signed(number), &self))
    }

    // Float casts saturate; what does not come back the same is refused.
    #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Self::Value, E> {
        let whole = number as i128;
        let is_exact = whole as f64 == number && whole.unsigned_abs() <= MAX_EXACT;
        let read = if is_exact { T::from_i128(whole).map(Whole) } else { None };
        read.ok_or_else(|| E::invalid_value(de::Unexpected::Float(number), &self))
    }
}

/// Above it a float stands for several whole numbers.
const MAX_EXACT: u128 = 1 << 53;

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Numbers {
        #[serde(default, deserialize_with = "whole")]
        whole: Option<u32>,
        #[serde(default, deserialize_with = "whole")]
        signed: Option<i64>,
        #[serde(default, deserialize_with = "limit")]
        limit: Option<u32>,
        #[serde(default, deserialize_with = "candidates")]
        candidates: Option<u32>,
        #[serde(default, deserialize_with = "bias")]
        bias: Option<BTreeMap<String, i16>>,
    }

    fn read(field: &str, number: &str) -> Result<Numbers, String> {
        let json = alloc::format!(r#"{{"{field}":{number}}}"#);
        serde_json::from_str(&json).map_err(|error| error.to_string())
    }

    #[test]
    fn whole_numbers_are_read_however_they_are_written() {
        for (number, expected) in
            [("5", 5), ("5.0", 5), ("5e0", 5), ("-0.0", 0), ("4294967295.0", u32::MAX)]
        {
            assert_eq!(read("whole", number).unwrap().whole, Some(expected), "{number}");
        }
        assert_eq!(read("whole", "null").unwrap().whole, None);
        assert_eq!(read("signed", "-3.0").unwrap().signed, Some(-3));
        assert_eq!(read("signed", "-9223372036854775808").unwrap().signed, Some(i64::MIN));
        assert_eq!(read("bias", r#"{"1":-5.0}"#).unwrap().bias.unwrap()["1"], -5);
    }

    #[test]
    fn minus_one_is_no_limit() {
        for number in ["-1", "-1.0"] {
            assert_eq!(read("limit", number).unwrap().limit, None);
            assert_eq!(read("candidates", number).unwrap().candidates, Some(0));
        }
        assert_eq!(read("limit", "7").unwrap().limit, Some(7));
    }

    #[test]
    fn what_is_not_whole_or_does_not_fit_is_refused() {
        for number in
            ["1.5", "-1", "4294967296", "1e300", "9007199254740994.0", "\"5\"", "true", "[5]"]
        {
            let error = read("whole", number).unwrap_err();
            assert!(error.contains("expected u32"), "{number}: {error}");
        }
        assert!(read("limit", "-2").unwrap_err().contains("integer `-2`, expected u32 or -1"));
        assert!(read("bias", r#"{"1":0.5}"#).unwrap_err().contains("expected i16"));
    }
}
