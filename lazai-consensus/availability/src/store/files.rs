use alloc::{boxed::Box, collections::BTreeMap, format, string::String, sync::Arc, vec::Vec};
use std::{
    fs::TryLockError,
    io::{self, Read},
    path::{Path, PathBuf},
};

use alloy_primitives::{B256, hex};
use lazai_consensus::FileLock;

use super::{
    ShardStore, StoreError,
    disk::{Disk, OsDisk},
};
use crate::{
    COMMITMENT_BYTES, Coding, EncodeError, MAX_STRIPES, Manifest, Shard, ShardSink, VerifiedShard,
    encode,
};

/// Stores shards in a folder of the file system.
///
/// Each dataset has a folder, named by its root in hexadecimal. It holds the file `manifest`, and
/// for each shard a file named by stripe and index, as in `0000002a-0003`. A file is written under
/// a temporary name, synced and renamed, and its folder is synced: hence a file with a final name
/// is complete and durable. Opening the store removes what a crash left incomplete. A file `lock`
/// excludes other processes.
#[derive(Debug)]
pub struct FileStore {
    folder: PathBuf,
    disk: Box<dyn Disk>,
    /// Manifests by root; `None` if the file is damaged.
    manifests: BTreeMap<B256, Option<Arc<Manifest>>>,
    /// Released on drop.
    _lock: Option<FileLock>,
}

impl FileStore {
    /// Opens the store in `folder`, which is created if needed.
    ///
    /// # Errors
    /// [`StoreError::Locked`] if another process has it open, or [`StoreError::Io`].
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let folder = folder.into();
        OsDisk.create_folder(&folder).map_err(failed("make its folder"))?;
        let lock = FileLock::take(&folder.join(LOCK)).map_err(|error| match error {
            TryLockError::WouldBlock => StoreError::Locked,
            TryLockError::Error(source) => StoreError::Io { action: "lock its folder", source },
        })?;
        let store = Self::on(Box::new(OsDisk), folder)?;
        Ok(Self { _lock: Some(lock), ..store })
    }

    /// Encodes a dataset into the store, with all its shards, and returns its manifest.
    ///
    /// Memory: as for [`encode()`]. The dataset becomes readable when this returns.
    ///
    /// # Errors
    /// [`PublishError`] if the data cannot be encoded or stored.
    pub fn publish(&mut self, data: impl Read, coding: Coding) -> Result<Manifest, PublishError> {
        let incoming = self.folder.join(INCOMING);
        self.clear(INCOMING)?;
        self.disk.create_folder(&incoming).map_err(failed("make a folder"))?;
        let mut sink = Incoming { disk: self.disk.as_ref(), folder: &incoming, places: Vec::new() };
        let manifest = encode(data, coding, &mut sink)?;
        let places = sink.places;
        self.add(manifest.clone())?;
        let folder = self.dataset_folder(manifest.root());
        for (stripe, index) in places {
            let name = shard_name(stripe, index);
            let moved = self.disk.rename(&incoming.join(&name), &folder.join(&name));
            moved.map_err(failed("rename a file"))?;
        }
        self.disk.sync_folder(&folder).map_err(failed("sync a folder"))?;
        self.clear(INCOMING)?;
        Ok(manifest)
    }

    /// Opens the store on `disk`, without a lock.
    pub(super) fn on(disk: Box<dyn Disk>, folder: PathBuf) -> Result<Self, StoreError> {
        let mut store = Self { folder, disk, manifests: BTreeMap::new(), _lock: None };
        store.disk.create_folder(&store.folder).map_err(failed("make its folder"))?;
        let parent = store.folder.parent().filter(|parent| !parent.as_os_str().is_empty());
        let synced = store.disk.sync_folder(parent.unwrap_or(Path::new(".")));
        synced.map_err(failed("sync the folder above its own"))?;
        store.clear(INCOMING)?;
        let names = store.disk.names(&store.folder).map_err(failed("list its folder"))?;
        for root in names.iter().filter_map(|name| root_of(name)) {
            store.load(root)?;
        }
        Ok(store)
    }

    fn load(&mut self, root: B256) -> Result<(), StoreError> {
        let folder = self.dataset_folder(root);
        for name in self.disk.names(&folder).map_err(failed("list a folder"))? {
            if name.ends_with(NEW) {
                self.disk.remove(&folder.join(name)).map_err(failed("remove a file"))?;
            }
        }
        let bytes = self.disk.read(&folder.join(MANIFEST), MAX_MANIFEST_BYTES);
        // Without a manifest the dataset was never confirmed, or it was removed.
        let Some(bytes) = bytes.map_err(failed("read a manifest"))? else {
            let names = self.disk.names(&folder).map_err(failed("list a folder"))?;
            if names.is_empty() || names.iter().any(|name| name == REMOVED) {
                self.erase(&folder)?;
            }
            return Ok(());
        };
        let manifest = Manifest::decode(&bytes).ok();
        let manifest = manifest.filter(|manifest| manifest.root() == root).map(Arc::new);
        self.manifests.insert(root, manifest);
        Ok(())
    }

    /// Writes a file of a dataset atomically and durably.
    fn write(&self, folder: &Path, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let (beside, path) = (folder.join(format!("{name}{NEW}")), folder.join(name));
        self.disk.write(&beside, &[bytes]).map_err(failed("write a file"))?;
        self.disk.sync_file(&beside).map_err(failed("sync a file"))?;
        self.disk.rename(&beside, &path).map_err(failed("rename a file"))?;
        self.disk.sync_folder(folder).map_err(failed("sync a folder"))
    }

    /// Removes a folder of the store, if it exists.
    fn clear(&self, name: &str) -> Result<(), StoreError> {
        match self.disk.remove(&self.folder.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result.map_err(failed("remove a folder")),
        }
    }

    /// Removes the folder of a dataset that is marked as removed. The mark is removed last.
    fn erase(&self, folder: &Path) -> Result<(), StoreError> {
        for name in self.disk.names(folder).map_err(failed("list a folder"))? {
            if name != REMOVED {
                self.disk.remove(&folder.join(name)).map_err(failed("remove a file"))?;
            }
        }
        self.disk.sync_folder(folder).map_err(failed("sync a folder"))?;
        self.disk.remove(folder).map_err(failed("remove a folder"))
    }

    fn dataset_folder(&self, root: B256) -> PathBuf {
        self.folder.join(hex::encode(root))
    }
}

