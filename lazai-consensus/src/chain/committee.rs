use alloc::{collections::BTreeMap, string::String, vec::Vec};
use core::fmt::Debug;

use alloy_primitives::{Address, B256};

use crate::{
    QuorumId,
    bls::{PublicKey, Signature},
    chain::{LeaderSchedule, LeaderScheduleError, MAX_SEATS},
};

/// The committee that votes on the blocks of an epoch: one seat, one vote.
///
/// Seats are ordered by identity; the place of a seat is its number in blocks, certificates and
/// evidence.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ChainCommittee {
    /// The seats, ascending by identity.
    seats: Vec<Seat>,
}

impl ChainCommittee {
    /// Makes a committee of `seats`, given in any order. Cost: two pairings for each seat.
    ///
    /// # Errors
    /// [`ChainCommitteeError`] if there are no seats or too many, if an identity or a voting key
    /// appears twice, or if a proof of possession does not hold.
    pub fn new(mut seats: Vec<Seat>) -> Result<Self, ChainCommitteeError> {
        if seats.is_empty() || seats.len() as u64 > u64::from(MAX_SEATS) {
            return Err(ChainCommitteeError::Size { got: seats.len() as u64, max: MAX_SEATS });
        }
        seats.sort_by_cached_key(|seat| seat.vote_key.to_bytes());
        if seats.array_windows().any(|[a, b]| a.vote_key == b.vote_key) {
            return Err(ChainCommitteeError::DuplicateVoteKey);
        }
        seats.sort_unstable_by_key(|seat| seat.identity);
        if let Some([seat, _]) = seats.array_windows().find(|[a, b]| a.identity == b.identity) {
            return Err(ChainCommitteeError::DuplicateIdentity {
                identity: B256::new(seat.identity),
            });
        }
        for seat in &seats {
            if !seat.vote_key.verify_possession(&seat.possession, seat.operator) {
                let identity = B256::new(seat.identity);
                return Err(ChainCommitteeError::Possession { identity });
            }
        }
        Ok(Self { seats })
    }

    /// Returns the seats, ascending by identity.
    #[must_use]
    pub fn seats(&self) -> &[Seat] {
        &self.seats
    }

    /// Returns the least number of seats that certify: more than two thirds,
    /// `n - floor((n - 1) / 3)`.
    #[must_use]
    pub const fn threshold(&self) -> usize {
        let faulty = self.seats.len().saturating_sub(1) / 3;
        self.seats.len().saturating_sub(faulty)
    }

    /// Returns the leader schedule of an epoch with `seed`, by the weights of the seats.
    ///
    /// # Errors
    /// [`LeaderScheduleError`] if no seat has weight or the weights exceed 64 bits in total.
    pub fn leaders(&self, seed: B256) -> Result<LeaderSchedule, LeaderScheduleError> {
        let weights: Vec<_> = self.seats.iter().map(|seat| seat.weight).collect();
        LeaderSchedule::new(seed, &weights)
    }
}

/// A vote of a quorum in the chain's consensus, and the operator that casts it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Seat {
    /// The quorum that the seat belongs to.
    pub quorum: QuorumId,
    /// The wallet of the operator, which its proof of possession names.
    pub operator: Address,
    /// The Ed25519 key by which the operator is known in the network.
    pub identity: [u8; 32],
    /// The key of its votes.
    pub vote_key: PublicKey,
    /// The proof that the operator has the secret of `vote_key`.
    pub possession: Signature,
    /// The relative frequency with which the seat leads: its part of the stake of its quorum. 0
    /// means never.
    pub weight: u64,
}

/// Provides the committee of each epoch.
pub trait CommitteeSource: Debug + Send + Sync + 'static {
    /// Returns the committee of `epoch`. The engine asks only when the executor has committed the
    /// last block of the epoch before, so what the source needs is final. An implementation gives
    /// the same answer at every node, for ever: old epochs are asked for again after a restart.
    ///
    /// # Errors
    /// [`CommitteeSourceError`] if there is none; the chain then ends with the epoch before.
    fn committee(&self, epoch: u64) -> Result<ChainCommittee, CommitteeSourceError>;
}

/// Committees that are configured in advance.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FixedCommittees {
    /// The committees by the first epoch in which each votes.
    committees: BTreeMap<u64, ChainCommittee>,
}

