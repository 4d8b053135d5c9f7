mod certificates;
mod collector;

use alloc::{boxed::Box, string::String, vec::Vec};

use alloy_primitives::Address;
use lazai_consensus::{
    AttestError, Attestation, Attestor, Committee, CountedVote, Epoch, Fact, FactKind, Progress,
    QuorumCertificate, Slot, Vote, VoteError, VoteStore, VoteStoreError,
};

use self::collector::VoteCollectors;
use crate::{
    Effect, Message, Output, Refusal, Request, Verdict,
    context::Context,
    event::{Event, Events},
    refusal::FORGERY,
    request::Matter,
};

/// The votes of a member: it signs its own, collects those of others and makes certificates of
/// them.
#[derive(Debug)]
pub(crate) struct Voting<V> {
    signer: Attestor<V>,
    collectors: VoteCollectors,
    /// Certificates that could not be kept on disk.
    unpersisted: Vec<(Attestation, QuorumCertificate)>,
}

/// What a member does about an attestation that a peer asks it to judge.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Asked {
    /// It is certified, and the peer was told so.
    Certified,
    /// It is being judged already.
    Judging,
    /// It is to be judged.
    New,
}

impl<V: VoteStore> Voting<V> {
    pub(crate) fn new(signer: Attestor<V>) -> Self {
        Self { signer, collectors: VoteCollectors::default(), unpersisted: Vec::new() }
    }

    /// Returns how many slots there are in memory.
    pub(crate) fn slots(&self) -> usize {
        self.collectors.len()
    }

    /// Returns the certificate of a slot, if it is remembered.
    pub(crate) fn certificate(&self, slot: &Slot) -> Option<&(Attestation, QuorumCertificate)> {
        self.collectors.get(slot).and_then(|collector| collector.certificate.as_ref())
    }

    /// Returns the vote of this member in a slot, if it has given one since it started.
    pub(crate) fn own_vote(&self, slot: &Slot) -> Option<Vote> {
        self.collectors.get(slot).and_then(|collector| collector.own)
    }

    /// Sends the request of this member to all others. Returns whether it is still to be decided.
    pub(crate) fn ask(
        &mut self,
        context: &Context,
        request: &Request,
        events: &mut Events,
    ) -> Result<bool, Refusal> {
        let attestation = request.attestation;
        let material = request.material();
        let bytes = Message::Ask { attestation, material }.encode(context.quorum);
        let max = context.limits.max_message_bytes;
        if bytes.len() > max {
            return Err(Refusal::TooLong { got: bytes.len() as u64, max: max as u64 });
        }
        let committee = context.epochs.current_committee(attestation.epoch)?;
        let collector =
            self.collectors.open(attestation.slot(), context.own, committee, context)?;
        if collector.certificate.is_some() {
            return Ok(false);
        }
        collector.request = Some(bytes.clone());
        collector.sent(context);
        events.output(Output::Broadcast { bytes });
        Ok(true)
    }

    /// Takes the request of a peer to judge an attestation, before its material is read.
    pub(crate) fn asked(
        &mut self,
        context: &Context,
        from: Address,
        attestation: &Attestation,
        events: &mut Events,
    ) -> Result<Asked, Refusal> {
        let committee = context.epochs.current_committee(attestation.epoch)?;
        let slot = attestation.slot();
        if let Some((attestation, certificate)) = self.certificate(&slot).copied() {
            events.send(from, Message::Certified { attestation, certificate });
            return Ok(Asked::Certified);
        }
        // What it costs to read the material is bounded by the slots that a peer may open.
        let collector = self.collectors.open(slot, from, committee, context)?;
        Ok(if collector.is_judging(attestation.hash()) { Asked::Judging } else { Asked::New })
    }

