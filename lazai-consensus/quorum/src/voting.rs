use alloc::{boxed::Box, sync::Arc, vec::Vec};

use alloy_primitives::Address;
use lazai_consensus::{
    Attestation, Committee, Evidence, Fact, Progress, QuorumCertificate, Vote, VoteStore,
};

use super::{
    Message, Output, QuorumMember, Refusal, Task, dataset::until, member::is_kept, refusal::FORGERY,
};

impl<V: VoteStore> QuorumMember<V> {
    /// Takes a peer's own vote.
    pub(super) fn take_vote(&mut self, from: Address, vote: &Vote) -> Result<(), Refusal> {
        if vote.voter != from {
            return Err(Refusal::NotYours { voter: vote.voter });
        }
        let (now_ms, limits, own) = (self.now_ms, self.limits, self.address());
        let committee = Arc::clone(self.epochs.counted(&vote.attestation)?);
        let place = committee.index_of(from).ok_or(Refusal::UnknownSender { peer: from })?;
        let slot = vote.attestation.slot();
        let poll = self.polls.open(slot, from, &committee, own, now_ms, &limits)?;
        if let Some((attestation, certificate)) = poll.certificate
            && attestation == vote.attestation
        {
            // The voter seems not to know.
            self.send_certificate(from, (attestation, certificate));
            if certificate.signers.contains(place) {
                return Ok(());
            }
        }
        self.add(vote, &committee)?;
        // After a restart this member does not know what it voted for until others say it.
        let has_own = self.polls.get(&slot).is_some_and(|poll| poll.own.is_some());
        if !has_own && self.pen.signed(&slot) == Some(vote.attestation.hash()) {
            self.cast(vote.attestation);
        }
        Ok(())
    }

    /// Takes a vote that another member hands on because it contradicts one that this member may have.
    pub(super) fn take_relay(&mut self, vote: &Vote) -> Result<(), Refusal> {
        let committee = Arc::clone(self.epochs.counted(&vote.attestation)?);
        let poll = self.polls.get(&vote.attestation.slot()).ok_or(Refusal::Unasked)?;
        let contradicts = poll
            .tally
            .votes()
            .any(|known| known.voter == vote.voter && known.attestation != vote.attestation);
        if !contradicts {
            return Err(Refusal::Unasked);
        }
        // Who hands on a forged vote answers for it.
        vote.verify(&committee)?;
        self.add(vote, &committee)
    }

    /// Counts this member's own vote.
    pub(super) fn count(&mut self, vote: &Vote) {
        if let Ok(committee) = self.epochs.counted(&vote.attestation).map(Arc::clone)
            && let Err(refusal) = self.add(vote, &committee)
        {
            self.fault(alloc::format!("{refusal}"));
        }
    }

    fn add(&mut self, vote: &Vote, committee: &Committee) -> Result<(), Refusal> {
        let attestation = vote.attestation;
        let Some(poll) = self.polls.get_mut(&attestation.slot()) else {
            return Err(Refusal::Unasked);
        };
        // Nothing more can be learned from one who is convicted, and to check it takes long.
        if committee.index_of(vote.voter).is_some_and(|place| poll.convicted >> place & 1 == 1) {
            return Err(Refusal::Unasked);
        }
        let before: Vec<_> = poll.tally.voters().collect();
        let progress = poll.tally.add(vote)?;
        // Signatures are checked late and together. Whoever is missing now had sent a forged one.
        let after: Vec<_> = poll.tally.voters().collect();
        let forgers: Vec<_> = before
            .into_iter()
            .chain([vote.voter])
            .filter(|voter| after.binary_search(voter).is_err())
            .collect();
        match progress {
            Progress::Certified(certificate) => self.certified(attestation, certificate, committee),
            Progress::Conflict(evidence) => {
                let bit = committee.index_of(vote.voter).map_or(0, |place| 1_u128 << place);
                if poll.convicted & bit == 0 {
                    poll.convicted |= bit;
                    self.push(Output::Convicted { evidence });
                }
            }
            // Who told others what was certified, and this member something else, is convicted by those who hold the
            // other vote. Honest members may dissent, too: then nobody holds another. Who hands on a forged vote answers
            // for it, so it is checked before.
            Progress::Pending { .. } if poll.certificate.is_some() => {
                vote.verify(committee)?;
                self.broadcast(&Message::Relay(*vote));
            }
            Progress::Pending { .. } | Progress::Repeated => {}
        }
        for forger in forgers {
            self.punish(forger, FORGERY);
        }
        Ok(())
    }

