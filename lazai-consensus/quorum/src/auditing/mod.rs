mod audit;

use alloc::{boxed::Box, collections::BTreeMap, vec::Vec};

use alloy_primitives::{Address, B256};
use lazai_availability::{AuditAnswer, AuditPlan, Auditor, DatasetCommitment, Holding};
use lazai_consensus::{Attestation, Committee, Epoch};

use self::audit::{Answer, Audit};
use crate::{
    Effect, Message, Refusal, Request, Verdict,
    assignment::assignment,
    context::Context,
    event::{Event, Events},
    peers::Peers,
};

/// The audit of all members by a member.
///
/// Each member sends its answer to all. When the time is over, one member, drawn by the beacon,
/// proposes who has passed; the others sign if they have seen the same, or ask for the answers that
/// they lack. If it is silent, the next one proposes after as long again. An answer that came at
/// the last moment may count or not, so that no member can split the others by sending its own
/// late.
#[derive(Debug, Default)]
pub(crate) struct Auditing {
    audit: Option<Audit>,
}

impl Auditing {
    /// Returns whether the audit of an epoch has begun.
    pub(crate) fn has_begun(&self, epoch: Epoch) -> bool {
        self.audit.as_ref().is_some_and(|audit| audit.epoch == epoch)
    }

    /// Begins the audit of this epoch; there is one.
    pub(crate) fn begin(
        &mut self,
        context: &Context,
        beacon: B256,
        datasets: &[DatasetCommitment],
        events: &mut Events,
    ) -> Result<(), Refusal> {
        let epoch = context.epochs.current();
        let committee = context.epochs.current_committee(epoch)?;
        let plans = plans(context, committee, beacon, datasets);
        let own = committee.index_of(context.own);
        let plan = own.and_then(|own| plans.get(own)).cloned();
        self.audit = Some(Audit::new(context, beacon, plans));
        if let Some(plan) = plan {
            events.run(Effect::Answer { epoch, plan });
        }
        Ok(())
    }

    /// Ends the audit, as another epoch has begun.
    pub(crate) fn end(&mut self) {
        self.audit = None;
    }

    /// Takes and sends the answer of this member.
    pub(crate) fn answered(
        &mut self,
        context: &Context,
        epoch: Epoch,
        bytes: Vec<u8>,
        events: &mut Events,
    ) {
        if let Ok(committee) = context.epochs.current_committee(epoch)
            && let Some(place) = committee.index_of(context.own)
            && let Some(audit) = self.audit.as_mut().filter(|audit| audit.epoch == epoch)
            && let Some(answer) = audit.answers.get_mut(place)
        {
            *answer = Some(Answer { received_ms: context.now_ms, bytes });
            self.send_answer(context, events);
        }
    }

    /// Takes the answer of a member from a peer.
    pub(crate) fn take_answer(
        &mut self,
        context: &Context,
        from: Address,
        (epoch, member): (Epoch, Address),
        bytes: &[u8],
        events: &mut Events,
    ) -> Result<(), Refusal> {
        let committee = context.epochs.current_committee(epoch)?;
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
        *known = Some(Answer { received_ms: context.now_ms, bytes: bytes.to_vec() });
        // The proposer must not miss what a member has told somebody else.
        let round = audit.round(context.now_ms, &context.limits);
        if let Some(leader) = audit.leader(committee, round)
            && leader != from
            && leader != context.own
        {
            let answer = bytes.to_vec();
            events.send(leader, Message::Answer { epoch, member, answer });
        }
        self.decide(context, events);
        Ok(())
    }

    /// Hands the answer of a member on to a peer that asks for it.
    pub(crate) fn answer_wanted(
        &mut self,
        context: &Context,
        peers: &mut Peers,
        from: Address,
        (epoch, member): (Epoch, Address),
        events: &mut Events,
    ) -> Result<(), Refusal> {
        let committee = context.epochs.current_committee(epoch)?;
        let audit = self.audit.as_mut().filter(|audit| audit.epoch == epoch);
        let audit = audit.ok_or(Refusal::Unasked)?;
        let place = committee.index_of(member).ok_or(Refusal::Unasked)?;
        let Some(Some(answer)) = audit.answers.get(place) else { return Err(Refusal::Unasked) };
        // It is long, so it is handed to each member once.
        if !audit.served.insert((from, place)) {
            return Err(Refusal::Unasked);
        }
        let answer = answer.bytes.clone();
        peers.serve(from, answer.len() as u64, &context.limits)?;
        events.send(from, Message::Answer { epoch, member, answer });
        Ok(())
    }

