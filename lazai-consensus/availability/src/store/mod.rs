//! Where a member keeps its shards.

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

/// Keeps shards of data sets.
///
/// What [`put`](Self::put) and [`add`](Self::add) have taken stays, whatever crashes afterwards: a
/// member may vouch for it when they return. What is read is checked, so that a store gives out the
/// right shard, or none, or an error.
pub trait ShardStore {
    /// Takes a data set. To take one again changes nothing, and replaces a manifest that was
    /// damaged.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    fn add(&mut self, manifest: Manifest) -> Result<(), StoreError>;

    /// The manifest of a data set.
    ///
    /// # Errors
    /// [`StoreError::NoDataset`], or [`StoreError::DamagedManifest`].
    fn manifest(&self, root: B256) -> Result<Arc<Manifest>, StoreError>;

    /// The roots of all data sets, ascending, with those whose manifest is damaged.
    fn datasets(&self) -> Vec<B256>;

    /// Takes a shard of a data set, once it is checked. To take one again changes nothing, and
    /// replaces one that was damaged.
    ///
    /// # Errors
    /// [`StoreError::Shard`] if it is not the right one, [`StoreError::Io`], or as for
    /// [`manifest`](Self::manifest).
    fn put(&mut self, root: B256, shard: Shard<'_>) -> Result<(), StoreError>;

    /// A shard, checked; `None` if it is not here.
    ///
    /// # Errors
    /// [`StoreError::DamagedShard`] if what is here is not the shard: have it repaired.
    /// [`StoreError::Io`], or as for [`manifest`](Self::manifest).
    fn shard(
        &self,
        root: B256,
        stripe: u32,
        index: u16,
    ) -> Result<Option<VerifiedShard<'static>>, StoreError>;

    /// Forgets a data set with all its shards.
    ///
    /// # Errors
    /// [`StoreError::NoDataset`] or [`StoreError::Io`].
    fn remove(&mut self, root: B256) -> Result<(), StoreError>;

    /// Opens a leaf, as an audit or a light client asks for it; `None` if its shard is not here.
    ///
    /// # Errors
    /// As for [`shard`](Self::shard), or [`StoreError::Opening`] if there is no such leaf.
    fn open_leaf(&self, root: B256, place: Place) -> Result<Option<Opening>, StoreError> {
        let Some(shard) = self.shard(root, place.stripe, place.shard)? else { return Ok(None) };
        Ok(Some(shard.open(&*self.manifest(root)?, place.leaf)?))
    }

    /// Those of `shards`, by stripe and place, that are not here as they should be. It reads all of
    /// them. A member that vouches for its shards after a restart should have an empty answer
    /// first.
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

/// The shards of one data set that a store holds, for [`decode`](super::decode()) and
/// [`repair`](super::repair).
#[derive(Clone, Copy, Debug)]
pub struct Stored<'a, S> {
    /// Where they are.
    pub store: &'a S,
    /// The root of the data set.
    pub root: B256,
}

impl<S: ShardStore> ShardSource for Stored<'_, S> {
    fn shard(&mut self, stripe: u32, index: u16) -> Option<Shard<'_>> {
        let shard = self.store.shard(self.root, stripe, index);
        shard.ok().flatten().map(VerifiedShard::into_shard)
    }
}

/// Why a store does not do what it is asked.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The manifest is not what was stored. Taking it again repairs it.
    #[error("the manifest of {root} is damaged")]
    DamagedManifest {
        /// The root of the data set.
        root: B256,
    },
    /// A shard is not what was stored. Taking it again, from others or by repair, puts it right.
    #[error("shard {index} of stripe {stripe} of {root} is damaged")]
    DamagedShard {
        /// The root of the data set.
        root: B256,
        /// The stripe.
        stripe: u32,
        /// The place in the stripe.
        index: u16,
    },
    /// The disk failed.
    #[error("the store cannot {action}")]
    Io {
        /// What it was about to do.
        action: &'static str,
        /// Why it could not.
        source: io::Error,
    },
    /// Another process has the store open.
    #[error("another process has the store open")]
    Locked,
    /// The store has no such data set.
    #[error("there is no data set {root}, add its manifest first")]
    NoDataset {
        /// The root asked for.
        root: B256,
    },
    /// There is no such leaf.
    #[error(transparent)]
    Opening(#[from] OpeningError),
    /// The shard is not one of the data set.
    #[error(transparent)]
    Shard(#[from] ShardError),
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod simulated_disk;
#[cfg(test)]
mod tests;
