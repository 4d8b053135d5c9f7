use core::num::NonZeroU64;

use alloy_primitives::{B256, keccak256};

/// A stream of pseudorandom numbers that follows from a seed alone.
///
/// Arithmetic: block `i` of the stream is `keccak256(keccak256(domain) ‖ seed ‖ index ‖ i)` with
/// `index` and `i` as big-endian 64-bit words, read as four big-endian 64-bit words. A draw below
/// `bound` rejects the words at or above the largest multiple of `bound`, so each result is equally
/// likely; fewer than two words are read on average.
#[derive(Clone, Debug)]
pub(super) struct Draws {
    prefix: [u8; PREFIX_BYTES],
    counter: u64,
    words: [u64; 4],
    /// The number of words of the block that are not read yet.
    left: usize,
}

impl Draws {
    /// Creates the stream of `seed` for one purpose (`domain`, unique to the caller) and one
    /// `index`.
    pub(super) fn new(domain: &'static str, seed: B256, index: u64) -> Self {
        let mut prefix = [0; PREFIX_BYTES];
        prefix[..32].copy_from_slice(keccak256(domain).as_slice());
        prefix[32..64].copy_from_slice(seed.as_slice());
        prefix[64..].copy_from_slice(&index.to_be_bytes());
        Self { prefix, counter: 0, words: [0; 4], left: 0 }
    }

    /// Returns the next number below `bound`.
    pub(super) fn below(&mut self, bound: NonZeroU64) -> u64 {
        // `u64::MAX - excess` is the last word below the largest multiple of the bound that fits.
        let excess = (u64::MAX % bound).saturating_add(1) % bound;
        loop {
            let word = self.word();
            if word <= u64::MAX.saturating_sub(excess) {
                return word % bound;
            }
        }
    }

    fn word(&mut self) -> u64 {
        if self.left == 0 {
            let mut bytes = [0; PREFIX_BYTES + 8];
            bytes[..PREFIX_BYTES].copy_from_slice(&self.prefix);
            bytes[PREFIX_BYTES..].copy_from_slice(&self.counter.to_be_bytes());
            let hash = keccak256(bytes);
            for (word, chunk) in self.words.iter_mut().zip(hash.as_chunks::<8>().0) {
                *word = u64::from_be_bytes(*chunk);
            }
            // 2^64 blocks are never read.
            self.counter = self.counter.wrapping_add(1);
            self.left = self.words.len();
        }
        let word = self.words[self.words.len().saturating_sub(self.left)];
        self.left = self.left.saturating_sub(1);
        word
    }
}

const PREFIX_BYTES: usize = 32 + 32 + 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_even_and_repeatable() {
        let bound = NonZeroU64::new(6).unwrap();
        let mut counts = [0_u32; 6];
        let mut draws = Draws::new("test", B256::repeat_byte(1), 0);
        let mut again = draws.clone();
        for _ in 0..60_000 {
            let drawn = draws.below(bound);
            assert_eq!(drawn, again.below(bound));
            counts[usize::try_from(drawn).unwrap()] += 1;
        }
        // Six standard deviations are 548.
        assert!(counts.iter().all(|count| count.abs_diff(10_000) < 548), "{counts:?}");
    }

    #[test]
    fn a_bound_above_half_is_not_biased_towards_small_numbers() {
        // A plain remainder would give the lower half of this range twice as often.
        let bound = NonZeroU64::new((1 << 63) + (1 << 62)).unwrap();
        let mut draws = Draws::new("test", B256::ZERO, 7);
        let low = (0..10_000).filter(|_| draws.below(bound) < 1 << 62).count();
        assert!(low.abs_diff(3_333) < 300, "{low}");
    }

    #[test]
    fn streams_differ_by_domain_seed_and_index() {
        let first = |domain, seed, index| Draws::new(domain, B256::repeat_byte(seed), index).word();
        let base = first("a", 1, 1);
        assert_eq!(base, first("a", 1, 1));
        assert_ne!(base, first("b", 1, 1));
        assert_ne!(base, first("a", 2, 1));
        assert_ne!(base, first("a", 1, 2));
    }

    #[test]
    fn the_largest_and_the_least_bound_end() {
        let mut draws = Draws::new("test", B256::ZERO, 0);
        assert_eq!(draws.below(NonZeroU64::MIN), 0);
        assert!(draws.below(NonZeroU64::MAX) < u64::MAX);
    }
}
