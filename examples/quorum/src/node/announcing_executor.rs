use core::time::Duration;
use std::{
    fmt,
    io::Write,
    sync::{Arc, Mutex, PoisonError},
};

use alloy_primitives::B256;
use lazai_api_types::chain::{Block, BlockBody, BlockContext, BlockExecutionError, BlockExecutor};
use lazvm_executor::LazVmExecutor;

use crate::node::{Event, OutputLine};

/// The output of a validator. Threads share it; each line is written whole.
#[derive(Clone)]
pub struct EventWriter(Arc<Mutex<Box<dyn Write + Send>>>);

impl EventWriter {
    /// Creates a writer to `out`.
    pub fn new(out: impl Write + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(Box::new(out))))
    }

    /// Writes an event.
    pub fn event(&self, event: Event) {
        self.line(&OutputLine::Event(event));
    }

    /// Writes a line. A failure is ignored: if the reader is gone, the end of the input stops the
    /// validator.
    pub fn line(&self, line: &OutputLine) {
        let Ok(mut text) = serde_json::to_string(line) else { return };
        text.push('\n');
        let mut out = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }
}

impl fmt::Debug for EventWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventWriter").finish_non_exhaustive()
    }
}

/// An executor that announces each block once it is durable, and never earlier: readers may rely on
/// announced blocks.
///
/// It also sets the pace: a proposer waits up to `pace` for a first transaction, so that an idle
/// chain does not spin.
#[derive(Debug)]
pub struct AnnouncingExecutor {
    executor: Arc<LazVmExecutor>,
    events: EventWriter,
    pace: Duration,
}

impl AnnouncingExecutor {
    /// Announces what `executor` commits to `events`. Empty blocks are at least `pace` apart.
    #[must_use]
    pub const fn new(executor: Arc<LazVmExecutor>, events: EventWriter, pace: Duration) -> Self {
        Self { executor, events, pace }
    }
}

impl BlockExecutor for AnnouncingExecutor {
    fn genesis_state_root(&self) -> B256 {
        self.executor.genesis_state_root()
    }

    fn build(
        &self,
        pending: &[Block],
        context: &BlockContext,
        max_bytes: usize,
    ) -> Result<BlockBody, BlockExecutionError> {
        self.executor.wait(self.pace)?;
        self.executor.build(pending, context, max_bytes)
    }

    fn validate(
        &self,
        pending: &[Block],
        context: &BlockContext,
        payload: &[u8],
    ) -> Result<B256, BlockExecutionError> {
        self.executor.validate(pending, context, payload)
    }

    fn commit(&self, block: &Block) -> Result<(), BlockExecutionError> {
        let committed = self.executor.committed()?;
        if let Err(error) = self.executor.commit(block) {
            self.events.event(Event::Stopped { reason: error.to_string() });
            return Err(error);
        }
        if committed.is_none_or(|(height, _)| block.height > height) {
            self.events.event(Event::Final {
                height: block.height,
                digest: block.digest(),
                state_root: block.state_root,
                proposer: block.proposer,
                proposed_ms: block.timestamp_ms,
                transactions: self.executor.transactions(&block.payload),
            });
        }
        Ok(())
    }

    fn committed(&self) -> Result<Option<(u64, B256)>, BlockExecutionError> {
        self.executor.committed()
    }
}
