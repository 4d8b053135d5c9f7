use core::time::Duration;

use crate::fleet::Fork;

/// Why a fleet of validators does not do what it should.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum FleetError {
    /// Two validators announced different blocks at one height.
    #[error(transparent)]
    Fork(#[from] Fork),
    /// A validator is not running.
    #[error("validator {index} is gone")]
    Gone {
        /// Index of the validator.
        index: usize,
    },
    /// An awaited event did not happen in time.
    #[error("what was waited for did not happen within {within:?}; the chain is at block {height}")]
    Late {
        /// Time limit.
        within: Duration,
        /// Height of the chain.
        height: u64,
    },
    /// The system has no free ports.
    #[error("the system has no free ports on 127.0.0.1: {reason}")]
    Ports {
        /// Message of the system.
        reason: String,
    },
    /// A validator refused a task.
    #[error("validator {index} refused: {reason}")]
    Refused {
        /// Index of the validator.
        index: usize,
        /// The reason that the validator gave.
        reason: String,
    },
    /// A validator did not reply in time.
    #[error("validator {index} did not answer within {within:?}")]
    Silent {
        /// Index of the validator.
        index: usize,
        /// Time limit.
        within: Duration,
    },
    /// The system cannot start or end a process.
    #[error("the system cannot start or end validator {index}: {reason}")]
    Start {
        /// Index of the validator.
        index: usize,
        /// Message of the system.
        reason: String,
    },
    /// A validator stopped because of an error.
    #[error("validator {index} stopped: {reason}")]
    Stopped {
        /// Index of the validator.
        index: usize,
        /// The error of the validator.
        reason: String,
    },
}
