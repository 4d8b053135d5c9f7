use alloc::{sync::Arc, vec::Vec};

use alloy_primitives::B256;

use super::StoreError;
use crate::{Manifest, Opening, Place, Shard, ShardSource, VerifiedShard};

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

/// The shards of one dataset in a store, as a source for [`decode`](crate::decode()) and
/// [`repair`](crate::repair).
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
