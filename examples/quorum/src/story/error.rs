use alloy_primitives::Bytes;
use lazvm_executor::WalletError;

use crate::{
    fleet::FleetError,
    kill::AuditError,
    node::{KeyError, QuorumSetupError},
};

/// Why the example ended early.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum StoryError {
    /// The files of a node are not what they must be.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// Something else came out than what must.
    #[error("{what}: expected {expected}, got {got}")]
    Expected {
        /// Of what.
        what: &'static str,
        /// What must come out.
        expected: String,
        /// What came out.
        got: String,
    },
    /// The nodes do not agree, or do not go on.
    #[error(transparent)]
    Fleet(#[from] FleetError),
    /// The example's names give no keys.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The example's keys do not make quorums.
    #[error(transparent)]
    Quorum(#[from] QuorumSetupError),
    /// A transaction failed.
    #[error("the transaction that was to {what} failed: {output}")]
    Reverted {
        /// What it was for.
        what: &'static str,
        /// The data of its revert.
        output: Bytes,
    },
    /// A transaction cannot be signed.
    #[error(transparent)]
    Wallet(#[from] WalletError),
}
