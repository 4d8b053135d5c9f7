use alloc::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    string::{String, ToString},
    sync::Arc,
    vec::Vec,
};

use alloy_primitives::{Address, B256};
use lazai_consensus::{
    AttestError, Attestation, Attestor, Committee, Epoch, Evidence, Fact, FactKind,
    QuorumCertificate, QuorumId, Slot, Vote, VoteStore, VoteStoreError,
};

use super::{
    Done, Limits, Message, Recovered, Refusal, Request, Task, Verdict,
    audit::Audit,
    dataset::Dataset,
    epochs::Epochs,
    fetch::{Fetch, Purpose},
    holding::Intake,
    peers::Peers,
    poll::Polls,
    request::Matter,
};

/// A member of a quorum: it holds shards, judges attestations, counts votes and makes certificates.
///
/// It does no input or output and reads no clock: it is told what came in and what time it is, and says through
/// [`next_output`](Self::next_output) what is to be sent and done. The same inputs give the same outputs. Only its vote
/// store is called directly, because a vote must be on disk before it is signed.
#[derive(Debug)]
pub struct QuorumMember<V> {
    pub(super) pen: Attestor<V>,
    pub(super) limits: Limits,
    pub(super) quorum: QuorumId,
    pub(super) epochs: Epochs,
    pub(super) peers: Peers,
    pub(super) polls: Polls,
    pub(super) datasets: BTreeMap<B256, Dataset>,
    pub(super) intakes: BTreeMap<B256, Intake>,
    pub(super) fetches: BTreeMap<B256, Fetch>,
    pub(super) loads: BTreeMap<Address, usize>,
    /// Certified data sets whose manifest is not known.
    pub(super) lacking: BTreeMap<B256, Attestation>,
    /// Data sets that are to be read once their manifest is here.
    pub(super) reads: BTreeSet<B256>,
    /// Data sets that are being removed from the disk.
    pub(super) forgetting: BTreeSet<B256>,
    /// Commitments that are certified to be no data.
    pub(super) spoiled: BTreeSet<B256>,
    /// Certificates that could not be kept on disk.
    pub(super) unrecorded: Vec<(Attestation, QuorumCertificate)>,
    /// When what could not be done is tried again.
    pub(super) next_sync_ms: u64,
    pub(super) audit: Option<Audit>,
    pub(super) now_ms: u64,
    outputs: VecDeque<Output>,
}

impl<V: VoteStore> QuorumMember<V> {
    /// A member of `committee`, the one of the current epoch, that finds `recovered` on its disk.
    ///
    /// Certificates of other epochs are kept once their committees are known; see [`Command::Announce`].
    pub fn new(
        pen: Attestor<V>,
        committee: Arc<Committee>,
        limits: Limits,
        recovered: Recovered,
    ) -> Self {
        let mut member = Self {
            pen,
            limits,
            quorum: committee.quorum(),
            epochs: Epochs::new(committee),
            peers: Peers::default(),
            polls: Polls::default(),
            datasets: BTreeMap::new(),
            intakes: BTreeMap::new(),
            fetches: BTreeMap::new(),
            loads: BTreeMap::new(),
            lacking: BTreeMap::new(),
            reads: BTreeSet::new(),
            forgetting: BTreeSet::new(),
            spoiled: BTreeSet::new(),
            unrecorded: Vec::new(),
            next_sync_ms: 0,
            audit: None,
            now_ms: 0,
            outputs: VecDeque::new(),
        };
        for manifest in recovered.manifests {
            let mut set = Dataset::new(manifest);
            let committee = member.epochs.committee(member.epochs.current());
            let bytes = committee.and_then(|committee| member.bytes_of(committee, &set.manifest));
            set.bytes = bytes.unwrap_or_default();
            member.datasets.insert(set.manifest.root(), set);
        }
        for (root, until) in recovered.vouched {
            if let Some(set) = member.datasets.get_mut(&root) {
                set.vouch(until);
            }
        }
        for (attestation, certificate) in recovered.certificates {
            let (epoch, current) = (attestation.epoch, member.epochs.current());
            let committee = member.epochs.committee(epoch);
            let holds = committee
                .is_some_and(|committee| certificate.verify(&attestation, committee).is_ok());
            // Those of past epochs were checked before they were kept.
            if holds || epoch < current {
                member.take_effect(&attestation);
            }
            if holds {
                member.remember(attestation, certificate);
            }
        }
        // What was lost on disk is noticed now, not in the next audit.
        member.sync();
        member
    }

