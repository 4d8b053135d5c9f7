//! Members of a quorum that send messages to each other in a time of their own.
#![allow(dead_code)]

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
};

use alloy_primitives::{Address, B256};
use lazai_api_types::{
    Coprocessor, Job, Outcome, Output as Result_, PortError, Quote, Rejection, Task as Work_,
    Usage, Work,
};
use lazai_availability::{Coding, DatasetCommitment, FileStore, Manifest, Shard};
use lazai_consensus::{
    Attestation, Attestor, Committee, Epoch, Evidence, Fact, QuorumCertificate, VoteJournal, merkle,
};
use lazai_quorum::{
    Command, DataPolicy, DataView, Effect, EffectResult, FileLedger, Limits, Output, QuorumMember,
    Refusal, Request, Verdict, Worker,
};

use crate::support::{EPOCH, QUORUM, address, committee, secret};

/// A member with its disk.
pub(crate) struct Node {
    pub(crate) member: Option<QuorumMember<VoteJournal>>,
    pub(crate) worker: Option<Worker>,
    folder: PathBuf,
    pub(crate) certified: Vec<(u64, Attestation, QuorumCertificate)>,
    pub(crate) convicted: Vec<Evidence>,
    pub(crate) faults: Vec<String>,
    pub(crate) read: Vec<(B256, Result<Vec<u8>, String>)>,
    pub(crate) withheld: Vec<(Attestation, Verdict)>,
    pub(crate) blocked: BTreeSet<Address>,
    pub(crate) entered: Vec<Epoch>,
    pub(crate) refusals: Vec<Refusal>,
    /// Outputs that were taken from the member.
    pub(crate) steps: u64,
    /// The member is killed when it has taken so many.
    pub(crate) kill_at: Option<u64>,
    restart_ms: Option<u64>,
}

pub(crate) struct Cluster {
    pub(crate) nodes: Vec<Node>,
    pub(crate) committee: Arc<Committee>,
    pub(crate) limits: Limits,
    pub(crate) now_ms: u64,
    pub(crate) delay_ms: u64,
    pub(crate) loss_percent: u64,
    random: u64,
    /// By time, then by number.
    queue: BTreeMap<(u64, u64), (usize, Address, Vec<u8>)>,
    sent: u64,
    /// All messages that members have sent.
    pub(crate) log: Vec<Vec<u8>>,
    _folder: tempfile::TempDir,
    policies: fn(usize) -> Grader,
}

impl Cluster {
    pub(crate) fn new(members: usize) -> Self {
        Self::with_limits(members, Limits::default())
    }

    pub(crate) fn with_limits(members: usize, limits: Limits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let committee = Arc::new(committee(&vec![1; members]));
        let nodes = (0..members).map(|index| Node::new(folder.path().join(index.to_string())));
        let mut cluster = Self {
            nodes: nodes.collect(),
            committee,
            limits,
            now_ms: 1_000,
            delay_ms: 100,
            loss_percent: 0,
            random: 0x9e37_79b9_7f4a_7c15,
            queue: BTreeMap::new(),
            sent: 0,
            log: Vec::new(),
            _folder: folder,
            policies: |_| Grader(50),
        };
        (0..members).for_each(|index| cluster.start(index));
        cluster
    }

    pub(crate) fn add_node(&mut self) {
        let index = self.nodes.len();
        let folder = self._folder.path().join(index.to_string());
        self.nodes.push(Node::new(folder));
        self.start(index);
    }

    pub(crate) fn grade_by(&mut self, policies: fn(usize) -> Grader) {
        self.policies = policies;
        (0..self.nodes.len()).for_each(|index| {
            self.stop(index);
            self.start(index);
        });
    }

    /// Starts a member with what is on its disk.
    pub(crate) fn start(&mut self, index: usize) {
        let node = &mut self.nodes[index];
        let store = FileStore::open(node.folder.join("shards")).unwrap();
        let ledger = FileLedger::open(node.folder.join("certificates")).unwrap();
        let journal = VoteJournal::open(node.folder.join("votes")).unwrap();
        let worker = Worker::new(store, ledger)
            .with_policy((self.policies)(index))
            .with_coprocessor(Arc::new(Counter));
        let signer = Attestor::new(address(index), secret(index), journal);
        let recovered = worker.recover().unwrap();
        let committee = Arc::clone(&self.committee);
        node.member = Some(QuorumMember::new(signer, committee, self.limits, recovered));
        node.worker = Some(worker);
        node.restart_ms = None;
        self.drain(index);
    }

    pub(crate) fn stop(&mut self, index: usize) {
        self.nodes[index].member = None;
        self.nodes[index].worker = None;
    }

    pub(crate) fn member(&mut self, index: usize) -> &mut QuorumMember<VoteJournal> {
        self.nodes[index].member.as_mut().unwrap()
    }

