use core::time::Duration;
use std::{
    ffi::OsString,
    io::{self, BufRead, BufReader, Write},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread,
    time::Instant,
};

use crate::node::{Event, Line, Reply, Request, Task};

/// A validator that runs as a child process.
#[derive(Debug)]
pub struct Process {
    index: usize,
    child: Child,
    input: Option<ChildStdin>,
    replies: Receiver<(u64, Result<Reply, String>)>,
    next_id: u64,
}

/// An event of a validator.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Heard {
    /// Which validator.
    pub node: usize,
    /// When the line was read.
    pub at: Instant,
    /// What it told; none if its output has ended.
    pub event: Option<Event>,
}

impl Process {
    /// Starts `program` with `arguments` as validator `index`, whose events go to `heard`.
    ///
    /// # Errors
    /// [`ProcessError::Start`] if the system cannot start it.
    pub fn start(
        index: usize,
        program: &std::path::Path,
        arguments: &[OsString],
        heard: Sender<Heard>,
    ) -> Result<Self, ProcessError> {
        let failed = |error: io::Error| ProcessError::Start { index, reason: error.to_string() };
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let input = child.stdin.take();
        let output = child.stdout.take().ok_or_else(|| failed(io::ErrorKind::BrokenPipe.into()))?;
        let (reply, replies) = channel();
        // It ends when the process does, because then the pipe does.
        thread::spawn(move || listen(index, BufReader::new(output), &heard, &reply));
        Ok(Self { index, child, input, replies, next_id: 0 })
    }

    /// Asks the validator, and waits for its answer.
    ///
    /// # Errors
    /// [`ProcessError`] if it is gone, takes more than `within`, or refuses.
    pub fn ask(&mut self, task: Task, within: Duration) -> Result<Reply, ProcessError> {
        let index = self.index;
        let (id, end) = (self.next_id, Instant::now() + within);
        self.next_id += 1;
        let mut line = serde_json::to_string(&Request { id, task })
            .map_err(|error| ProcessError::Refused { index, reason: error.to_string() })?;
        line.push('\n');
        let input = self.input.as_mut().ok_or(ProcessError::Gone { index })?;
        input
            .write_all(line.as_bytes())
            .and_then(|()| input.flush())
            .map_err(|_| ProcessError::Gone { index })?;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match self.replies.recv_timeout(left) {
                Ok((got, result)) if got == id => {
                    return result.map_err(|reason| ProcessError::Refused { index, reason });
                }
                // The late answer to an earlier question.
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => {
                    return Err(ProcessError::Silent { index, within });
                }
                Err(RecvTimeoutError::Disconnected) => return Err(ProcessError::Gone { index }),
            }
        }
    }

    /// Kills the process at once, as `kill -9` does, and waits until it is gone.
    ///
    /// # Errors
    /// [`ProcessError::Start`] if the system refuses.
    pub fn kill(&mut self) -> Result<(), ProcessError> {
        let index = self.index;
        let killed = self.child.kill().and_then(|()| self.child.wait());
        killed.map(|_| ()).map_err(|error| ProcessError::Start { index, reason: error.to_string() })
    }

    /// Ends its input, so that it stops, and waits until it is gone.
    ///
    /// # Errors
    /// [`ProcessError::Silent`] if it is still there after `within`; it is then killed.
    pub fn stop(mut self, within: Duration) -> Result<(), ProcessError> {
        drop(self.input.take());
        let (index, end) = (self.index, Instant::now() + within);
        loop {
            match self.replies.recv_timeout(end.saturating_duration_since(Instant::now())) {
                // The answer to a question that nobody waits for any more.
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => {
                    return Err(ProcessError::Silent { index, within });
                }
                // The output has ended, so the process is about to.
                Err(RecvTimeoutError::Disconnected) => {
                    let reason = |error: io::Error| error.to_string();
                    let ended = self.child.wait().map_err(reason);
                    return ended
                        .map(|_| ())
                        .map_err(|reason| ProcessError::Start { index, reason });
                }
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // No validator outlives the example. One that is gone cannot be killed, which is as well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn listen(
    node: usize,
    output: impl BufRead,
    heard: &Sender<Heard>,
    replies: &Sender<(u64, Result<Reply, String>)>,
) {
    for line in output.lines() {
        let Ok(line) = line else { break };
        let at = Instant::now();
        // A process that is killed may leave half a line.
        let sent = match serde_json::from_str(&line) {
            Ok(Line::Event(event)) => heard.send(Heard { node, at, event: Some(event) }).is_ok(),
            Ok(Line::Reply { id, result }) => replies.send((id, result)).is_ok(),
            Err(_) => true,
        };
        if !sent {
            break;
        }
    }
    let _ = heard.send(Heard { node, at: Instant::now(), event: None });
}

/// Why a validator did not do what it was asked.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ProcessError {
    /// It is gone.
    #[error("validator {index} is gone")]
    Gone {
        /// Which one.
        index: usize,
    },
    /// It refused.
    #[error("validator {index} refused: {reason}")]
    Refused {
        /// Which one.
        index: usize,
        /// Why.
        reason: String,
    },
    /// It does not answer.
    #[error("validator {index} did not answer within {within:?}")]
    Silent {
        /// Which one.
        index: usize,
        /// How long it had.
        within: Duration,
    },
    /// The system cannot start or end it.
    #[error("the system cannot start or end validator {index}: {reason}")]
    Start {
        /// Which one.
        index: usize,
        /// What the system said.
        reason: String,
    },
}
