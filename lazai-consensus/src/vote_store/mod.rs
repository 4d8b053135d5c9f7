//! What a member has signed, kept before it is signed.

#[cfg(feature = "std")]
mod journal;
mod memory;

use core::fmt::Debug;

use alloy_primitives::B256;

use crate::{Epoch, ErrorSource, Slot};

#[cfg(feature = "std")]
pub use journal::VoteJournal;
pub use memory::MemoryVoteStore;

/// Records which attestation a member has signed in each slot.
///
/// # Guarantees of an implementation
/// When `reserve` returns `Ok`, the choice is durable: it outlives a crash of the process and of
/// the machine, unless the type says that it does not. No two attestations are ever reserved in one
/// slot.
pub trait VoteStore: Debug + Send {
    /// Records that `attestation` is signed in `slot`; recording the same one again succeeds.
    ///
    /// # Errors
    /// [`VoteStoreError`]; nothing may be signed then.
    fn reserve(&mut self, slot: &Slot, attestation: B256) -> Result<(), VoteStoreError>;

    /// Returns the attestation that was reserved in `slot`.
    fn reserved(&self, slot: &Slot) -> Option<B256>;

    /// Forgets the votes of epochs before `first`, in which [`reserve`](Self::reserve) then refuses
    /// to vote for ever.
    ///
    /// # Errors
    /// [`VoteStoreError::Io`] if that is not durable. Either all is as it was, or the store
    /// reserves nothing more.
    fn forget_before(&mut self, first: Epoch) -> Result<(), VoteStoreError>;
}

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