    pub(crate) fn command(&mut self, index: usize, command: Command) {
        let now_ms = self.now_ms;
        self.member(index).command(now_ms, command).unwrap();
        self.drain(index);
    }

    /// Encodes a dataset on the disk of a member.
    pub(crate) fn publish(&mut self, index: usize, data: &[u8], stripe: u32) -> Arc<Manifest> {
        let n = u16::try_from(self.committee.members().len()).unwrap();
        let coding = Coding::with_stripe_bytes(n, stripe).unwrap();
        let mut shards = Vec::new();
        let manifest = lazai_availability::encode(data, coding, &mut shards).unwrap();
        let root = manifest.root();
        self.nodes[index].worker.as_ref().unwrap().with_store(|store| {
            store.add(manifest.clone()).unwrap();
            shards.into_iter().for_each(|shard| store.put(root, shard).unwrap());
        });
        Arc::new(manifest)
    }

    /// Has the first member publish a dataset, and ask the others to hold it.
    pub(crate) fn offer(&mut self, length: usize) -> (Attestation, Arc<Manifest>) {
        let manifest = self.publish(0, &data(length), 8_192);
        let attestation = available(&manifest);
        let request = Request::available(attestation, Arc::clone(&manifest)).unwrap();
        self.command(0, Command::Ask(request));
        (attestation, manifest)
    }

    /// Lets time pass.
    pub(crate) fn run_until(&mut self, end_ms: u64) {
        while self.now_ms < end_ms {
            let next_tick = (self.now_ms / TICK_MS + 1) * TICK_MS;
            let next = self.queue.keys().next().map_or(u64::MAX, |(time, _)| *time);
            if next <= next_tick.min(end_ms) {
                let ((time, _), (to, from, bytes)) = self.queue.pop_first().unwrap();
                self.now_ms = self.now_ms.max(time);
                self.deliver(to, from, &bytes);
            } else {
                self.now_ms = next_tick.min(end_ms);
                for index in 0..self.nodes.len() {
                    if self.nodes[index].restart_ms.is_some_and(|time| time <= self.now_ms) {
                        self.start(index);
                    }
                    let now_ms = self.now_ms;
                    if let Some(member) = &mut self.nodes[index].member {
                        member.tick(now_ms);
                        self.drain(index);
                    }
                }
            }
        }
    }

    pub(crate) fn run_for(&mut self, ms: u64) {
        self.run_until(self.now_ms + ms);
    }

    pub(crate) fn deliver(&mut self, to: usize, from: Address, bytes: &[u8]) {
        let now_ms = self.now_ms;
        let node = &mut self.nodes[to];
        let Some(member) = &mut node.member else { return };
        if node.blocked.contains(&from) {
            return;
        }
        if let Err(refusal) = member.receive(now_ms, from, bytes) {
            node.refusals.push(refusal);
        }
        self.drain(to);
    }

    /// Puts a message on its way.
    pub(crate) fn send(&mut self, from: Address, to: Address, bytes: Vec<u8>) {
        let Some(index) = (0..self.nodes.len()).find(|index| address(*index) == to) else { return };
        self.sent += 1;
        self.log.push(bytes.clone());
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        if self.random % 100 < self.loss_percent {
            return;
        }
        self.queue.insert((self.now_ms + self.delay_ms, self.sent), (index, from, bytes));
    }

    /// Does what a member says.
    fn drain(&mut self, index: usize) {
        loop {
            let now_ms = self.now_ms;
            let node = &mut self.nodes[index];
            let Some(member) = &mut node.member else { return };
            let Some(output) = member.next_output() else { return };
            node.steps += 1;
            if node.kill_at == Some(node.steps) {
                // What it was about to do, it does not do.
                node.kill_at = None;
                node.restart_ms = Some(now_ms + 300);
                self.stop(index);
                return;
            }
            match output {
                Output::Block { peer } => _ = node.blocked.insert(peer),
                Output::Broadcast { bytes } => {
                    let members = member.members();
                    for to in members.into_iter().filter(|to| *to != address(index)) {
                        self.send(address(index), to, bytes.clone());
                    }
                }
                Output::Certified { attestation, certificate } => {
                    node.certified.push((now_ms, attestation, certificate));
                }
                Output::Convicted { evidence } => node.convicted.push(evidence),
                Output::Entered { epoch } => node.entered.push(epoch),
                Output::Fault { reason } => node.faults.push(reason),
                Output::Read { root, data } => node.read.push((root, data)),
                Output::Run(effect) => self.run(index, effect),
                Output::Send { to, bytes } => self.send(address(index), to, bytes),
                Output::Withheld { attestation, verdict } => {
                    node.withheld.push((attestation, verdict));
                }
            }
        }
    }

    fn run(&mut self, index: usize, effect: Effect) {
        let node = &mut self.nodes[index];
        let result: EffectResult = node.worker.as_ref().unwrap().run(effect);
        node.member.as_mut().unwrap().finished(self.now_ms, result);
    }

