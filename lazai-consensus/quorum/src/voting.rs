use alloc::{boxed::Box, sync::Arc, vec::Vec};

use alloy_primitives::Address;
use lazai_consensus::{
    Committee, Evidence, Fact, Progress, QuorumCertificate, Statement, Vote, VoteStore,
};

use super::{
    Message, Output, QuorumMember, Refusal, Task, data_set::until, member::is_kept,
    refusal::FORGERY,
};

impl<V: VoteStore> QuorumMember<V> {
    /// Takes a peer's own vote.
    pub(super) fn take_vote(&mut self, from: Address, vote: &Vote) -> Result<(), Refusal> {
        if vote.voter != from {
            return Err(Refusal::NotYours { voter: vote.voter });
        }
        let (now_ms, limits, own) = (self.now_ms, self.limits, self.address());
        let committee = Arc::clone(self.epochs.counted(&vote.statement)?);
        let place = committee.index_of(from).ok_or(Refusal::UnknownSender { peer: from })?;
        let slot = vote.statement.slot();
        let poll = self.polls.open(slot, from, &committee, own, now_ms, &limits)?;
        if let Some((statement, certificate)) = poll.certificate
            && statement == vote.statement
        {
            // The voter seems not to know.
            self.send_certificate(from, (statement, certificate));
            if certificate.signers.contains(place) {
                return Ok(());
            }
        }
        self.add(vote, &committee)?;
        // After a restart this member does not know what it voted for until others say it.
        let has_own = self.polls.get(&slot).is_some_and(|poll| poll.own.is_some());
        if !has_own && self.pen.signed(&slot) == Some(vote.statement.hash()) {
            self.cast(vote.statement);
        }
        Ok(())
    }

    /// Takes a vote that another member hands on because it contradicts one that this member may have.
    pub(super) fn take_relay(&mut self, vote: &Vote) -> Result<(), Refusal> {
        let committee = Arc::clone(self.epochs.counted(&vote.statement)?);
        let poll = self.polls.get(&vote.statement.slot()).ok_or(Refusal::Unasked)?;
        let contradicts = poll
            .tally
            .votes()
            .any(|known| known.voter == vote.voter && known.statement != vote.statement);
        if !contradicts {
            return Err(Refusal::Unasked);
        }
        // Who hands on a forged vote answers for it.
        vote.verify(&committee)?;
        self.add(vote, &committee)
    }

    /// Counts this member's own vote.
    pub(super) fn count(&mut self, vote: &Vote) {
        if let Ok(committee) = self.epochs.counted(&vote.statement).map(Arc::clone)
            && let Err(refusal) = self.add(vote, &committee)
        {
            self.fault(alloc::format!("{refusal}"));
        }
    }

    fn add(&mut self, vote: &Vote, committee: &Committee) -> Result<(), Refusal> {
        let statement = vote.statement;
        let Some(poll) = self.polls.get_mut(&statement.slot()) else {
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
            Progress::Certified(certificate) => self.certified(statement, certificate, committee),
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
        statement: Statement,
        certificate: QuorumCertificate,
    ) -> Result<(), Refusal> {
        let (expected, got) = (self.epochs.current().0, statement.epoch.0);
        let committee = self.epochs.committee(statement.epoch);
        let committee = Arc::clone(committee.ok_or(Refusal::Epoch { expected, got })?);
        let slot = statement.slot();
        let known = self.certificate(&slot).copied();
        if known.is_some_and(|(known, _)| known == statement) {
            return Ok(());
        }
        certificate.verify(&statement, &committee)?;
        let (now_ms, limits, own) = (self.now_ms, self.limits, self.address());
        // It is nobody's that it came from: it counts against no quota.
        let poll = self.polls.open(slot, own, &committee, own, now_ms, &limits)?;
        match known {
            None => {
                self.certified(statement, certificate, &committee);
                if let Some(poll) = self.polls.get_mut(&slot) {
                    poll.mute(&limits);
                }
            }
            Some(first) if !poll.is_split => {
                poll.is_split = true;
                let (first, second) = (Box::new(first), Box::new((statement, certificate)));
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
        (statement, certificate): (Statement, QuorumCertificate),
    ) {
        self.send(to, &Message::Certified { statement, certificate });
    }

    /// A statement has a certificate, perhaps with more signers than before.
    fn certified(
        &mut self,
        statement: Statement,
        certificate: QuorumCertificate,
        committee: &Committee,
    ) {
        let Some(poll) = self.polls.get_mut(&statement.slot()) else { return };
        match &mut poll.certificate {
            Some((known, best)) if *known == statement => {
                *best = certificate;
                return;
            }
            Some(first) if !poll.is_split => {
                poll.is_split = true;
                let (first, second) = (Box::new(*first), Box::new((statement, certificate)));
                let evidence = Evidence::TwoCertificates { first, second };
                self.push(Output::Convicted { evidence });
                return;
            }
            Some(_) => return,
            none => *none = Some((statement, certificate)),
        }
        poll.settle(self.now_ms, &self.limits);
        let dissent: Vec<_> =
            poll.tally.votes().filter(|vote| vote.statement != statement).copied().collect();
        for vote in dissent {
            // Only its voter can have sent it.
            if vote.verify(committee).is_ok() {
                self.broadcast(&Message::Relay(vote));
            } else {
                self.punish(vote.voter, FORGERY);
            }
        }
        self.push(Output::Run(Task::Record { statement, certificate }));
        self.take_effect(&statement);
    }

    /// Keeps in mind a certificate that was found on disk.
    pub(super) fn remember(&mut self, statement: Statement, certificate: QuorumCertificate) {
        let (now_ms, limits, own) = (self.now_ms, self.limits, self.address());
        let Some(committee) = self.epochs.committee(statement.epoch).map(Arc::clone) else {
            return;
        };
        let poll = self.polls.open(statement.slot(), own, &committee, own, now_ms, &limits);
        if let Ok(poll) = poll {
            poll.certificate = Some((statement, certificate));
            poll.mute(&limits);
        }
    }

    /// What follows from a certified statement.
    pub(super) fn take_effect(&mut self, statement: &Statement) {
        match statement.fact {
            Fact::Available { root, .. } => {
                let (is_due, max) =
                    (is_kept(statement, self.epochs.current()), self.limits.max_slots);
                if let Some(set) = self.data_sets.get_mut(&root) {
                    set.certify(*statement);
                    self.sync();
                } else if is_due && !self.spoiled.contains(&root) && self.lacking.len() < max {
                    // The same data may be certified under several names.
                    let known = self.lacking.entry(root).or_insert(*statement);
                    if until(known) < until(statement) {
                        *known = *statement;
                    }
                }
            }
            Fact::Inconsistent { root } => self.spoil(root),
            // The members of an epoch alone know whether they hold what they must.
            Fact::EpochSyncDone { next } if next == statement.epoch => self.enter(next),
            _ => {}
        }
    }
}
