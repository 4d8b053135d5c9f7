use core::{
    net::SocketAddr,
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
use lazai_api_types::{Coprocessor, ModelId, chain::ExecutionError};
use lazai_consensus::{Attestation, Fact, QuorumId, verifier::QuorumVerifier};
use lazai_coprocessor::Cpu;
use lazai_quorum::{Command, Request as ServiceRequest};
use lazai_simplex::{ChainEngine, ChainError, ChainEvent, ChainHandle, SimplexEngine};
use lazvm_executor::{Devices, LazVmExecutor, OpenError};

use crate::{
    device::{DeviceError, storyteller},
    node::{
        ChainSetupError, EPOCH, Event, KeyError, Line, Member, MemberConfig, MemberError, QUORUMS,
        Quorum, QuorumSetupError, Reply, Request, Task, Told, Voice, chain_config, genesis, policy,
    },
};

/// What a validator is told when it starts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ValidatorOptions {
    /// Its place in the example.
    pub index: usize,
    /// The ports of all validators on the loopback address.
    pub ports: Vec<u16>,
    /// The ports of the members of the first quorum on the loopback address, then those of the second.
    pub member_ports: Vec<u16>,
    /// The folder of its state and its journals.
    pub folder: PathBuf,
    /// Blocks from one snapshot of the state to the next.
    pub snapshot_every: NonZeroU64,
    /// The least time between two empty blocks.
    pub pace: Duration,
}

/// Runs a validator until its input ends or it must not go on.
///
/// # Errors
/// [`ValidatorError`] says what is broken; the last line of its output says it too.
pub fn run_validator(
    options: &ValidatorOptions,
    input: impl BufRead + Send + 'static,
    voice: &Voice,
) -> Result<(), ValidatorError> {
    let done = run(options, input, voice);
    if let Err(error) = &done {
        voice.say(&Line::Event(Event::Stopped { reason: error.to_string() }));
    }
    done
}

