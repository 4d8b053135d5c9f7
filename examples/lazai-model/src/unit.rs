//! Numbers for people.

use core::fmt::Display;

/// Formats a number with a comma between thousands.
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

/// Formats a size, to a tenth of the unit that leaves one to four digits before the point.
pub(crate) fn bytes(value: u64) -> String {
    let (unit, name) = match value {
        0..1_024 => return format!("{value} bytes"),
        1_024..1_048_576 => (1_u64 << 10, "KiB"),
        1_048_576..1_073_741_824 => (1 << 20, "MiB"),
        _ => (1 << 30, "GiB"),
    };
    let tenths = value.saturating_mul(10) / unit;
    format!("{}.{} {name}", tenths / 10, tenths % 10)
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
            (1_181_116_006, "1.0 GiB"),
        ] {
            assert_eq!(bytes(value), text);
        }
        bytes(u64::MAX);
    }
}