    /// Decides whether an attestation is to be judged now. One that was voted for before, and is in
    /// the vote store, gets the same vote again.
    pub(crate) fn consider(
        &mut self,
        context: &Context,
        from: Address,
        request: &Request,
        events: &mut Events,
    ) -> Result<bool, Refusal> {
        let attestation = request.attestation;
        let (slot, hash) = (attestation.slot(), attestation.hash());
        match self.signer.signed(&slot) {
            // After a restart, for example.
            Some(signed) if signed == hash => {
                self.vote(context, attestation, events);
                return Ok(false);
            }
            Some(_) => return Ok(false),
            None => {}
        }
        let Some(collector) = self.collectors.get(&slot) else { return Ok(false) };
        // One attestation of a slot for each member at a time: a false one does not keep others
        // from being judged.
        if collector.is_judging_for(from) || collector.is_judging(hash) {
            return Ok(false);
        }
        if collector.rejected.iter().any(|(_, rejected)| *rejected == hash) {
            return Ok(false);
        }
        if collector.rejected.iter().any(|(asker, _)| *asker == from) {
            return Err(Refusal::Quota { peer: from, unit: "false statements in a slot", max: 1 });
        }
        if from != context.own && matches!(slot.kind, FactKind::Valid | FactKind::Workflow) {
            let max = context.limits.max_judgements_per_peer;
            if self.collectors.judged_for(from, slot.kind) >= max {
                return Err(Refusal::Quota { peer: from, unit: "judgements", max: max as u64 });
            }
        }
        if !matches!(request.matter, Matter::Audit(_))
            && let Some(collector) = self.collectors.get_mut(&slot)
        {
            collector.judging.push((from, hash));
        }
        Ok(true)
    }

    /// Votes for an attestation that was found true.
    pub(crate) fn judged(
        &mut self,
        context: &Context,
        attestation: Attestation,
        verdict: Verdict,
        events: &mut Events,
    ) {
        if let Some(collector) = self.collectors.get_mut(&attestation.slot()) {
            collector.judged(attestation.hash(), verdict);
        }
        let grants = match (verdict, attestation.fact) {
            (Verdict::Accept { score: own }, Fact::Valid { score, .. }) => own >= score,
            (Verdict::Accept { .. }, _) => true,
            (Verdict::Abstain | Verdict::Reject, _) => false,
        };
        if grants {
            self.vote(context, attestation, events);
        } else {
            events.withhold(attestation, verdict);
        }
    }

    /// Signs, sends and counts the vote of this member, once the vote store has it on disk.
    pub(crate) fn vote(
        &mut self,
        context: &Context,
        attestation: Attestation,
        events: &mut Events,
    ) {
        let Ok(committee) = context.epochs.counted(&attestation) else { return };
        let slot = attestation.slot();
        if self.own_vote(&slot).is_some() {
            return;
        }
        // Whether there is room comes first: a vote that is kept should be sent.
        if let Err(refusal) = self.collectors.open(slot, context.own, committee, context) {
            events.fault(&refusal);
            return;
        }
        let vote = match self.signer.attest(attestation, committee) {
            Ok(vote) => vote,
            Err(AttestError::Store(VoteStoreError::Conflict { .. }) | AttestError::Refused(_)) => {
                events.withhold(attestation, Verdict::Abstain);
                return;
            }
            Err(error) => {
                events.fault(&error);
                return;
            }
        };
        if let Some(collector) = self.collectors.get_mut(&slot) {
            collector.own = Some(vote);
            collector.sent(context);
        }
        events.broadcast(Message::Vote(vote));
        let counted = CountedVote::new(vote, committee).map_err(Refusal::from);
        let counted = counted.and_then(|vote| self.count(context, &vote, committee, events));
        if let Err(refusal) = counted {
            events.fault(&refusal);
        }
    }

    /// Votes for what a peer has voted for, if this member did so before a restart: it does not
    /// know what it voted for until others say it.
    pub(crate) fn revote(&mut self, context: &Context, vote: &CountedVote, events: &mut Events) {
        let has_own = self.own_vote(&vote.slot()).is_some();
        if !has_own && self.signer.signed(&vote.slot()) == Some(vote.hash()) {
            self.vote(context, vote.vote().attestation, events);
        }
    }

    /// Takes the vote of a peer.
    pub(crate) fn take_vote(
        &mut self,
        context: &Context,
        from: Address,
        vote: &Vote,
        events: &mut Events,
    ) -> Result<(), Refusal> {
        if vote.voter != from {
            return Err(Refusal::NotYours { voter: vote.voter });
        }
        let committee = context.epochs.counted(&vote.attestation)?;
        let vote = CountedVote::new(*vote, committee).map_err(|error| match error {
            VoteError::UnknownVoter { voter: peer } => Refusal::UnknownSender { peer },
            error => error.into(),
        })?;
        let collector = self.collectors.open(vote.slot(), from, committee, context)?;
        if let Some((attestation, certificate)) = collector.certificate
            && attestation == vote.vote().attestation
        {
            // The voter seems not to know.
            events.send(from, Message::Certified { attestation, certificate });
            if certificate.signers.contains(vote.place()) {
                return Ok(());
            }
        }
        self.count(context, &vote, committee, events)?;
        events.push(Event::Revote(Box::new(vote)));
        Ok(())
    }

