use alloy_primitives::U256;

/// Multiplies without loss.
pub(crate) const fn multiply_u64(left: u64, right: u64) -> u128 {
    // 64 bits by 64 bits fit in 128, so this never saturates.
    (left as u128).saturating_mul(right as u128)
}

/// Multiplies without loss.
pub(crate) fn multiply_u128(left: u128, right: u64) -> U256 {
    // 128 bits by 64 bits fit in 192, so this never saturates.
    U256::from(left).saturating_mul(U256::from(right))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extremes_are_exact() {
        let max = u128::from(u64::MAX);
        assert_eq!(multiply_u64(u64::MAX, u64::MAX), max * max);
        // (2^128 - 1) * (2^64 - 1) = 2^192 - 2^128 - 2^64 + 1
        let one = U256::from(1);
        let expected = (one << 192) - (one << 128) - (one << 64) + one;
        assert_eq!(multiply_u128(u128::MAX, u64::MAX), expected);
    }
}