    /// Takes a message of a peer, whom the transport has authenticated.
    ///
    /// # Errors
    /// [`Refusal`], after the sender was charged for it. The cost of a message is bounded by the limits, whatever it says.
    pub fn receive(&mut self, now_ms: u64, from: Address, bytes: &[u8]) -> Result<(), Refusal> {
        self.advance(now_ms);
        let result = self.accept(from, bytes);
        if let Err(refusal) = &result {
            self.punish(from, refusal.penalty());
        }
        result
    }

    /// Takes an order of this node's owner.
    ///
    /// # Errors
    /// [`Refusal`] if it cannot be followed.
    pub fn command(&mut self, now_ms: u64, command: Command) -> Result<(), Refusal> {
        self.advance(now_ms);
        match command {
            Command::Announce(committee) => self.announce(committee),
            Command::Ask(request) => self.ask(request),
            Command::Attest(attestation) => self.attest(attestation),
            Command::Hold { attestation, certificate } => self.hold(attestation, certificate),
            Command::Audit { beacon, datasets } => self.start_audit(beacon, &datasets),
            Command::Read { root } => self.read(root),
        }
    }

    /// Takes what became of a task.
    pub fn finished(&mut self, now_ms: u64, done: Done) {
        self.advance(now_ms);
        match done {
            Done::Answered { epoch, answer } => self.answered(epoch, answer),
            Done::Forgotten { root, result } => self.forgotten(root, result),
            Done::Judged { attestation, verdict, liar, inconsistency } => {
                if let Some((liar, _)) = liar {
                    self.punish(liar, super::refusal::FORGERY);
                }
                self.judged(attestation, verdict);
                if let (Some(root), Some(proof)) = (root_of(&attestation), inconsistency) {
                    self.expose(root, &proof);
                }
            }
            Done::Kept { root, stripe, index, from, result } => {
                self.kept(root, (stripe, index), from, result);
            }
            Done::Loaded { root, to, shard } => self.loaded(root, to, shard),
            Done::Prepared { root, missing } => self.prepared(root, missing),
            Done::Recorded { attestation, certificate, result } => match result {
                Ok(()) => self.push(Output::Certified { attestation, certificate }),
                Err(reason) => {
                    self.fault(reason);
                    self.unrecorded.push((attestation, certificate));
                }
            },
            Done::Restored { root, keep, result } => self.restored(root, &keep, result),
            Done::Vouched { attestation, result } => self.vouched(attestation, result),
        }
    }

    /// Lets time pass: sends again what may be lost, and gives up what takes too long. Call it a few times in
    /// [`Limits::resend_ms`].
    pub fn tick(&mut self, now_ms: u64) {
        self.advance(now_ms);
        let (limits, quorum) = (self.limits, self.quorum);
        let (mut sends, mut certificates) = (Vec::new(), Vec::new());
        let own = self.address();
        for (slot, poll) in self.polls.iter_mut() {
            if !poll.is_due(now_ms, &limits) {
                continue;
            }
            if let Some(certified) = poll.certificate {
                let committee = self.epochs.committee(slot.epoch);
                let silent = committee.map(|committee| poll.silent(committee)).unwrap_or_default();
                let silent = silent.into_iter().filter(|member| *member != own);
                certificates.extend(silent.map(|member| (member, certified)));
            } else {
                sends.extend(poll.request.clone());
                sends.extend(poll.own.map(|vote| Message::Vote(vote).encode(quorum)));
            }
        }
        for bytes in sends {
            self.push(Output::Broadcast { bytes });
        }
        for (member, certified) in certificates {
            self.send_certificate(member, certified);
        }
        self.polls.expire(now_ms, &limits);
        if now_ms >= self.next_sync_ms {
            for (attestation, certificate) in core::mem::take(&mut self.unrecorded) {
                self.push(Output::Run(Task::Record { attestation, certificate }));
            }
            self.sync();
        }
        self.want_again();
        self.want_manifests();
        self.read_postponed();
        self.fetch_again();
        self.watch_audit();
    }

