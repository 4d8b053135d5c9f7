use alloc::vec::Vec;
use core::num::NonZeroU64;

use alloy_primitives::{B256, Keccak256};

use super::{
    DatasetCommitment, Opening, OpeningError, Place,
    place::{draw, leaves_of_column, place_in_column},
    verify_opening,
};

/// Which leaves a light client asks for, to see for itself that data is there.
///
/// Leaves are drawn with replacement, each as likely as the others. If a share `a` of what is drawn
/// from cannot be had, all `K` samples are answered with probability `(1 - a)^K`; [`detection_ppm`]
/// computes the rest.
///
/// - A stripe cannot be restored only if more than `n - k` of its `n` shards are gone:
///   `a = (n - k + 1) / n`, which is above 2/3. So [`of_stripe`](Self::of_stripe) with 9 samples
///   misses that at most once in 19,683 times, with 19 at most once in 1,162,261,467.
/// - [`of_dataset`](Self::of_dataset) finds a loss in proportion to its share of all leaves. A
///   single lost stripe of many is better found by sampling each stripe that is to be read.
///
/// The seed must be the client's own, fresh, and unknown to those asked until they are asked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SamplePlan {
    places: Vec<Place>,
}

impl SamplePlan {
    /// `count` leaves of all; at most [`MAX_SAMPLES`].
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

    /// `count` leaves of a stripe; at most [`MAX_SAMPLES`], and none if there is no such stripe.
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

    /// What to ask for.
    #[must_use]
    pub fn places(&self) -> &[Place] {
        &self.places
    }

    /// Checks the answer to the question at `index`.
    ///
    /// # Errors
    /// [`SampleError`] if there is no such question, or the opening is that of another place or not
    /// true.
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

/// How likely `samples` leaves, drawn with replacement, show that `lost` of `total` are gone, in
/// parts per million: `1 - (1 - lost / total)^samples`, rounded down.
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

/// Makes the leaves asked for depend on the data set and on what is sampled.
fn bind(commitment: &DatasetCommitment, seed: B256, stripe: Option<u32>) -> B256 {
    let mut hasher = Keccak256::new();
    hasher.update(DOMAIN);
    hasher.update(commitment.root());
    hasher.update(stripe.map_or(u64::MAX, u64::from).to_be_bytes());
    hasher.update(seed);
    hasher.finalize()
}

/// Why a sample is not answered.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SampleError {
    /// The plan has no such question.
    #[error("there is no sample {got}")]
    NoSample {
        /// Question named, from 0.
        got: u64,
    },
    /// The opening is not true.
    #[error(transparent)]
    Opening(#[from] OpeningError),
    /// The opening is of another leaf.
    #[error("asked for {asked:?}, got {got:?}")]
    WrongPlace {
        /// The leaf asked for.
        asked: Place,
        /// The leaf given.
        got: Place,
    },
}

/// Most leaves of a plan.
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
