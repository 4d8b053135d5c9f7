use alloc::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    vec::Vec,
};

use alloy_primitives::{Address, B256};
use lazai_availability::{AuditAnswer, AuditPlan, AuditReport, Auditor, Holding};
use lazai_consensus::{Attestation, Committee, Epoch, Fact, VoteStore};

use super::{Message, Output, QuorumMember, Refusal, Request, Task, Verdict, epochs::assignment};

/// The audit of an epoch, as this member sees it.
///
/// Each member sends its answer to all. When the time is over, one member, drawn by the beacon, proposes who has passed;
/// the others sign if they have seen the same, or ask for the answers that they lack. If it is silent, the next one proposes
/// after as long again. An answer that came at the last moment may count or not, so that no member can split the others by
/// sending its own late.
#[derive(Clone, Debug)]
pub(super) struct Audit {
    epoch: Epoch,
    beacon: B256,
    start_ms: u64,
    /// By the place of the member.
    plans: Vec<AuditPlan>,
    answers: Vec<Option<Answer>>,
    next_send_ms: u64,
    sends: u32,
    has_proposed: bool,
    /// A proposal that is not decided yet.
    proposed: Option<(Address, Attestation, u128)>,
    /// Answers that were handed on, by peer and member.
    served: BTreeSet<(Address, usize)>,
}

#[derive(Clone, Debug)]
struct Answer {
    received_ms: u64,
    bytes: Vec<u8>,
}

impl<V: VoteStore> QuorumMember<V> {
    /// Begins the audit of this epoch; there is one.
    pub(super) fn start_audit(&mut self, beacon: B256, datasets: &[B256]) -> Result<(), Refusal> {
        let epoch = self.epochs.current();
        if self.audit.as_ref().is_some_and(|audit| audit.epoch == epoch) {
            return Ok(());
        }
        let committee = Arc::clone(self.current_committee(epoch)?);
        let plans: Vec<_> = self.plans(&committee, beacon, datasets)?;
        let own = committee.index_of(self.address());
        let plan = own.and_then(|own| plans.get(own)).cloned();
        self.audit = Some(Audit {
            epoch,
            beacon,
            start_ms: self.now_ms,
            answers: plans.iter().map(|_| None).collect(),
            plans,
            next_send_ms: self.now_ms,
            sends: 0,
            has_proposed: false,
            proposed: None,
            served: BTreeSet::new(),
        });
        if let Some(plan) = plan {
            self.push(Output::Run(Task::Answer { epoch, plan }));
        }
        Ok(())
    }

    /// What each member is asked: the same at all members. Nothing depends on what this one happens to have heard.
    fn plans(
        &self,
        committee: &Committee,
        beacon: B256,
        datasets: &[B256],
    ) -> Result<Vec<AuditPlan>, Refusal> {
        let auditor = Auditor { quorum: self.quorum, epoch: committee.epoch(), beacon };
        let mut holdings: BTreeMap<usize, Vec<Holding>> = BTreeMap::new();
        for root in datasets {
            let set = self.datasets.get(root).ok_or(Refusal::UnknownDataset { root: *root })?;
            let commitment = *set.manifest.commitment();
            let Some(assignment) = assignment(committee, commitment.coding()) else { continue };
            for (index, place) in (0..committee.members().len()).zip(0_u16..) {
                let seats = assignment.seats(place).collect();
                holdings.entry(index).or_default().push(Holding { commitment, seats });
            }
        }
        let questions = self.limits.audit_questions;
        let members = committee.members().iter().enumerate();
        let plans = members.map(|(index, member)| {
            let holdings = holdings.get(&index).map_or(&[][..], Vec::as_slice);
            AuditPlan::new(&auditor, member.address, holdings, questions)
        });
        Ok(plans.collect())
    }