impl ShardStore for FileStore {
    fn add(&mut self, manifest: Manifest) -> Result<(), StoreError> {
        let root = manifest.root();
        if matches!(self.manifests.get(&root), Some(Some(_))) {
            return Ok(());
        }
        let folder = self.dataset_folder(root);
        self.disk.create_folder(&folder).map_err(failed("make a folder"))?;
        self.disk.sync_folder(&self.folder).map_err(failed("sync its folder"))?;
        self.write(&folder, MANIFEST, &manifest.encode())?;
        self.manifests.insert(root, Some(Arc::new(manifest)));
        Ok(())
    }

    fn manifest(&self, root: B256) -> Result<Arc<Manifest>, StoreError> {
        let manifest = self.manifests.get(&root).ok_or(StoreError::NoDataset { root })?;
        manifest.clone().ok_or(StoreError::DamagedManifest { root })
    }

    fn datasets(&self) -> Vec<B256> {
        self.manifests.keys().copied().collect()
    }

    fn put(&mut self, root: B256, shard: Shard<'_>) -> Result<(), StoreError> {
        let manifest = self.manifest(root)?;
        let shard = shard.verify(&manifest)?.into_shard();
        let name = shard_name(shard.stripe, shard.index);
        self.write(&self.dataset_folder(root), &name, &shard.encode())
    }

    fn shard(
        &self,
        root: B256,
        stripe: u32,
        index: u16,
    ) -> Result<Option<VerifiedShard<'static>>, StoreError> {
        let manifest = self.manifest(root)?;
        let commitment = manifest.commitment();
        let path = self.dataset_folder(root).join(shard_name(stripe, index));
        // The position and the path take less than 1 KiB.
        let most = (commitment.shard_bytes(stripe) as u64).saturating_add(1_024);
        let bytes = self.disk.read(&path, most).map_err(failed("read a shard"))?;
        let Some(bytes) = bytes else { return Ok(None) };
        let shard = Shard::decode(&bytes, commitment).map(Shard::into_owned);
        let shard = shard.and_then(|shard| shard.verify(&manifest));
        match shard {
            Ok(shard) if (shard.shard().stripe, shard.shard().index) == (stripe, index) => {
                Ok(Some(shard))
            }
            _ => Err(StoreError::DamagedShard { root, stripe, index }),
        }
    }

    fn remove(&mut self, root: B256) -> Result<(), StoreError> {
        self.manifests.remove(&root).ok_or(StoreError::NoDataset { root })?;
        let folder = self.dataset_folder(root);
        // The rename marks the dataset as removed, so that opening the store completes the removal
        // after a crash.
        let marked = self.disk.rename(&folder.join(MANIFEST), &folder.join(REMOVED));
        marked.map_err(failed("rename a manifest"))?;
        self.disk.sync_folder(&folder).map_err(failed("sync a folder"))?;
        self.erase(&folder)?;
        self.disk.sync_folder(&self.folder).map_err(failed("sync its folder"))
    }
}

/// A sink for the shards of a dataset with a root that is not known yet.
struct Incoming<'a> {
    disk: &'a dyn Disk,
    folder: &'a Path,
    places: Vec<(u32, u16)>,
}

impl ShardSink for Incoming<'_> {
    type Error = StoreError;

    fn put(&mut self, shard: Shard<'_>) -> Result<(), StoreError> {
        let path = self.folder.join(shard_name(shard.stripe, shard.index));
        self.disk.write(&path, &[&shard.encode()]).map_err(failed("write a file"))?;
        self.disk.sync_file(&path).map_err(failed("sync a file"))?;
        self.places.push((shard.stripe, shard.index));
        Ok(())
    }
}

/// A dataset cannot be published.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// Encoding failed.
    #[error(transparent)]
    Encode(#[from] EncodeError<StoreError>),
    /// Storing failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn failed(action: &'static str) -> impl FnOnce(io::Error) -> StoreError {
    move |source| StoreError::Io { action, source }
}

fn shard_name(stripe: u32, index: u16) -> String {
    format!("{stripe:08x}-{index:04x}")
}

/// Parses the name of a dataset's folder; `None` for any other name.
fn root_of(name: &str) -> Option<B256> {
    let bytes: [u8; 32] = hex::decode_to_array(name).ok()?;
    (hex::encode(bytes) == name).then(|| bytes.into())
}

const MANIFEST: &str = "manifest";
const REMOVED: &str = "removed";
const LOCK: &str = "lock";
const INCOMING: &str = "incoming";
const NEW: &str = ".new";
const MAX_MANIFEST_BYTES: u64 = COMMITMENT_BYTES as u64 + 32 * MAX_STRIPES as u64;
