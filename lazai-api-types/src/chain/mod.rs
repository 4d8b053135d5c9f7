//! Blocks as consensus orders them, and [`BlockExecutor`], the port through which a virtual machine
//! executes them.

mod block;
mod executor;

pub use block::{Block, MAX_BLOCK_BYTES, MAX_PAYLOAD_BYTES};
pub use executor::{BlockBody, BlockContext, BlockExecutionError, BlockExecutor};
