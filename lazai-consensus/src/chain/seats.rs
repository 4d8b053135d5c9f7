use alloc::{vec, vec::Vec};

/// Shares `seats` seats among quorums by their stakes, by the method of D'Hondt, and returns how
/// many each gets.
///
/// Consensus counts seats, not stake. Seat by seat, the quorum with the largest
/// `stake / (its seats + 1)` gets the next; of equal ones the quorum with more stake, then the one
/// that stands first. So the outcome is a function of the list alone, and a quorum that splits its
/// stake over several names never gains a seat, wherever the names are listed.
///
/// Arithmetic: quotients are compared by cross multiplication in 128 bits, exactly. Cost:
/// `stakes.len() * seats` comparisons.
///
/// # Errors
/// [`SeatsError`] if there are no quorums, too many, or too many seats, or if nobody has stake.
///
/// # Source
/// V. D'Hondt, 1882; also known as Jefferson's method. [`most_seats`] gives the bound that makes it
/// safe here.
pub fn seats(stakes: &[u64], seats: u32) -> Result<Vec<u32>, SeatsError> {
    if stakes.is_empty() || stakes.len() > MAX_QUORUMS {
        return Err(SeatsError::Quorums { got: stakes.len() as u64, max: MAX_QUORUMS as u64 });
    }
    if seats == 0 || seats > MAX_SEATS {
        return Err(SeatsError::Seats { got: seats, max: MAX_SEATS });
    }
    if stakes.iter().all(|stake| *stake == 0) {
        return Err(SeatsError::NoStake);
    }
    let mut given = vec![0_u32; stakes.len()];
    for _ in 0..seats {
        let mut best = 0;
        for index in 1..stakes.len() {
            // The later one wins only if its claim is strictly larger, so the first of equals
            // stays.
            if claim(stakes[index], given[index], stakes[best], given[best]) {
                best = index;
            }
        }
        given[best] = given[best].saturating_add(1);
    }
    Ok(given)
}

/// Returns whether stake `a` with `a_seats` has a larger claim to the next seat than stake `b` with
/// `b_seats`.
fn claim(a: u64, a_seats: u32, b: u64, b_seats: u32) -> bool {
    // A product of a 64-bit stake and a 33-bit divisor fits 128 bits.
    let a_quotient = u128::from(a).saturating_mul(u128::from(b_seats).saturating_add(1));
    let b_quotient = u128::from(b).saturating_mul(u128::from(a_seats).saturating_add(1));
    (a_quotient, a) > (b_quotient, b)
}

/// Returns the most seats that a coalition of `members` of `quorums` quorums can hold with `stake`
/// of `total_stake`: `floor(stake / total_stake * (seats + quorums - members))`.
///
/// [`seats`] never gives it more, whatever the stakes are. Proof: D'Hondt's method has a price `p`
/// of a seat such that a quorum of stake `w` gets at most `w / p` seats and more than `w / p - 1`,
/// or exactly that where a tie is lost. So the others hold at least
/// `(total - stake) / p - (quorums - members)` seats and the coalition at most `stake / p`;
/// eliminating `p` gives the bound.
///
/// A `total_stake` of 0 has no seats.
#[must_use]
pub fn most_seats(stake: u64, total_stake: u64, members: u32, quorums: u32, seats: u32) -> u64 {
    let divided = u128::from(seats).saturating_add(u128::from(quorums.saturating_sub(members)));
    let most = u128::from(stake).saturating_mul(divided).checked_div(u128::from(total_stake));
    u64::try_from(most.unwrap_or(0)).unwrap_or(u64::MAX)
}

/// Returns the share of the stake below which no coalition can hold more seats than consensus
/// tolerates, `f = floor((seats - 1) / 3)`.
///
/// The worst case is a coalition of one: `(f + 1) / (seats + quorums - 1)`. More seats for the same
/// quorums bring it closer to a third; at least four seats for each quorum are advised.
///
/// | quorums | seats | tolerated below | in per cent |
/// |---|---|---|---|
/// | 4 | 4 | 2/7 | 28.6 |
/// | 4 | 31 | 11/34 | 32.4 |
/// | 10 | 10 | 4/19 | 21.1 |
/// | 10 | 40 | 14/49 | 28.6 |
/// | 10 | 100 | 34/109 | 31.2 |
/// | 31 | 124 | 42/154 | 27.3 |
///
/// Both arguments are at least 1.
#[must_use]
pub const fn tolerated_stake(quorums: u32, seats: u32) -> StakeShare {
    StakeShare {
        numerator: (seats.saturating_sub(1) / 3).saturating_add(1) as u64,
        denominator: (seats as u64).saturating_add(quorums as u64).saturating_sub(1),
    }
}

/// A share of the stake as an exact fraction.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct StakeShare {
    /// The numerator of the fraction.
    pub numerator: u64,
    /// The denominator of the fraction.
    pub denominator: u64,
}

impl StakeShare {
    /// Returns whether `stake` of `total_stake` is less than this share.
    #[must_use]
    pub const fn exceeds(&self, stake: u64, total_stake: u64) -> bool {
        (stake as u128).saturating_mul(self.denominator as u128)
            < (total_stake as u128).saturating_mul(self.numerator as u128)
    }
}

