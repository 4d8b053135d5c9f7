use core::{
    error::Error,
    num::NonZeroU64,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};
use std::{
    collections::BTreeMap,
    io::BufRead,
    path::PathBuf,
    sync::{Arc, mpsc::RecvTimeoutError},
    thread,
};

use alloy_primitives::B256;
use lazai_api_types::{Coprocessor, ModelId};
use lazai_consensus::{Attestation, Fact, QuorumId, verifier::QuorumVerifier};
use lazai_coprocessor::Cpu;
use lazai_quorum::{Command, Request as QuorumRequest};
use lazai_simplex::{ChainEngine, ChainEvent, ChainHandle, SimplexEngine};
use lazvm_executor::{Devices, LazVmExecutor};

use crate::{
    device::storyteller,
    node::{
        AnnouncingExecutor, Event, EventWriter, Member, MemberConfig, OutputLine, QUORUMS, Quorum,
        Reply, Request, Task,
        chain::{chain_config, local_address},
        genesis,
        policy::policy_id,
        quorums::EPOCH,
    },
};

/// The command line of a validator.
#[derive(Clone, Debug, Eq, PartialEq, clap::Args)]
pub struct ValidatorOptions {
    /// Index of the node.
    #[arg(long)]
    pub index: usize,
    /// Loopback ports of all validators.
    #[arg(long, value_delimiter = ',', required = true)]
    pub ports: Vec<u16>,
    /// Loopback ports of the members of the first quorum, then those of the second.
    #[arg(long, value_delimiter = ',', required = true)]
    pub member_ports: Vec<u16>,
    /// Folder of its state and its journals.
    #[arg(long)]
    pub folder: PathBuf,
    /// Number of blocks from one snapshot of the state to the next.
    #[arg(long)]
    pub snapshot_every: NonZeroU64,
    /// Least time between two empty blocks, in milliseconds.
    #[arg(long)]
    pub pace_ms: u64,
}

/// Runs a validator until its input ends or an error stops it.
///
/// # Errors
/// The error that stopped it, which is also the last event of its output.
pub fn run_validator(
    options: &ValidatorOptions,
    input: impl BufRead + Send + 'static,
    events: &EventWriter,
) -> Result<(), Box<dyn Error>> {
    let done = run(options, input, events);
    if let Err(error) = &done {
        events.event(Event::Stopped { reason: error.to_string() });
    }
    done
}