impl FixedCommittees {
    /// Uses one committee for all epochs.
    #[must_use]
    pub fn new(committee: ChainCommittee) -> Self {
        Self { committees: BTreeMap::from([(0, committee)]) }
    }

    /// Lets `committee` vote from `epoch` on.
    #[must_use]
    pub fn with_change(mut self, epoch: u64, committee: ChainCommittee) -> Self {
        self.committees.insert(epoch, committee);
        self
    }
}

impl CommitteeSource for FixedCommittees {
    fn committee(&self, epoch: u64) -> Result<ChainCommittee, CommitteeSourceError> {
        // `new` gives epoch 0 a committee, so there is always one.
        let latest = self.committees.range(..=epoch).next_back();
        latest.map(|(_, committee)| committee.clone()).ok_or_else(|| CommitteeSourceError {
            epoch,
            reason: String::from("the schedule is empty"),
        })
    }
}

/// Why an epoch has no committee.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("epoch {epoch} has no committee: {reason}")]
pub struct CommitteeSourceError {
    /// The epoch that was asked for.
    pub epoch: u64,
    /// What is missing, and how to provide it.
    pub reason: String,
}

/// Why seats do not form a committee.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ChainCommitteeError {
    /// Two seats have one operator identity.
    #[error("identity {identity} has two seats; each seat needs its own")]
    DuplicateIdentity {
        /// The identity that two seats have.
        identity: B256,
    },
    /// Two seats have one voting key.
    #[error("two seats have one voting key; each seat needs its own")]
    DuplicateVoteKey,
    /// The owner of an identity has not shown that it knows the secret of its voting key.
    #[error("the proof of possession of identity {identity} does not hold")]
    Possession {
        /// The identity of the seat with the false proof.
        identity: B256,
    },
    /// There are no seats, or too many.
    #[error("a committee has 1 to {max} seats, not {got}")]
    Size {
        /// Number of seats given.
        got: u64,
        /// Most seats of a committee.
        max: u32,
    },
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::bls::SecretKey;

    fn seat(identity: u8, key: u8) -> Seat {
        let operator = Address::repeat_byte(identity);
        let secret = SecretKey::from_seed(&[key; 32]).unwrap();
        Seat {
            quorum: QuorumId(B256::ZERO),
            operator,
            identity: [identity; 32],
            vote_key: secret.public_key(),
            possession: secret.prove_possession(operator),
            weight: 1,
        }
    }

    #[test]
    fn seats_are_ordered_by_identity() {
        let committee = ChainCommittee::new(vec![seat(2, 1), seat(1, 2)]).unwrap();
        assert_eq!(committee.seats(), [seat(1, 2), seat(2, 1)]);
    }

    #[test]
    fn thresholds_are_more_than_two_thirds() {
        for (seats, threshold) in [(1, 1), (3, 3), (4, 3), (7, 5), (10, 7), (12, 9)] {
            let seats = (0..seats).map(|index| seat(index, index)).collect();
            assert_eq!(ChainCommittee::new(seats).unwrap().threshold(), threshold);
        }
    }

    #[test]
    fn odd_committees_are_refused() {
        let error = |seats| ChainCommittee::new(seats).unwrap_err();
        assert_eq!(error(vec![]), ChainCommitteeError::Size { got: 0, max: 128 });
        let identity = B256::repeat_byte(1);
        let twice = vec![seat(1, 1), seat(1, 2)];
        assert_eq!(error(twice), ChainCommitteeError::DuplicateIdentity { identity });
        assert_eq!(error(vec![seat(1, 1), seat(2, 1)]), ChainCommitteeError::DuplicateVoteKey);
        let stolen = Seat { operator: Address::ZERO, ..seat(1, 1) };
        assert_eq!(error(vec![stolen, seat(2, 2)]), ChainCommitteeError::Possession { identity });
    }

    #[test]
    fn a_schedule_changes_at_its_epochs() {
        let first = ChainCommittee::new(vec![seat(1, 1)]).unwrap();
        let second = ChainCommittee::new(vec![seat(2, 2)]).unwrap();
        let fixed = FixedCommittees::new(first.clone()).with_change(3, second.clone());
        for (epoch, committee) in [(0, &first), (2, &first), (3, &second), (9, &second)] {
            assert_eq!(&fixed.committee(epoch).unwrap(), committee);
        }
    }
}
