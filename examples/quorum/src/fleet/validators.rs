use core::{num::NonZeroU64, time::Duration};
use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    time::Instant,
};

use alloy_primitives::{Address, B256, Bytes};

use crate::{
    fleet::{Fork, Heard, Ledger, Process, ProcessError, free_ports},
    node::{Event, QUORUMS, Reply, Task},
};

/// Validators that run as processes of their own on this machine, and agree over TCP.
#[derive(Debug)]
pub struct Fleet {
    program: PathBuf,
    folder: PathBuf,
    ports: Vec<u16>,
    member_ports: Vec<u16>,
    options: FleetOptions,
    processes: Vec<Option<Process>>,
    sender: Sender<Heard>,
    receiver: Receiver<Heard>,
    ledger: Ledger,
}

/// How the validators of a fleet run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FleetOptions {
    /// How many there are.
    pub validators: usize,
    /// Blocks from one snapshot of the state to the next.
    pub snapshot_every: NonZeroU64,
    /// The least time between two empty blocks.
    pub pace: Duration,
}

impl Default for FleetOptions {
    /// Four validators, the least number that tolerates a faulty one.
    fn default() -> Self {
        const EVERY: NonZeroU64 = NonZeroU64::new(64).expect("64 is not 0");
        Self { validators: 4, snapshot_every: EVERY, pace: Duration::from_millis(50) }
    }
}

impl Fleet {
    /// Prepares validators that run `program` and keep their files below `folder`; none runs yet.
    ///
    /// # Errors
    /// [`FleetError::Ports`] if there are no free ports.
    pub fn new(program: &Path, folder: &Path, options: FleetOptions) -> Result<Self, FleetError> {
        let count = options.validators;
        let mut ports = free_ports((1 + QUORUMS.len()) * count)
            .map_err(|error: io::Error| FleetError::Ports { reason: error.to_string() })?;
        let member_ports = ports.split_off(count);
        let (sender, receiver) = channel();
        Ok(Self {
            program: program.to_owned(),
            folder: folder.to_owned(),
            ports,
            member_ports,
            options,
            processes: (0..count).map(|_| None).collect(),
            sender,
            receiver,
            ledger: Ledger::default(),
        })
    }

    /// Starts validator `index`, from the files that it has.
    ///
    /// # Errors
    /// [`FleetError::Process`] if the system cannot start it.
    pub fn start(&mut self, index: usize) -> Result<(), FleetError> {
        let list = |ports: &[u16]| ports.iter().map(u16::to_string).collect::<Vec<_>>().join(",");
        let words = [
            "validator".into(),
            format!("--index={index}"),
            format!("--ports={}", list(&self.ports)),
            format!("--member-ports={}", list(&self.member_ports)),
            format!("--snapshot-every={}", self.options.snapshot_every),
            format!("--pace-ms={}", self.options.pace.as_millis()),
        ];
        let mut arguments: Vec<OsString> = words.into_iter().map(Into::into).collect();
        arguments.push("--folder".into());
        arguments.push(self.folder(index).into());
        let process = Process::start(index, &self.program, &arguments, self.sender.clone())?;
        if let Some(slot) = self.processes.get_mut(index) {
            *slot = Some(process);
        }
        Ok(())
    }

    /// Kills validator `index` as `kill -9` does, and reads what it had told until then.
    ///
    /// # Errors
    /// [`FleetError`] if it cannot be killed, or had told of a fork.
    pub fn kill(&mut self, index: usize) -> Result<(), FleetError> {
        let Some(mut process) = self.processes.get_mut(index).and_then(Option::take) else {
            return Ok(());
        };
        process.kill()?;
        // Its lines are still in the pipe, and count: whoever read them may have relied on them.
        self.listen(Duration::from_secs(10), |heard, _| {
            heard.node == index && heard.event.is_none()
        })?;
        Ok(())
    }

    /// Ends all validators in good order.
    ///
    /// # Errors
    /// [`FleetError`] if one does not end, or had told of a fork.
    pub fn stop(&mut self, within: Duration) -> Result<(), FleetError> {
        for slot in &mut self.processes {
            if let Some(process) = slot.take() {
                process.stop(within)?;
            }
        }
        // What is left to be read.
        while self.next(Duration::ZERO)?.is_some() {}
        Ok(())
    }

