//! Powers of two.

use core::ops::RangeInclusive;

/// Returns `2^exponent`, exact, for exponents from -1022 to 1023.
pub(super) fn power_of_two(exponent: i32) -> f64 {
    let biased = u64::try_from(exponent + 1_023).expect("invariant: exponents are above -1023");
    f64::from_bits(biased << 52)
}

/// Returns the most fraction bits in `range` with which `largest` stays within `limit` in units of
/// the last bit; `None` if even the fewest are too many, or `largest` is not a number.
///
/// `largest` is positive.
pub(super) fn largest_bits(largest: f64, limit: f64, range: RangeInclusive<i8>) -> Option<i8> {
    range.rev().find(|bits| largest * power_of_two(i32::from(*bits)) <= limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_are_exact() {
        for exponent in [-1_022, -40, 0, 1, 52, 1_023] {
            assert_eq!(power_of_two(exponent), 2_f64.powi(exponent));
        }
    }

    #[test]
    fn bits_fill_the_limit() {
        let range = || -8..=30;
        assert_eq!(largest_bits(1.0, 128.0, range()), Some(7));
        assert_eq!(largest_bits(1.01, 128.0, range()), Some(6));
        assert_eq!(largest_bits(128.0 * 256.0, 128.0, range()), Some(-8));
        assert_eq!(largest_bits(128.1 * 256.0, 128.0, range()), None);
        assert_eq!(largest_bits(1e-30, 128.0, range()), Some(30));
        assert_eq!(largest_bits(f64::NAN, 128.0, range()), None);
        assert_eq!(largest_bits(f64::INFINITY, 128.0, range()), None);
    }
}
