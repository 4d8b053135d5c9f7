use core::{error::Error, net::SocketAddr};
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
use lazai_availability::{AuditReport, Coding, FileStore, encode};
use lazai_consensus::{Attestation, Attestor, Fact, QuorumCertificate, VoteJournal};
use lazai_quorum::{Command, FileLedger, Limits, Output, QuorumMember, Request, Worker};
use lazai_quorum_network::{
    MemberAddress, NetworkConfig, NetworkError, QuorumHandle, QuorumOrders, QuorumService,
};

use crate::node::{
    Event, EventWriter, Quorum, SeatKeys, SetupError,
    policy::NumericLinesPolicy,
    quorums::{EPOCH, member_address, member_key},
};

/// A running member of one quorum. Its connections to the other members are authenticated and
/// encrypted.
#[derive(Debug)]
pub struct Member {
    config: MemberConfig,
    orders: QuorumOrders,
    worker: Arc<Worker>,
}

/// The configuration of a [`Member`].
#[derive(Clone, Debug)]
pub struct MemberConfig {
    /// Index of the node.
    pub index: usize,
    /// The quorum that it is a member of.
    pub quorum: Quorum,
    /// Folder of its votes, shards and certificates.
    pub folder: PathBuf,
    /// Addresses on which the members of the quorum listen, by node.
    pub addresses: Vec<SocketAddr>,
    /// Device that runs its inference jobs.
    pub coprocessor: Arc<dyn Coprocessor>,
    /// Model of its inference jobs.
    pub model: ModelId,
}

impl Member {
    /// Starts a member with the votes, shards and certificates in its folder.
    ///
    /// # Errors
    /// An error of the folder or of the addresses, if they are not those of the members.
    pub fn start(config: MemberConfig, events: EventWriter) -> Result<Self, Box<dyn Error>> {
        let (index, quorum, folder) = (config.index, &config.quorum, &config.folder);
        fs::create_dir_all(folder)?;
        let store = FileStore::open(shards(folder))?;
        let ledger = FileLedger::open(folder.join("certificates"))?;
        let journal = VoteJournal::open(folder.join("votes"))?;
        let worker = Worker::new(store, ledger)
            .with_policy(NumericLinesPolicy)
            .with_coprocessor(Arc::clone(&config.coprocessor));
        let worker = Arc::new(worker);
        let secret = member_key(quorum.name, index)?;
        let signer = Attestor::new(member_address(index)?, secret, journal);
        let limits = Limits { answer_ms: 3_000, resend_ms: 200, ..Limits::default() };
        let recovered = worker.recover()?;
        let committee = Arc::clone(&quorum.committee);
        let member = QuorumMember::new(signer, committee, limits, recovered);
        let handle = QuorumService::start(network(&config)?, member, Arc::clone(&worker))?;
        let orders = handle.orders();
        let forwarder = EventForwarder { quorum: quorum.clone(), events };
        // The thread ends with the process.
        thread::spawn(move || forwarder.listen(&handle));
        Ok(Self { config, orders, worker })
    }

    /// Gives the member a command.
    ///
    /// # Errors
    /// [`NetworkError::Ended`] if it has stopped.
    pub fn command(&self, command: Command) -> Result<(), NetworkError> {
        self.orders.command(command)
    }

    /// Flips a bit of each shard that this member holds of a dataset, as a bad disk or a dishonest
    /// member would.
    ///
    /// # Errors
    /// The error of the file system.
    pub fn corrupt(&self, root: B256) -> io::Result<()> {
        let folder = shards(&self.config.folder).join(alloy_primitives::hex::encode(root));
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

    /// Encodes a dataset into shards and asks the other members to hold them.
    ///
    /// # Errors
    /// An error of the encoding, the disk or the member.
    pub fn publish(&self, dataset: B256, data: &[u8]) -> Result<(), Box<dyn Error>> {
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

    /// Runs the model on a prompt, and asks the other members to certify the output.
    ///
    /// # Errors
    /// An error of the prompt, the device or the member.
    pub fn infer(&self, prompt: String) -> Result<(), Box<dyn Error>> {
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

/// Returns the network of the quorum: keys and addresses of all members.
fn network(config: &MemberConfig) -> Result<NetworkConfig, SetupError> {
    let MemberConfig { index, addresses, .. } = config;
    let members = addresses.iter().enumerate().map(|(index, address)| {
        let keys = SeatKeys::new(index)?;
        let (member, identity) = (keys.wallet.address(), keys.identity.public_key());
        Ok(MemberAddress { member, identity, address: *address })
    });
    let members = members.collect::<Result<Vec<_>, SetupError>>()?;
    let listen = *addresses.get(*index).ok_or(SetupError::NoPort { index: *index })?;
    Ok(NetworkConfig { identity: SeatKeys::new(*index)?.identity.0, listen, members })
}

/// Forwards the outputs of a member to the output of the validator.
struct EventForwarder {
    quorum: Quorum,
    events: EventWriter,
}

impl EventForwarder {
    fn listen(&self, handle: &QuorumHandle) {
        while let Ok(output) = handle.events().recv() {
            match output {
                Output::Certified { attestation, certificate } => {
                    self.certified(&attestation, &certificate);
                }
                Output::Convicted { .. } => {
                    self.events.event(Event::Convicted { quorum: self.quorum.id.0 });
                }
                Output::Fault { reason } => self.events.event(Event::Fault { reason }),
                Output::Read { root, data } => {
                    let result = data.map(|bytes| (bytes.len() as u64, keccak256(bytes)));
                    self.events.event(Event::Read { quorum: self.quorum.id.0, root, result });
                }
                // The service handles these itself.
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
        self.events.event(Event::Certified {
            quorum: self.quorum.id.0,
            kind: format!("{:?}", attestation.fact.kind()),
            root,
            statement: attestation.encode().into(),
            certificate: certificate.encode().into(),
            signers: certificate.signers.count(),
            failed,
        });
    }

    /// Finds the members that failed an audit, each with its index and Merkle path.
    ///
    /// The attestation has only roots, so every set of members is tried until one has these roots.
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
}

/// Returns the folder of the shards in that of a member.
fn shards(folder: &Path) -> PathBuf {
    folder.join("shards")
}

const STRIPE_BYTES: u32 = 64 * 1_024;
const ANSWER_TOKENS: u32 = 12;
