mod dispatch;

use alloc::{collections::VecDeque, sync::Arc, vec::Vec};

use alloy_primitives::{Address, B256};
use lazai_availability::DatasetCommitment;
use lazai_consensus::{
    Attestation, Attestor, Committee, Epoch, Fact, QuorumCertificate, QuorumId, Slot, Vote,
    VoteStore,
};

use crate::{
    Command, EffectResult, Limits, Message, Output, Recovered, Refusal,
    auditing::Auditing,
    context::Context,
    epochs::Epochs,
    fetching::{Fetching, Purpose},
    holding::Holding,
    peers::Peers,
    voting::Voting,
};

/// A member of a quorum: it holds shards, judges attestations, counts votes and makes certificates.
///
/// It is sans-I/O and reads no clock: it is told what came in and what time it is, and says through
/// [`next_output`](Self::next_output) what is to be sent and done. The same inputs give the same
/// outputs. Only its vote store is called directly, because a vote must be on disk before it is
/// signed.
#[derive(Debug)]
pub struct QuorumMember<V> {
    context: Context,
    peers: Peers,
    voting: Voting<V>,
    holding: Holding,
    fetching: Fetching,
    auditing: Auditing,
    outputs: VecDeque<Output>,
}

impl<V: VoteStore> QuorumMember<V> {
    /// Creates a member of `committee`, the one of the current epoch, that finds `recovered` on its
    /// disk.
    ///
    /// Certificates of other epochs are kept once their committees are known; see
    /// [`Command::Announce`].
    pub fn new(
        signer: Attestor<V>,
        committee: Arc<Committee>,
        limits: Limits,
        recovered: Recovered,
    ) -> Self {
        let (own, quorum) = (signer.address(), committee.quorum());
        let epochs = Epochs::new(committee);
        let mut member = Self {
            context: Context { own, quorum, limits, epochs, now_ms: 0 },
            peers: Peers::default(),
            voting: Voting::new(signer),
            holding: Holding::default(),
            fetching: Fetching::default(),
            auditing: Auditing::default(),
            outputs: VecDeque::new(),
        };
        member.recover(recovered);
        member
    }

    /// Takes a message of a peer that the transport has authenticated.
    ///
    /// # Errors
    /// [`Refusal`], after the sender was charged for it. The cost of a message is bounded by the
    /// limits, whatever it says.
    pub fn receive(&mut self, now_ms: u64, from: Address, bytes: &[u8]) -> Result<(), Refusal> {
        self.advance(now_ms);
        let result = self.accept(from, bytes);
        if let Err(refusal) = &result {
            self.penalize(from, refusal.penalty());
        }
        result
    }

    /// Takes an order of the owner of this node.
    ///
    /// # Errors
    /// [`Refusal`] if it cannot be followed.
    pub fn command(&mut self, now_ms: u64, command: Command) -> Result<(), Refusal> {
        self.advance(now_ms);
        match command {
            Command::Announce(committee) => self.announce(committee),
            Command::Ask(request) => self.ask(request),
            Command::Attest(attestation) => {
                self.context.epochs.counted(&attestation)?;
                self.step(|member, events| {
                    member.voting.vote(&member.context, attestation, events);
                });
                Ok(())
            }
            Command::Audit { beacon, datasets } => self.begin_audit(beacon, &datasets),
            Command::Hold { attestation, certificate } => self.hold(attestation, certificate),
            Command::Read { root } => self.read(root),
        }
    }

    /// Takes what became of an [`Effect`](crate::Effect).
    pub fn finished(&mut self, now_ms: u64, result: EffectResult) {
        self.advance(now_ms);
        self.apply(result);
    }

    /// Lets time pass: sends again what may be lost, and gives up what takes too long. Call it a
    /// few times in [`Limits::resend_ms`].
    pub fn tick(&mut self, now_ms: u64) {
        self.advance(now_ms);
        self.step(|member, events| member.voting.resend(&member.context, events));
        if self.holding.is_sync_due(&self.context) {
            self.step(|member, events| {
                member.voting.record_again(events);
                member.holding.sync(&member.context, events);
            });
        }
        for root in self.holding.pending() {
            self.step(|member, events| member.holding.want_again(&member.context, root, events));
        }
        self.step(|member, events| {
            member.holding.want_manifests(&member.context, events);
            let manifest = |root| member.holding.manifest(root);
            member.fetching.read_postponed(&member.context, manifest, events);
        });
        for root in self.fetching.roots() {
            self.step(|member, events| member.fetching.retry(&member.context, root, events));
        }
        self.step(|member, events| member.auditing.tick(&member.context, events));
    }

    /// Returns what is to be done next; `None` if nothing is.
    pub fn next_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Returns the address of this member.
    pub const fn address(&self) -> Address {
        self.context.own
    }

    /// Returns the quorum of which it is a member.
    pub const fn quorum(&self) -> QuorumId {
        self.context.quorum
    }

    /// Returns the bounds of its work.
    pub const fn limits(&self) -> &Limits {
        &self.context.limits
    }

    /// Returns the epoch in which members vote now.
    pub const fn epoch(&self) -> Epoch {
        self.context.epochs.current()
    }

    /// Returns the committee of an epoch, if it is known: also of past ones, to check old
    /// certificates.
    pub fn committee(&self, epoch: Epoch) -> Option<&Arc<Committee>> {
        self.context.epochs.committee(epoch)
    }

    /// Returns all members that may speak to this one, ascending: the committees of this epoch, the
    /// one before and the next.
    pub fn members(&self) -> Vec<Address> {
        self.context.epochs.members()
    }

    /// Returns the certificate of a slot, if it is remembered.
    pub fn certificate(&self, slot: &Slot) -> Option<&(Attestation, QuorumCertificate)> {
        self.voting.certificate(slot)
    }

