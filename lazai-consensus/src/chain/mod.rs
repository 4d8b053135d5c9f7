//! Agreement of all quorums on one chain of blocks: the block, the port to what executes it, and who proposes.

mod block;
mod executor;

pub use block::{Block, BlockError, MAX_PAYLOAD_BYTES};
pub use executor::{BlockBody, BlockContext, BlockExecutor, ExecutionError};
