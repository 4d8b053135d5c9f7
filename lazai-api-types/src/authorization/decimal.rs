//! Numbers of 256 bits in decimal, as headers and bodies write them.

use core::fmt;

use alloy_primitives::U256;
use serde::{Deserializer, de};

/// Reads digits, and nothing but digits.
pub(super) fn parse(text: &str) -> Option<U256> {
    // Leading zeros are bounded too: 2^256 has 78 digits.
    if text.is_empty() || text.len() > MAX_DIGITS || !text.bytes().all(|byte| byte.is_ascii_digit())
    {
        return None;
    }
    U256::from_str_radix(text, 10).ok()
}

/// Reads digits in a text, or a JSON number of up to 64 bits, beyond which JSON numbers lose
/// precision.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<U256, D::Error> {
    deserializer.deserialize_any(Visitor)
}

struct Visitor;

impl de::Visitor<'_> for Visitor {
    type Value = U256;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a decimal number below 2^256, as a text if it needs more than 64 bits")
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<U256, E> {
        Ok(U256::from(number))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<U256, E> {
        parse(text).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
    }
}

const MAX_DIGITS: usize = 78;
