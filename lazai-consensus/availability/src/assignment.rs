use alloc::vec::Vec;

use lazai_consensus::Committee;

use super::{CodingError, MAX_SHARDS};

/// The assignment of shards to the members of a committee.
///
/// There are `n` seats, one for each shard of a stripe. The shard at index `i` of stripe `s`
/// belongs to seat `(i + s) mod n`. The rotation spreads the shards with the data itself, which
/// readers ask for first, over all seats.
///
/// # Distribution of seats
/// The distribution determines the strength of an `Available` certificate.
/// [`by_weight`](Self::by_weight) gives a seat for each unit of weight: then the signers hold at
/// least `n - f` of the `n = 3f + 1` shards, and if less than a third of the weight is faulty, at
/// least `f + 1 = k` of those are really stored, which restore everything. A quorum with unequal
/// stakes shares `n` seats by [`chain::seats`](lazai_consensus::chain::seats), and makes these the
/// weights of its committee.
///
/// [`one_each`](Self::one_each) ignores the weights: few heavy members may then certify data of
/// which too few shards are stored. It is for committees of equal weights, of any size.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Assignment {
    /// The index of the member in the committee, by seat.
    members: Vec<u16>,
}

impl Assignment {
    /// Assigns a seat for each unit of weight.
    ///
    /// # Errors
    /// [`CodingError::Shards`] if the total weight is above [`MAX_SHARDS`].
    pub fn by_weight(committee: &Committee) -> Result<Self, CodingError> {
        Self::new(committee.members().iter().map(|member| member.weight))
    }

    /// Assigns one seat to each member, regardless of its weight.
    ///
    /// # Errors
    /// [`CodingError::Shards`] if there are more than [`MAX_SHARDS`] members.
    pub fn one_each(committee: &Committee) -> Result<Self, CodingError> {
        Self::new(committee.members().iter().map(|_| 1))
    }

    /// Assigns the given number of seats to each member, in the order of the committee.
    ///
    /// # Errors
    /// [`CodingError::Shards`] if there are no seats, or more than [`MAX_SHARDS`].
    pub fn new(seats: impl IntoIterator<Item = u64>) -> Result<Self, CodingError> {
        let too_many = CodingError::Shards { got: u16::MAX, max: MAX_SHARDS };
        let mut members = Vec::new();
        for (member, seats) in (0_u16..=u16::MAX).zip(seats) {
            let free = usize::from(MAX_SHARDS).saturating_sub(members.len());
            let seats = usize::try_from(seats).ok().filter(|seats| *seats <= free);
            members.extend(core::iter::repeat_n(member, seats.ok_or(too_many)?));
        }
        if members.is_empty() {
            return Err(CodingError::Shards { got: 0, max: MAX_SHARDS });
        }
        Ok(Self { members })
    }

    /// Returns the number of seats, which is that of the shards of a stripe.
    #[must_use]
    pub fn n(&self) -> u16 {
        u16::try_from(self.members.len()).unwrap_or(MAX_SHARDS)
    }

    /// Returns the index of the member that stores a shard; `None` if there is no such shard.
    #[must_use]
    pub fn holder(&self, stripe: u32, shard: u16) -> Option<u16> {
        let n = self.n();
        let seat = (shard < n).then(|| u64::from(shard).saturating_add(stripe.into()))?;
        self.members.get(usize::try_from(seat.checked_rem(n.into())?).ok()?).copied()
    }

    /// Returns the seats of a member in ascending order.
    pub fn seats(&self, member: u16) -> impl Iterator<Item = u16> {
        let seats = (0_u16..).zip(&self.members);
        seats.filter(move |(_, holder)| **holder == member).map(|(seat, _)| seat)
    }

    /// Returns the shards of a stripe that a member stores, in the order of its seats.
    pub fn shards(&self, member: u16, stripe: u32) -> impl Iterator<Item = u16> {
        let n = self.n();
        self.seats(member).map(move |seat| shard_of_seat(n, seat, stripe))
    }
}

/// Returns the shard of a stripe that belongs to a seat: `(seat - stripe) mod n`.
pub(super) fn shard_of_seat(n: u16, seat: u16, stripe: u32) -> u16 {
    let shift = stripe.checked_rem(n.into()).unwrap_or_default();
    let shard = u32::from(seat).saturating_add(n.into()).saturating_sub(shift);
    shard.checked_rem(n.into()).and_then(|shard| u16::try_from(shard).ok()).unwrap_or_default()
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests {
    use alloc::vec;

    use super::*;

    #[test]
    fn each_shard_has_one_holder() {
        let assignment = Assignment::new([3, 1, 0, 2]).unwrap();
        assert_eq!(assignment.n(), 6);
        assert_eq!(assignment.seats(0).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(assignment.seats(2).count(), 0);
        for stripe in [0, 1, 5, 6, 7, u32::MAX] {
            let mut all = Vec::new();
            for member in 0..4 {
                for shard in assignment.shards(member, stripe) {
                    assert_eq!(assignment.holder(stripe, shard), Some(member));
                    all.push(shard);
                }
            }
            all.sort_unstable();
            assert_eq!(all, [0, 1, 2, 3, 4, 5], "{stripe}");
        }
        assert_eq!(assignment.holder(0, 6), None);
    }

    #[test]
    fn the_first_places_go_around() {
        let assignment = Assignment::new([1; 4]).unwrap();
        let holders: Vec<_> = (0..5).map(|stripe| assignment.holder(stripe, 0).unwrap()).collect();
        assert_eq!(holders, [0, 1, 2, 3, 0]);
    }

    #[test]
    fn seats_are_bounded() {
        let error = |seats: Vec<u64>| Assignment::new(seats).unwrap_err();
        assert_eq!(error(vec![]), CodingError::Shards { got: 0, max: 1_024 });
        assert_eq!(error(vec![0, 0]), CodingError::Shards { got: 0, max: 1_024 });
        for seats in [vec![1_025], vec![1_000, 25], vec![u64::MAX, 1]] {
            assert!(matches!(error(seats), CodingError::Shards { max: 1_024, .. }));
        }
        assert_eq!(Assignment::new([1_000, 24]).unwrap().n(), 1_024);
    }

    /// With a seat for each unit of weight, a certificate implies that honest signers store `k`
    /// shards.
    #[test]
    fn certificates_by_weight_mean_that_the_data_is_there() {
        for weights in [vec![1_u64; 4], vec![3, 1, 1, 2], vec![10, 9, 1, 1, 1], vec![5, 5, 5, 1]] {
            let total: u64 = weights.iter().sum();
            let coding = crate::Coding::new(u16::try_from(total).unwrap()).unwrap();
            let threshold = total - (total - 1) / 3;
            let weight = |set: u32| -> u64 {
                (0..)
                    .zip(&weights)
                    .filter(|(member, _)| set >> member & 1 == 1)
                    .map(|(_, w)| w)
                    .sum()
            };
            let sets = 0..1_u32 << weights.len();
            for signers in sets.clone().filter(|set| weight(*set) >= threshold) {
                for liars in sets.clone().filter(|set| 3 * weight(*set) < total) {
                    assert!(weight(signers & !liars) >= u64::from(coding.k()), "{weights:?}");
                }
            }
        }
    }
}
