use alloy_primitives::B256;

use crate::ErrorSource;

/// Why a vote may not be signed.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum VoteStoreError {
    /// Another attestation was signed in the slot.
    #[error("attestation {signed} was signed in this slot before, {got} must not be")]
    Conflict {
        /// The attestation signed before.
        signed: B256,
        /// The attestation that was to be signed now.
        got: B256,
    },
    /// The bytes on disk are not those that the store wrote.
    #[error(
        "the vote journal is damaged at byte {at}: restore it, or wait for a new epoch with a new key"
    )]
    Damaged {
        /// The offset of the damage.
        at: u64,
    },
    /// The epoch's votes have been forgotten, so it cannot be known what was signed.
    #[error("votes of epochs before {first} are no longer kept, and epoch {got} is voted in")]
    Forgotten {
        /// The first epoch whose votes are kept.
        first: u64,
        /// The epoch asked for.
        got: u64,
    },
    /// The votes could not be read or written.
    #[error("the vote journal cannot be {action}: {source}")]
    Io {
        /// The action that failed.
        action: &'static str,
        /// The cause of the failure.
        source: ErrorSource,
    },
    /// Another process votes with this journal.
    #[error("another process holds the vote journal: two nodes with one key would vote twice")]
    Locked,
}
