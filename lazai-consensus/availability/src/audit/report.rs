use alloc::{collections::BTreeMap, vec::Vec};

use alloy_primitives::{Address, B256};
use lazai_consensus::{Fact, merkle};

/// The outcome of an audit of all members. The quorum certifies one report for each epoch, for all
/// its datasets together.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct AuditReport {
    has_passed: BTreeMap<Address, bool>,
}

impl AuditReport {
    /// Records whether a member answered every challenge. A recorded failure is final.
    pub fn record(&mut self, member: Address, has_passed: bool) {
        let noted = self.has_passed.entry(member).or_insert(true);
        *noted &= has_passed;
    }

    /// Returns the members that answered every challenge, in ascending order.
    pub fn passed(&self) -> impl Iterator<Item = Address> {
        self.has_passed.iter().filter(|(_, passed)| **passed).map(|(member, _)| *member)
    }

    /// Returns the members that did not answer every challenge, in ascending order.
    pub fn failed(&self) -> impl Iterator<Item = Address> {
        self.has_passed.iter().filter(|(_, passed)| !**passed).map(|(member, _)| *member)
    }

    /// Returns the fact to certify, where `beacon` is that of the [`Auditor`](super::Auditor): the
    /// [`merkle::root`] over [`merkle::leaf`] of each address that passed, and the same for those
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

    /// Returns the index of a failed member among those that failed, and its Merkle path, as
    /// required by [`Evidence::FailedAudit`](lazai_consensus::Evidence::FailedAudit); `None` if it
    /// did not fail.
    #[must_use]
    pub fn failure_path(&self, member: Address) -> Option<(u64, Vec<B256>)> {
        let index = self.failed().position(|failed| failed == member)?;
        Some((index as u64, merkle::path(&leaves(self.failed()), index)?))
    }
}

fn leaves(members: impl Iterator<Item = Address>) -> Vec<B256> {
    members.map(|member| merkle::leaf(member.as_slice())).collect()
}
