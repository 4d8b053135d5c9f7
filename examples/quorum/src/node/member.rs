use core::time::Duration;
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread,
    time::Instant,
};

use alloy_primitives::{Address, B256, Bytes, keccak256};
use lazai_api_types::{Coprocessor, Generation, Job, ModelId, Prompt, Sampling, Statement as Run};
use lazai_consensus::{
    Attestor, Fact, QuorumCertificate, Statement, VoteJournal, VoteStoreError,
    availability::{AuditReport, Coding, FileStore, StoreError, encode},
    service::{
        Command, Done, FileLedger, LedgerError, Limits, Output, QuorumMember, Request, Task, Worker,
    },
};

use crate::node::{
    EPOCH, Event, KeyError, Line, Mesh, Quorum, Voice,
    grading::Grading,
    quorums::{member_address, member_key},
};

/// A node's part in one quorum: the protocol in a thread, and its disk and models in another.
#[derive(Debug)]
pub struct Member {
    inbox: Sender<Input>,
}

/// What a member is to do, or has heard.
#[derive(Debug)]
pub enum Input {
    /// Damage what this member holds of a data set, as a bad disk or a bad member would.
    Corrupt(B256),
    /// Follow an order.
    Command(Box<Command>),
    /// Take the result of slow work.
    Done(Box<Done>),
    /// Take a message of a peer.
    Heard(Address, Vec<u8>),
    /// Ask the model, and have the others certify what it answered.
    Infer(String),
    /// Encode a data set and ask the others to hold it.
    Publish(B256, Bytes),
}

/// What a member is made of.
#[derive(Clone, Debug)]
pub struct MemberConfig {
    /// Its place in the example.
    pub index: usize,
    /// Its quorum.
    pub quorum: Quorum,
    /// Where it keeps votes, shards and certificates.
    pub folder: PathBuf,
    /// What runs its jobs.
    pub coprocessor: Arc<dyn Coprocessor>,
    /// The model of its jobs.
    pub model: ModelId,
}

struct Host {
    config: MemberConfig,
    member: QuorumMember<VoteJournal>,
    worker: Arc<Worker>,
    tasks: Sender<Task>,
    mesh: Arc<Mesh>,
    voice: Voice,
    started: Instant,
}

impl Member {
    /// Starts a member from what is in its folder.
    ///
    /// # Errors
    /// [`MemberError`] if the folder cannot be used.
    pub fn start(config: MemberConfig, mesh: Arc<Mesh>, voice: Voice) -> Result<Self, MemberError> {
        let (index, quorum, folder) = (config.index, &config.quorum, &config.folder);
        fs::create_dir_all(folder)?;
        let store = FileStore::open(shards(folder))?;
        let ledger = FileLedger::open(folder.join("certificates"))?;
        let journal = VoteJournal::open(folder.join("votes"))?;
        let worker = Worker::new(store, ledger)
            .with_policy(Grading)
            .with_coprocessor(Arc::clone(&config.coprocessor));
        let worker = Arc::new(worker);
        let secret = member_key(quorum.name, index).map_err(KeyError::from)?;
        let pen = Attestor::new(member_address(index)?, secret, journal);
        let limits = Limits { answer_ms: 3_000, resend_ms: 200, ..Limits::default() };
        let recovered = worker.recover()?;
        let committee = Arc::clone(&quorum.committee);
        let member = QuorumMember::new(pen, committee, limits, recovered);

        let (inbox, input) = channel();
        let (tasks, todo) = channel();
        let (done, doer) = (inbox.clone(), Arc::clone(&worker));
        // Both end with the process.
        thread::spawn(move || work(&doer, &todo, &done));
        let started = Instant::now();
        let mut host = Host { config, member, worker, tasks, mesh, voice, started };
        thread::spawn(move || host.run(&input));
        Ok(Self { inbox })
    }

    /// Hands something to the member.
    pub fn tell(&self, input: Input) {
        // It runs as long as the process.
        let _ = self.inbox.send(input);
    }
}

fn work(worker: &Worker, tasks: &Receiver<Task>, done: &Sender<Input>) {
    for task in tasks {
        if done.send(Input::Done(Box::new(worker.run(task)))).is_err() {
            return;
        }
    }
}