fn run(
    options: &ValidatorOptions,
    input: impl BufRead + Send + 'static,
    events: &EventWriter,
) -> Result<(), Box<dyn Error>> {
    let (device, model) = storyteller(1)?;
    let genesis = genesis(model, options.ports.len())?;
    let state = options.folder.join("state");
    let (executor, opened) =
        LazVmExecutor::open(genesis, devices(&device), &state, options.snapshot_every)?;
    let executor = Arc::new(executor);
    let members = members(options, &device, model, events)?;
    let status = executor.status()?;
    events.event(Event::Ready {
        height: opened.height,
        digest: status.digest,
        state_root: status.state_root,
        replayed: opened.replayed,
        snapshot: opened.snapshot_height,
        cut_bytes: opened.cut_bytes,
    });

    let config = chain_config(options.index, &options.ports, options.folder.join("engine"))?;
    let pace = Duration::from_millis(options.pace_ms);
    let announcing = AnnouncingExecutor::new(Arc::clone(&executor), events.clone(), pace);
    let handle = SimplexEngine.start(config, Arc::new(announcing))?;

    let ended = Arc::new(AtomicBool::new(false));
    let handler = RequestHandler { executor, members };
    let (replies, input_ended) = (events.clone(), Arc::clone(&ended));
    // The thread ends with the input, or with the process.
    thread::spawn(move || {
        handler.serve(input, &replies);
        input_ended.store(true, Ordering::Relaxed);
    });
    while !ended.load(Ordering::Relaxed) {
        match handle.events().recv_timeout(POLL_INTERVAL) {
            Ok(ChainEvent::Equivocation(_)) => events.event(Event::Equivocation),
            Ok(ChainEvent::Stopped(error)) => return Err(error.into()),
            Ok(_) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    Ok(handle.stop()?)
}

/// Returns the devices of a validator: the CPU for models, and the verifier of quorum certificates.
pub(crate) fn devices(cpu: &Arc<Cpu>) -> Devices {
    let coprocessor = Arc::clone(cpu) as Arc<dyn Coprocessor>;
    Devices { verifiers: vec![Arc::new(QuorumVerifier::new())], ..Devices::new(coprocessor) }
}

/// Starts the node's member of each quorum.
fn members(
    options: &ValidatorOptions,
    cpu: &Arc<Cpu>,
    model: ModelId,
    events: &EventWriter,
) -> Result<BTreeMap<B256, Member>, Box<dyn Error>> {
    let count = options.ports.len();
    let mut ports = options.member_ports.chunks(count.max(1));
    let mut members = BTreeMap::new();
    for name in QUORUMS {
        let config = MemberConfig {
            index: options.index,
            quorum: Quorum::new(name, count)?,
            folder: options.folder.join("quorums").join(name.replace(' ', "-")),
            addresses: ports
                .next()
                .unwrap_or_default()
                .iter()
                .copied()
                .map(local_address)
                .collect(),
            coprocessor: Arc::clone(cpu) as Arc<dyn Coprocessor>,
            model,
        };
        members.insert(config.quorum.id.0, Member::start(config, events.clone())?);
    }
    Ok(members)
}

/// Handles the requests that a validator reads from its input.
struct RequestHandler {
    executor: Arc<LazVmExecutor>,
    members: BTreeMap<B256, Member>,
}

impl RequestHandler {
    /// Replies to each line of `input` until it ends.
    fn serve(&self, input: impl BufRead, replies: &EventWriter) {
        for line in input.lines() {
            let Ok(line) = line else { break };
            let (id, result) = match serde_json::from_str(&line) {
                Ok(Request { id, task }) => (id, self.perform(task)),
                Err(error) => (u64::MAX, Err(format!("this is no request: {error}"))),
            };
            replies.line(&OutputLine::Reply { id, result });
        }
    }

    fn perform(&self, task: Task) -> Result<Reply, String> {
        let executor = &self.executor;
        match task {
            Task::Audit { quorum, beacon, datasets } => {
                let audit = Command::Audit { beacon, datasets };
                self.begin(quorum, |member| member.command(audit))
            }
            Task::Corrupt { quorum, root } => self.begin(quorum, |member| member.corrupt(root)),
            Task::Infer { quorum, prompt } => self.begin(quorum, |member| member.infer(prompt)),
            Task::Judge { quorum, dataset, root, score } => {
                let policy = policy_id();
                let fact = Fact::Valid { dataset, version: 1, root, policy, score };
                let attestation = Attestation { quorum: QuorumId(quorum), epoch: EPOCH, fact };
                let request =
                    QuorumRequest::valid(attestation).map_err(|error| error.to_string())?;
                self.begin(quorum, |member| member.command(Command::Ask(request)))
            }
            Task::Nonce { account } => {
                executor.nonce(&account).map(Reply::Nonce).map_err(|error| error.to_string())
            }
            Task::Publish { quorum, dataset, data } => {
                self.begin(quorum, |member| member.publish(dataset, &data))
            }
            Task::Read { quorum, root } => {
                self.begin(quorum, |member| member.command(Command::Read { root }))
            }
            Task::Receipt { transaction } => {
                let receipt = executor.receipt(&transaction).map_err(|error| error.to_string())?;
                Ok(Reply::Receipt(receipt.map(Into::into)))
            }
            Task::Submit { transaction } => executor
                .submit(&transaction)
                .map(Reply::Submitted)
                .map_err(|error| error.to_string()),
        }
    }

    fn begin<E: ToString>(
        &self,
        quorum: B256,
        task: impl FnOnce(&Member) -> Result<(), E>,
    ) -> Result<Reply, String> {
        let member = self.members.get(&quorum).ok_or("this node is in no such quorum")?;
        task(member).map_err(|error| error.to_string())?;
        Ok(Reply::Begun)
    }
}

/// How long the end of the input may go unnoticed.
const POLL_INTERVAL: Duration = Duration::from_millis(50);