    /// What is to be done next; `None` if nothing is.
    pub fn next_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// This member's address.
    pub const fn address(&self) -> Address {
        self.pen.address()
    }

    /// The quorum of which it is a member.
    pub const fn quorum(&self) -> QuorumId {
        self.quorum
    }

    /// The bounds of its work.
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The epoch in which members vote now.
    pub const fn epoch(&self) -> Epoch {
        self.epochs.current()
    }

    /// The committee of an epoch, if it is known: also of past ones, to check old certificates.
    pub fn committee(&self, epoch: Epoch) -> Option<&Arc<Committee>> {
        self.epochs.committee(epoch)
    }

    /// All who may speak to this member: the committees of this epoch, the one before and the next.
    pub fn members(&self) -> Vec<Address> {
        self.epochs.members()
    }

    /// The certificate of a slot, if it is remembered.
    pub fn certificate(&self, slot: &Slot) -> Option<&(Attestation, QuorumCertificate)> {
        self.polls.get(slot).and_then(|poll| poll.certificate.as_ref())
    }

    /// The data sets that the quorum has certified as available, by root, with those still to be kept in this epoch alone.
    pub fn available(&self) -> impl Iterator<Item = (&B256, &Attestation)> {
        let current = self.epochs.current();
        let certified =
            self.datasets.iter().filter_map(|(root, set)| Some((root, set.certified()?)));
        certified.filter(move |(_, attestation)| is_kept(attestation, current))
    }

    /// Points against a peer.
    pub fn penalty(&self, peer: Address) -> u32 {
        self.peers.penalty(peer)
    }

    /// What the member holds in memory, in entries: slots, data sets, intakes, fetches and outputs that were not taken.
    pub fn load(&self) -> [usize; 5] {
        let (sets, intakes, fetches) =
            (self.datasets.len(), self.intakes.len(), self.fetches.len());
        [self.polls.len(), sets, intakes, fetches, self.outputs.len()]
    }

    fn advance(&mut self, now_ms: u64) {
        // A clock that is set back must not stop what waits.
        self.now_ms = self.now_ms.max(now_ms);
    }

    fn accept(&mut self, from: Address, bytes: &[u8]) -> Result<(), Refusal> {
        if from == self.address() || !self.epochs.is_member(from) {
            return Err(Refusal::UnknownSender { peer: from });
        }
        self.peers.charge(from, bytes.len(), self.now_ms, &self.limits)?;
        let max = self.limits.max_message_bytes;
        if bytes.len() > max {
            return Err(Refusal::TooLong { got: bytes.len() as u64, max: max as u64 });
        }
        match Message::decode(bytes, self.quorum)? {
            Message::Answer { epoch, member, answer } => {
                self.take_answer(from, epoch, member, &answer)
            }
            Message::Ask { attestation, material } => self.asked(from, attestation, &material),
            Message::Certified { attestation, certificate } => {
                self.take_certificate(attestation, certificate)
            }
            Message::Manifest { root, manifest } => self.take_manifest(root, &manifest),
            Message::Relay(vote) => self.take_relay(&vote),
            Message::Shard { root, shard } => self.take_shard(from, root, &shard),
            Message::Vote(vote) => self.take_vote(from, &vote),
            Message::Want { root, stripe, index } => self.wanted(from, root, stripe, index),
            Message::WantAnswer { epoch, member } => self.answer_wanted(from, epoch, member),
            Message::WantManifest { root } => self.manifest_wanted(from, root),
        }
    }

