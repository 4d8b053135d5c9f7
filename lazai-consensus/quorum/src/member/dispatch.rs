use alloc::{string::String, vec::Vec};

use alloy_primitives::{Address, B256};
use lazai_availability::InconsistencyProof;
use lazai_consensus::{Attestation, Epoch, Fact, VoteStore};

use super::QuorumMember;
use crate::{
    Effect, EffectResult, Message, Output, Refusal, Request, RestoreFailure, Verdict,
    event::{Event, Events},
    fetching::Purpose,
    holding::offer_shards,
    refusal::FORGERY,
    request::Matter,
    voting::Asked,
};

/// Which part of a member does what, and in what order.
impl<V: VoteStore> QuorumMember<V> {
    /// Has a part do something, then all that follows from it.
    pub(super) fn step<T>(&mut self, part: impl FnOnce(&mut Self, &mut Events) -> T) -> T {
        let mut events = Events::default();
        let result = part(self, &mut events);
        for event in events {
            self.handle(event);
        }
        result
    }

    /// Handles an event, with all that follows from it.
    fn handle(&mut self, event: Event) {
        match event {
            Event::Ask(request) => {
                if let Err(refusal) = self.ask(*request) {
                    self.fault(alloc::format!("{refusal}"));
                }
            }
            Event::Broadcast(message) => {
                let bytes = message.encode(self.context.quorum);
                self.outputs.push_back(Output::Broadcast { bytes });
            }
            Event::Certified(attestation) => self.certified(&attestation),
            Event::Judged(attestation, verdict) => self.judged(attestation, verdict),
            Event::Output(output) => self.outputs.push_back(output),
            Event::Penalize(peer, points) => self.penalize(peer, points),
            Event::Repair(root, places) => self.repair(root, places),
            Event::RepairFailed(root) => self.repaired(root, &[]),
            Event::Revote(vote) => {
                self.step(|member, events| member.voting.revote(&member.context, &vote, events));
            }
            Event::Send(to, message) => {
                let bytes = message.encode(self.context.quorum);
                self.outputs.push_back(Output::Send { to, bytes });
            }
            Event::Vote(attestation) => {
                self.step(|member, events| {
                    member.voting.vote(&member.context, attestation, events);
                });
            }
        }
    }

    /// Gives a message to the part that it is for.
    pub(super) fn route(
        &mut self,
        from: Address,
        message: Message,
        events: &mut Events,
    ) -> Result<(), Refusal> {
        let Self { context, peers, voting, holding, auditing, .. } = self;
        match message {
            Message::Answer { epoch, member, answer } => {
                auditing.take_answer(context, from, (epoch, member), &answer, events)
            }
            Message::Certified { attestation, certificate } => {
                voting.take_certificate(context, attestation, certificate, events)
            }
            Message::Manifest { root, manifest } => {
                holding.take_manifest(context, root, &manifest, events)
            }
            Message::Relay(vote) => voting.take_relay(context, &vote, events),
            Message::Vote(vote) => voting.take_vote(context, from, &vote, events),
            Message::Want { root, stripe, index } => {
                holding.wanted(context, peers, from, (root, stripe, index), events)
            }
            Message::WantAnswer { epoch, member } => {
                auditing.answer_wanted(context, peers, from, (epoch, member), events)
            }
            Message::WantManifest { root } => {
                holding.manifest_wanted(context, peers, from, root, events)
            }
            // These two go through several parts.
            Message::Ask { .. } | Message::Shard { .. } => Ok(()),
        }
    }

