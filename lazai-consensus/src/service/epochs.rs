use alloc::{collections::BTreeMap, sync::Arc, vec::Vec};

use alloy_primitives::Address;

use super::Refusal;
use crate::{
    Committee, Epoch, FactKind, QuorumId, Statement,
    availability::{Assignment, Coding},
    chain::seats,
};

/// The committees of a quorum that a member knows: past ones, to check old certificates, the current, and the next.
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

    /// Adds a committee, of the next epoch or of a past one; `false` if it is of another quorum or cannot be used.
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

    /// Makes the next epoch the current one, if its committee is known.
    pub(super) fn enter(&mut self, epoch: Epoch) -> bool {
        let is_later = epoch > self.current && self.committees.contains_key(&epoch);
        if is_later {
            self.current = epoch;
        }
        is_later
    }

    /// The committee of an epoch, to check what it certified.
    pub(super) fn committee(&self, epoch: Epoch) -> Option<&Arc<Committee>> {
        self.committees.get(&epoch)
    }

    pub(super) fn next(&self) -> Option<&Arc<Committee>> {
        self.committees.get(&Epoch(self.current.0.checked_add(1)?))
    }

    /// The committee whose votes for `statement` are counted now.
    ///
    /// Those of the epoch before still are, because members do not enter an epoch at the same instant; the next committee
    /// only says that it is ready.
    pub(super) fn counted(&self, statement: &Statement) -> Result<&Arc<Committee>, Refusal> {
        let (current, epoch) = (self.current.0, statement.epoch.0);
        let is_ready = statement.fact.kind() == FactKind::EpochSyncDone;
        let may = epoch == current
            || epoch.checked_add(1) == Some(current)
            || (is_ready && current.checked_add(1) == Some(epoch));
        let refusal = Refusal::Epoch { expected: current, got: epoch };
        self.committees.get(&statement.epoch).filter(|_| may).ok_or(refusal)
    }

    /// The committees whose members may speak: those of the current epoch and its neighbours.
    fn around(&self) -> impl Iterator<Item = &Arc<Committee>> {
        let first = Epoch(self.current.0.saturating_sub(1));
        let last = Epoch(self.current.0.saturating_add(1));
        self.committees.range(first..=last).map(|(_, committee)| committee)
    }

    pub(super) fn is_member(&self, address: Address) -> bool {
        self.around().any(|committee| committee.index_of(address).is_some())
    }

    /// All who may speak, ascending.
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

/// Who holds which shards of a data set of this coding: seats shared by weight as D'Hondt does, which gives each unit of
/// weight one seat where there are as many seats as weight.
pub(super) fn assignment(committee: &Committee, coding: Coding) -> Option<Assignment> {
    let weights: Vec<_> = committee.members().iter().map(|member| member.weight).collect();
    let shares = seats(&weights, coding.n().into()).ok()?;
    Assignment::new(shares.into_iter().map(u64::from)).ok()
}

/// The place of a member in its committee, as an assignment counts.
pub(super) fn place(committee: &Committee, member: Address) -> Option<u16> {
    committee.index_of(member).and_then(|index| u16::try_from(index).ok())
}

/// As long as evidence may be brought: a committee of 128 takes 60 KiB.
const MAX_COMMITTEES: usize = 64;