/// Why seats cannot be apportioned by stakes.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SeatsError {
    /// No quorum has stake.
    #[error("no quorum has stake")]
    NoStake,
    /// There are no quorums, or too many.
    #[error("seats are shared among 1 to {max} quorums, not {got}")]
    Quorums {
        /// Number of quorums given.
        got: u64,
        /// Most quorums among which seats are shared.
        max: u64,
    },
    /// There are no seats, or too many.
    #[error("1 to {max} seats are shared, not {got}")]
    Seats {
        /// Seats asked for.
        got: u32,
        /// Most seats of a committee.
        max: u32,
    },
}

/// Most quorums among which seats are shared.
pub const MAX_QUORUMS: usize = 1_024;
/// Most seats of a committee: as many as a set of signers names.
pub const MAX_SEATS: u32 = 128;

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stakes() -> impl Strategy<Value = Vec<u64>> {
        // Small stakes make ties; the widest ones show that nothing overflows.
        let small = prop::collection::vec(1_u64..20, 1..12);
        let wide = prop::collection::vec(1..=u64::MAX / 16, 1..12);
        prop_oneof![small, wide]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn no_coalition_exceeds_the_bound(
            stakes in stakes(),
            count in 1_u32..120,
            coalition in any::<u16>(),
        ) {
            let given = seats(&stakes, count).unwrap();
            prop_assert_eq!(given.iter().sum::<u32>(), count);
            let quorums = u32::try_from(stakes.len()).unwrap();
            let inside = |index: &usize| coalition >> index & 1 == 1;
            let stake = (0..stakes.len()).filter(inside).map(|index| stakes[index]).sum();
            let held: u32 = (0..stakes.len()).filter(inside).map(|index| given[index]).sum();
            let members = u32::try_from((0..stakes.len()).filter(inside).count()).unwrap();
            let total = stakes.iter().sum();
            prop_assert!(u64::from(held) <= most_seats(stake, total, members, quorums, count));
            if members > 0 && tolerated_stake(quorums, count).exceeds(stake, total) {
                prop_assert!(held <= (count - 1) / 3);
            }
        }

        #[test]
        fn splitting_never_pays(
            mut stakes in stakes(),
            count in 1_u32..120,
            who in any::<prop::sample::Index>(),
            part in any::<prop::sample::Index>(),
            place in any::<prop::sample::Index>(),
        ) {
            let who = who.index(stakes.len());
            prop_assume!(stakes[who] > 1);
            let before = seats(&stakes, count).unwrap()[who];
            let moved = part.index(usize::try_from(stakes[who] - 1).unwrap()) as u64 + 1;
            stakes[who] -= moved;
            let place = place.index(stakes.len() + 1);
            stakes.insert(place, moved);
            let given = seats(&stakes, count).unwrap();
            let rest = if place <= who { who + 1 } else { who };
            prop_assert!(given[place] + given[rest] <= before);
        }
    }

    #[test]
    fn the_textbook_example_comes_out() {
        assert_eq!(seats(&[100_000, 80_000, 30_000, 20_000], 8), Ok(vec![4, 3, 1, 0]));
    }

    #[test]
    fn ties_go_to_more_stake_and_then_to_the_first() {
        assert_eq!(seats(&[5, 5, 5], 1), Ok(vec![1, 0, 0]));
        assert_eq!(seats(&[5, 5, 5], 5), Ok(vec![2, 2, 1]));
        // After one seat the second quorum's quotient is 1 as well, and it has more stake.
        assert_eq!(seats(&[1, 2], 2), Ok(vec![0, 2]));
    }

    #[test]
    fn the_documented_table_is_right() {
        let rows = [
            (4, 4, (2, 7)),
            (4, 31, (11, 34)),
            (10, 10, (4, 19)),
            (10, 40, (14, 49)),
            (10, 100, (34, 109)),
            (31, 124, (42, 154)),
        ];
        for (quorums, seats, (numerator, denominator)) in rows {
            assert_eq!(tolerated_stake(quorums, seats), StakeShare { numerator, denominator });
        }
    }

    #[test]
    fn the_share_is_the_best_that_can_be_said() {
        // One quorum with exactly the share of 10 quorums and 40 seats, the others as unlucky as
        // they can be: each of the nine falls just short of the seats that the bound takes from it.
        let given =
            seats(&[14_000, 3_999, 3_999, 3_999, 3_999, 3_999, 3_999, 3_999, 3_999, 2_999], 40)
                .unwrap();
        assert_eq!(given[0], 14);
    }

    #[test]
    fn odd_requests_are_refused() {
        assert_eq!(seats(&[], 1), Err(SeatsError::Quorums { got: 0, max: 1_024 }));
        assert_eq!(seats(&[0, 0], 1), Err(SeatsError::NoStake));
        assert_eq!(seats(&[1], 0), Err(SeatsError::Seats { got: 0, max: 128 }));
        assert_eq!(seats(&[1], 129), Err(SeatsError::Seats { got: 129, max: 128 }));
        assert_eq!(most_seats(1, 0, 1, 1, 1), 0);
    }
}
