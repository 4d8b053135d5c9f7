use alloc::{collections::BTreeMap, vec::Vec};
use core::{
    mem::{replace, take},
    num::NonZeroU64,
};

use alloy_primitives::{B256, keccak256};

use crate::{QuorumId, chain::randomness::Draws};

/// The epochs by height: epoch `e` has the heights from `e * length` to `(e + 1) * length - 1`, so
/// the genesis block is the first of epoch 0.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct EpochSchedule {
    length: u64,
}

impl EpochSchedule {
    /// Creates a schedule with epochs of `length` blocks.
    ///
    /// # Errors
    /// [`EpochError::Length`] if `length` is below 2: epoch 0 would have the genesis block alone.
    pub const fn new(length: u64) -> Result<Self, EpochError> {
        if length < 2 {
            return Err(EpochError::Length { got: length });
        }
        Ok(Self { length })
    }

    /// Returns the number of blocks of an epoch.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// Returns the epoch of the block at `height`.
    #[must_use]
    pub const fn epoch_of(&self, height: u64) -> u64 {
        // The length is at least 2.
        match height.checked_div(self.length) {
            Some(epoch) => epoch,
            None => 0,
        }
    }

    /// Returns the height of the first block of `epoch`; saturates at the largest height.
    #[must_use]
    pub const fn first(&self, epoch: u64) -> u64 {
        epoch.saturating_mul(self.length)
    }

    /// Returns the height of the last block of `epoch`; saturates at the largest height.
    #[must_use]
    pub const fn last(&self, epoch: u64) -> u64 {
        epoch.saturating_mul(self.length).saturating_add(self.length).saturating_sub(1)
    }
}

impl Default for EpochSchedule {
    /// Creates a schedule with epochs of [`DEFAULT_EPOCH_LENGTH`] blocks.
    fn default() -> Self {
        Self { length: DEFAULT_EPOCH_LENGTH }
    }
}

/// Returns the randomness of `epoch`, from the digest of the last final block of the epoch before
/// (or of the genesis block).
///
/// Whoever proposes that block can try several payloads and so choose among the seeds that they
/// give. This is a bias, and bounded by the work that fits into one view; a beacon that nobody
/// controls alone can be passed instead of the digest.
#[must_use]
pub fn epoch_seed(epoch: u64, beacon: B256) -> B256 {
    let mut bytes = [0; 32 + 8 + 32];
    bytes[..32].copy_from_slice(keccak256("lazvm/epoch-seed/1").as_slice());
    bytes[32..40].copy_from_slice(&epoch.to_be_bytes());
    bytes[40..].copy_from_slice(beacon.as_slice());
    keccak256(bytes)
}

/// Chooses up to `count` candidates, stake-weighted and without repetition, and returns their
/// places, ascending.
///
/// Each draw takes one of the candidates that are left, with a probability in proportion to its
/// stake, without modulo bias. A candidate without stake is never chosen; if fewer than `count`
/// have stake, all of them are.
///
/// # Stability
/// Unstable: no chain draws its committees yet.
///
/// # Errors
/// [`EpochError::StakeOverflow`] if the stakes exceed 64 bits in total.
pub fn select_committee(
    seed: B256,
    stakes: &[u64],
    count: usize,
) -> Result<Vec<usize>, EpochError> {
    let mut left = stakes.to_vec();
    let mut total = stakes
        .iter()
        .try_fold(0_u64, |sum, stake| sum.checked_add(*stake))
        .ok_or(EpochError::StakeOverflow)?;
    let mut draws = Draws::new("lazvm/committee/1", seed, 0);
    let mut chosen = Vec::new();
    while chosen.len() < count
        && let Some(bound) = NonZeroU64::new(total)
    {
        let mut ticket = draws.below(bound);
        for (place, stake) in left.iter_mut().enumerate() {
            if ticket < *stake {
                total = total.saturating_sub(*stake);
                *stake = 0;
                chosen.push(place);
                break;
            }
            ticket = ticket.saturating_sub(*stake);
        }
    }
    chosen.sort_unstable();
    Ok(chosen)
}