    /// This member's own answer is ready.
    pub(super) fn answered(&mut self, epoch: Epoch, answer: Vec<u8>) {
        let own = self.address();
        if let Ok(committee) = self.current_committee(epoch).map(Arc::clone)
            && let Some(place) = committee.index_of(own)
            && let Some(audit) = self.audit.as_mut().filter(|audit| audit.epoch == epoch)
            && let Some(slot) = audit.answers.get_mut(place)
        {
            *slot = Some(Answer { received_ms: self.now_ms, bytes: answer });
            self.send_answer();
        }
    }

    fn send_answer(&mut self) {
        let (own, limits, now_ms) = (self.address(), self.limits, self.now_ms);
        let Some(committee) = self.epochs.committee(self.epochs.current()) else { return };
        let Some(place) = committee.index_of(own) else { return };
        let Some(audit) = &mut self.audit else { return };
        let Some(Some(answer)) = audit.answers.get(place) else { return };
        let wait = limits.resend_ms.saturating_mul(1 << audit.sends.min(16));
        audit.next_send_ms = now_ms.saturating_add(wait);
        audit.sends = audit.sends.saturating_add(1);
        let message =
            Message::Answer { epoch: audit.epoch, member: own, answer: answer.bytes.clone() };
        self.broadcast(&message);
    }

    pub(super) fn take_answer(
        &mut self,
        from: Address,
        epoch: Epoch,
        member: Address,
        bytes: &[u8],
    ) -> Result<(), Refusal> {
        let committee = Arc::clone(self.current_committee(epoch)?);
        let now_ms = self.now_ms;
        let audit = self.audit.as_mut().filter(|audit| audit.epoch == epoch);
        let audit = audit.ok_or(Refusal::Unasked)?;
        let place = committee.index_of(member).ok_or(Refusal::UnknownSender { peer: member })?;
        let (Some(plan), Some(known)) = (audit.plans.get(place), audit.answers.get_mut(place))
        else {
            return Err(Refusal::Unasked);
        };
        if known.is_some() {
            return Ok(());
        }
        let answer = AuditAnswer::decode(bytes, plan)?;
        answer.check(plan).map_err(|_| Refusal::FailedAnswer { member })?;
        *known = Some(Answer { received_ms: now_ms, bytes: bytes.to_vec() });
        // The proposer must not miss what a member has told somebody else.
        let round = audit.round(now_ms, self.limits.answer_ms);
        if let Some(leader) = audit.leader(&committee, round)
            && leader != from
            && leader != self.pen.address()
        {
            let answer = bytes.to_vec();
            self.send(leader, &Message::Answer { epoch, member, answer });
        }
        self.decide_audit();
        Ok(())
    }

    pub(super) fn answer_wanted(
        &mut self,
        from: Address,
        epoch: Epoch,
        member: Address,
    ) -> Result<(), Refusal> {
        let committee = Arc::clone(self.current_committee(epoch)?);
        let audit = self.audit.as_mut().filter(|audit| audit.epoch == epoch);
        let audit = audit.ok_or(Refusal::Unasked)?;
        let place = committee.index_of(member).ok_or(Refusal::Unasked)?;
        let Some(Some(answer)) = audit.answers.get(place) else { return Err(Refusal::Unasked) };
        // It is long, so it is handed to each member once.
        if !audit.served.insert((from, place)) {
            return Err(Refusal::Unasked);
        }
        let answer = answer.bytes.clone();
        self.peers.serve(from, answer.len() as u64, &self.limits)?;
        self.send(from, &Message::Answer { epoch, member, answer });
        Ok(())
    }

    /// Hears who has passed, in the eyes of another member or of this one.
    pub(super) fn judge_audit(&mut self, from: Address, attestation: Attestation, passed: u128) {
        let (now_ms, answer_ms) = (self.now_ms, self.limits.answer_ms);
        let Ok(committee) = self.current_committee(attestation.epoch).map(Arc::clone) else {
            return;
        };
        let Some(audit) = &mut self.audit else { return };
        // One whose turn it is not must not take the place of one whose turn it is.
        let round = audit.round(now_ms.saturating_add(self.limits.resend_ms), answer_ms);
        if (0..=round).any(|round| audit.leader(&committee, round) == Some(from)) {
            audit.proposed = Some((from, attestation, passed));
            audit.served.retain(|(peer, _)| *peer != from);
            self.decide_audit();
        }
    }