    /// Takes a certificate that a peer hands on.
    pub(super) fn take_certificate(
        &mut self,
        attestation: Attestation,
        certificate: QuorumCertificate,
    ) -> Result<(), Refusal> {
        let (expected, got) = (self.epochs.current().0, attestation.epoch.0);
        let committee = self.epochs.committee(attestation.epoch);
        let committee = Arc::clone(committee.ok_or(Refusal::Epoch { expected, got })?);
        let slot = attestation.slot();
        let known = self.certificate(&slot).copied();
        if known.is_some_and(|(known, _)| known == attestation) {
            return Ok(());
        }
        certificate.verify(&attestation, &committee)?;
        let (now_ms, limits, own) = (self.now_ms, self.limits, self.address());
        // It is nobody's that it came from: it counts against no quota.
        let poll = self.polls.open(slot, own, &committee, own, now_ms, &limits)?;
        match known {
            None => {
                self.certified(attestation, certificate, &committee);
                if let Some(poll) = self.polls.get_mut(&slot) {
                    poll.mute(&limits);
                }
            }
            Some(first) if !poll.is_split => {
                poll.is_split = true;
                let (first, second) = (Box::new(first), Box::new((attestation, certificate)));
                let evidence = Evidence::TwoCertificates { first, second };
                self.push(Output::Convicted { evidence });
            }
            Some(_) => {}
        }
        Ok(())
    }

    pub(super) fn send_certificate(
        &mut self,
        to: Address,
        (attestation, certificate): (Attestation, QuorumCertificate),
    ) {
        self.send(to, &Message::Certified { attestation, certificate });
    }

    /// An attestation has a certificate, perhaps with more signers than before.
    fn certified(
        &mut self,
        attestation: Attestation,
        certificate: QuorumCertificate,
        committee: &Committee,
    ) {
        let Some(poll) = self.polls.get_mut(&attestation.slot()) else { return };
        match &mut poll.certificate {
            Some((known, best)) if *known == attestation => {
                *best = certificate;
                return;
            }
            Some(first) if !poll.is_split => {
                poll.is_split = true;
                let (first, second) = (Box::new(*first), Box::new((attestation, certificate)));
                let evidence = Evidence::TwoCertificates { first, second };
                self.push(Output::Convicted { evidence });
                return;
            }
            Some(_) => return,
            none => *none = Some((attestation, certificate)),
        }
        poll.settle(self.now_ms, &self.limits);
        let dissent: Vec<_> =
            poll.tally.votes().filter(|vote| vote.attestation != attestation).copied().collect();
        for vote in dissent {
            // Only its voter can have sent it.
            if vote.verify(committee).is_ok() {
                self.broadcast(&Message::Relay(vote));
            } else {
                self.punish(vote.voter, FORGERY);
            }
        }
        self.push(Output::Run(Task::Record { attestation, certificate }));
        self.take_effect(&attestation);
    }

    /// Keeps in mind a certificate that was found on disk.
    pub(super) fn remember(&mut self, attestation: Attestation, certificate: QuorumCertificate) {
        let (now_ms, limits, own) = (self.now_ms, self.limits, self.address());
        let Some(committee) = self.epochs.committee(attestation.epoch).map(Arc::clone) else {
            return;
        };
        let poll = self.polls.open(attestation.slot(), own, &committee, own, now_ms, &limits);
        if let Ok(poll) = poll {
            poll.certificate = Some((attestation, certificate));
            poll.mute(&limits);
        }
    }

    /// What follows from a certified attestation.
    pub(super) fn take_effect(&mut self, attestation: &Attestation) {
        match attestation.fact {
            Fact::Available { root, .. } => {
                let (is_due, max) =
                    (is_kept(attestation, self.epochs.current()), self.limits.max_slots);
                if let Some(set) = self.datasets.get_mut(&root) {
                    set.certify(*attestation);
                    self.sync();
                } else if is_due && !self.spoiled.contains(&root) && self.lacking.len() < max {
                    // The same data may be certified under several names.
                    let known = self.lacking.entry(root).or_insert(*attestation);
                    if until(known) < until(attestation) {
                        *known = *attestation;
                    }
                }
            }
            Fact::Inconsistent { root } => self.spoil(root),
            // The members of an epoch alone know whether they hold what they must.
            Fact::EpochSyncDone { next } if next == attestation.epoch => self.enter(next),
            _ => {}
        }
    }
}
