use alloc::{sync::Arc, vec::Vec};
use core::{fmt, time::Duration};

use alloy_primitives::{B256, keccak256};
use commonware_runtime::deterministic;
use commonware_utils::sync::Mutex;
use lazai_api_types::chain::{Block, BlockBody, BlockContext, BlockExecutionError, BlockExecutor};

use super::{
    application::now,
    record::{Payload, Record, place},
};

/// Creates the executor of each node.
#[derive(Clone)]
pub(super) struct Executors(pub(super) Arc<dyn Fn(u16) -> Arc<dyn BlockExecutor> + Send + Sync>);

impl Executors {
    pub(super) fn of(&self, node: u16) -> Arc<dyn BlockExecutor> {
        (self.0)(node)
    }
}

impl fmt::Debug for Executors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Executors(..)")
    }
}

/// Wraps an executor, and compares its results with those of the other nodes.
pub(super) struct ComparedExecutor {
    pub(super) inner: Arc<dyn BlockExecutor>,
    pub(super) node: u16,
    pub(super) record: Arc<Mutex<Record>>,
    pub(super) context: Arc<deterministic::Context>,
}

impl ComparedExecutor {
    /// Compares the committed block with the last one that was recorded before the node stopped.
    pub(super) fn resume(&self) {
        let committed = self.inner.committed();
        let mut record = self.record.lock();
        let before = record.committed.get(&self.node).copied();
        let kept = match (&committed, before) {
            (Ok(now), Some(before)) => *now == Some(before),
            (Ok(now), None) => now.is_none(),
            (Err(_), _) => false,
        };
        if !kept {
            record.lost.insert(self.node);
        }
    }

    /// Compares a state root with the first one recorded for the same parent, context and payload.
    fn compare(&self, context: &BlockContext, payload: &[u8], root: B256) {
        let BlockContext { height, epoch, parent, proposer, timestamp_ms } = context;
        let mut input: Vec<u8> = Vec::new();
        for word in [*height, *epoch, u64::from(*proposer), *timestamp_ms] {
            input.extend_from_slice(&word.to_be_bytes());
        }
        input.extend_from_slice(parent.as_slice());
        input.extend_from_slice(payload);
        let mut record = self.record.lock();
        let known = *record.roots.entry(keccak256(&input)).or_insert(root);
        if known != root {
            record.diverging.insert((self.node, *height));
        }
    }
}

impl fmt::Debug for ComparedExecutor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ComparedExecutor")
            .field("node", &self.node)
            .field("inner", &self.inner)
            .finish()
    }
}

impl BlockExecutor for ComparedExecutor {
    fn genesis_state_root(&self) -> B256 {
        self.inner.genesis_state_root()
    }

    fn build(
        &self,
        pending: &[Block],
        context: &BlockContext,
        max_bytes: usize,
    ) -> Result<BlockBody, BlockExecutionError> {
        let body = self.inner.build(pending, context, max_bytes)?;
        self.compare(context, &body.payload, body.state_root);
        Ok(body)
    }

    fn validate(
        &self,
        pending: &[Block],
        context: &BlockContext,
        payload: &[u8],
    ) -> Result<B256, BlockExecutionError> {
        let root = self.inner.validate(pending, context, payload)?;
        self.compare(context, payload, root);
        Ok(root)
    }

    fn commit(&self, block: &Block) -> Result<(), BlockExecutionError> {
        self.inner.commit(block)?;
        let digest = block.digest();
        let view = place(block.epoch, block.view);
        let made =
            Payload { view, parent: block.parent, at: Duration::from_millis(block.timestamp_ms) };
        let mut record = self.record.lock();
        record.payloads.entry(digest).or_insert(made);
        record.finalized(self.node, view, digest, now(&*self.context));
        let last = record.committed.get(&self.node).map_or(0, |(height, _)| *height);
        if block.height > last {
            record.committed.insert(self.node, (block.height, digest));
            if block.height != last.saturating_add(1) {
                record.lost.insert(self.node);
            }
        }
        Ok(())
    }

    fn committed(&self) -> Result<Option<(u64, B256)>, BlockExecutionError> {
        self.inner.committed()
    }
}
