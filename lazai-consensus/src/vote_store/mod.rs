//! What a member has signed, kept before it is signed.

mod error;
#[cfg(feature = "std")]
mod journal;
mod memory;
mod store;

pub use error::VoteStoreError;
#[cfg(feature = "std")]
pub use journal::VoteJournal;
pub use memory::MemoryVoteStore;
pub use store::VoteStore;
