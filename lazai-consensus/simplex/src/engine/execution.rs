use std::sync::{Arc, Mutex, PoisonError};

use alloy_primitives::B256;
use lazai_api_types::chain::{Block, BlockContext, BlockExecutionError, BlockExecutor};

use crate::ChainError;

/// Serializes calls of the executor and checks the promises of its port.
#[derive(Clone, Debug)]
pub(super) struct Execution {
    executor: Arc<dyn BlockExecutor>,
    turn: Arc<Mutex<()>>,
    genesis: B256,
}

/// The answer of this node about a proposed block.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Opinion {
    /// This node cannot tell, now or ever, and says nothing.
    Abstain,
    Invalid,
    Valid,
}

impl Execution {
    pub(super) fn new(executor: Arc<dyn BlockExecutor>) -> Self {
        let genesis = Block::genesis(executor.genesis_state_root()).digest();
        Self { executor, turn: Arc::new(Mutex::new(())), genesis }
    }

    pub(super) fn genesis_block(&self) -> Block {
        Block::genesis(self.executor.genesis_state_root())
    }

    /// Returns the height and the digest of the last committed block, at first of the genesis
    /// block.
    pub(super) fn committed(&self) -> Result<(u64, B256), ChainError> {
        Ok(self.executor.committed()?.unwrap_or((0, self.genesis)))
    }

    /// Builds a block on `pending`, which may begin with blocks that have been committed in the
    /// meantime. Returns `None` if this node cannot build one, or if the chain has taken another
    /// branch.
    pub(super) fn build(
        &self,
        pending: Vec<Block>,
        view: (u64, u64),
        context: &BlockContext,
        max_bytes: usize,
    ) -> Option<Block> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let pending = self.open(pending, context).ok()??;
        let body = self.executor.build(&pending, context, max_bytes).ok()?;
        if body.payload.len() > max_bytes {
            return None;
        }
        let (view, parent_view) = view;
        Some(Block {
            height: context.height,
            epoch: context.epoch,
            view,
            parent_view,
            proposer: context.proposer,
            parent: context.parent,
            timestamp_ms: context.timestamp_ms,
            state_root: body.state_root,
            payload: body.payload,
        })
    }

    /// Validates a block on top of `pending`.
    pub(super) fn validate(&self, pending: Vec<Block>, block: &Block) -> Opinion {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let context = BlockContext {
            height: block.height,
            epoch: block.epoch,
            parent: block.parent,
            proposer: block.proposer,
            timestamp_ms: block.timestamp_ms,
        };
        let Ok(committed) = self.committed() else { return Opinion::Abstain };
        if committed == (block.height, block.digest()) {
            return Opinion::Valid;
        }
        let Ok(Some(pending)) = self.open(pending, &context) else { return Opinion::Abstain };
        match self.executor.validate(&pending, &context, &block.payload) {
            Ok(state_root) if state_root == block.state_root => Opinion::Valid,
            Ok(_) | Err(BlockExecutionError::Rejected { .. }) => Opinion::Invalid,
            Err(_) => Opinion::Abstain,
        }
    }

    /// Commits the next final block, and returns whether it was new.
    pub(super) fn commit(&self, block: &Block) -> Result<bool, ChainError> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let (height, digest) = self.committed()?;
        if block.height <= height {
            if block.height == height && block.digest() != digest {
                let got = block.digest();
                return Err(ChainError::Diverged { height, executor: digest, journal: got });
            }
            return Ok(false);
        }
        if block.height != height.saturating_add(1) {
            let expected = height.saturating_add(1);
            return Err(ChainError::Gap { expected, got: block.height });
        }
        if block.parent != digest {
            return Err(ChainError::Diverged { height, executor: digest, journal: block.parent });
        }
        self.executor.commit(block)?;
        let expected = (block.height, block.digest());
        let got = self.committed()?;
        if got != expected {
            return Err(ChainError::NotCommitted { expected: expected.0, got: got.0 });
        }
        Ok(true)
    }

    /// Returns the blocks of `pending` that are not committed; `None` if they do not extend the
    /// committed block.
    fn open(
        &self,
        mut pending: Vec<Block>,
        context: &BlockContext,
    ) -> Result<Option<Vec<Block>>, ChainError> {
        let (height, digest) = self.committed()?;
        pending.retain(|block| block.height > height);
        let base = pending.first().map_or(context.parent, |first| first.parent);
        let next = pending.last().map_or(height, |last| last.height).saturating_add(1);
        Ok((base == digest && next == context.height).then_some(pending))
    }
}
