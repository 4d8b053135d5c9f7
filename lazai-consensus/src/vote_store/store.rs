use core::fmt::Debug;

use alloy_primitives::B256;

use super::VoteStoreError;
use crate::{Epoch, Slot};

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