    /// The next event, if one comes within the time given. Blocks go into the ledger.
    ///
    /// # Errors
    /// [`FleetError::Fork`] if validators contradict each other, and [`FleetError::Stopped`] if one gave up.
    pub fn next(&mut self, within: Duration) -> Result<Option<Heard>, FleetError> {
        let heard = match self.receiver.recv_timeout(within) {
            Ok(heard) => heard,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return Ok(None),
        };
        match &heard.event {
            Some(Event::Final { height, digest, state_root, .. }) => {
                self.ledger.add(heard.node, *height, *digest, *state_root)?;
            }
            Some(Event::Ready { height, digest: Some(digest), state_root, .. }) => {
                self.ledger.add(heard.node, *height, *digest, *state_root)?;
            }
            Some(Event::Stopped { reason }) => {
                let (index, reason) = (heard.node, reason.clone());
                return Err(FleetError::Stopped { index, reason });
            }
            _ => {}
        }
        Ok(Some(heard))
    }

    /// Reads events until `until` says that it has seen enough.
    ///
    /// # Errors
    /// As [`next`](Self::next), and [`FleetError::Late`] if the time runs out.
    pub fn listen(
        &mut self,
        within: Duration,
        mut until: impl FnMut(&Heard, &Ledger) -> bool,
    ) -> Result<Heard, FleetError> {
        let end = Instant::now() + within;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let Some(heard) = self.next(left)? else {
                let height = self.ledger.height();
                return Err(FleetError::Late { within, height });
            };
            if until(&heard, &self.ledger) {
                return Ok(heard);
            }
        }
    }

    /// Asks validator `index`.
    ///
    /// # Errors
    /// [`FleetError::Process`] if it does not run, does not answer or refuses.
    pub fn ask(&mut self, index: usize, task: Task) -> Result<Reply, FleetError> {
        let process = self.processes.get_mut(index).and_then(Option::as_mut);
        let process = process.ok_or(ProcessError::Gone { index })?;
        Ok(process.ask(task, Duration::from_secs(10))?)
    }

    /// Hands a transaction to every validator that runs, and returns its name. One that cannot take it does not matter
    /// while another can.
    ///
    /// # Errors
    /// [`FleetError::Process`] if none took it.
    pub fn submit(&mut self, transaction: &Bytes) -> Result<B256, FleetError> {
        let mut name = Err(ProcessError::Gone { index: 0 }.into());
        for index in self.running() {
            match self.ask(index, Task::Submit { transaction: transaction.clone() }) {
                Ok(Reply::Submitted(hash)) => name = Ok(hash),
                Ok(_) => {}
                Err(error) if name.is_err() => name = Err(error),
                Err(_) => {}
            }
        }
        name
    }

    /// The next nonce of an account, by what validator `index` has committed.
    ///
    /// # Errors
    /// [`FleetError::Process`] if it does not run or does not answer.
    pub fn nonce(&mut self, index: usize, account: Address) -> Result<u64, FleetError> {
        match self.ask(index, Task::Nonce { account })? {
            Reply::Nonce(nonce) => Ok(nonce),
            _ => Err(ProcessError::Refused { index, reason: "another answer".into() }.into()),
        }
    }

    /// The places of the validators that run.
    #[must_use]
    pub fn running(&self) -> Vec<usize> {
        (0..self.processes.len()).filter(|index| self.processes[*index].is_some()).collect()
    }

    /// Where validator `index` keeps its files.
    #[must_use]
    pub fn folder(&self, index: usize) -> PathBuf {
        self.folder.join(format!("validator-{index}"))
    }

    /// What all of them have told so far.
    #[must_use]
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }
}

/// Why a fleet does not do what it should.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum FleetError {
    /// Two validators hold different blocks for final.
    #[error(transparent)]
    Fork(#[from] Fork),
    /// What was waited for did not happen.
    #[error("what was waited for did not happen within {within:?}; the chain is at block {height}")]
    Late {
        /// How long it was waited for.
        within: Duration,
        /// The height of the chain.
        height: u64,
    },
    /// There are no free ports.
    #[error("the system has no free ports on 127.0.0.1: {reason}")]
    Ports {
        /// What the system said.
        reason: String,
    },
    /// A process cannot be started or asked.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// A validator gave up.
    #[error("validator {index} stopped: {reason}")]
    Stopped {
        /// Which one.
        index: usize,
        /// Why.
        reason: String,
    },
}