    /// Asks all members, this one among them, to judge an attestation.
    pub(super) fn ask(&mut self, request: Request) -> Result<(), Refusal> {
        let attestation = request.attestation;
        let material = request.material();
        let bytes = Message::Ask { attestation, material }.encode(self.quorum);
        let max = self.limits.max_message_bytes;
        if bytes.len() > max {
            return Err(Refusal::TooLong { got: bytes.len() as u64, max: max as u64 });
        }
        let (now_ms, limits, own) = (self.now_ms, self.limits, self.address());
        let committee = Arc::clone(self.current_committee(attestation.epoch)?);
        let slot = attestation.slot();
        let poll = self.polls.open(slot, own, &committee, own, now_ms, &limits)?;
        if poll.certificate.is_some() {
            return Ok(());
        }
        poll.request = Some(bytes.clone());
        poll.sent(now_ms, &limits);
        self.push(Output::Broadcast { bytes });
        if let Matter::Available(manifest) = &request.matter {
            self.push_shards(manifest, &committee);
        }
        self.consider(own, request)
    }

    fn asked(
        &mut self,
        from: Address,
        attestation: Attestation,
        material: &[u8],
    ) -> Result<(), Refusal> {
        let committee = Arc::clone(self.current_committee(attestation.epoch)?);
        let (now_ms, limits, own) = (self.now_ms, self.limits, self.address());
        let slot = attestation.slot();
        if let Some(known) = self.certificate(&slot).copied() {
            self.send_certificate(from, known);
            return Ok(());
        }
        // What it costs to read the material is bounded by the slots that a peer may open.
        let poll = self.polls.open(slot, from, &committee, own, now_ms, &limits)?;
        let hash = attestation.hash();
        if poll.judging.iter().any(|(_, judged)| *judged == hash) {
            if let Fact::Available { root, .. } = attestation.fact {
                self.add_source(root, from);
            }
            return Ok(());
        }
        let request = Request::read(attestation, material, &limits)?;
        self.consider(from, request)
    }

    /// Starts to judge an attestation, unless it was voted for before.
    fn consider(&mut self, from: Address, request: Request) -> Result<(), Refusal> {
        let attestation = request.attestation;
        let (slot, hash) = (attestation.slot(), attestation.hash());
        match self.pen.signed(&slot) {
            // After a restart, say: the same vote is given again.
            Some(signed) if signed == hash => {
                self.cast(attestation);
                return Ok(());
            }
            Some(_) => return Ok(()),
            None => {}
        }
        let Some(poll) = self.polls.get_mut(&slot) else { return Ok(()) };
        // One attestation of a slot for each member at a time: a false one does not keep others from being judged.
        if poll.judging.iter().any(|(asker, judged)| *asker == from || *judged == hash) {
            return Ok(());
        }
        if poll.rejected.iter().any(|(_, rejected)| *rejected == hash) {
            return Ok(());
        }
        if poll.rejected.iter().any(|(asker, _)| *asker == from) {
            return Err(Refusal::Quota { peer: from, unit: "false statements in a slot", max: 1 });
        }
        let kind = slot.kind;
        if from != self.address() && matches!(kind, FactKind::Valid | FactKind::Workflow) {
            let max = self.limits.max_judgements_per_peer;
            if self.polls.judged_for(from, kind) >= max {
                return Err(Refusal::Quota { peer: from, unit: "judgements", max: max as u64 });
            }
        }
        let Some(poll) = self.polls.get_mut(&slot) else { return Ok(()) };
        if !matches!(request.matter, Matter::Audit(_)) {
            poll.judging.push((from, hash));
        }
        let root = request.root().unwrap_or_default();
        let result = match request.matter {
            Matter::Audit(passed) => {
                self.judge_audit(from, attestation, passed);
                Ok(())
            }
            Matter::Available(manifest) => self.take_in(from, attestation, manifest),
            Matter::Inconsistent(commitment, proof) => {
                self.push(Output::Run(Task::Refute { attestation, commitment, proof, from }));
                Ok(())
            }
            Matter::Valid => self.fetch(root, Purpose::Judge(attestation)),
            Matter::Workflow(job) => {
                self.push(Output::Run(Task::Rerun { attestation, job: *job }));
                Ok(())
            }
        };
        if result.is_err() {
            self.judged(attestation, Verdict::Abstain);
        }
        result
    }