    /// Gives the result of an effect to the parts that it is for.
    pub(super) fn apply(&mut self, result: EffectResult) {
        match result {
            EffectResult::Answered { epoch, answer } => self.step(|member, events| {
                member.auditing.answered(&member.context, epoch, answer, events);
            }),
            EffectResult::Forgotten { root, result } => self.step(|member, events| {
                member.holding.removed(&member.context, root, result, events);
            }),
            EffectResult::Judged { attestation, verdict, forger, inconsistency } => {
                if let Some((forger, _)) = forger {
                    self.penalize(forger, FORGERY);
                }
                self.judged(attestation, verdict);
                if let (Some(root), Some(proof)) = (attestation.fact.root(), inconsistency) {
                    self.expose(root, &proof);
                }
            }
            EffectResult::Kept { root, stripe, index, from, result } => {
                self.step(|member, events| {
                    let place = (stripe, index);
                    member.holding.kept(&member.context, root, place, from, result, events);
                });
            }
            EffectResult::Loaded { root, to, shard } => self.step(|member, events| {
                let Self { context, holding, fetching, .. } = member;
                if to != context.own {
                    holding.loaded(root, to, shard, events);
                } else if let Some(shard) = shard
                    && let Err(refusal) = fetching.take_shard(context, to, root, &shard, events)
                {
                    events.fault(&refusal);
                }
            }),
            EffectResult::Pledged { attestation, result } => {
                // Votes for what is on disk, and is to stay there.
                let verdict = match result {
                    Ok(()) => Verdict::Accept { score: 0 },
                    Err(reason) => {
                        self.fault(reason);
                        Verdict::Abstain
                    }
                };
                self.judged(attestation, verdict);
            }
            EffectResult::Prepared { root, missing } => self.step(|member, events| {
                member.holding.prepared(&member.context, root, missing, events);
            }),
            EffectResult::Recorded { attestation, certificate, result } => {
                self.step(|member, events| {
                    member.voting.recorded(attestation, certificate, result, events);
                });
            }
            EffectResult::Restored { root, keep, result } if keep.is_empty() => match result {
                Ok(data) => self.outputs.push_back(Output::Read { root, data: Ok(data) }),
                Err(RestoreFailure::Fault(reason)) => {
                    self.outputs.push_back(Output::Read { root, data: Err(reason) });
                }
                Err(RestoreFailure::Inconsistent(proof)) => {
                    let data = Err("its shards contradict each other".into());
                    self.outputs.push_back(Output::Read { root, data });
                    self.expose(root, &proof);
                }
            },
            EffectResult::Restored { root, keep, result } => match result {
                Ok(_) => self.repaired(root, &keep),
                Err(failure) => {
                    self.repaired(root, &[]);
                    match failure {
                        RestoreFailure::Fault(reason) => self.fault(reason),
                        RestoreFailure::Inconsistent(proof) => self.expose(root, &proof),
                    }
                }
            },
        }
    }

    /// Asks all members, this one among them, to judge an attestation.
    pub(super) fn ask(&mut self, request: Request) -> Result<(), Refusal> {
        let is_open = self.step(|member, events| {
            let is_open = member.voting.ask(&member.context, &request, events)?;
            if is_open && let Matter::Available(manifest) = &request.matter {
                let committee =
                    member.context.epochs.current_committee(request.attestation.epoch)?;
                offer_shards(&member.context, manifest, committee, events);
            }
            Ok::<_, Refusal>(is_open)
        })?;
        if is_open { self.consider(self.context.own, request) } else { Ok(()) }
    }

    /// Takes the request of a peer to judge an attestation.
    pub(super) fn asked(
        &mut self,
        from: Address,
        attestation: Attestation,
        material: &[u8],
    ) -> Result<(), Refusal> {
        let asked = self.step(|member, events| {
            member.voting.asked(&member.context, from, &attestation, events)
        })?;
        match asked {
            Asked::Certified => Ok(()),
            Asked::Judging => {
                if let Fact::Available { root, .. } = attestation.fact {
                    self.holding.add_source(root, from);
                }
                Ok(())
            }
            Asked::New => {
                let request = Request::read(attestation, material, &self.context.limits)?;
                self.consider(from, request)
            }
        }
    }

    /// Starts to judge an attestation, unless it was voted for before.
    fn consider(&mut self, from: Address, request: Request) -> Result<(), Refusal> {
        let is_new = self.step(|member, events| {
            member.voting.consider(&member.context, from, &request, events)
        })?;
        if !is_new {
            return Ok(());
        }
        let attestation = request.attestation;
        let result = self.step(|member, events| member.judge(from, request, events));
        if result.is_err() {
            self.judged(attestation, Verdict::Abstain);
        }
        result
    }