/// The stake of each quorum. Joining, leaving and slashing take effect when the next epoch begins.
///
/// Stake that is taken out stays within reach of [`slash`](Self::slash) until the epoch after next
/// begins: for the rest of the epoch, in which its quorum still votes, and for a whole one more, in
/// which its blocks can still be challenged.
///
/// # Stability
/// Unstable: no executor keeps stakes yet.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct StakeLedger {
    epoch: u64,
    /// The stake by quorum in this epoch.
    stakes: BTreeMap<QuorumId, u64>,
    /// The stake by quorum from the next epoch on, where it changes; 0 means that the quorum
    /// leaves.
    changes: BTreeMap<QuorumId, u64>,
    /// The stake that was withdrawn in this epoch.
    leaving: BTreeMap<QuorumId, u64>,
    /// The stake that was withdrawn in the epoch before, which is released when the next one
    /// begins.
    left: BTreeMap<QuorumId, u64>,
}

impl StakeLedger {
    /// Creates the ledger of epoch 0.
    #[must_use]
    pub fn new(stakes: BTreeMap<QuorumId, u64>) -> Self {
        let stakes = stakes.into_iter().filter(|(_, stake)| *stake > 0).collect();
        Self { stakes, ..Self::default() }
    }

    /// Returns the current epoch.
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Returns the stake by quorum in the current epoch; none of them is 0.
    #[must_use]
    pub const fn stakes(&self) -> &BTreeMap<QuorumId, u64> {
        &self.stakes
    }

    /// Returns the stake that `quorum` will have when the next epoch begins.
    #[must_use]
    pub fn next_stake(&self, quorum: QuorumId) -> u64 {
        let change = self.changes.get(&quorum).or_else(|| self.stakes.get(&quorum));
        change.copied().unwrap_or(0)
    }

    /// Returns the stake of `quorum` that can be slashed: its stake of the next epoch, and what it
    /// has withdrawn and not yet received.
    #[must_use]
    pub fn at_risk(&self, quorum: QuorumId) -> u64 {
        let out = [&self.leaving, &self.left].into_iter().filter_map(|out| out.get(&quorum));
        // `join` keeps the sum within 64 bits.
        out.fold(self.next_stake(quorum), |sum, out| sum.saturating_add(*out))
    }

    /// Adds stake to a quorum, which joins with it if it has none, from the next epoch on.
    ///
    /// # Errors
    /// [`EpochError::StakeOverflow`] if all stake that can be slashed would exceed 64 bits in
    /// total, of which no committee could be chosen; nothing changes then.
    pub fn join(&mut self, quorum: QuorumId, stake: u64) -> Result<(), EpochError> {
        let staying = self.stakes.iter().filter(|(quorum, _)| !self.changes.contains_key(quorum));
        let parts = staying.chain(&self.changes).chain(&self.leaving).chain(&self.left);
        let total = parts.map(|(_, stake)| u128::from(*stake)).sum::<u128>();
        if total.saturating_add(stake.into()) > u64::MAX.into() {
            return Err(EpochError::StakeOverflow);
        }
        let next = self.next_stake(quorum).saturating_add(stake);
        self.changes.insert(quorum, next);
        Ok(())
    }

    /// Takes a quorum out from the next epoch on; until then it keeps its seats and its duties.
    ///
    /// # Errors
    /// [`EpochError::UnknownQuorum`] if it has no stake and none is waiting.
    pub fn leave(&mut self, quorum: QuorumId) -> Result<(), EpochError> {
        let stake = self.next_stake(quorum);
        if stake == 0 {
            return Err(EpochError::UnknownQuorum { quorum });
        }
        self.changes.insert(quorum, 0);
        let leaving = self.leaving.entry(quorum).or_default();
        *leaving = leaving.saturating_add(stake);
        Ok(())
    }

    /// Takes `numerator / denominator` of the stake of a quorum that is [at risk](Self::at_risk),
    /// rounded up, and returns the amount. Stake that is released soonest is taken first; the
    /// weight of the quorum changes from the next epoch on. A share above 1, or with a denominator
    /// of 0, takes all.
    ///
    /// # Errors
    /// [`EpochError::UnknownQuorum`] if nothing of it is at risk.
    pub fn slash(
        &mut self,
        quorum: QuorumId,
        numerator: u64,
        denominator: u64,
    ) -> Result<u64, EpochError> {
        let stake = self.at_risk(quorum);
        if stake == 0 {
            return Err(EpochError::UnknownQuorum { quorum });
        }
        let share = u128::from(stake).saturating_mul(u128::from(numerator));
        let taken = match denominator {
            0 => stake,
            denominator => u64::try_from(share.div_ceil(u128::from(denominator)))
                .unwrap_or(u64::MAX)
                .min(stake),
        };
        let mut owed = taken;
        for out in [&mut self.left, &mut self.leaving] {
            if let Some(stake) = out.get_mut(&quorum) {
                let paid = owed.min(*stake);
                *stake = stake.saturating_sub(paid);
                owed = owed.saturating_sub(paid);
            }
        }
        if owed > 0 {
            let next = self.next_stake(quorum).saturating_sub(owed);
            self.changes.insert(quorum, next);
        }
        Ok(taken)
    }

