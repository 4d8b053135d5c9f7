use alloc::vec::Vec;
use core::num::NonZeroU64;

use alloy_primitives::B256;

use crate::chain::randomness::Draws;

/// The leaders of the views of an epoch: for each view a seat is drawn with a probability
/// proportional to its weight.
///
/// A pure function of the epoch's seed, the weights and the view. The whole schedule is known when
/// the epoch begins, so a leader can be prepared for, and attacked; the seed must not be known
/// before the weights are fixed.
///
/// Arithmetic: `ticket` is drawn evenly below the total weight; the leader is the first seat at
/// which the running sum of the weights exceeds the ticket.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LeaderSchedule {
    seed: B256,
    /// Running sums of the weights; the last one is the total.
    sums: Vec<u64>,
    total: NonZeroU64,
}

impl LeaderSchedule {
    /// Creates the schedule of an epoch with `seed` over seats of `weights`, in the order of the
    /// seats. A seat of weight 0 never leads.
    ///
    /// # Errors
    /// [`LeaderScheduleError`] if nobody has weight or the weights exceed 64 bits in total.
    pub fn new(seed: B256, weights: &[u64]) -> Result<Self, LeaderScheduleError> {
        let mut total = 0_u64;
        let mut sums = Vec::with_capacity(weights.len());
        for weight in weights {
            total = total.checked_add(*weight).ok_or(LeaderScheduleError::WeightOverflow)?;
            sums.push(total);
        }
        let total = NonZeroU64::new(total).ok_or(LeaderScheduleError::NoWeight)?;
        Ok(Self { seed, sums, total })
    }

    /// Returns the index of the seat that proposes in `view`.
    #[must_use]
    pub fn leader(&self, view: u64) -> usize {
        let ticket = Draws::new("lazvm/leader/1", self.seed, view).below(self.total);
        self.sums.partition_point(|sum| *sum <= ticket)
    }
}

/// Why weights do not form a leader schedule.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum LeaderScheduleError {
    /// All weights are 0.
    #[error("no seat has weight, so nobody can lead")]
    NoWeight,
    /// The weights are too large.
    #[error("the weights of the seats exceed 64 bits in total")]
    WeightOverflow,
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn leaders_come_in_proportion_to_their_weight() {
        let schedule = LeaderSchedule::new(B256::repeat_byte(3), &[1, 0, 2, 7]).unwrap();
        let mut counts = vec![0_u32; 4];
        for view in 0..10_000 {
            counts[schedule.leader(view)] += 1;
        }
        assert_eq!(counts[1], 0);
        // Six standard deviations of the widest are 275.
        for (count, expected) in counts.iter().zip([1_000, 0, 2_000, 7_000_u32]) {
            assert!(count.abs_diff(expected) < 275, "{counts:?}");
        }
    }

    #[test]
    fn the_schedule_is_fixed_for_good() {
        let schedule = LeaderSchedule::new(B256::repeat_byte(9), &[1, 1, 1, 1]).unwrap();
        let leaders: Vec<_> = (1..=12).map(|view| schedule.leader(view)).collect();
        assert_eq!(leaders, LEADERS);
    }

    #[test]
    fn weights_that_cannot_lead_are_refused() {
        assert_eq!(LeaderSchedule::new(B256::ZERO, &[]), Err(LeaderScheduleError::NoWeight));
        assert_eq!(LeaderSchedule::new(B256::ZERO, &[0]), Err(LeaderScheduleError::NoWeight));
        let wide = [u64::MAX, 1];
        assert_eq!(
            LeaderSchedule::new(B256::ZERO, &wide),
            Err(LeaderScheduleError::WeightOverflow)
        );
    }

    proptest! {
        #[test]
        fn a_leader_is_a_seat_with_weight(
            seed in any::<[u8; 32]>(),
            weights in prop::collection::vec(0..=u64::MAX / 8, 1..8),
            view in any::<u64>(),
        ) {
            prop_assume!(weights.iter().any(|weight| *weight > 0));
            let schedule = LeaderSchedule::new(B256::new(seed), &weights).unwrap();
            prop_assert!(weights[schedule.leader(view)] > 0);
        }
    }

    /// Computed once; a change of the schedule is a fork.
    const LEADERS: [usize; 12] = [3, 2, 2, 0, 3, 1, 3, 0, 0, 1, 0, 1];
}
