use alloc::vec::Vec;
use core::num::NonZeroU64;

use alloy_primitives::{B256, Keccak256};

use super::{
    DatasetCommitment, Opening, OpeningError, Place,
    place::{draw, leaves_of_column, place_in_column},
    verify_opening,
};

/// The leaves that a light client requests to check the availability of data.
///
/// Leaves are drawn uniformly with replacement. If a share `a` of them is unavailable, all `K`
/// samples succeed with probability `(1 - a)^K`; [`detection_ppm`] computes the complement.
///
/// - A stripe cannot be restored only if more than `n - k` of its `n` shards are lost:
///   `a = (n - k + 1) / n`, which is above 2/3. So [`of_stripe`](Self::of_stripe) with 9 samples
///   misses that at most once in 19,683 times, with 19 at most once in 1,162,261,467.
/// - [`of_dataset`](Self::of_dataset) detects a loss in proportion to its share of all leaves. To
///   detect a single lost stripe, sample each stripe that is to be read.
///
/// The seed must be fresh, chosen by the client, and unknown to the members until they are asked.
///
/// # Stability
/// Unstable: no light client uses it yet.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SamplePlan {
    places: Vec<Place>,
}

impl SamplePlan {
    /// Draws `count` leaves of the dataset, at most [`MAX_SAMPLES`].
    #[must_use]
    pub fn of_dataset(commitment: &DatasetCommitment, seed: B256, count: u16) -> Self {
        let column = leaves_of_column(commitment);
        // Below 2^51.
        let all = column.saturating_mul(shards(commitment));
        let seed = bind(commitment, seed, None);
        let place = |index| {
            let drawn = draw(DOMAIN, &seed, index, all);
            let shard = u16::try_from(drawn / column).unwrap_or(u16::MAX);
            let (stripe, leaf) = place_in_column(commitment, drawn % column);
            Place { stripe, shard, leaf }
        };
        Self { places: (0..count.min(MAX_SAMPLES).into()).map(place).collect() }
    }

    /// Draws `count` leaves of a stripe, at most [`MAX_SAMPLES`]; none if there is no such stripe.
    #[must_use]
    pub fn of_stripe(commitment: &DatasetCommitment, stripe: u32, seed: B256, count: u16) -> Self {
        let Some(leaves) = NonZeroU64::new(commitment.leaves(stripe).into()) else {
            return Self { places: Vec::new() };
        };
        let all = leaves.saturating_mul(shards(commitment));
        let seed = bind(commitment, seed, Some(stripe));
        let place = |index| {
            let drawn = draw(DOMAIN, &seed, index, all);
            let shard = u16::try_from(drawn / leaves).unwrap_or(u16::MAX);
            Place { stripe, shard, leaf: u32::try_from(drawn % leaves).unwrap_or(u32::MAX) }
        };
        Self { places: (0..count.min(MAX_SAMPLES).into()).map(place).collect() }
    }

    /// Returns the positions of the leaves to request.
    #[must_use]
    pub fn places(&self) -> &[Place] {
        &self.places
    }

    /// Verifies the response to the sample at `index`.
    ///
    /// # Errors
    /// [`SampleError`] if the plan has no such sample, or the opening is of another leaf or does
    /// not verify.
    pub fn check(
        &self,
        commitment: &DatasetCommitment,
        index: usize,
        opening: &Opening,
    ) -> Result<(), SampleError> {
        let asked = *self.places.get(index).ok_or(SampleError::NoSample { got: index as u64 })?;
        if opening.place() != asked {
            return Err(SampleError::WrongPlace { asked, got: opening.place() });
        }
        Ok(verify_opening(commitment, opening)?)
    }
}

/// Returns the probability that `samples` leaves, drawn with replacement, include one of the `lost`
/// of `total`, in parts per million: `1 - (1 - lost / total)^samples`, rounded down.
///
/// Arithmetic: the power is taken by squaring, in 64 fractional bits and rounded up at each of at
/// most 63 steps, so the result is never too high, and at most 1 too low. If nothing is lost, or
/// `total` is 0, the result is 0.
#[must_use]
pub fn detection_ppm(lost: u64, total: u64, samples: u32) -> u32 {
    let kept = total.saturating_sub(lost);
    if kept >= total || samples == 0 {
        return 0;
    }
    // Numbers below 2^64 stand for fractions of 2^64; products fit 128 bits.
    let mut base = (u128::from(kept) << 64).div_ceil(total.into());
    let mut missed = None;
    let multiply = |a: u128, b: u128| a.saturating_mul(b).div_ceil(1 << 64);
    let mut rest = samples;
    while rest > 0 {
        if rest & 1 == 1 {
            missed = Some(missed.map_or(base, |missed| multiply(missed, base)));
        }
        base = multiply(base, base);
        rest >>= 1;
    }
    let found = (1_u128 << 64).saturating_sub(missed.unwrap_or(1 << 64));
    u32::try_from(found.saturating_mul(1_000_000) >> 64).unwrap_or(1_000_000)
}

fn shards(commitment: &DatasetCommitment) -> NonZeroU64 {
    NonZeroU64::new(commitment.coding().n().into()).unwrap_or(NonZeroU64::MIN)
}