impl Host {
    fn run(&mut self, inputs: &Receiver<Input>) {
        let mut next_tick = Instant::now();
        loop {
            let wait = next_tick.saturating_duration_since(Instant::now());
            match inputs.recv_timeout(wait) {
                Ok(input) => {
                    if let Err(error) = self.take(input) {
                        self.tell(Event::Fault { reason: error.to_string() });
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    self.member.tick(self.now_ms());
                    next_tick = Instant::now() + TICK;
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
            while let Some(output) = self.member.next_output() {
                self.act(output);
            }
        }
    }

    fn take(&mut self, input: Input) -> Result<(), Box<dyn core::error::Error>> {
        let now_ms = self.now_ms();
        match input {
            Input::Corrupt(root) => corrupt(&self.config.folder, root)?,
            Input::Command(command) => self.member.command(now_ms, *command)?,
            Input::Done(done) => self.member.finished(now_ms, *done),
            // A refusal is the sender's business, and charged to it.
            Input::Heard(from, bytes) => _ = self.member.receive(now_ms, from, &bytes),
            Input::Infer(prompt) => self.infer(prompt)?,
            Input::Publish(data_set, data) => self.publish(data_set, &data)?,
        }
        Ok(())
    }

    fn publish(&mut self, data_set: B256, data: &[u8]) -> Result<(), Box<dyn core::error::Error>> {
        let members = u16::try_from(self.config.quorum.committee.members().len())?;
        let coding = Coding::with_stripe_bytes(members, STRIPE_BYTES)?;
        let mut held = Vec::new();
        let manifest = encode(data, coding, &mut held)?;
        let root = manifest.root();
        self.worker.with_store(|store| {
            store.add(manifest.clone())?;
            held.into_iter().try_for_each(|shard| store.put(root, shard))
        })?;
        let (k, n, bytes) = (coding.k(), coding.n(), manifest.commitment().bytes());
        let until_epoch = EPOCH;
        let fact = Fact::Available { data_set, version: 1, root, bytes, k, n, until_epoch };
        let request = Request::available(self.statement(fact), Arc::new(manifest))?;
        self.member.command(self.now_ms(), Command::Ask(request))?;
        Ok(())
    }

    fn infer(&mut self, prompt: String) -> Result<(), Box<dyn core::error::Error>> {
        let generation = Generation {
            prompt: Prompt::Text(prompt),
            max_tokens: ANSWER_TOKENS,
            sampling: Sampling::default(),
            stop: Vec::new(),
        };
        let model = self.config.model;
        let job = Job { model, task: lazai_api_types::Task::Generate(generation) };
        let outcome = self.config.coprocessor.run(&job)?;
        let run = Run {
            model,
            input: job.hash(),
            output: outcome.output.hash(),
            work: outcome.work,
            context: keccak256(self.config.quorum.name),
        };
        let statement = self.statement(Fact::Workflow { run });
        let request = Request::workflow(statement, job)?;
        self.member.command(self.now_ms(), Command::Ask(request))?;
        Ok(())
    }

    fn act(&mut self, output: Output) {
        match output {
            Output::Broadcast { bytes } => {
                let message = Arc::from(bytes);
                let own = self.member.address();
                for to in self.member.members().into_iter().filter(|to| *to != own) {
                    self.mesh.send(to, &message);
                }
            }
            Output::Send { to, bytes } => self.mesh.send(to, &Arc::from(bytes)),
            // The worker runs as long as the process.
            Output::Run(task) => _ = self.tasks.send(task),
            Output::Certified { statement, certificate } => {
                self.certified(&statement, &certificate);
            }
            Output::Convicted { .. } => self.tell(Event::Convicted { quorum: self.quorum() }),
            Output::Fault { reason } => self.tell(Event::Fault { reason }),
            Output::Read { root, data } => {
                let result = data.map(|bytes| (bytes.len() as u64, keccak256(bytes)));
                self.tell(Event::Read { quorum: self.quorum(), root, result });
            }
            // What the member itself makes sure of; nobody is cut off on one machine.
            Output::Block { .. } | Output::Entered { .. } | Output::Withheld { .. } => {}
        }
    }

    fn certified(&self, statement: &Statement, certificate: &QuorumCertificate) {
        let failed = match statement.fact {
            Fact::Audit { beacon, .. } => self.failed(statement.fact, beacon),
            _ => Vec::new(),
        };
        let root = match statement.fact {
            Fact::Available { root, .. } | Fact::Valid { root, .. } => Some(root),
            _ => None,
        };
        self.tell(Event::Certified {
            quorum: self.quorum(),
            kind: format!("{:?}", statement.fact.kind()),
            root,
            statement: statement.encode().into(),
            certificate: certificate.encode().into(),
            signers: certificate.signers.count(),
            failed,
        });
    }

    /// Who failed an audit, with place and path: the one set of members that gives the roots of the statement.
    fn failed(&self, fact: Fact, beacon: B256) -> Vec<(Address, u64, Vec<B256>)> {
        let members: Vec<_> =
            self.config.quorum.committee.members().iter().map(|member| member.address).collect();
        for set in 0..1_u32 << members.len().min(16) {
            let mut report = AuditReport::default();
            for (place, member) in members.iter().enumerate() {
                report.record(*member, set >> place & 1 == 0);
            }
            if report.fact(beacon) == fact {
                let path = |member| {
                    let (index, path) = report.failure_path(member)?;
                    Some((member, index, path))
                };
                return report.failed().filter_map(path).collect();
            }
        }
        Vec::new()
    }

    const fn statement(&self, fact: Fact) -> Statement {
        Statement { quorum: self.config.quorum.id, epoch: EPOCH, fact }
    }

    const fn quorum(&self) -> B256 {
        self.config.quorum.id.0
    }

    fn tell(&self, event: Event) {
        self.voice.say(&Line::Event(event));
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// Flips a bit in the middle of each shard that is kept of a data set.
fn corrupt(folder: &Path, root: B256) -> io::Result<()> {
    let folder = shards(folder).join(alloy_primitives::hex::encode(root));
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.file_name().is_some_and(|name| name == "manifest") {
            continue;
        }
        let mut bytes = fs::read(&path)?;
        let middle = bytes.len() / 2;
        if let Some(byte) = bytes.get_mut(middle) {
            *byte ^= 1;
        }
        fs::write(&path, bytes)?;
    }
    Ok(())
}

fn shards(folder: &Path) -> PathBuf {
    folder.join("shards")
}

/// Why a member cannot start.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum MemberError {
    /// The folder cannot be made.
    #[error("the folder of a member cannot be made: {0}")]
    Io(#[from] io::Error),
    /// It has no keys.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The certificates cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The shards cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The votes cannot be read.
    #[error(transparent)]
    Votes(#[from] VoteStoreError),
}

const TICK: Duration = Duration::from_millis(50);
const STRIPE_BYTES: u32 = 64 * 1_024;
const ANSWER_TOKENS: u32 = 12;