    /// Votes for an attestation that was found true.
    pub(super) fn judged(&mut self, attestation: Attestation, verdict: Verdict) {
        let hash = attestation.hash();
        if let Some(poll) = self.polls.get_mut(&attestation.slot()) {
            if verdict == Verdict::Reject {
                let asked = poll.judging.iter().filter(|(_, judged)| *judged == hash);
                poll.rejected.extend(asked);
            }
            poll.judging.retain(|(_, judged)| *judged != hash);
        }
        let grants = match (verdict, attestation.fact) {
            (Verdict::Accept { score: own }, Fact::Valid { score, .. }) => own >= score,
            (Verdict::Accept { .. }, _) => true,
            (Verdict::Abstain | Verdict::Reject, _) => false,
        };
        if grants {
            self.cast(attestation);
        } else {
            self.push(Output::Withheld { attestation, verdict });
        }
    }

    /// Votes for what this node's owner says.
    fn attest(&mut self, attestation: Attestation) -> Result<(), Refusal> {
        self.epochs.counted(&attestation)?;
        self.cast(attestation);
        Ok(())
    }

    /// Signs, sends and counts this member's vote, once the vote store has it on disk.
    pub(super) fn cast(&mut self, attestation: Attestation) {
        let (now_ms, limits, own) = (self.now_ms, self.limits, self.address());
        let Ok(committee) = self.epochs.counted(&attestation).map(Arc::clone) else { return };
        let slot = attestation.slot();
        if self.polls.get(&slot).is_some_and(|poll| poll.own.is_some()) {
            return;
        }
        // Whether there is room comes first: a vote that is kept should be sent.
        if let Err(refusal) = self.polls.open(slot, own, &committee, own, now_ms, &limits) {
            self.fault(refusal.to_string());
            return;
        }
        let vote = match self.pen.attest(attestation, &committee) {
            Ok(vote) => vote,
            Err(AttestError::Store(VoteStoreError::Conflict { .. }) | AttestError::Refused(_)) => {
                self.push(Output::Withheld { attestation, verdict: Verdict::Abstain });
                return;
            }
            Err(error) => {
                self.fault(error.to_string());
                return;
            }
        };
        if let Some(poll) = self.polls.get_mut(&slot) {
            poll.own = Some(vote);
            poll.sent(now_ms, &limits);
        }
        self.broadcast(&Message::Vote(vote));
        self.count(&vote);
    }

    pub(super) fn current_committee(&self, epoch: Epoch) -> Result<&Arc<Committee>, Refusal> {
        let expected = self.epochs.current();
        let committee = self.epochs.committee(epoch).filter(|_| epoch == expected);
        committee.ok_or(Refusal::Epoch { expected: expected.0, got: epoch.0 })
    }

    pub(super) fn punish(&mut self, peer: Address, points: u32) {
        if self.peers.punish(peer, points, &self.limits) {
            self.push(Output::Block { peer });
        }
    }

    pub(super) fn broadcast(&mut self, message: &Message) {
        let bytes = message.encode(self.quorum);
        self.push(Output::Broadcast { bytes });
    }

