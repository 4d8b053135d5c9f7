//! Storage of a member's shards.

mod disk;
mod files;
mod memory;

use alloc::{sync::Arc, vec::Vec};
use std::io;

use alloy_primitives::B256;

use super::{
    Manifest, Opening, OpeningError, Place, Shard, ShardError, ShardSource, VerifiedShard,
};

pub use files::{FileStore, PublishError};
pub use memory::MemoryStore;

/// A store of shards.
///
/// [`put`](Self::put) and [`add`](Self::add) return after their data is durable, so a member may
/// pledge to keep it from then on. Shards are verified when they are read: a store returns the
/// committed shard, none, or an error.
pub trait ShardStore {
    /// Adds a dataset. Adding one again has no effect, except that it replaces a damaged manifest.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    fn add(&mut self, manifest: Manifest) -> Result<(), StoreError>;

    /// Returns the manifest of a dataset.
    ///
    /// # Errors
    /// [`StoreError::NoDataset`], or [`StoreError::DamagedManifest`].
    fn manifest(&self, root: B256) -> Result<Arc<Manifest>, StoreError>;

    /// Returns the roots of all datasets in ascending order, including those with a damaged
    /// manifest.
    fn datasets(&self) -> Vec<B256>;

    /// Verifies a shard and stores it. Storing one again has no effect, except that it replaces a
    /// damaged one.
    ///
    /// # Errors
    /// [`StoreError::Shard`] if it does not verify, [`StoreError::Io`], or as for
    /// [`manifest`](Self::manifest).
    fn put(&mut self, root: B256, shard: Shard<'_>) -> Result<(), StoreError>;

    /// Returns a verified shard; `None` if it is not stored.
    ///
    /// # Errors
    /// [`StoreError::DamagedShard`] if the stored bytes do not verify and need repair,
    /// [`StoreError::Io`], or as for [`manifest`](Self::manifest).
    fn shard(
        &self,
        root: B256,
        stripe: u32,
        index: u16,
    ) -> Result<Option<VerifiedShard<'static>>, StoreError>;

    /// Removes a dataset with all its shards.
    ///
    /// # Errors
    /// [`StoreError::NoDataset`] or [`StoreError::Io`].
    fn remove(&mut self, root: B256) -> Result<(), StoreError>;

    /// Opens a leaf, as requested by an audit or a light client; `None` if its shard is not stored.
    ///
    /// # Errors
    /// As for [`shard`](Self::shard), or [`StoreError::Opening`] if the shard has no such leaf.
    fn open_leaf(&self, root: B256, place: Place) -> Result<Option<Opening>, StoreError> {
        let Some(shard) = self.shard(root, place.stripe, place.shard)? else { return Ok(None) };
        Ok(Some(shard.open(&*self.manifest(root)?, place.leaf)?))
    }

    /// Returns those of `shards`, by stripe and index, that are missing or damaged. All of them are
    /// read. After a restart a member should get an empty result before it pledges to keep its
    /// shards.
    ///
    /// # Errors
    /// As for [`manifest`](Self::manifest).
    fn lost(
        &self,
        root: B256,
        shards: &mut dyn Iterator<Item = (u32, u16)>,
    ) -> Result<Vec<(u32, u16)>, StoreError> {
        self.manifest(root)?;
        let is_lost =
            |place: &(u32, u16)| !matches!(self.shard(root, place.0, place.1), Ok(Some(_)));
        Ok(shards.filter(is_lost).collect())
    }
}

/// The shards of one dataset in a store, as a source for [`decode`](super::decode()) and
/// [`repair`](super::repair).
#[derive(Clone, Copy, Debug)]
pub struct Stored<'a, S> {
    /// The store.
    pub store: &'a S,
    /// The root of the dataset.
    pub root: B256,
}

impl<S: ShardStore> ShardSource for Stored<'_, S> {
    fn shard(&mut self, stripe: u32, index: u16) -> Option<Shard<'_>> {
        let shard = self.store.shard(self.root, stripe, index);
        shard.ok().flatten().map(VerifiedShard::into_shard)
    }
}

/// An operation of a store failed.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The manifest is damaged. [`ShardStore::add`] replaces it.
    #[error("the manifest of {root} is damaged")]
    DamagedManifest {
        /// The root of the dataset.
        root: B256,
    },
    /// A shard is damaged. [`ShardStore::put`] replaces it.
    #[error("shard {index} of stripe {stripe} of {root} is damaged")]
    DamagedShard {
        /// The root of the dataset.
        root: B256,
        /// The stripe.
        stripe: u32,
        /// The index of the shard in the stripe.
        index: u16,
    },
    /// The disk failed.
    #[error("the store cannot {action}")]
    Io {
        /// The operation that failed.
        action: &'static str,
        /// The cause.
        source: io::Error,
    },
    /// Another process has the store open.
    #[error("another process has the store open")]
    Locked,
    /// The store has no such dataset.
    #[error("there is no dataset {root}, add its manifest first")]
    NoDataset {
        /// The root asked for.
        root: B256,
    },
    /// The shard has no such leaf.
    #[error(transparent)]
    Opening(#[from] OpeningError),
    /// The shard does not belong to the dataset.
    #[error(transparent)]
    Shard(#[from] ShardError),
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod simulated_disk;
#[cfg(test)]
mod tests;
