use core::num::NonZeroU64;

use alloy_primitives::U256;

/// Returns `factor * e^(numerator / denominator)` in integers, as EIP-4844 defines it.
///
/// Arithmetic: the Taylor series with every term rounded down, exact in 256 bits; a result above
/// [`u128::MAX`] becomes [`u128::MAX`]. Cost: a few hundred divisions at most.
///
/// # Source
/// [EIP-4844](https://eips.ethereum.org/EIPS/eip-4844), `fake_exponential`.
#[must_use]
pub fn fake_exponential(factor: u128, numerator: u64, denominator: NonZeroU64) -> u128 {
    let denominator = U256::from(denominator.get());
    let numerator = U256::from(numerator);
    // Below 2^192. The sum only grows, so once it passes `ceiling` the result is known, and until
    // then a term times the numerator stays below 2^256: no step below ever saturates.
    let ceiling = U256::from(u128::MAX).saturating_mul(denominator);
    let mut term = U256::from(factor).saturating_mul(denominator);
    let mut sum = U256::ZERO;
    let mut divisor = U256::ZERO;
    while !term.is_zero() {
        sum = sum.saturating_add(term);
        if sum > ceiling {
            return u128::MAX;
        }
        divisor = divisor.saturating_add(denominator);
        term = term.saturating_mul(numerator).wrapping_div(divisor);
    }
    sum.wrapping_div(denominator).saturating_to()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn exponential(factor: u128, numerator: u64, denominator: u64) -> u128 {
        fake_exponential(factor, numerator, NonZeroU64::new(denominator).unwrap())
    }

    #[test]
    fn vectors_of_eip_4844() {
        for (factor, numerator, denominator, expected) in [
            (1, 0, 1, 1),
            (38_493, 0, 1_000, 38_493),
            (0, 1_234, 2_345, 0),
            (1, 2, 1, 6),
            (1, 4, 2, 6),
            (1, 3, 1, 16),
            (1, 6, 2, 18),
            (1, 4, 1, 49),
            (1, 8, 2, 50),
            (10, 8, 2, 542),
            (11, 8, 2, 596),
            (1, 5, 1, 136),
            (1, 5, 2, 11),
            (2, 5, 2, 23),
            (1, 50_000_000, 2_225_652, 5_709_098_764),
            (1, 380_928, 3_338_477, 1),
            (1, 299_453_931, 5_007_716, 93_359_993_185_840_258_978_230_108),
        ] {
            let got = exponential(factor, numerator, denominator);
            assert_eq!(got, expected, "{factor} * e^({numerator} / {denominator})");
        }
    }

    #[test]
    fn extremes_end_and_saturate() {
        assert_eq!(exponential(1, u64::MAX, 1), u128::MAX);
        assert_eq!(exponential(u128::MAX, 0, u64::MAX), u128::MAX);
        assert_eq!(exponential(u128::MAX, 1, 1), u128::MAX);
        assert_eq!(exponential(1, 1, u64::MAX), 1);
        assert_eq!(exponential(1, u64::MAX, u64::MAX), 2);
        // e^88 is the last whole power below 2^128.
        assert!(exponential(1, 88 << 50, 1 << 50) < u128::MAX);
        assert_eq!(exponential(1, 89 << 50, 1 << 50), u128::MAX);
    }

    proptest! {
        #[test]
        fn more_excess_never_costs_less(factor: u64, numerator: u64, more: u64, denominator in 1_u64.., shift in 0..64_u32) {
            let denominator = (denominator >> shift).max(1);
            let less = exponential(factor.into(), numerator, denominator);
            let more = exponential(factor.into(), numerator.saturating_add(more), denominator);
            prop_assert!(less >= u128::from(factor) && more >= less);
        }
    }
}
