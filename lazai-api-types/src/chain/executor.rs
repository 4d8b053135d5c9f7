use alloc::{string::String, vec::Vec};
use core::fmt::Debug;

use alloy_primitives::B256;

use super::Block;

/// What executes the blocks of the chain: the port that a virtual machine implements.
///
/// The executor holds the state after the last *committed* block. Blocks above it are still open: a
/// block is built or validated on top of `pending`, the open ancestors in ascending order, the
/// first of which is the child of the committed block and the last of which is the parent. An
/// implementation may keep what it computed for them by digest, and must answer the same without.
///
/// # Guarantees of an implementation
/// - `build` and `validate` change nothing that a later answer shows, and are functions of the
///   committed state and the arguments (for `build`: and of the transactions that wait). No clock,
///   network or GPU decides about a validity.
/// - What `build` returned, `validate` accepts on every machine with the same committed state.
/// - When `commit` returns, the state is durable: after a crash, [`committed`](Self::committed)
///   names that block or a later one.
pub trait BlockExecutor: Debug + Send + Sync + 'static {
    /// Returns the state root of the genesis block, the same at every node.
    fn genesis_state_root(&self) -> B256;

    /// Chooses what the next block does, at most `max_bytes` of it, and executes it.
    ///
    /// # Errors
    /// [`BlockExecutionError::Fault`] if this node cannot; it then leaves its turn to others.
    fn build(
        &self,
        pending: &[Block],
        context: &BlockContext,
        max_bytes: usize,
    ) -> Result<BlockBody, BlockExecutionError>;

    /// Executes the payload of a proposed block and returns the state root after it, which
    /// consensus compares with the block's.
    ///
    /// # Errors
    /// [`BlockExecutionError::Rejected`] if the payload is invalid on every machine, for good.
    /// [`BlockExecutionError::Fault`] if this node cannot tell; it then abstains.
    fn validate(
        &self,
        pending: &[Block],
        context: &BlockContext,
        payload: &[u8],
    ) -> Result<B256, BlockExecutionError>;

    /// Makes the state after a final block durable. Blocks come in ascending order without gaps,
    /// from the one after [`committed`](Self::committed); one that is committed already is accepted
    /// and changes nothing.
    ///
    /// # Errors
    /// [`BlockExecutionError`] if this node cannot, or if a final block is invalid, which means
    /// that more than a third of the weight is dishonest or that this node's state is broken. The
    /// node must stop either way.
    fn commit(&self, block: &Block) -> Result<(), BlockExecutionError>;

    /// Returns height and digest of the last committed block; `None` while there is only the
    /// genesis block.
    ///
    /// # Errors
    /// [`BlockExecutionError::Fault`] if the state cannot be read.
    fn committed(&self) -> Result<Option<(u64, B256)>, BlockExecutionError>;
}

/// What an executor may know of the block that it builds or validates.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BlockContext {
    /// The height of the block.
    pub height: u64,
    /// The epoch in which it is proposed.
    pub epoch: u64,
    /// The digest of its parent.
    pub parent: B256,
    /// The seat of the proposer.
    pub proposer: u32,
    /// Milliseconds since the Unix epoch, agreed upon.
    pub timestamp_ms: u64,
}

/// What a proposer puts into a block.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BlockBody {
    /// What the executor executes.
    pub payload: Vec<u8>,
    /// The state after it.
    pub state_root: B256,
}

/// Why a block was not executed.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BlockExecutionError {
    /// This node cannot tell; others may.
    #[error("this node cannot execute the block: {reason}")]
    Fault {
        /// What is missing or broken, and what to do.
        reason: String,
    },
    /// The block is invalid on every machine.
    #[error("the block is invalid: {reason}")]
    Rejected {
        /// What was expected and what came.
        reason: String,
    },
}