    /// The certificate that a member was told of, with the time.
    pub(crate) fn certificate(
        &self,
        index: usize,
        attestation: &Attestation,
    ) -> Option<(u64, QuorumCertificate)> {
        let certified = self.nodes[index].certified.iter();
        certified
            .filter(|(_, certified, _)| certified == attestation)
            .map(|(time, _, certificate)| (*time, *certificate))
            .next()
    }
}

impl Node {
    fn new(folder: PathBuf) -> Self {
        std::fs::create_dir_all(&folder).unwrap();
        Self {
            member: None,
            worker: None,
            folder,
            certified: Vec::new(),
            convicted: Vec::new(),
            faults: Vec::new(),
            read: Vec::new(),
            withheld: Vec::new(),
            blocked: BTreeSet::new(),
            entered: Vec::new(),
            refusals: Vec::new(),
            steps: 0,
            kill_at: None,
            restart_ms: None,
        }
    }

    /// Bytes of the journal of its votes.
    pub(crate) fn votes_len(&self) -> u64 {
        std::fs::metadata(self.folder.join("votes")).unwrap().len()
    }

    pub(crate) fn shard_files(&self, manifest: &Manifest) -> Vec<PathBuf> {
        let folder = self.folder.join("shards");
        let folder = folder.join(alloy_primitives::hex::encode(manifest.root()));
        let files = std::fs::read_dir(folder).into_iter().flatten();
        let files = files.map(|file| file.unwrap().path());
        files.filter(|path| !path.ends_with("manifest")).collect()
    }
}

/// That a dataset is kept until epoch 9.
pub(crate) fn available(manifest: &Manifest) -> Attestation {
    let commitment = manifest.commitment();
    let fact = Fact::Available {
        dataset: B256::repeat_byte(0xda),
        version: 1,
        root: manifest.root(),
        bytes: commitment.bytes(),
        k: commitment.coding().k(),
        n: commitment.coding().n(),
        until_epoch: Epoch(9),
    };
    Attestation { quorum: QUORUM, epoch: EPOCH, fact }
}

pub(crate) fn data(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 31 % 251).to_le_bytes()[0]).collect()
}

/// Grades every dataset alike.
#[derive(Debug)]
pub(crate) struct Grader(pub(crate) u16);

impl DataPolicy for Grader {
    fn id(&self) -> B256 {
        B256::repeat_byte(0x70)
    }

    fn judge(&self, data: &DataView<'_>) -> Verdict {
        assert_eq!(data.bytes.len() as u64, data.commitment.bytes());
        if self.0 == 0 { Verdict::Reject } else { Verdict::Accept { score: self.0 } }
    }
}

/// Counts the characters of a text.
#[derive(Debug)]
pub(crate) struct Counter;

impl Coprocessor for Counter {
    fn reading_work(&self, job: &Job) -> Result<Work, PortError> {
        Ok(job.intrinsic_work())
    }

    fn quote(&self, _: &Job) -> Result<Quote, PortError> {
        Ok(Quote::default())
    }

    fn run(&self, job: &Job) -> Result<Outcome, PortError> {
        let Work_::Count { text } = &job.task else {
            return Err(Rejection::InvalidText.into());
        };
        let count = u32::try_from(text.chars().count()).unwrap();
        let work = Work { flops: u64::from(count) * 7, peak_bytes: 0 };
        Ok(Outcome { output: Result_::Count(count), usage: Usage::default(), work })
    }
}

pub(crate) const TICK_MS: u64 = 50;

/// Commits to shards that need not be the code of any data.
pub(crate) fn commit(
    coding: Coding,
    bytes: u64,
    shards: &[Shard<'static>],
) -> (Manifest, Vec<Shard<'static>>) {
    let stripes = bytes.div_ceil(coding.stripe_bytes().into());
    let mut roots = Vec::new();
    let mut committed = Vec::new();
    for stripe in 0..u32::try_from(stripes).unwrap() {
        let row: Vec<_> = shards.iter().filter(|shard| shard.stripe == stripe).collect();
        let leaves = row.iter().map(|shard| {
            let leaves: Vec<_> = shard.bytes.chunks(1_024).map(merkle::leaf).collect();
            merkle::leaf(merkle::root(&leaves).as_slice())
        });
        let leaves: Vec<_> = leaves.collect();
        roots.push(merkle::root(&leaves));
        for (index, shard) in row.into_iter().enumerate() {
            committed.push(Shard { path: merkle::path(&leaves, index).unwrap(), ..shard.clone() });
        }
    }
    let leaves: Vec<_> = roots.iter().map(|root| merkle::leaf(root.as_slice())).collect();
    let commitment = DatasetCommitment::new(bytes, coding, merkle::root(&leaves)).unwrap();
    (Manifest::new(commitment, roots).unwrap(), committed)
}
