use alloc::{collections::BTreeMap, sync::Arc, vec::Vec};

use alloy_primitives::Address;
use lazai_consensus::{Attestation, Committee, Epoch, FactKind, QuorumId};

use super::Refusal;

/// The committees of a quorum that a member knows: past ones, to check old certificates, the
/// current, and the next.
#[derive(Clone, Debug)]
pub(super) struct Epochs {
    committees: BTreeMap<Epoch, Arc<Committee>>,
    current: Epoch,
}

impl Epochs {
    pub(super) fn new(current: Arc<Committee>) -> Self {
        let epoch = current.epoch();
        Self { committees: [(epoch, current)].into(), current: epoch }
    }

    /// Adds a committee of the next epoch or of a past one. Returns `false` if it is of another
    /// quorum or epoch.
    pub(super) fn add(&mut self, committee: Arc<Committee>, quorum: QuorumId) -> bool {
        let epoch = committee.epoch();
        let is_next = Some(epoch.0) == self.current.0.checked_add(1);
        if committee.quorum() != quorum || (epoch >= self.current && !is_next) {
            return false;
        }
        self.committees.insert(epoch, committee);
        while self.committees.len() > MAX_COMMITTEES {
            self.committees.pop_first();
        }
        true
    }

    pub(super) const fn current(&self) -> Epoch {
        self.current
    }

    /// Makes the next epoch the current one. Returns `false` if it is not later, or its committee
    /// is not known.
    pub(super) fn enter(&mut self, epoch: Epoch) -> bool {
        let is_later = epoch > self.current && self.committees.contains_key(&epoch);
        if is_later {
            self.current = epoch;
        }
        is_later
    }

    /// Returns the committee of an epoch, to verify what it certified.
    pub(super) fn committee(&self, epoch: Epoch) -> Option<&Arc<Committee>> {
        self.committees.get(&epoch)
    }

    /// Returns the committee of an epoch, if it is the current one.
    pub(super) fn current_committee(&self, epoch: Epoch) -> Result<&Arc<Committee>, Refusal> {
        let expected = self.current;
        let committee = self.committee(epoch).filter(|_| epoch == expected);
        committee.ok_or(Refusal::Epoch { expected: expected.0, got: epoch.0 })
    }

    pub(super) fn next(&self) -> Option<&Arc<Committee>> {
        self.committees.get(&Epoch(self.current.0.checked_add(1)?))
    }

    /// Returns the committee whose votes for `attestation` are counted now.
    ///
    /// Votes of the epoch before still are, because members do not enter an epoch at the same
    /// instant; the next committee can only say that it is ready.
    pub(super) fn counted(&self, attestation: &Attestation) -> Result<&Arc<Committee>, Refusal> {
        let (current, epoch) = (self.current.0, attestation.epoch.0);
        let is_ready = attestation.fact.kind() == FactKind::EpochSyncDone;
        let may = epoch == current
            || epoch.checked_add(1) == Some(current)
            || (is_ready && current.checked_add(1) == Some(epoch));
        let refusal = Refusal::Epoch { expected: current, got: epoch };
        self.committees.get(&attestation.epoch).filter(|_| may).ok_or(refusal)
    }

    /// Returns the committees whose members may speak: those of the current epoch, the one before
    /// and the next.
    fn around(&self) -> impl Iterator<Item = &Arc<Committee>> {
        let first = Epoch(self.current.0.saturating_sub(1));
        let last = Epoch(self.current.0.saturating_add(1));
        self.committees.range(first..=last).map(|(_, committee)| committee)
    }

    pub(super) fn is_member(&self, address: Address) -> bool {
        self.around().any(|committee| committee.index_of(address).is_some())
    }

    /// Returns the addresses of all members that may speak, ascending.
    pub(super) fn members(&self) -> Vec<Address> {
        let mut members: Vec<_> = self
            .around()
            .flat_map(|committee| committee.members().iter().map(|member| member.address))
            .collect();
        members.sort_unstable();
        members.dedup();
        members
    }
}

/// Enough for as long as evidence may be brought; a committee of 128 takes 60 KiB.
const MAX_COMMITTEES: usize = 64;