    /// Takes a vote that another member hands on because it contradicts one that this member may
    /// have.
    pub(crate) fn take_relay(
        &mut self,
        context: &Context,
        vote: &Vote,
        events: &mut Events,
    ) -> Result<(), Refusal> {
        let committee = context.epochs.counted(&vote.attestation)?;
        // One of no member contradicts nothing.
        let vote = CountedVote::new(*vote, committee).map_err(|_| Refusal::Unasked)?;
        let collector = self.collectors.get(&vote.slot()).ok_or(Refusal::Unasked)?;
        if !collector.is_contradicted_by(vote.vote()) {
            return Err(Refusal::Unasked);
        }
        // Who hands on a forged vote answers for it.
        vote.verify(committee)?;
        self.count(context, &vote, committee, events)
    }

    /// Refuses to sign in the epochs before `first` from now on, and makes room in the vote store.
    pub(crate) fn forget_before(&mut self, first: Epoch, events: &mut Events) {
        if let Err(error) = self.signer.store_mut().forget_before(first) {
            events.fault(&error);
        }
    }

    /// Sends votes, requests and certificates again that may be lost, and forgets slots that nobody
    /// has settled in time.
    pub(crate) fn resend(&mut self, context: &Context, events: &mut Events) {
        let mut certificates = Vec::new();
        for (slot, collector) in self.collectors.iter_mut() {
            if !collector.is_due(context) {
                continue;
            }
            if let Some((attestation, certificate)) = collector.certificate {
                let committee = context.epochs.committee(slot.epoch);
                let unaware = committee.map(|committee| collector.unaware_members(committee));
                let unaware = unaware.unwrap_or_default().into_iter();
                let unaware = unaware.filter(|member| *member != context.own);
                let message = Message::Certified { attestation, certificate };
                certificates.extend(unaware.map(|member| (member, message.clone())));
            } else {
                let request = collector.request.clone();
                request.into_iter().for_each(|bytes| events.output(Output::Broadcast { bytes }));
                collector.own.into_iter().for_each(|vote| events.broadcast(Message::Vote(vote)));
            }
        }
        for (member, message) in certificates {
            events.send(member, message);
        }
        self.collectors.expire(context);
    }

    /// Takes what became of the certificate that was to be kept on disk.
    pub(crate) fn recorded(
        &mut self,
        attestation: Attestation,
        certificate: QuorumCertificate,
        result: Result<(), String>,
        events: &mut Events,
    ) {
        match result {
            Ok(()) => events.output(Output::Certified { attestation, certificate }),
            Err(reason) => {
                events.fault(&reason);
                self.unpersisted.push((attestation, certificate));
            }
        }
    }

    /// Has certificates kept on disk that could not be kept before.
    pub(crate) fn record_again(&mut self, events: &mut Events) {
        for (attestation, certificate) in core::mem::take(&mut self.unpersisted) {
            events.run(Effect::Record { attestation, certificate });
        }
    }

    fn count(
        &mut self,
        context: &Context,
        vote: &CountedVote,
        committee: &Committee,
        events: &mut Events,
    ) -> Result<(), Refusal> {
        let collector = self.collectors.get_mut(&vote.slot()).ok_or(Refusal::Unasked)?;
        // Nothing more can be learned from a convicted member, and to check its votes takes long.
        if collector.is_convicted(vote.place()) {
            return Err(Refusal::Unasked);
        }
        let counted = collector.tally.count(vote)?;
        match counted.progress {
            Progress::Certified(certificate) => {
                let attestation = vote.vote().attestation;
                self.certified(context, attestation, certificate, committee, events);
            }
            Progress::Conflict(evidence) => {
                if collector.convict(vote.place()) {
                    events.convict(evidence);
                }
            }
            // A member that told others what was certified, and this member something else, is
            // convicted by those who hold the other vote. Honest members may dissent, too: then
            // nobody holds another. Who hands on a forged vote answers for it, so it is checked
            // before.
            Progress::Pending { .. } if collector.certificate.is_some() => {
                vote.verify(committee)?;
                events.broadcast(Message::Relay(*vote.vote()));
            }
            Progress::Pending { .. } | Progress::Repeated => {}
        }
        counted.forgers.into_iter().for_each(|forger| events.penalize(forger, FORGERY));
        Ok(())
    }
}
