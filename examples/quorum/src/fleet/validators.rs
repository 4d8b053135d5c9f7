use core::time::Duration;
use std::{
    ffi::OsString,
    io,
    net::TcpListener,
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, Sender, channel},
    time::Instant,
};

use alloy_primitives::{Address, B256, Bytes};

use crate::{
    fleet::{FinalBlocks, FleetError, NodeEvent, process::Process},
    node::{Event, QUORUMS, Reply, Task},
};

/// Validators that run as processes of this machine and agree over TCP.
#[derive(Debug)]
pub struct Fleet {
    program: PathBuf,
    folder: PathBuf,
    ports: Vec<u16>,
    member_ports: Vec<u16>,
    processes: Vec<Option<Process>>,
    sender: Sender<NodeEvent>,
    receiver: Receiver<NodeEvent>,
    final_blocks: FinalBlocks,
}

impl Fleet {
    /// Prepares validators that run `program` and keep their files below `folder`. None is started
    /// yet.
    ///
    /// # Errors
    /// [`FleetError::Ports`] if there are no free ports.
    pub fn new(program: &Path, folder: &Path) -> Result<Self, FleetError> {
        let mut ports = free_ports((1 + QUORUMS.len()) * VALIDATORS)
            .map_err(|error: io::Error| FleetError::Ports { reason: error.to_string() })?;
        let member_ports = ports.split_off(VALIDATORS);
        let (sender, receiver) = channel();
        Ok(Self {
            program: program.to_owned(),
            folder: folder.to_owned(),
            ports,
            member_ports,
            processes: (0..VALIDATORS).map(|_| None).collect(),
            sender,
            receiver,
            final_blocks: FinalBlocks::default(),
        })
    }

    /// Starts validator `index` with the files in its folder.
    ///
    /// # Errors
    /// [`FleetError::Start`] if the system cannot start it.
    pub fn start(&mut self, index: usize) -> Result<(), FleetError> {
        let list = |ports: &[u16]| ports.iter().map(u16::to_string).collect::<Vec<_>>().join(",");
        let words = [
            "validator".into(),
            format!("--index={index}"),
            format!("--ports={}", list(&self.ports)),
            format!("--member-ports={}", list(&self.member_ports)),
            format!("--snapshot-every={SNAPSHOT_EVERY}"),
            format!("--pace-ms={PACE_MS}"),
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

    /// Kills validator `index` as `kill -9` does, and reads the events that it had written until
    /// then.
    ///
    /// # Errors
    /// [`FleetError`] if it cannot be killed, or had announced a fork.
    pub fn kill(&mut self, index: usize) -> Result<(), FleetError> {
        let Some(mut process) = self.processes.get_mut(index).and_then(Option::take) else {
            return Ok(());
        };
        process.kill()?;
        // Its lines are still in the pipe and count: whoever reads them may rely on them.
        let (within, begin) = (Duration::from_secs(10), Instant::now());
        loop {
            let Some(event) = self.next(within.saturating_sub(begin.elapsed()))? else {
                return Err(FleetError::Late { within, height: self.final_blocks.height() });
            };
            if event.node == index && event.event.is_none() {
                return Ok(());
            }
        }
    }

    /// Stops all validators, and reads their last events.
    ///
    /// # Errors
    /// [`FleetError`] if one does not end within the time given, or had announced a fork.
    pub fn stop(&mut self, within: Duration) -> Result<(), FleetError> {
        for slot in &mut self.processes {
            if let Some(process) = slot.take() {
                process.stop(within)?;
            }
        }
        while self.next(Duration::ZERO)?.is_some() {}
        Ok(())
    }

    /// Returns the next event; `None` if there is none within the time given. Announced blocks are
    /// added to [`final_blocks`](Self::final_blocks).
    ///
    /// # Errors
    /// [`FleetError::Fork`] if validators announce different blocks, and [`FleetError::Stopped`] if
    /// one failed.
    pub fn next(&mut self, within: Duration) -> Result<Option<NodeEvent>, FleetError> {
        let Ok(event) = self.receiver.recv_timeout(within) else { return Ok(None) };
        match &event.event {
            Some(
                Event::Final { height, digest, state_root, .. }
                | Event::Ready { height, digest: Some(digest), state_root, .. },
            ) => self.final_blocks.add(event.node, *height, *digest, *state_root)?,
            Some(Event::Stopped { reason }) => {
                let (index, reason) = (event.node, reason.clone());
                return Err(FleetError::Stopped { index, reason });
            }
            _ => {}
        }
        Ok(Some(event))
    }

    /// Sends validator `index` a task and returns its reply.
    ///
    /// # Errors
    /// [`FleetError`] if it does not run, does not reply or refuses.
    pub fn ask(&mut self, index: usize, task: Task) -> Result<Reply, FleetError> {
        let process = self.processes.get_mut(index).and_then(Option::as_mut);
        let process = process.ok_or(FleetError::Gone { index })?;
        process.ask(task, Duration::from_secs(10))
    }

    /// Submits a transaction to every running validator, and returns its hash. One validator that
    /// takes it is enough.
    ///
    /// # Errors
    /// [`FleetError`] if none takes it.
    pub fn submit(&mut self, transaction: &Bytes) -> Result<B256, FleetError> {
        let mut taken = Err(FleetError::Gone { index: 0 });
        for index in self.running() {
            match self.ask(index, Task::Submit { transaction: transaction.clone() }) {
                Ok(Reply::Submitted(hash)) => taken = Ok(hash),
                Ok(_) => {}
                Err(error) if taken.is_err() => taken = Err(error),
                Err(_) => {}
            }
        }
        taken
    }

    /// Returns the next nonce of an account in the committed state of validator `index`.
    ///
    /// # Errors
    /// [`FleetError`] if it does not run or does not reply.
    pub fn nonce(&mut self, index: usize, account: Address) -> Result<u64, FleetError> {
        match self.ask(index, Task::Nonce { account })? {
            Reply::Nonce(nonce) => Ok(nonce),
            _ => Err(FleetError::Refused { index, reason: "another answer".into() }),
        }
    }

    /// Returns the indices of the running validators.
    #[must_use]
    pub fn running(&self) -> Vec<usize> {
        (0..self.processes.len()).filter(|index| self.processes[*index].is_some()).collect()
    }

    /// Returns the folder of validator `index`.
    #[must_use]
    pub fn folder(&self, index: usize) -> PathBuf {
        self.folder.join(format!("validator-{index}"))
    }

    /// Returns the blocks that the validators have announced so far.
    #[must_use]
    pub const fn final_blocks(&self) -> &FinalBlocks {
        &self.final_blocks
    }
}

/// Finds `count` loopback ports that nobody uses now.
fn free_ports(count: usize) -> io::Result<Vec<u16>> {
    // All of them are bound at once, or one could be found twice.
    let listeners: Vec<_> =
        (0..count).map(|_| TcpListener::bind("127.0.0.1:0")).collect::<io::Result<_>>()?;
    listeners.iter().map(|listener| listener.local_addr().map(|address| address.port())).collect()
}

/// Number of validators: the least that tolerates a faulty one.
pub const VALIDATORS: usize = 4;
/// Number of blocks from one snapshot of the state to the next.
const SNAPSHOT_EVERY: u64 = 64;
/// Least time between two empty blocks, in milliseconds.
const PACE_MS: u64 = 50;
