use crate::numeric::saturate_i16;

/// A divisor with its reciprocal.
#[derive(Clone, Copy)]
pub(super) struct Divisor {
    total: u64,
    /// `2^64 / (2 * total)`, rounded down, or 1 less.
    reciprocal: u64,
}

impl Divisor {
    /// Returns the divisor `max(1, total)`, for a total up to `2^33`.
    pub(super) const fn new(total: u64) -> Self {
        let total = if total == 0 { 1 } else { total };
        Self { total, reciprocal: u64::MAX / (2 * total) }
    }

    /// Returns `saturate_i16(round_div(sum, total))`, for a quotient from `-2^17` to `2^17`.
    pub(super) fn divide(self, sum: i64) -> i16 {
        let divisor = self.total.wrapping_mul(2);
        // Not negative, and below 2^53: the quotient by the reciprocal is right or 1 too small.
        let numerator = sum.wrapping_mul(2).cast_unsigned().wrapping_add(self.total);
        let numerator = numerator.wrapping_add(divisor << OFFSET_BITS);
        let product = u128::from(numerator).wrapping_mul(u128::from(self.reciprocal));
        let quotient = (product >> 64) as u64;
        let rest = numerator.wrapping_sub(quotient.wrapping_mul(divisor));
        let quotient = quotient.wrapping_add(u64::from(rest >= divisor));
        saturate_i16(quotient.cast_signed().wrapping_sub(1 << OFFSET_BITS))
    }
}

/// Added to quotients, so that they are not negative.
const OFFSET_BITS: u32 = 17;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::numeric::round_div;

    proptest! {
        #[test]
        fn division_is_exact(
            total in 0_u64..=1 << 32, quotient in -(1_i64 << 16)..1 << 16, rest: u32,
        ) {
            let divisor = total.max(1).cast_signed();
            let sum = quotient * divisor + i64::from(rest) % divisor;
            let expected = saturate_i16(round_div(sum, divisor));
            prop_assert_eq!(Divisor::new(total).divide(sum), expected);
        }
    }
}
