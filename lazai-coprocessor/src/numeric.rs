//! Rounding and saturation, the same in every kernel, and the constants of the formulas. See
//! docs/numerics.md, "Notation".
//!
//! Every constant here is part of consensus: with another value, a model gives other bytes.

/// The largest activation: `256 * 127 + 127`, so that both bytes of the split `256 * h + l` are
/// signed.
pub const ACTIVATION_MAX: i16 = 32_639;

/// The smallest activation: that of i16.
pub const ACTIVATION_MIN: i16 = i16::MIN;

/// Bits of the magnitude of an activation, beside its sign.
pub const ACTIVATION_BITS: u32 = 15;

/// Bits of the magnitude of an element of a cached key or value, beside its sign.
pub const CACHE_BITS: u32 = 7;

/// Fraction bits of a score of attention.
pub const SCORE_BITS: i32 = 12;

/// Fraction bits that a mean over all tokens has more than the elements.
pub const POOL_BITS: i32 = 8;

/// Fraction bits of the number by which `SIGMOID`, `GELU` and `GELU_TANH` are indexed.
pub const LOOKUP_BITS: i32 = 11;

/// Fraction bits of the entries of `SIGMOID`, `GELU` and `GELU_TANH`.
pub const FACTOR_BITS: i32 = 16;

/// The entry of `EXP` for 0, which stands for 1 and is the largest; no entry of `RSQRT` is larger.
pub const EXP_ONE: u16 = 1 << 15;

/// Fraction bits of the entries of `RSQRT`.
pub const RSQRT_BITS: i32 = 22;

/// The mantissa of the first entry of `RSQRT`; the last one is that of `4 * RSQRT_START - 1`.
pub const RSQRT_START: usize = 1 << 14;

/// Fraction bits of the cosines and sines of `ROPE`.
pub const ROTATION_BITS: u32 = 14;

/// Saturates to the range of an activation, `[-32,768, 32,639]`.
#[inline(always)]
#[must_use]
pub const fn saturate_i16(value: i64) -> i16 {
    if value > ACTIVATION_MAX as i64 {
        ACTIVATION_MAX
    } else if value < ACTIVATION_MIN as i64 {
        ACTIVATION_MIN
    } else {
        value as i16
    }
}

/// Saturates to 32 bits.
#[inline(always)]
#[must_use]
pub const fn saturate_i32(value: i64) -> i32 {
    if value > i32::MAX as i64 {
        i32::MAX
    } else if value < i32::MIN as i64 {
        i32::MIN
    } else {
        value as i32
    }
}

/// Divides by `2^shift`, rounding half up; a negative shift multiplies and saturates to 62 bits.
///
/// Arithmetic: `floor((value + 2^(shift-1)) / 2^shift)`. Bounds: `|value| < 2^62`; any shift.
#[inline(always)]
#[must_use]
pub const fn round_shift(value: i64, shift: i32) -> i64 {
    if shift > 62 {
        0
    } else if shift > 0 {
        value.wrapping_add(1 << (shift - 1)) >> shift
    } else {
        let shift = if shift < -62 { 62 } else { -shift };
        let limit = (1_i64 << 62) >> shift;
        if value >= limit {
            1 << 62
        } else if value <= -limit {
            -(1 << 62)
        } else {
            value << shift
        }
    }
}

/// Divides by a positive divisor, rounding half up.
///
/// Arithmetic: `floor((2 * value + divisor) / (2 * divisor))`. Bounds: `|value| < 2^61`,
/// `0 < divisor < 2^61`.
#[inline(always)]
#[must_use]
pub const fn round_div(value: i64, divisor: i64) -> i64 {
    value.wrapping_mul(2).wrapping_add(divisor).div_euclid(divisor.wrapping_mul(2))
}

/// Returns the number of bits of `value`: 0 for 0.
#[inline(always)]
#[must_use]
pub const fn bit_length(value: u64) -> u32 {
    u64::BITS - value.leading_zeros()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn round_shift_is_the_nearest_with_ties_up(
            value in -(1_i64 << 61)..(1 << 61), shift in -70_i32..80,
        ) {
            let exact = if shift > 0 {
                let power = 1_i128 << shift.min(100);
                (2 * i128::from(value) + power).div_euclid(2 * power)
            } else {
                // A shift of 65 saturates every value but 0, and keeps the reference within 127
                // bits.
                (i128::from(value) << (-shift).min(65)).clamp(-(1 << 62), 1 << 62)
            };
            prop_assert_eq!(i128::from(round_shift(value, shift)), exact);
        }

        #[test]
        fn round_div_is_the_nearest_with_ties_up(
            value in -(1_i64 << 60)..(1 << 60), divisor in 1_i64..(1 << 40),
        ) {
            let (twice, d) = (2 * i128::from(value), i128::from(divisor));
            let exact = (twice + d).div_euclid(2 * d);
            prop_assert_eq!(i128::from(round_div(value, divisor)), exact);
        }
    }
}