    pub(super) fn send(&mut self, to: Address, message: &Message) {
        let bytes = message.encode(self.quorum);
        self.push(Output::Send { to, bytes });
    }

    pub(super) fn fault(&mut self, reason: String) {
        self.push(Output::Fault { reason });
    }

    pub(super) fn push(&mut self, output: Output) {
        self.outputs.push_back(output);
    }
}

/// Whether a data set is to be kept in an epoch.
pub(super) fn is_kept(attestation: &Attestation, epoch: Epoch) -> bool {
    matches!(attestation.fact, Fact::Available { until_epoch, .. } if until_epoch >= epoch)
}

/// The data set that an attestation is about.
pub(super) const fn root_of(attestation: &Attestation) -> Option<B256> {
    match attestation.fact {
        Fact::Available { root, .. } | Fact::Inconsistent { root } | Fact::Valid { root, .. } => {
            Some(root)
        }
        _ => None,
    }
}

/// What the owner of a node orders.
#[derive(Clone, Debug)]
pub enum Command {
    /// The committee of the next epoch, as it is fixed on chain, or one of a past epoch whose certificates are to be
    /// checked.
    Announce(Arc<Committee>),
    /// Ask all members to judge an attestation.
    Ask(Request),
    /// Vote for what this node knows by itself: a checkpoint, a nomination, a decision.
    Attest(Attestation),
    /// Audit all members by this beacon, as all other members do.
    Audit {
        /// Randomness of the chain that nobody could foresee.
        beacon: B256,
        /// The roots of the data sets that are asked for, in any order: those that the chain, say, knew as certified when
        /// the beacon was fixed. All members must be given the same, because who is asked for other leaves fails.
        datasets: Vec<B256>,
    },
    /// Learn of a data set that the quorum has certified, from the chain say, and hold what falls to this member.
    Hold {
        /// That the data set is available.
        attestation: Attestation,
        /// The certificate.
        certificate: QuorumCertificate,
    },
    /// Put a data set together.
    Read {
        /// Its root.
        root: B256,
    },
}

/// What is to be done, or has happened.
#[derive(Clone, Debug)]
pub enum Output {
    /// Drop the connection to a peer, and take no more from it.
    Block {
        /// The peer.
        peer: Address,
    },
    /// Send to all [`members`](QuorumMember::members) but this one.
    Broadcast {
        /// An encoded [`Message`].
        bytes: Vec<u8>,
    },
    /// An attestation is certified, and the certificate on disk. May come again after a restart.
    Certified {
        /// The attestation.
        attestation: Attestation,
        /// The certificate.
        certificate: QuorumCertificate,
    },
    /// Members broke the rules, and this shows it to anyone.
    Convicted {
        /// What shows it.
        evidence: Evidence,
    },
    /// A new epoch has begun: its committee holds what it must.
    Entered {
        /// The epoch.
        epoch: Epoch,
    },
    /// This node is at fault, and its owner has to do something.
    Fault {
        /// What failed.
        reason: String,
    },
    /// A data set was put together.
    Read {
        /// Its root.
        root: B256,
        /// Its bytes, or why they cannot be had.
        data: Result<Vec<u8>, String>,
    },
    /// Do this task, and give the result to [`finished`](QuorumMember::finished).
    Run(Task),
    /// Send to one peer.
    Send {
        /// The peer.
        to: Address,
        /// An encoded [`Message`].
        bytes: Vec<u8>,
    },
    /// This member does not vote for an attestation.
    Withheld {
        /// The attestation.
        attestation: Attestation,
        /// What it thinks of it; it abstains if it voted for another in the slot.
        verdict: Verdict,
    },
}

/// A vote of this member's own, for tests.
impl<V: VoteStore> QuorumMember<V> {
    /// This member's vote in a slot, if it has given one.
    pub fn vote(&self, slot: &Slot) -> Option<Vote> {
        self.polls.get(slot).and_then(|poll| poll.own)
    }
}
