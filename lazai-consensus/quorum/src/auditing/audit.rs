use alloc::{collections::BTreeSet, vec::Vec};

use alloy_primitives::{Address, B256};
use lazai_availability::{AuditPlan, AuditReport};
use lazai_consensus::{Attestation, Committee, Epoch, Fact};

use crate::{Limits, context::Context};

/// The audit of an epoch, as this member sees it.
#[derive(Clone, Debug)]
pub(super) struct Audit {
    pub(super) epoch: Epoch,
    beacon: B256,
    start_ms: u64,
    /// What each member is asked, by its place.
    pub(super) plans: Vec<AuditPlan>,
    /// What each member has answered, by its place.
    pub(super) answers: Vec<Option<Answer>>,
    next_send_ms: u64,
    sends: u32,
    pub(super) has_proposed: bool,
    /// A proposal that is not decided yet: its proposer, the attestation, and who has passed.
    pub(super) proposed: Option<(Address, Attestation, u128)>,
    /// The answers that were handed on, by peer and place of the member that answered.
    pub(super) served: BTreeSet<(Address, usize)>,
}

#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) received_ms: u64,
    pub(super) bytes: Vec<u8>,
}

impl Audit {
    pub(super) fn new(context: &Context, beacon: B256, plans: Vec<AuditPlan>) -> Self {
        Self {
            epoch: context.epochs.current(),
            beacon,
            start_ms: context.now_ms,
            answers: plans.iter().map(|_| None).collect(),
            plans,
            next_send_ms: context.now_ms,
            sends: 0,
            has_proposed: false,
            proposed: None,
            served: BTreeSet::new(),
        }
    }

    /// Notes that the answer of this member was sent; the next time waits twice as long.
    pub(super) fn sent(&mut self, context: &Context) {
        let wait_ms = context.limits.resend_ms.saturating_mul(1 << self.sends.min(16));
        self.next_send_ms = context.after_ms(wait_ms);
        self.sends = self.sends.saturating_add(1);
    }

    /// Returns whether members may still answer.
    pub(super) const fn is_open(&self, context: &Context) -> bool {
        context.now_ms.saturating_sub(self.start_ms) < context.limits.answer_ms
    }

    /// Returns whether the answer of this member is to be sent again.
    pub(super) const fn is_due(&self, context: &Context) -> bool {
        context.now_ms >= self.next_send_ms
    }

    /// Returns the time after which an answer may count or not.
    pub(super) const fn last_moment(&self, limits: &Limits) -> u64 {
        self.start_ms.saturating_add(limits.answer_ms.saturating_sub(limits.resend_ms))
    }

    /// Returns whose turn it is, at a time: each has as long as there was to answer.
    pub(super) fn round(&self, now_ms: u64, limits: &Limits) -> u64 {
        let elapsed_ms = now_ms.saturating_sub(self.start_ms);
        elapsed_ms.checked_div(limits.answer_ms).unwrap_or_default().saturating_sub(1)
    }

    /// Returns the member that proposes in a round, drawn by the beacon.
    pub(super) fn leader(&self, committee: &Committee, round: u64) -> Option<Address> {
        let members = committee.members();
        let drawn = self
            .beacon
            .iter()
            .rev()
            .take(8)
            .fold(0_u64, |sum, byte| sum.wrapping_mul(256).wrapping_add((*byte).into()));
        let at = drawn.wrapping_add(round).checked_rem(members.len() as u64)?;
        members.get(usize::try_from(at).ok()?).map(|member| member.address)
    }

    /// Returns whether it is or was the turn of a member; one whose clock runs ahead is let have
    /// its turn early.
    pub(super) fn may_propose(
        &self,
        context: &Context,
        committee: &Committee,
        member: Address,
    ) -> bool {
        let last = self.round(context.after_ms(context.limits.resend_ms), &context.limits);
        (0..=last).any(|round| self.leader(committee, round) == Some(member))
    }

    /// Returns the places of the members that have answered, one bit for each.
    pub(super) fn passed(&self) -> u128 {
        let answers = self.answers.iter().enumerate();
        let passed = answers.filter(|(_, answer)| answer.is_some());
        passed.fold(0, |bits, (place, _)| bits | 1 << place)
    }

    /// Returns the fact that these members have passed, and the others have not.
    pub(super) fn fact(&self, committee: &Committee, passed: u128) -> Fact {
        let mut report = AuditReport::default();
        for (place, member) in committee.members().iter().enumerate() {
            report.record(member.address, passed >> place & 1 == 1);
        }
        report.fact(self.beacon)
    }
}