/// Derives the seed of the draws from the client's seed, the dataset and the sampled stripe.
fn bind(commitment: &DatasetCommitment, seed: B256, stripe: Option<u32>) -> B256 {
    let mut hasher = Keccak256::new();
    hasher.update(DOMAIN);
    hasher.update(commitment.root());
    hasher.update(stripe.map_or(u64::MAX, u64::from).to_be_bytes());
    hasher.update(seed);
    hasher.finalize()
}

/// A sample failed.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SampleError {
    /// The plan has no such sample.
    #[error("there is no sample {got}")]
    NoSample {
        /// Index of the sample, from 0.
        got: u64,
    },
    /// The opening does not verify.
    #[error(transparent)]
    Opening(#[from] OpeningError),
    /// The opening belongs to another leaf.
    #[error("asked for {asked:?}, got {got:?}")]
    WrongPlace {
        /// Position of the requested leaf.
        asked: Place,
        /// Position of the opened leaf.
        got: Place,
    },
}

/// Maximum number of samples in a plan.
pub const MAX_SAMPLES: u16 = 1_024;

const DOMAIN: &[u8] = b"lazvm/sample/1";

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::float_arithmetic)]
mod tests {
    use super::*;
    use crate::Coding;

    fn commitment(bytes: u64, n: u16, stripe_bytes: u32) -> DatasetCommitment {
        let coding = Coding::with_stripe_bytes(n, stripe_bytes).unwrap();
        DatasetCommitment::new(bytes, coding, B256::ZERO).unwrap()
    }

    #[test]
    fn the_formula_is_met_and_never_exceeded() {
        for (lost, total) in [(1, 100), (5, 100), (1, 3), (2, 3), (3, 4), (1, 1 << 40), (9, 9)] {
            for samples in [1_u32, 2, 5, 9, 17, 19, 20, 150, 600, 1_024] {
                let share = lost as f64 / total as f64;
                let exact = -f64::exp_m1(f64::from(samples) * f64::ln_1p(-share)) * 1e6;
                let got = f64::from(detection_ppm(lost, total, samples));
                assert!(
                    got <= exact + 1e-3 && got > exact - 1.001,
                    "{lost}/{total} {samples}: {got} {exact}"
                );
            }
        }
    }

    #[test]
    fn edges_of_the_formula() {
        assert_eq!(detection_ppm(0, 100, 1_000), 0);
        assert_eq!(detection_ppm(50, 100, 0), 0);
        assert_eq!(detection_ppm(5, 0, 5), 0);
        assert_eq!(detection_ppm(7, 5, 1), 1_000_000);
        assert_eq!(detection_ppm(u64::MAX, u64::MAX, u32::MAX), 1_000_000);
        assert_eq!(detection_ppm(1, u64::MAX, 1), 0);
        assert_eq!(detection_ppm(1, 2, 1), 500_000);
        assert_eq!(detection_ppm(1, 2, 2), 750_000);
    }

    #[test]
    fn withholding_a_stripe_is_seen() {
        for n in 4..=100_u16 {
            let gone = n - Coding::new(n).unwrap().k() + 1;
            assert!(detection_ppm(gone.into(), n.into(), 9) >= 999_949, "{n}");
            assert!(detection_ppm(gone.into(), n.into(), 13) >= 999_999, "{n}");
        }
    }

    #[test]
    fn plans_stay_inside_and_reach_everything() {
        let commitment = commitment(27_001, 7, 9_000);
        assert_eq!([0, 3].map(|stripe| commitment.leaves(stripe)), [3, 1]);
        let plan = SamplePlan::of_dataset(&commitment, B256::repeat_byte(1), 1_024);
        let mut reached: Vec<_> = plan.places().to_vec();
        reached.sort_unstable();
        reached.dedup();
        assert_eq!(reached.len(), 7 * (3 + 3 + 3 + 1));
        assert!(
            reached
                .iter()
                .all(|place| { place.shard < 7 && place.leaf < commitment.leaves(place.stripe) })
        );
        let plan = SamplePlan::of_stripe(&commitment, 1, B256::repeat_byte(1), 500);
        let mut reached: Vec<_> = plan.places().to_vec();
        reached.sort_unstable();
        reached.dedup();
        assert_eq!(reached.len(), 7 * 3);
        assert!(reached.iter().all(|place| place.stripe == 1));
    }

    #[test]
    fn plans_are_bounded_and_depend_on_seed_and_data() {
        let data = commitment(100_000, 7, 9_000);
        let plan = |data: &DatasetCommitment, seed| {
            SamplePlan::of_dataset(data, B256::repeat_byte(seed), 40)
        };
        assert_eq!(plan(&data, 1), plan(&data, 1));
        assert_ne!(plan(&data, 1), plan(&data, 2));
        assert_ne!(plan(&data, 1), plan(&commitment(99_999, 7, 9_000), 1));
        let longest = SamplePlan::of_dataset(&data, B256::ZERO, u16::MAX);
        assert_eq!(longest.places().len(), 1_024);
        assert!(SamplePlan::of_stripe(&data, 12, B256::ZERO, 9).places().is_empty());
    }
}
