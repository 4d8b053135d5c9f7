use alloy_primitives::Address;
use lazvm::alloy_evm::block::BlockExecutionError;
use thiserror::Error;

use crate::{HeaderError, Mismatch, OmmerError};

/// Why a block is invalid, or could not be judged.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BlockError {
    /// Its bytes are no block.
    #[error("the bytes are no block: {0}")]
    Decoding(alloy_rlp::Error),
    /// Its bytes are more than a block may have.
    #[error("the block has {got} bytes, of which there may be {max}")]
    Size {
        /// Most bytes of a block.
        max: usize,
        /// Bytes of this one.
        got: usize,
    },
    /// Its header breaks a rule.
    #[error("header: {0}")]
    Header(#[from] HeaderError),
    /// An ommer breaks a rule.
    #[error("ommer: {0}")]
    Ommer(#[from] OmmerError),
    /// The header says something else of the body or of the outcome than there is.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// It has more transactions than gas for them.
    #[error("the block has {got} transactions, and gas for {max}")]
    Transactions {
        /// Most transactions of its gas limit.
        max: u64,
        /// Transactions that it has.
        got: u64,
    },
    /// A transaction has no valid signature.
    #[error("transaction {index} has no valid signature")]
    Signature {
        /// Its place in the block.
        index: usize,
    },
    /// The execution refused the block, or this node has a fault, which
    /// [`lazvm::block_fault_of`] tells apart.
    #[error("execution: {0}")]
    Execution(#[from] BlockExecutionError),
    /// A log of the contract of deposits is laid out otherwise than that does (EIP-6110).
    #[error("a deposit has another layout than the contract of deposits gives it")]
    Deposit,
    /// A contract that the protocol calls is not there (EIP-7002, EIP-7251).
    #[error("the system contract {contract} has no code")]
    SystemContract {
        /// Where it should be.
        contract: Address,
    },
}
