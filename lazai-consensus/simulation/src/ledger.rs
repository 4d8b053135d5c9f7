use alloc::{string::String, sync::Arc, vec::Vec};

use alloy_primitives::{B256, keccak256};
use commonware_utils::sync::Mutex;
use lazai_api_types::chain::{Block, BlockBody, BlockContext, BlockExecutionError, BlockExecutor};

/// A minimal executor: its state is a hash over all payloads, and each payload repeats the context
/// of its block.
///
/// Clones share their blocks, so a clone outlives a node, as a disk does.
#[derive(Clone, Debug, Default)]
pub struct HashLedger {
    committed: Arc<Mutex<Vec<Block>>>,
}

impl HashLedger {
    /// Returns the committed blocks, in ascending order.
    #[must_use]
    pub fn blocks(&self) -> Vec<Block> {
        self.committed.lock().clone()
    }

    /// Returns the state before a block, if the pending blocks extend the committed one.
    fn root(&self, pending: &[Block], context: &BlockContext) -> Result<B256, BlockExecutionError> {
        let committed = self.committed.lock();
        let mut parent = committed.last().map_or_else(
            || (0, Block::genesis(GENESIS_ROOT).digest(), GENESIS_ROOT),
            |block| (block.height, block.digest(), block.state_root),
        );
        drop(committed);
        for block in pending {
            if (block.height, block.parent) != (parent.0.saturating_add(1), parent.1) {
                return Err(fault("the open blocks do not stand on the committed one"));
            }
            parent = (block.height, block.digest(), block.state_root);
        }
        if (context.height, context.parent) != (parent.0.saturating_add(1), parent.1) {
            return Err(fault("the block does not stand on the last open one"));
        }
        Ok(parent.2)
    }
}

impl BlockExecutor for HashLedger {
    fn genesis_state_root(&self) -> B256 {
        GENESIS_ROOT
    }

    fn build(
        &self,
        pending: &[Block],
        context: &BlockContext,
        _max_bytes: usize,
    ) -> Result<BlockBody, BlockExecutionError> {
        let payload = payload(context);
        Ok(BlockBody { state_root: step(self.root(pending, context)?, &payload), payload })
    }

    fn validate(
        &self,
        pending: &[Block],
        context: &BlockContext,
        payload: &[u8],
    ) -> Result<B256, BlockExecutionError> {
        let root = self.root(pending, context)?;
        if payload != self::payload(context) {
            return Err(BlockExecutionError::Rejected {
                reason: String::from("the payload does not repeat what the block stands on"),
            });
        }
        Ok(step(root, payload))
    }

    fn commit(&self, block: &Block) -> Result<(), BlockExecutionError> {
        let mut committed = self.committed.lock();
        let last = committed.last().map_or(0, |last| last.height);
        if block.height <= last {
            return Ok(());
        }
        if block.height != last.saturating_add(1) {
            return Err(fault("a final block is missing"));
        }
        committed.push(block.clone());
        Ok(())
    }

    fn committed(&self) -> Result<Option<(u64, B256)>, BlockExecutionError> {
        Ok(self.committed.lock().last().map(|block| (block.height, block.digest())))
    }
}

fn payload(context: &BlockContext) -> Vec<u8> {
    let mut payload = context.parent.to_vec();
    payload.extend_from_slice(&context.height.to_be_bytes());
    payload.extend_from_slice(&context.timestamp_ms.to_be_bytes());
    payload
}

fn step(root: B256, payload: &[u8]) -> B256 {
    keccak256([root.as_slice(), payload].concat())
}

fn fault(reason: &str) -> BlockExecutionError {
    BlockExecutionError::Fault { reason: String::from(reason) }
}

const GENESIS_ROOT: B256 = B256::ZERO;
