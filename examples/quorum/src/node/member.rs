use core::net::SocketAddr;
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

use alloy_primitives::{Address, B256, keccak256};
use lazai_api_types::{
    Coprocessor, Generation, InferenceStatement as Run, Job, ModelId, Prompt, Sampling,
};
use lazai_availability::{AuditReport, Coding, FileStore, StoreError, encode};
use lazai_consensus::{
    Attestation, Attestor, Fact, QuorumCertificate, VoteJournal, VoteStoreError,
};
use lazai_quorum::{
    Command, FileLedger, LedgerError, Limits, Output, QuorumMember, Request, Worker,
};
use lazai_quorum_network::{
    MemberAddress, NetworkConfig, NetworkError, QuorumHandle, QuorumOrders, QuorumService,
};

use crate::node::{
    EPOCH, Event, KeyError, Line, Quorum, SeatKeys, Voice,
    grading::Grading,
    quorums::{member_address, member_key},
};

/// A node's part in one quorum. It talks to the other members over connections that are authenticated and encrypted.
#[derive(Debug)]
pub struct Member {
    config: MemberConfig,
    orders: QuorumOrders,
    worker: Arc<Worker>,
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
    /// Where each member of the quorum listens, this one included.
    pub addresses: Vec<SocketAddr>,
    /// What runs its jobs.
    pub coprocessor: Arc<dyn Coprocessor>,
    /// The model of its jobs.
    pub model: ModelId,
}

impl Member {
    /// Starts a member from what is in its folder.
    ///
    /// # Errors
    /// [`MemberError`] if the folder cannot be used, or the addresses are not those of the members.
    pub fn start(config: MemberConfig, voice: Voice) -> Result<Self, MemberError> {
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
        let handle = QuorumService::start(network(&config)?, member, Arc::clone(&worker))?;
        let orders = handle.orders();
        let teller = Teller { quorum: quorum.clone(), voice };
        // It ends with the process.
        thread::spawn(move || teller.listen(&handle));
        Ok(Self { config, orders, worker })
    }

    /// Gives the member an order.
    ///
    /// # Errors
    /// [`NetworkError::Ended`] if it runs no more.
    pub fn command(&self, command: Command) -> Result<(), NetworkError> {
        self.orders.command(command)
    }

    /// Damages what this member holds of a data set, as a bad disk or a bad member would.
    ///
    /// # Errors
    /// What the operating system said.
    pub fn corrupt(&self, root: B256) -> io::Result<()> {
        corrupt(&self.config.folder, root)
    }

    /// Encodes a data set and asks the others to hold it.
    ///
    /// # Errors
    /// What is wrong with the data, the disk or the member.
    pub fn publish(&self, dataset: B256, data: &[u8]) -> Result<(), Box<dyn core::error::Error>> {
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
        let fact = Fact::Available { dataset, version: 1, root, bytes, k, n, until_epoch };
        let request = Request::available(self.attestation(fact), Arc::new(manifest))?;
        Ok(self.command(Command::Ask(request))?)
    }

    /// Asks the model, and has the others certify what it answered.
    ///
    /// # Errors
    /// What is wrong with the prompt, the device or the member.
    pub fn infer(&self, prompt: String) -> Result<(), Box<dyn core::error::Error>> {
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
        let attestation = self.attestation(Fact::Workflow { run });
        let request = Request::workflow(attestation, job)?;
        Ok(self.command(Command::Ask(request))?)
    }

    const fn attestation(&self, fact: Fact) -> Attestation {
        Attestation { quorum: self.config.quorum.id, epoch: EPOCH, fact }
    }
}

/// Who the members are, and where.
fn network(config: &MemberConfig) -> Result<NetworkConfig, MemberError> {
    let MemberConfig { index, addresses, .. } = config;
    let members = addresses.iter().enumerate().map(|(index, address)| {
        let keys = SeatKeys::new(index)?;
        let (member, identity) = (keys.wallet.address(), keys.identity.public_key());
        Ok(MemberAddress { member, identity, address: *address })
    });
    let members = members.collect::<Result<Vec<_>, MemberError>>()?;
    let listen = *addresses.get(*index).ok_or(MemberError::NoAddress { index: *index })?;
    Ok(NetworkConfig { identity: SeatKeys::new(*index)?.identity.0, listen, members })
}

/// Tells what happens at a member.
struct Teller {
    quorum: Quorum,
    voice: Voice,
}

impl Teller {
    fn listen(&self, handle: &QuorumHandle) {
        while let Ok(output) = handle.events().recv() {
            match output {
                Output::Certified { attestation, certificate } => {
                    self.certified(&attestation, &certificate);
                }
                Output::Convicted { .. } => {
                    self.tell(Event::Convicted { quorum: self.quorum.id.0 });
                }
                Output::Fault { reason } => self.tell(Event::Fault { reason }),
                Output::Read { root, data } => {
                    let result = data.map(|bytes| (bytes.len() as u64, keccak256(bytes)));
                    self.tell(Event::Read { quorum: self.quorum.id.0, root, result });
                }
                // What the service does by itself.
                Output::Block { .. }
                | Output::Broadcast { .. }
                | Output::Entered { .. }
                | Output::Run(_)
                | Output::Send { .. }
                | Output::Withheld { .. } => {}
            }
        }
    }

    fn certified(&self, attestation: &Attestation, certificate: &QuorumCertificate) {
        let failed = match attestation.fact {
            Fact::Audit { beacon, .. } => self.failed(attestation.fact, beacon),
            _ => Vec::new(),
        };
        let root = match attestation.fact {
            Fact::Available { root, .. } | Fact::Valid { root, .. } => Some(root),
            _ => None,
        };
        self.tell(Event::Certified {
            quorum: self.quorum.id.0,
            kind: format!("{:?}", attestation.fact.kind()),
            root,
            statement: attestation.encode().into(),
            certificate: certificate.encode().into(),
            signers: certificate.signers.count(),
            failed,
        });
    }

    /// Who failed an audit, with place and path: the one set of members that gives the roots of the attestation.
    fn failed(&self, fact: Fact, beacon: B256) -> Vec<(Address, u64, Vec<B256>)> {
        let members: Vec<_> =
            self.quorum.committee.members().iter().map(|member| member.address).collect();
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

    fn tell(&self, event: Event) {
        self.voice.say(&Line::Event(event));
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
    /// It is not told where it listens.
    #[error("the node has no address in the quorum: member {index}")]
    NoAddress {
        /// Its place in the example.
        index: usize,
    },
    /// It cannot talk to others.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The shards cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The votes cannot be read.
    #[error(transparent)]
    Votes(#[from] VoteStoreError),
}

const STRIPE_BYTES: u32 = 64 * 1_024;
const ANSWER_TOKENS: u32 = 12;