    /// Takes a proposal of who has passed, from another member or from this one.
    pub(crate) fn take_proposal(
        &mut self,
        context: &Context,
        from: Address,
        attestation: Attestation,
        passed: u128,
        events: &mut Events,
    ) {
        let Ok(committee) = context.epochs.current_committee(attestation.epoch) else { return };
        let Some(audit) = &mut self.audit else { return };
        // One whose turn it is not must not take the place of one whose turn it is.
        if audit.may_propose(context, committee, from) {
            audit.proposed = Some((from, attestation, passed));
            audit.served.retain(|(peer, _)| *peer != from);
            self.decide(context, events);
        }
    }

    /// Sends the answer of this member again, and proposes when it is its turn.
    pub(crate) fn tick(&mut self, context: &Context, events: &mut Events) {
        let epoch = context.epochs.current();
        let Some(committee) = context.epochs.committee(epoch) else { return };
        let Some(audit) = &mut self.audit else { return };
        if audit.is_open(context) {
            if audit.is_due(context) {
                self.send_answer(context, events);
            }
            return;
        }
        let round = audit.round(context.now_ms, &context.limits);
        if audit.leader(committee, round) == Some(context.own) && !audit.has_proposed {
            audit.has_proposed = true;
            let passed = audit.passed();
            let fact = audit.fact(committee, passed);
            let attestation = Attestation { quorum: context.quorum, epoch, fact };
            events.push(Event::Ask(Box::new(Request::audit(attestation, passed))));
        } else {
            self.decide(context, events);
        }
    }

    fn send_answer(&mut self, context: &Context, events: &mut Events) {
        let committee = context.epochs.committee(context.epochs.current());
        let place = committee.and_then(|committee| committee.index_of(context.own));
        let (Some(place), Some(audit)) = (place, &mut self.audit) else { return };
        let Some(Some(answer)) = audit.answers.get(place) else { return };
        let (epoch, answer) = (audit.epoch, answer.bytes.clone());
        audit.sent(context);
        events.broadcast(Message::Answer { epoch, member: context.own, answer });
    }

    /// Signs a proposal if this member has seen the same.
    fn decide(&mut self, context: &Context, events: &mut Events) {
        let epoch = context.epochs.current();
        let Ok(committee) = context.epochs.current_committee(epoch) else { return };
        let Some(audit) = &mut self.audit else { return };
        let Some((from, attestation, passed)) = audit.proposed else { return };
        // Before that it cannot be known who fails.
        let last_moment = audit.last_moment(&context.limits);
        if context.now_ms < last_moment {
            return;
        }
        let is_right = audit.may_propose(context, committee, from)
            && attestation.fact == audit.fact(committee, passed);
        let has_passed = |place: usize| passed >> place & 1 == 1;
        let denies = |place: usize| {
            let answer = audit.answers.get(place).and_then(Option::as_ref);
            !has_passed(place) && answer.is_some_and(|answer| answer.received_ms < last_moment)
        };
        let places = 0..committee.members().len();
        if !is_right || places.clone().any(denies) {
            audit.proposed = None;
            events.withhold(attestation, Verdict::Reject);
            return;
        }
        let is_unseen = |place: &usize| {
            has_passed(*place) && audit.answers.get(*place).is_none_or(Option::is_none)
        };
        let unseen: Vec<_> = places.filter(is_unseen).collect();
        if unseen.is_empty() {
            audit.proposed = None;
            events.push(Event::Vote(attestation));
            return;
        }
        let epoch = audit.epoch;
        for place in unseen {
            if let Some(member) = committee.members().get(place) {
                events.send(from, Message::WantAnswer { epoch, member: member.address });
            }
        }
    }
}

/// Returns what each member is asked: the same at all members. Nothing depends on what this one
/// happens to have heard.
fn plans(
    context: &Context,
    committee: &Committee,
    beacon: B256,
    datasets: &[DatasetCommitment],
) -> Vec<AuditPlan> {
    let auditor = Auditor { quorum: context.quorum, epoch: committee.epoch(), beacon };
    let mut holdings: BTreeMap<usize, Vec<Holding>> = BTreeMap::new();
    for commitment in datasets {
        let Some(assignment) = assignment(committee, commitment.coding()) else { continue };
        for (index, place) in (0..committee.members().len()).zip(0_u16..) {
            let seats = assignment.seats(place).collect();
            holdings.entry(index).or_default().push(Holding { commitment: *commitment, seats });
        }
    }
    let questions = context.limits.audit_questions;
    let members = committee.members().iter().enumerate();
    let plans = members.map(|(index, member)| {
        let holdings = holdings.get(&index).map_or(&[][..], Vec::as_slice);
        AuditPlan::new(&auditor, member.address, holdings, questions)
    });
    plans.collect()
}