    /// Signs a proposal if this member has seen the same.
    fn decide_audit(&mut self) {
        let (now_ms, answer_ms, grace_ms) =
            (self.now_ms, self.limits.answer_ms, self.limits.resend_ms);
        let Ok(committee) = self.current_committee(self.epochs.current()).map(Arc::clone) else {
            return;
        };
        let Some(audit) = &mut self.audit else { return };
        let Some((from, attestation, passed)) = audit.proposed else { return };
        // Before that it cannot be known who fails.
        let last_moment = audit.start_ms.saturating_add(answer_ms.saturating_sub(grace_ms));
        if now_ms < last_moment {
            return;
        }
        let round = audit.round(now_ms.saturating_add(grace_ms), answer_ms);
        let may_propose = (0..=round).any(|round| audit.leader(&committee, round) == Some(from));
        let is_right = may_propose && attestation.fact == audit.fact(&committee, passed);
        let has_passed = |place: usize| passed >> place & 1 == 1;
        let denies = |place: usize| {
            let answer = audit.answers.get(place).and_then(Option::as_ref);
            !has_passed(place) && answer.is_some_and(|answer| answer.received_ms < last_moment)
        };
        let places = 0..committee.members().len();
        if !is_right || places.clone().any(denies) {
            audit.proposed = None;
            self.push(Output::Withheld { attestation, verdict: Verdict::Reject });
            return;
        }
        let is_unseen = |place: &usize| {
            has_passed(*place) && audit.answers.get(*place).is_none_or(Option::is_none)
        };
        let unseen: Vec<_> = places.filter(is_unseen).collect();
        if unseen.is_empty() {
            audit.proposed = None;
            self.cast(attestation);
            return;
        }
        let epoch = audit.epoch;
        for place in unseen {
            if let Some(member) = committee.members().get(place) {
                self.send(from, &Message::WantAnswer { epoch, member: member.address });
            }
        }
    }

    /// Sends this member's answer again, and proposes when it is its turn.
    pub(super) fn watch_audit(&mut self) {
        let (now_ms, own, answer_ms) = (self.now_ms, self.address(), self.limits.answer_ms);
        let (quorum, current) = (self.quorum, self.epochs.current());
        let Some(committee) = self.epochs.committee(current).map(Arc::clone) else { return };
        let Some(audit) = &mut self.audit else { return };
        let elapsed_ms = now_ms.saturating_sub(audit.start_ms);
        if elapsed_ms < answer_ms {
            if now_ms >= audit.next_send_ms {
                self.send_answer();
            }
            return;
        }
        let round = audit.round(now_ms, answer_ms);
        if audit.leader(&committee, round) == Some(own) && !audit.has_proposed {
            audit.has_proposed = true;
            let answers = audit.answers.iter().enumerate();
            let passed = answers.filter(|(_, answer)| answer.is_some());
            let passed = passed.fold(0_u128, |bits, (place, _)| bits | 1 << place);
            let fact = audit.fact(&committee, passed);
            let request = Request::audit(Attestation { quorum, epoch: current, fact }, passed);
            if let Err(refusal) = self.ask(request) {
                self.fault(alloc::format!("{refusal}"));
            }
        } else {
            self.decide_audit();
        }
    }
}

impl Audit {
    /// Whose turn it is: each has as long as there was to answer.
    fn round(&self, now_ms: u64, answer_ms: u64) -> u64 {
        let elapsed_ms = now_ms.saturating_sub(self.start_ms);
        elapsed_ms.checked_div(answer_ms).unwrap_or_default().saturating_sub(1)
    }

    fn leader(&self, committee: &Committee, round: u64) -> Option<Address> {
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

    fn fact(&self, committee: &Committee, passed: u128) -> Fact {
        let mut report = AuditReport::default();
        for (place, member) in committee.members().iter().enumerate() {
            report.record(member.address, passed >> place & 1 == 1);
        }
        report.fact(self.beacon)
    }
}