fn run(
    options: &ValidatorOptions,
    input: impl BufRead + Send + 'static,
    voice: &Voice,
) -> Result<(), ValidatorError> {
    let (device, model) = storyteller(1)?;
    let genesis = genesis(model, options.ports.len())?;
    let state = options.folder.join("state");
    let (executor, opened) =
        LazVmExecutor::open(genesis, devices(&device), &state, options.snapshot_every)?;
    let executor = Arc::new(executor);
    let members = members(options, &device, model, voice)?;
    let status = executor.status()?;
    voice.say(&Line::Event(Event::Ready {
        height: opened.height,
        digest: status.digest,
        state_root: status.state_root,
        replayed: opened.replayed,
        snapshot: opened.snapshot_height,
        cut_bytes: opened.cut_bytes,
    }));

    let config = chain_config(options.index, &options.ports, options.folder.join("engine"))?;
    let told = Told::new(Arc::clone(&executor), voice.clone(), options.pace);
    let handle = SimplexEngine.start(config, Arc::new(told))?;

    let ended = Arc::new(AtomicBool::new(false));
    let host = Host { executor, members };
    let (answer_voice, answer_ended) = (voice.clone(), Arc::clone(&ended));
    // It ends with the input, or with the process.
    thread::spawn(move || {
        host.answer_all(input, &answer_voice);
        answer_ended.store(true, Ordering::Relaxed);
    });
    while !ended.load(Ordering::Relaxed) {
        match handle.events().recv_timeout(LOOK_UP) {
            Ok(ChainEvent::Equivocation(_)) => {
                voice.say(&Line::Event(Event::Equivocation));
            }
            Ok(ChainEvent::Stopped(error)) => return Err(error.into()),
            Ok(_) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    Ok(handle.stop()?)
}

/// Starts this node's part in each quorum.
fn members(
    options: &ValidatorOptions,
    device: &Arc<Cpu>,
    model: ModelId,
    voice: &Voice,
) -> Result<BTreeMap<B256, Member>, ValidatorError> {
    let count = options.ports.len();
    let address = |port: &u16| SocketAddr::from(([127, 0, 0, 1], *port));
    let mut ports = options.member_ports.chunks(count.max(1));
    let mut members = BTreeMap::new();
    for name in QUORUMS {
        let config = MemberConfig {
            index: options.index,
            quorum: Quorum::new(name, count)?,
            folder: options.folder.join("quorums").join(name.replace(' ', "-")),
            addresses: ports.next().unwrap_or_default().iter().map(address).collect(),
            coprocessor: Arc::clone(device) as Arc<dyn Coprocessor>,
            model,
        };
        members.insert(config.quorum.id.0, Member::start(config, voice.clone())?);
    }
    Ok(members)
}

fn devices(device: &Arc<Cpu>) -> Devices {
    let coprocessor = Arc::clone(device) as Arc<dyn Coprocessor>;
    Devices { coprocessor, verifiers: vec![Arc::new(QuorumVerifier::new())] }
}

/// What answers the requests of the example.
struct Host {
    executor: Arc<LazVmExecutor>,
    members: BTreeMap<B256, Member>,
}

impl Host {
    fn answer_all(&self, input: impl BufRead, voice: &Voice) {
        for line in input.lines() {
            let Ok(line) = line else { break };
            let (id, result) = match serde_json::from_str(&line) {
                Ok(Request { id, task }) => (id, self.answer(task)),
                Err(error) => (u64::MAX, Err(format!("this is no request: {error}"))),
            };
            voice.say(&Line::Reply { id, result });
        }
    }

    fn answer(&self, task: Task) -> Result<Reply, String> {
        let said = |error: ExecutionError| error.to_string();
        let executor = &self.executor;
        Ok(match task {
            Task::Audit { quorum, beacon, data_sets } => {
                self.order(quorum, Command::Audit { beacon, datasets: data_sets })?
            }
            Task::Call { contract, data } => {
                let result = executor.call(contract, data).map_err(said)?.result;
                let output = result.output().cloned().unwrap_or_default();
                Reply::Called { success: result.is_success(), output }
            }
            Task::Corrupt { quorum, root } => self.begin(quorum, |member| member.corrupt(root))?,
            Task::Digest { height } => Reply::Digest(executor.digest(height).map_err(said)?),
            Task::Infer { quorum, prompt } => self.begin(quorum, |member| member.infer(prompt))?,
            Task::Judge { quorum, data_set, root, score } => {
                let policy = policy();
                let fact = Fact::Valid { dataset: data_set, version: 1, root, policy, score };
                let attestation = Attestation { quorum: QuorumId(quorum), epoch: EPOCH, fact };
                let asked =
                    ServiceRequest::valid(attestation).map_err(|error| error.to_string())?;
                self.order(quorum, Command::Ask(asked))?
            }
            Task::Nonce { account } => Reply::Nonce(executor.nonce(&account).map_err(said)?),
            Task::Publish { quorum, data_set, data } => {
                self.begin(quorum, |member| member.publish(data_set, &data))?
            }
            Task::Read { quorum, root } => self.order(quorum, Command::Read { root })?,
            Task::Receipt { transaction } => {
                Reply::Receipt(executor.receipt(&transaction).map_err(said)?.map(Into::into))
            }
            Task::Status => {
                let status = executor.status().map_err(said)?;
                Reply::Status {
                    height: status.height,
                    digest: status.digest,
                    state_root: status.state_root,
                    waiting: status.waiting as u64,
                }
            }
            Task::Submit { transaction } => {
                let submitted = executor.submit(&transaction).map_err(|error| error.to_string())?;
                Reply::Submitted(submitted)
            }
        })
    }

    fn order(&self, quorum: B256, command: Command) -> Result<Reply, String> {
        self.begin(quorum, |member| member.command(command))
    }

    fn begin<E: ToString>(
        &self,
        quorum: B256,
        begin: impl FnOnce(&Member) -> Result<(), E>,
    ) -> Result<Reply, String> {
        let member = self.members.get(&quorum).ok_or("this node is in no such quorum")?;
        begin(member).map_err(|error| error.to_string())?;
        Ok(Reply::Begun)
    }
}

/// Why a validator stopped.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum ValidatorError {
    /// The engine cannot go on.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The model cannot be run.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The executor has stopped.
    #[error(transparent)]
    Execution(#[from] ExecutionError),
    /// A member of a quorum cannot start.
    #[error(transparent)]
    Member(#[from] MemberError),
    /// The state cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The example's keys do not make quorums.
    #[error(transparent)]
    Quorums(#[from] QuorumSetupError),
    /// The example's keys do not make a chain.
    #[error(transparent)]
    Setup(#[from] ChainSetupError),
    /// The example's names give no keys.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// How long the end of the input may go unnoticed.
const LOOK_UP: Duration = Duration::from_millis(50);
