use std::io;

use alloy_primitives::B256;
use lazai_api_types::chain::BlockExecutionError;
use lazvm_executor::{OpenError, WalletError};

use crate::{device::DeviceError, fleet::FleetError, node::SetupError};

/// Why the files of a validator are not what they must be.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The shipped model cannot be run.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The executor has stopped.
    #[error(transparent)]
    Execution(#[from] BlockExecutionError),
    /// The files cannot be copied.
    #[error("the files of a validator cannot be copied: {0}")]
    Io(#[from] io::Error),
    /// A block that was announced as durable is missing.
    #[error("validator {index} acknowledged block {height} as {expected}, and has {got:?}")]
    Lost {
        /// Index of the validator.
        index: usize,
        /// Height of the block.
        height: u64,
        /// Digest of the announced block.
        expected: B256,
        /// Digest of the block in the files, if there is one.
        got: Option<B256>,
    },
    /// The files cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The example's keys do not make a chain.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The state is not what the journal gives.
    #[error(
        "validator {index} has the state {got} at block {height}, its journal gives {expected}"
    )]
    State {
        /// Index of the validator.
        index: usize,
        /// Height of the last block.
        height: u64,
        /// State root after executing the journal.
        expected: B256,
        /// State root of the validator.
        got: B256,
    },
}

/// Why a crash test failed.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum CrashTestError {
    /// The files of a validator are not what they must be.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// The validators do not agree, or the chain has stopped.
    #[error(transparent)]
    Fleet(#[from] FleetError),
    /// A validator came back without a block that it had announced.
    #[error("validator {node} had acknowledged block {acknowledged} and came back with {found}")]
    Lost {
        /// Index of the validator.
        node: usize,
        /// Height of the last block that it had announced.
        acknowledged: u64,
        /// Height of the last block that it has.
        found: u64,
    },
    /// A transaction cannot be signed.
    #[error(transparent)]
    Wallet(#[from] WalletError),
}