    /// Begins the next epoch, in which pending changes take effect, and returns the withdrawn stake
    /// that is released, by quorum.
    pub fn advance(&mut self) -> BTreeMap<QuorumId, u64> {
        self.epoch = self.epoch.saturating_add(1);
        self.stakes.append(&mut self.changes);
        self.stakes.retain(|_, stake| *stake > 0);
        let mut released = replace(&mut self.left, take(&mut self.leaving));
        released.retain(|_, stake| *stake > 0);
        released
    }
}

/// Why a schedule or a change of stake is refused.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum EpochError {
    /// Epochs would be too short.
    #[error("an epoch has at least 2 blocks, not {got}")]
    Length {
        /// Blocks asked for.
        got: u64,
    },
    /// The stakes are too large.
    #[error("the stakes exceed 64 bits in total")]
    StakeOverflow,
    /// The quorum has no stake.
    #[error("quorum {quorum} has no stake")]
    UnknownQuorum {
        /// The quorum that has no stake.
        quorum: QuorumId,
    },
}

/// Blocks of an epoch, unless a chain says otherwise.
pub const DEFAULT_EPOCH_LENGTH: u64 = 100;

#[cfg(test)]
mod tests {
    use alloc::vec;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn heights_fall_into_epochs() {
        let schedule = EpochSchedule::default();
        assert_eq!(schedule.length(), 100);
        for (height, epoch) in [(0, 0), (99, 0), (100, 1), (199, 1), (200, 2)] {
            assert_eq!(schedule.epoch_of(height), epoch);
        }
        assert_eq!((schedule.first(1), schedule.last(1)), (100, 199));
        assert_eq!(schedule.last(u64::MAX), u64::MAX - 1);
        assert_eq!(EpochSchedule::new(1), Err(EpochError::Length { got: 1 }));
    }

    #[test]
    fn the_seed_depends_on_epoch_and_beacon() {
        let seed = epoch_seed(1, B256::repeat_byte(1));
        assert_eq!(seed, epoch_seed(1, B256::repeat_byte(1)));
        assert_ne!(seed, epoch_seed(2, B256::repeat_byte(1)));
        assert_ne!(seed, epoch_seed(1, B256::repeat_byte(2)));
    }

    #[test]
    fn the_first_member_is_chosen_in_proportion_to_stake() {
        let mut counts = [0_u32; 3];
        for index in 0..6_000 {
            let seed = epoch_seed(index, B256::ZERO);
            counts[select_committee(seed, &[1, 2, 3], 1).unwrap()[0]] += 1;
        }
        for (count, expected) in counts.iter().zip([1_000, 2_000, 3_000_u32]) {
            assert!(count.abs_diff(expected) < 240, "{counts:?}");
        }
    }

    proptest! {
        #[test]
        fn a_committee_has_no_repetition_and_only_stake(
            seed in any::<[u8; 32]>(),
            stakes in prop::collection::vec(0_u64..5, 0..12),
            count in 0_usize..14,
        ) {
            let chosen = select_committee(B256::new(seed), &stakes, count).unwrap();
            let staked = stakes.iter().filter(|stake| **stake > 0).count();
            prop_assert_eq!(chosen.len(), count.min(staked));
            prop_assert!(chosen.is_sorted_by(|a, b| a < b));
            prop_assert!(chosen.iter().all(|place| stakes[*place] > 0));
        }
    }

    #[test]
    fn stake_that_does_not_fit_is_refused() {
        assert_eq!(select_committee(B256::ZERO, &[u64::MAX, 1], 1), Err(EpochError::StakeOverflow));
    }

