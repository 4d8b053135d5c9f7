use alloc::{collections::BTreeMap, vec::Vec};

use alloy_primitives::{Address, B256};
use lazai_consensus::{Fact, merkle};

/// The outcome of an audit of all members: what the quorum votes on, once for an epoch, however
/// many data sets it keeps.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct AuditReport {
    has_passed: BTreeMap<Address, bool>,
}

impl AuditReport {
    /// Notes whether a member has answered every question. One that is noted as failed stays so.
    pub fn record(&mut self, member: Address, has_passed: bool) {
        let noted = self.has_passed.entry(member).or_insert(true);
        *noted &= has_passed;
    }

    /// The members that answered every question, ascending.
    pub fn passed(&self) -> impl Iterator<Item = Address> {
        self.has_passed.iter().filter(|(_, passed)| **passed).map(|(member, _)| *member)
    }

    /// The members that did not, ascending.
    pub fn failed(&self) -> impl Iterator<Item = Address> {
        self.has_passed.iter().filter(|(_, passed)| !**passed).map(|(member, _)| *member)
    }

    /// What the quorum states, where `beacon` is that of the [`Auditor`](super::Auditor): the
    /// [`merkle::root`] over [`merkle::leaf`] of each address that passed, and the same of those
    /// that failed.
    #[must_use]
    pub fn fact(&self, beacon: B256) -> Fact {
        let failed = leaves(self.failed());
        Fact::Audit {
            beacon,
            passed: merkle::root(&leaves(self.passed())),
            failed: merkle::root(&failed),
            // A committee has far fewer members.
            failed_count: u16::try_from(failed.len()).unwrap_or(u16::MAX),
        }
    }

    /// The place of a member among those that failed, and its path, as
    /// [`Evidence::FailedAudit`](lazai_consensus::Evidence::FailedAudit) asks for; `None` if it did
    /// not fail.
    #[must_use]
    pub fn failure_path(&self, member: Address) -> Option<(u64, Vec<B256>)> {
        let index = self.failed().position(|failed| failed == member)?;
        Some((index as u64, merkle::path(&leaves(self.failed()), index)?))
    }
}

fn leaves(members: impl Iterator<Item = Address>) -> Vec<B256> {
    members.map(|member| merkle::leaf(member.as_slice())).collect()
}
