//! Storage of a member's shards.

mod disk;
mod error;
mod files;
mod memory;
mod shard_store;

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod simulated_disk;
#[cfg(test)]
mod tests;

pub use error::StoreError;
pub use files::{FileStore, PublishError};
pub use memory::MemoryStore;
pub use shard_store::{ShardStore, Stored};
