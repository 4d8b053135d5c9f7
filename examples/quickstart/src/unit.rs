//! Numbers for people.

use core::fmt::Display;

use alloy_primitives::{U256, utils::format_units};

/// With a comma between thousands.
pub(crate) fn count(value: impl Display) -> String {
    let digits = value.to_string();
    let mut grouped = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// In KiB or MiB, to a tenth.
pub(crate) fn bytes(value: u64) -> String {
    let (unit, name) = match value {
        0..1_024 => return format!("{value} bytes"),
        1_024..1_048_576 => (1_024, "KiB"),
        _ => (1_048_576, "MiB"),
    };
    let tenths = value.saturating_mul(10) / unit;
    format!("{}.{} {name}", tenths / 10, tenths % 10)
}

/// In ether, without zeros at the end.
pub(crate) fn ether(wei: U256) -> String {
    let text = format_units(wei, "ether").unwrap_or_else(|_| wei.to_string());
    format!("{} ETH", text.trim_end_matches('0').trim_end_matches('.'))
}

/// In gwei, without zeros at the end.
pub(crate) fn gwei(wei: U256) -> String {
    let text = format_units(wei, "gwei").unwrap_or_else(|_| wei.to_string());
    format!("{} gwei", text.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped() {
        for (value, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(count(value), text);
        }
    }

    #[test]
    fn bytes_are_cut_to_a_tenth() {
        for (value, text) in [
            (1_023, "1023 bytes"),
            (1_024, "1.0 KiB"),
            (1_048_575, "1023.9 KiB"),
            (8_388_608, "8.0 MiB"),
        ] {
            assert_eq!(bytes(value), text);
        }
        bytes(u64::MAX);
    }

    #[test]
    fn money_has_no_zeros_at_the_end() {
        assert_eq!(ether(U256::from(373_600_000_000_000_u64)), "0.0003736 ETH");
        assert_eq!(ether(U256::from(10_u64.pow(18))), "1 ETH");
        assert_eq!(gwei(U256::from(1_000_000_000)), "1 gwei");
        assert_eq!(gwei(U256::ZERO), "0 gwei");
    }
}
