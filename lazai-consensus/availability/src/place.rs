use core::num::NonZeroU64;

use alloy_primitives::{B256, Keccak256};

use super::DatasetCommitment;

/// The position of a leaf in its dataset.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Place {
    /// The stripe, from 0.
    pub stripe: u32,
    /// The shard of the stripe, from 0.
    pub shard: u16,
    /// The leaf of the shard, from 0.
    pub leaf: u32,
}

/// Returns the number of leaves in one shard of each stripe, over all stripes; below 2^41.
pub(super) fn leaves_of_column(commitment: &DatasetCommitment) -> NonZeroU64 {
    let last = commitment.stripes().saturating_sub(1);
    let before = u64::from(last).saturating_mul(commitment.leaves(0).into());
    NonZeroU64::MIN
        .saturating_add(before.saturating_add(commitment.leaves(last).into()).saturating_sub(1))
}

/// Returns the stripe and the leaf at `offset` of these leaves.
pub(super) fn place_in_column(commitment: &DatasetCommitment, offset: u64) -> (u32, u32) {
    let full = NonZeroU64::new(commitment.leaves(0).into()).unwrap_or(NonZeroU64::MIN);
    let last = commitment.stripes().saturating_sub(1);
    let stripe = u32::try_from(offset / full).unwrap_or(last).min(last);
    let leaf = offset.saturating_sub(u64::from(stripe).saturating_mul(full.get()));
    (stripe, u32::try_from(leaf).unwrap_or(u32::MAX))
}

/// Draws a uniform number below `bound` that is unpredictable without `seed`.
///
/// Arithmetic: `x` is the first 8 bytes, big-endian, of
/// `keccak256(domain ‖ seed ‖ index ‖ attempt)`, both numbers in 8 bytes; the first `x` below the
/// largest multiple of `bound` up to 2^64 counts, and gives `x mod bound`. The chance that an
/// attempt fails is below 1/2, and with a million leaves one in 17 million million.
pub(super) fn draw(domain: &[u8], seed: &B256, index: u64, bound: NonZeroU64) -> u64 {
    let mut head = Keccak256::new();
    head.update(domain);
    head.update(seed);
    head.update(index.to_be_bytes());
    // 2^64 mod bound.
    let excess = (u64::MAX % bound).saturating_add(1) % bound;
    let highest = u64::MAX.saturating_sub(excess);
    let mut attempt = 0_u64;
    loop {
        let mut hasher = head.clone();
        hasher.update(attempt.to_be_bytes());
        let hash = hasher.finalize();
        let number = hash.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte));
        if number <= highest {
            return number % bound;
        }
        attempt = attempt.wrapping_add(1);
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::float_arithmetic)]
mod tests {
    use alloc::{vec, vec::Vec};

    use super::*;
    use crate::Coding;

    fn bound(bound: u64) -> NonZeroU64 {
        NonZeroU64::new(bound).unwrap()
    }

    #[test]
    fn offsets_reach_every_leaf_once() {
        for (bytes, stripe_bytes) in [(1, 9_000), (9_000, 9_000), (30_000, 9_000), (27_001, 9_000)]
        {
            let coding = Coding::with_stripe_bytes(7, stripe_bytes).unwrap();
            let commitment = DatasetCommitment::new(bytes, coding, B256::ZERO).unwrap();
            let reached: Vec<_> = (0..leaves_of_column(&commitment).get())
                .map(|offset| place_in_column(&commitment, offset))
                .collect();
            let expected: Vec<_> = (0..commitment.stripes())
                .flat_map(|stripe| (0..commitment.leaves(stripe)).map(move |leaf| (stripe, leaf)))
                .collect();
            assert_eq!(reached, expected);
        }
    }

    #[test]
    fn draws_are_even() {
        // Chi squared with 100 degrees of freedom is above 180 once in 600,000 times.
        let mut counts = vec![0_u32; 101];
        for index in 0..50_500 {
            let drawn = draw(b"test", &B256::repeat_byte(9), index, bound(101));
            counts[usize::try_from(drawn).unwrap()] += 1;
        }
        let squares = counts.iter().map(|count| (f64::from(*count) - 500.0).powi(2));
        let chi_squared = squares.sum::<f64>() / 500.0;
        assert!((40.0..180.0).contains(&chi_squared), "{chi_squared}");
    }

    #[test]
    fn numbers_that_would_favour_the_small_are_thrown_away() {
        // Of 2^64 numbers the bound 3 * 2^62 keeps the first 3 quarters. Taking the rest by
        // remainder would give those below 2^62 twice the chance of the others.
        let limit = 3_u64 << 62;
        let mut small = 0_u32;
        for index in 0..3_000 {
            let drawn = draw(b"test", &B256::ZERO, index, bound(limit));
            assert!(drawn < limit);
            small += u32::from(drawn < 1 << 62);
        }
        // 1,000 expected with deviation 26, 1,500 if biased.
        assert!((870..1_130).contains(&small), "{small}");
        assert_eq!(draw(b"test", &B256::ZERO, 0, bound(1)), 0);
    }

    #[test]
    fn draws_differ_by_domain_seed_and_index() {
        let all = bound(u64::MAX);
        let first = draw(b"a", &B256::ZERO, 0, all);
        assert_eq!(first, draw(b"a", &B256::ZERO, 0, all));
        assert_ne!(first, draw(b"b", &B256::ZERO, 0, all));
        assert_ne!(first, draw(b"a", &B256::repeat_byte(1), 0, all));
        assert_ne!(first, draw(b"a", &B256::ZERO, 1, all));
    }
}
