use alloy_primitives::Bytes;
use lazvm_executor::WalletError;

use crate::{crash_test::AuditError, fleet::FleetError, node::SetupError};

/// Why the demo failed.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The files of a node are not what they must be.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// A step had another outcome than it must have.
    #[error("{what}: expected {expected}, got {got}")]
    Expected {
        /// Name of the outcome.
        what: &'static str,
        /// Required value.
        expected: String,
        /// Actual value.
        got: String,
    },
    /// The nodes do not agree, or the chain has stopped.
    #[error(transparent)]
    Fleet(#[from] FleetError),
    /// A transaction failed.
    #[error("the transaction that was to {what} failed: {output}")]
    Reverted {
        /// Purpose of the transaction.
        what: &'static str,
        /// Data of the revert.
        output: Bytes,
    },
    /// The example's keys do not make a chain and its quorums.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// A transaction cannot be signed.
    #[error(transparent)]
    Wallet(#[from] WalletError),
}