    #[test]
    fn changes_wait_for_the_next_epoch() {
        let [a, b, c] = [1, 2, 3].map(|byte| QuorumId(B256::repeat_byte(byte)));
        let mut ledger = StakeLedger::new(BTreeMap::from([(a, 10), (b, 20)]));
        ledger.join(c, 5).unwrap();
        ledger.join(a, 1).unwrap();
        ledger.leave(b).unwrap();
        assert_eq!(ledger.stakes(), &BTreeMap::from([(a, 10), (b, 20)]));
        ledger.advance();
        assert_eq!(ledger.epoch(), 1);
        assert_eq!(ledger.stakes(), &BTreeMap::from([(a, 11), (c, 5)]));
        assert_eq!(ledger.leave(b), Err(EpochError::UnknownQuorum { quorum: b }));
        // Joined and left within one epoch: never seen.
        ledger.join(b, 7).unwrap();
        ledger.leave(b).unwrap();
        ledger.advance();
        assert_eq!(ledger.stakes(), &BTreeMap::from([(a, 11), (c, 5)]));
    }

    #[test]
    fn who_leaves_can_be_slashed_while_its_blocks_can_be_challenged() {
        let [a, b] = [1, 2].map(|byte| QuorumId(B256::repeat_byte(byte)));
        let mut ledger = StakeLedger::new(BTreeMap::from([(a, 10), (b, 20)]));
        // It still votes in this epoch, and breaks the rules.
        ledger.leave(a).unwrap();
        assert_eq!((ledger.next_stake(a), ledger.at_risk(a)), (0, 10));
        assert_eq!(ledger.slash(a, 1, 2), Ok(5));
        assert_eq!(ledger.advance(), BTreeMap::new());
        assert_eq!(ledger.stakes(), &BTreeMap::from([(b, 20)]));
        // A block of its last epoch is shown to be wrong in the next one.
        assert_eq!(ledger.slash(a, 1, 5), Ok(1));
        assert_eq!(ledger.advance(), BTreeMap::from([(a, 4)]));
        assert_eq!(ledger.slash(a, 1, 1), Err(EpochError::UnknownQuorum { quorum: a }));
        // What leaves first pays first, and nothing is paid back that was taken.
        ledger.leave(b).unwrap();
        ledger.join(b, 7).unwrap();
        assert_eq!((ledger.slash(b, 24, 27), ledger.next_stake(b)), (Ok(24), 3));
        ledger.advance();
        assert_eq!(ledger.stakes(), &BTreeMap::from([(b, 3)]));
        assert_eq!(ledger.advance(), BTreeMap::new());
    }

    #[test]
    fn stake_of_which_no_committee_can_be_chosen_is_not_taken() {
        let [a, b, c] = [1, 2, 3].map(|byte| QuorumId(B256::repeat_byte(byte)));
        let mut ledger = StakeLedger::new(BTreeMap::from([(a, u64::MAX - 10), (b, 4)]));
        assert_eq!(ledger.join(c, 7), Err(EpochError::StakeOverflow));
        ledger.join(c, 6).unwrap();
        assert_eq!(ledger.join(a, 1), Err(EpochError::StakeOverflow));
        ledger.advance();
        let stakes: Vec<_> = ledger.stakes().values().copied().collect();
        assert_eq!(select_committee(B256::ZERO, &stakes, 3), Ok(vec![0, 1, 2]));
        // Stake that can come back as what it was still counts.
        ledger.leave(b).unwrap();
        assert_eq!(ledger.join(c, 1), Err(EpochError::StakeOverflow));
        ledger.advance();
        assert_eq!(ledger.advance(), BTreeMap::from([(b, 4)]));
        ledger.join(c, 4).unwrap();
    }

    #[test]
    fn slashing_rounds_up_and_never_takes_more_than_there_is() {
        let a = QuorumId(B256::repeat_byte(1));
        for (numerator, denominator, taken) in [(1, 3, 4), (0, 1, 0), (2, 1, 10), (1, 0, 10)] {
            let mut ledger = StakeLedger::new(BTreeMap::from([(a, 10)]));
            assert_eq!(ledger.slash(a, numerator, denominator), Ok(taken));
            assert_eq!(ledger.stakes()[&a], 10);
            ledger.advance();
            let left = vec![(a, 10 - taken)];
            assert_eq!(
                ledger.stakes().clone().into_iter().collect::<Vec<_>>(),
                left.into_iter().filter(|(_, stake)| *stake > 0).collect::<Vec<_>>()
            );
        }
        let nobody = QuorumId(B256::repeat_byte(9));
        let unknown = EpochError::UnknownQuorum { quorum: nobody };
        assert_eq!(StakeLedger::default().slash(nobody, 1, 2), Err(unknown));
    }
}