    /// Returns the datasets that the quorum has certified as available, by root, with those still
    /// to be kept in this epoch alone.
    pub fn available(&self) -> impl Iterator<Item = (&B256, &Attestation)> {
        self.holding.available(self.context.epochs.current())
    }

    /// Returns the penalty points of a peer; see [`Limits::block_at`].
    pub fn penalty(&self, peer: Address) -> u32 {
        self.peers.penalty(peer)
    }

    /// Returns what the member holds in memory, in entries: slots, datasets, datasets that are
    /// taken in, datasets that are put together, and outputs that were not taken.
    pub fn load(&self) -> [usize; 5] {
        let [datasets, pending] = self.holding.load();
        [self.voting.slots(), datasets, pending, self.fetching.load(), self.outputs.len()]
    }

    /// Returns the vote of this member in a slot, if it has given one since it started.
    pub fn vote(&self, slot: &Slot) -> Option<Vote> {
        self.voting.own_vote(slot)
    }

    fn advance(&mut self, now_ms: u64) {
        // A clock that is set back must not stop what waits.
        self.context.now_ms = self.context.now_ms.max(now_ms);
    }

    fn recover(&mut self, recovered: Recovered) {
        for manifest in recovered.manifests {
            self.holding.recover(&self.context, manifest);
        }
        for (root, until) in recovered.pledges {
            self.holding.recover_pledge(root, until);
        }
        for (attestation, certificate) in recovered.certificates {
            let (epoch, epochs) = (attestation.epoch, &self.context.epochs);
            let committee = epochs.committee(epoch);
            let holds = committee
                .is_some_and(|committee| certificate.verify(&attestation, committee).is_ok());
            // Those of past epochs were checked before they were kept.
            if holds || epoch < epochs.current() {
                self.certified(&attestation);
            }
            if holds {
                self.voting.remember(&self.context, attestation, certificate);
            }
        }
        // What was lost on disk is noticed now, not in the next audit.
        self.step(|member, events| member.holding.sync(&member.context, events));
    }

    fn accept(&mut self, from: Address, bytes: &[u8]) -> Result<(), Refusal> {
        if from == self.context.own || !self.context.epochs.is_member(from) {
            return Err(Refusal::UnknownSender { peer: from });
        }
        let (now_ms, limits) = (self.context.now_ms, &self.context.limits);
        self.peers.charge(from, bytes.len(), now_ms, limits)?;
        let max = limits.max_message_bytes;
        if bytes.len() > max {
            return Err(Refusal::TooLong { got: bytes.len() as u64, max: max as u64 });
        }
        let message = Message::decode(bytes, self.context.quorum)?;
        match message {
            Message::Ask { attestation, material } => self.asked(from, attestation, &material),
            Message::Shard { root, shard } => self.take_shard(from, root, &shard),
            message => self.step(|member, events| member.route(from, message, events)),
        }
    }

    /// Learns of a committee: the next one, whose shards are then taken over, or a past one.
    ///
    /// This committee certifies the next for light clients; the next one says when its members hold
    /// what they must, and with that certificate its epoch begins.
    fn announce(&mut self, committee: Arc<Committee>) -> Result<(), Refusal> {
        let (quorum, own) = (self.context.quorum, self.context.own);
        let epochs = &mut self.context.epochs;
        let (next, root, current) = (committee.epoch(), committee.root(), epochs.current());
        let known = epochs.committee(next).map(|known| known.root());
        if known == Some(root) {
            return Ok(());
        }
        // A committee that was announced is not replaced: votes may have been counted by it.
        if known.is_some() || !epochs.add(committee, quorum) {
            return Err(Refusal::Epoch { expected: current.0, got: next.0 });
        }
        if next <= current {
            return Ok(());
        }
        if epochs.current_committee(current)?.index_of(own).is_some() {
            let fact = Fact::HandOver { next, committee: root };
            let attestation = Attestation { quorum, epoch: current, fact };
            self.step(|member, events| {
                member.voting.vote(&member.context, attestation, events);
            });
        }
        self.step(|member, events| member.holding.sync(&member.context, events));
        Ok(())
    }

    fn begin_audit(&mut self, beacon: B256, datasets: &[B256]) -> Result<(), Refusal> {
        if self.auditing.has_begun(self.context.epochs.current()) {
            return Ok(());
        }
        let commitment = |root: &B256| -> Result<DatasetCommitment, Refusal> {
            let manifest = self.holding.manifest(*root);
            Ok(*manifest.ok_or(Refusal::UnknownDataset { root: *root })?.commitment())
        };
        let commitments: Vec<_> = datasets.iter().map(commitment).collect::<Result<_, _>>()?;
        self.step(|member, events| {
            member.auditing.begin(&member.context, beacon, &commitments, events)
        })
    }

    /// Learns of a dataset that the quorum has certified.
    fn hold(
        &mut self,
        attestation: Attestation,
        certificate: QuorumCertificate,
    ) -> Result<(), Refusal> {
        if !matches!(attestation.fact, Fact::Available { .. }) {
            return Err(Refusal::Material);
        }
        self.step(|member, events| {
            member.voting.take_certificate(&member.context, attestation, certificate, events)
        })?;
        self.step(|member, events| member.holding.want_manifests(&member.context, events));
        Ok(())
    }

    /// Reads a dataset, later if it is only known by its certificate yet.
    fn read(&mut self, root: B256) -> Result<(), Refusal> {
        if self.holding.is_coming(root) {
            return self.fetching.postpone(&self.context, root);
        }
        self.step(|member, events| member.fetch(root, Purpose::Read, events))
    }
}
