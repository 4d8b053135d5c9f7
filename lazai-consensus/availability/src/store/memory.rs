use alloc::{collections::BTreeMap, sync::Arc, vec::Vec};

use alloy_primitives::B256;

use super::{ShardStore, StoreError};
use crate::{Manifest, Shard, VerifiedShard};

/// Stores shards in memory, for simulations and relays.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    datasets: BTreeMap<B256, Dataset>,
}

#[derive(Clone, Debug)]
struct Dataset {
    manifest: Arc<Manifest>,
    shards: BTreeMap<(u32, u16), VerifiedShard<'static>>,
}

impl ShardStore for MemoryStore {
    fn add(&mut self, manifest: Manifest) -> Result<(), StoreError> {
        let new = Dataset { manifest: Arc::new(manifest), shards: BTreeMap::new() };
        self.datasets.entry(new.manifest.root()).or_insert(new);
        Ok(())
    }

    fn manifest(&self, root: B256) -> Result<Arc<Manifest>, StoreError> {
        let dataset = self.datasets.get(&root).ok_or(StoreError::NoDataset { root })?;
        Ok(Arc::clone(&dataset.manifest))
    }

    fn datasets(&self) -> Vec<B256> {
        self.datasets.keys().copied().collect()
    }

    fn put(&mut self, root: B256, shard: Shard<'_>) -> Result<(), StoreError> {
        let dataset = self.datasets.get_mut(&root).ok_or(StoreError::NoDataset { root })?;
        let shard = shard.into_owned().verify(&dataset.manifest)?;
        dataset.shards.insert((shard.shard().stripe, shard.shard().index), shard);
        Ok(())
    }

    fn shard(
        &self,
        root: B256,
        stripe: u32,
        index: u16,
    ) -> Result<Option<VerifiedShard<'static>>, StoreError> {
        let dataset = self.datasets.get(&root).ok_or(StoreError::NoDataset { root })?;
        Ok(dataset.shards.get(&(stripe, index)).cloned())
    }

    fn remove(&mut self, root: B256) -> Result<(), StoreError> {
        self.datasets.remove(&root).map(drop).ok_or(StoreError::NoDataset { root })
    }
}