    /// Has an attestation judged by the part that can do it.
    fn judge(
        &mut self,
        from: Address,
        request: Request,
        events: &mut Events,
    ) -> Result<(), Refusal> {
        let attestation = request.attestation;
        let Self { context, holding, auditing, .. } = self;
        match request.matter {
            Matter::Audit(passed) => {
                auditing.take_proposal(context, from, attestation, passed, events);
            }
            Matter::Available(manifest) => {
                return holding.take_in(context, from, attestation, manifest, events);
            }
            Matter::Inconsistent(commitment, proof) => {
                events.run(Effect::Refute { attestation, commitment, proof, from });
            }
            Matter::Valid => {
                let root = attestation.fact.root().unwrap_or_default();
                return self.fetch(root, Purpose::Judge(attestation), events);
            }
            Matter::Workflow(job) => events.run(Effect::Rerun { attestation, job: *job }),
        }
        Ok(())
    }

    fn judged(&mut self, attestation: Attestation, verdict: Verdict) {
        self.step(|member, events| {
            member.voting.judged(&member.context, attestation, verdict, events);
        });
    }

    /// Takes a shard of a peer: for a dataset that is put together, or for one that is taken in.
    pub(super) fn take_shard(
        &mut self,
        from: Address,
        root: B256,
        bytes: &[u8],
    ) -> Result<(), Refusal> {
        self.step(|member, events| {
            let Self { context, holding, fetching, .. } = member;
            if fetching.take_shard(context, from, root, bytes, events)? {
                return Ok(());
            }
            holding.take_shard(from, root, bytes, events)
        })
    }

    /// Begins to put a dataset together.
    pub(super) fn fetch(
        &mut self,
        root: B256,
        purpose: Purpose,
        events: &mut Events,
    ) -> Result<(), Refusal> {
        let manifest = self.holding.manifest(root);
        self.fetching.begin(&self.context, root, manifest, purpose, events)
    }

    /// Begins to make missing shards from those of others.
    fn repair(&mut self, root: B256, places: Vec<(u32, u16)>) {
        let begun = self.step(|member, events| member.fetch(root, Purpose::Keep(places), events));
        if let Err(refusal) = begun {
            self.repaired(root, &[]);
            // Other repairs are under way.
            if !matches!(refusal, Refusal::Quota { .. }) {
                self.fault(alloc::format!("{refusal}"));
            }
        }
    }

    fn repaired(&mut self, root: B256, kept: &[(u32, u16)]) {
        self.step(|member, events| member.holding.repaired(&member.context, root, kept, events));
    }

    /// Takes the consequences of a certified attestation.
    pub(super) fn certified(&mut self, attestation: &Attestation) {
        match attestation.fact {
            // The members of an epoch alone know whether they hold what they must.
            Fact::EpochSyncDone { next } if next == attestation.epoch => self.enter(next),
            _ => self.step(|member, events| {
                member.holding.certified(&member.context, attestation, events);
            }),
        }
    }

    /// Begins an epoch whose committee is ready.
    fn enter(&mut self, epoch: Epoch) {
        if !self.context.epochs.enter(epoch) {
            return;
        }
        self.auditing.end();
        let epochs = &self.context.epochs;
        self.peers.retain(|peer| epochs.is_member(peer));
        self.step(|member, events| {
            let Self { voting, holding, fetching, .. } = member;
            holding.enter(epoch, |root| fetching.contains(root), events);
            // Votes of the epoch before are still given; of earlier ones none, and the store
            // refuses them from now on.
            voting.forget_before(Epoch(epoch.0.saturating_sub(1)), events);
            events.output(Output::Entered { epoch });
        });
    }

    /// Tells the quorum that a dataset is inconsistent.
    fn expose(&mut self, root: B256, proof: &InconsistencyProof) {
        let Some(manifest) = self.holding.consistent_manifest(root) else { return };
        let commitment = *manifest.commitment();
        self.step(|member, events| {
            member.holding.set_inconsistent(&member.context, root, events);
        });
        let (quorum, epoch) = (self.context.quorum, self.context.epochs.current());
        let attestation = Attestation { quorum, epoch, fact: Fact::Inconsistent { root } };
        let asked = Request::inconsistent(attestation, commitment, proof);
        if let Err(refusal) = asked.and_then(|request| self.ask(request)) {
            self.fault(alloc::format!("{refusal}"));
        }
    }

    pub(super) fn penalize(&mut self, peer: Address, points: u32) {
        if self.peers.penalize(peer, points, &self.context.limits) {
            self.outputs.push_back(Output::Block { peer });
        }
    }

    fn fault(&mut self, reason: String) {
        self.outputs.push_back(Output::Fault { reason });
    }
}
