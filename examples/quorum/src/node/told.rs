use core::time::Duration;
use std::{
    fmt,
    io::Write,
    sync::{Arc, Mutex, PoisonError},
};

use alloy_primitives::B256;
use lazai_api_types::chain::{Block, BlockBody, BlockContext, BlockExecutor, ExecutionError};
use lazvm_executor::LazVmExecutor;

use crate::node::{Event, Line};

/// Where a validator writes its lines; whole ones, one after the other.
#[derive(Clone)]
pub struct Voice(Arc<Mutex<Box<dyn Write + Send>>>);

impl Voice {
    /// A voice that writes to `out`.
    pub fn new(out: impl Write + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(Box::new(out))))
    }

    /// Writes a line. Nobody may be left to read it; the end of the input then stops the validator.
    pub fn say(&self, line: &Line) {
        let Ok(mut text) = serde_json::to_string(line) else { return };
        text.push('\n');
        let mut out = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }
}

impl fmt::Debug for Voice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Voice").finish_non_exhaustive()
    }
}

/// An executor that tells of each block when it is durable, and not before: who has heard of a block may count on it.
///
/// It also sets the pace: a proposer waits a while for the first transaction, so that an idle chain does not spin.
#[derive(Debug)]
pub struct Told {
    executor: Arc<LazVmExecutor>,
    voice: Voice,
    pace: Duration,
}

impl Told {
    /// Lets `voice` tell what `executor` commits. Empty blocks are `pace` apart at least.
    #[must_use]
    pub const fn new(executor: Arc<LazVmExecutor>, voice: Voice, pace: Duration) -> Self {
        Self { executor, voice, pace }
    }
}

impl BlockExecutor for Told {
    fn genesis_state_root(&self) -> B256 {
        self.executor.genesis_state_root()
    }

    fn build(
        &self,
        pending: &[Block],
        context: &BlockContext,
        max_bytes: usize,
    ) -> Result<BlockBody, ExecutionError> {
        self.executor.wait(self.pace)?;
        self.executor.build(pending, context, max_bytes)
    }

    fn validate(
        &self,
        pending: &[Block],
        context: &BlockContext,
        payload: &[u8],
    ) -> Result<B256, ExecutionError> {
        self.executor.validate(pending, context, payload)
    }

    fn commit(&self, block: &Block) -> Result<(), ExecutionError> {
        let again = self.executor.committed()?.is_some_and(|(height, _)| block.height <= height);
        let done = self.executor.commit(block);
        match &done {
            Ok(()) if again => {}
            Ok(()) => self.voice.say(&Line::Event(Event::Final {
                height: block.height,
                digest: block.digest(),
                state_root: block.state_root,
                proposer: block.proposer,
                proposed_ms: block.timestamp_ms,
                transactions: self.executor.transactions(&block.payload),
            })),
            Err(error) => {
                self.voice.say(&Line::Event(Event::Stopped { reason: error.to_string() }));
            }
        }
        done
    }

    fn committed(&self) -> Result<Option<(u64, B256)>, ExecutionError> {
        self.executor.committed()
    }
}
