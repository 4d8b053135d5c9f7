use core::time::Duration;
use std::{
    ffi::OsString,
    io::{self, BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread,
    time::Instant,
};

use crate::{
    fleet::FleetError,
    node::{Event, OutputLine, Reply, Request, Task},
};

/// A validator that runs as a child process.
#[derive(Debug)]
pub(crate) struct Process {
    index: usize,
    child: Child,
    input: Option<ChildStdin>,
    replies: Receiver<(u64, Result<Reply, String>)>,
    next_id: u64,
}

/// An event of a validator.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NodeEvent {
    /// Index of the validator.
    pub node: usize,
    /// Time at which the line was read.
    pub at: Instant,
    /// The event; `None` if the output has ended.
    pub event: Option<Event>,
}

impl Process {
    /// Starts `program` with `arguments` as validator `index`, which sends its events to `events`.
    pub(crate) fn start(
        index: usize,
        program: &Path,
        arguments: &[OsString],
        events: Sender<NodeEvent>,
    ) -> Result<Self, FleetError> {
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| start_error(index, &error))?;
        let input = child.stdin.take();
        let output = child.stdout.take();
        let output = output.ok_or_else(|| start_error(index, &io::ErrorKind::BrokenPipe.into()))?;
        let (reply, replies) = channel();
        // The thread ends with the process, because the pipe does.
        thread::spawn(move || listen(index, BufReader::new(output), &events, &reply));
        Ok(Self { index, child, input, replies, next_id: 0 })
    }

    /// Sends the validator a task, and waits for its reply at most `within`.
    pub(crate) fn ask(&mut self, task: Task, within: Duration) -> Result<Reply, FleetError> {
        let index = self.index;
        let (id, end) = (self.next_id, Instant::now() + within);
        self.next_id += 1;
        let mut line = serde_json::to_string(&Request { id, task })
            .map_err(|error| FleetError::Refused { index, reason: error.to_string() })?;
        line.push('\n');
        let input = self.input.as_mut().ok_or(FleetError::Gone { index })?;
        input
            .write_all(line.as_bytes())
            .and_then(|()| input.flush())
            .map_err(|_| FleetError::Gone { index })?;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match self.replies.recv_timeout(left) {
                Ok((got, result)) if got == id => {
                    return result.map_err(|reason| FleetError::Refused { index, reason });
                }
                // A late reply to an earlier task.
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => return Err(FleetError::Silent { index, within }),
                Err(RecvTimeoutError::Disconnected) => return Err(FleetError::Gone { index }),
            }
        }
    }

    /// Kills the process at once, as `kill -9` does, and waits until it is gone.
    pub(crate) fn kill(&mut self) -> Result<(), FleetError> {
        let killed = self.child.kill().and_then(|()| self.child.wait());
        killed.map(|_| ()).map_err(|error| start_error(self.index, &error))
    }

    /// Ends the input of the validator, so that it stops, and waits until it is gone. It is killed
    /// after `within`.
    pub(crate) fn stop(mut self, within: Duration) -> Result<(), FleetError> {
        drop(self.input.take());
        let (index, end) = (self.index, Instant::now() + within);
        loop {
            match self.replies.recv_timeout(end.saturating_duration_since(Instant::now())) {
                // A reply that nobody waits for any more.
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => return Err(FleetError::Silent { index, within }),
                // The output has ended, so the process is about to.
                Err(RecvTimeoutError::Disconnected) => {
                    let ended = self.child.wait();
                    return ended.map(|_| ()).map_err(|error| start_error(index, &error));
                }
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // No validator outlives the example. Killing one that has ended fails, which is fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sorts the lines of a validator into events and replies.
fn listen(
    node: usize,
    output: impl BufRead,
    events: &Sender<NodeEvent>,
    replies: &Sender<(u64, Result<Reply, String>)>,
) {
    let send = |event| events.send(NodeEvent { node, at: Instant::now(), event }).is_ok();
    for line in output.lines() {
        let Ok(line) = line else { break };
        // A process that is killed may leave half a line.
        let sent = match serde_json::from_str(&line) {
            Ok(OutputLine::Event(event)) => send(Some(event)),
            Ok(OutputLine::Reply { id, result }) => replies.send((id, result)).is_ok(),
            Err(_) => true,
        };
        if !sent {
            break;
        }
    }
    let _ = send(None);
}

fn start_error(index: usize, error: &io::Error) -> FleetError {
    FleetError::Start { index, reason: error.to_string() }
}
