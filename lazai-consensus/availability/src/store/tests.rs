#![allow(clippy::arithmetic_side_effects)]

use alloc::{boxed::Box, string::String, vec, vec::Vec};
use std::path::PathBuf;

use alloy_primitives::B256;

use super::{
    simulated_disk::{Fault, SimulatedDisk},
    *,
};
use crate::{Coding, Manifest, Place, Shard, decode, encode, repair};

fn dataset(length: usize) -> (Vec<u8>, Manifest, Vec<Shard<'static>>) {
    let data: Vec<u8> = (0..length).map(|at| (at * 31 % 251).to_le_bytes()[0]).collect();
    let coding = Coding::with_stripe_bytes(4, 3_000).unwrap();
    let mut shards = Vec::new();
    let manifest = encode(data.as_slice(), coding, &mut shards).unwrap();
    (data, manifest, shards)
}

fn open(disk: &SimulatedDisk) -> Result<FileStore, StoreError> {
    FileStore::on(Box::new(disk.clone()), "/store".into())
}

/// The data that the store confirmed.
#[derive(Default)]
struct Confirmed {
    manifest: bool,
    shards: Vec<(u32, u16)>,
}

/// Adds a dataset and its shards, and stops at the first error.
fn take(disk: &SimulatedDisk, confirmed: &mut Confirmed) -> Result<(), StoreError> {
    let (_, manifest, shards) = dataset(5_000);
    let root = manifest.root();
    let mut store = open(disk)?;
    store.add(manifest)?;
    confirmed.manifest = true;
    for shard in shards {
        let place = (shard.stripe, shard.index);
        store.put(root, shard)?;
        confirmed.shards.push(place);
    }
    Ok(())
}

/// Counts the confirmed shards that are missing or damaged.
fn lost_shards(disk: &SimulatedDisk, confirmed: &Confirmed) -> usize {
    let (_, manifest, shards) = dataset(5_000);
    let root = manifest.root();
    let store = open(disk).unwrap();
    let mut broken = usize::from(confirmed.manifest && store.manifest(root).is_err());
    if store.manifest(root).is_ok() {
        for right in &shards {
            match store.shard(root, right.stripe, right.index) {
                Ok(Some(shard)) => assert_eq!(shard.shard(), right),
                Ok(None) => {
                    broken += usize::from(confirmed.shards.contains(&(right.stripe, right.index)));
                }
                // No bit rots here, so an incomplete file was taken for a complete one.
                Err(_) => broken += 1,
            }
        }
    }
    let names = disk.all_names();
    assert!(!names.iter().any(|name| name.to_str().unwrap().ends_with(".new")), "{names:?}");
    broken
}

#[test]
fn a_crash_between_any_two_steps_breaks_no_promise() {
    let whole = SimulatedDisk::default();
    take(&whole, &mut Confirmed::default()).unwrap();
    let steps = whole.steps();
    assert!(steps > 40, "{steps}");
    for step in 0..steps {
        for seed in 0..40 {
            let (disk, mut confirmed) = (SimulatedDisk::default(), Confirmed::default());
            disk.fail_at(step, Fault::Crash);
            take(&disk, &mut confirmed).unwrap_err();
            assert!(disk.is_down());
            disk.restart(seed * 1_000 + step + 1);
            assert_eq!(lost_shards(&disk, &confirmed), 0, "step {step}, seed {seed}");
            // The store continues, and a second crash loses nothing.
            let mut confirmed = Confirmed::default();
            take(&disk, &mut confirmed).unwrap();
            disk.restart(seed);
            assert_eq!(lost_shards(&disk, &confirmed), 0, "step {step}, seed {seed}");
            assert_eq!(confirmed.shards.len(), 8);
        }
    }
}

#[test]
fn a_disk_that_lies_about_syncing_is_seen_to() {
    let mut broken = 0;
    for seed in 0..40 {
        let (disk, mut confirmed) = (SimulatedDisk::default(), Confirmed::default());
        disk.lie();
        take(&disk, &mut confirmed).unwrap();
        disk.restart(seed);
        broken += lost_shards(&disk, &confirmed);
    }
    assert!(broken > 0, "the test above could not fail");
}

#[test]
fn an_error_of_the_disk_is_told_and_breaks_nothing() {
    let whole = SimulatedDisk::default();
    take(&whole, &mut Confirmed::default()).unwrap();
    for step in 0..whole.steps() {
        let (disk, mut confirmed) = (SimulatedDisk::default(), Confirmed::default());
        disk.fail_at(step, Fault::Error);
        let error = take(&disk, &mut confirmed).unwrap_err();
        assert!(matches!(error, StoreError::Io { .. }), "step {step}: {error}");
        assert_eq!(lost_shards(&disk, &confirmed), 0, "step {step}");
        take(&disk, &mut Confirmed::default()).unwrap();
    }
}

#[test]
fn a_crash_while_publishing_leaves_all_or_nothing_readable() {
    let (data, manifest, _) = dataset(5_000);
    let coding = manifest.commitment().coding();
    let publish = |disk: &SimulatedDisk| {
        open(disk).map_err(PublishError::from)?.publish(data.as_slice(), coding)
    };
    let whole = SimulatedDisk::default();
    assert_eq!(publish(&whole).unwrap(), manifest);
    let mut finished = 0;
    for step in 0..whole.steps() {
        for seed in 0..20 {
            let disk = SimulatedDisk::default();
            disk.fail_at(step, Fault::Crash);
            publish(&disk).unwrap_err();
            disk.restart(seed * 1_000 + step + 1);
            let store = open(&disk).unwrap();
            for stripe in 0..2 {
                for index in 0..4 {
                    match store.shard(manifest.root(), stripe, index) {
                        Ok(Some(_)) => finished += 1,
                        Ok(None) | Err(StoreError::NoDataset { .. }) => {}
                        Err(error) => panic!("step {step}, seed {seed}: {error}"),
                    }
                }
            }
            assert_eq!(publish(&disk).unwrap(), manifest);
            disk.restart(seed);
            let store = open(&disk).unwrap();
            let mut output = Vec::new();
            let mut source = Stored { store: &store, root: manifest.root() };
            decode(&manifest, &mut source, &mut output).unwrap();
            assert_eq!(output, data);
        }
    }
    assert!(finished > 0);
}

#[test]
fn a_crash_while_removing_leaves_no_half() {
    let (_, manifest, shards) = dataset(5_000);
    let root = manifest.root();
    let steps = {
        let disk = SimulatedDisk::default();
        take(&disk, &mut Confirmed::default()).unwrap();
        let mut store = open(&disk).unwrap();
        let before = disk.steps();
        store.remove(root).unwrap();
        disk.steps() - before
    };
    for step in 0..steps {
        for seed in 0..40 {
            let disk = SimulatedDisk::default();
            take(&disk, &mut Confirmed::default()).unwrap();
            let mut store = open(&disk).unwrap();
            disk.fail_at(step, Fault::Crash);
            store.remove(root).unwrap_err();
            disk.restart(seed * 1_000 + step + 1);
            let store = open(&disk).unwrap();
            if store.manifest(root).is_ok() {
                let mut all = shards.iter().map(|shard| (shard.stripe, shard.index));
                assert_eq!(store.lost(root, &mut all).unwrap(), []);
            } else {
                assert_eq!(disk.all_names(), [PathBuf::from("/store")], "nothing takes up room");
            }
        }
    }
}

#[test]
fn rotten_shards_are_told_and_repaired() {
    let (_, manifest, shards) = dataset(5_000);
    let root = manifest.root();
    let disk = SimulatedDisk::default();
    take(&disk, &mut Confirmed::default()).unwrap();
    let mut store = open(&disk).unwrap();
    let folder = PathBuf::from("/store").join(hex_name(root));
    for bit in [0, 47, 48, 303, 5_000, 8_000] {
        disk.rot(&folder.join("00000001-0002"), bit);
        let error = store.shard(root, 1, 2).unwrap_err();
        assert!(matches!(error, StoreError::DamagedShard { stripe: 1, index: 2, .. }), "{error}");
        let mut all = shards.iter().map(|shard| (shard.stripe, shard.index));
        assert_eq!(store.lost(root, &mut all).unwrap(), [(1, 2)]);
        let repaired = repair(&manifest, &mut Stored { store: &store, root }, 1, 2).unwrap();
        store.put(root, repaired).unwrap();
        assert!(store.shard(root, 1, 2).unwrap().is_some());
    }
    // A shard under the name of another is damage too.
    let bytes = store.shard(root, 0, 1).unwrap().unwrap().shard().encode();
    disk::Disk::write(&disk, &folder.join("00000001-0003"), &[&bytes]).unwrap();
    assert!(matches!(store.shard(root, 1, 3), Err(StoreError::DamagedShard { .. })));
    // A damaged manifest is reported, and can be added again.
    disk.rot(&folder.join("manifest"), 100);
    let mut store = open(&disk).unwrap();
    assert_eq!(store.datasets(), [root]);
    assert!(matches!(store.shard(root, 0, 0), Err(StoreError::DamagedManifest { .. })));
    store.add(manifest).unwrap();
    assert!(store.shard(root, 0, 0).unwrap().is_some());
}

#[test]
fn stores_refuse_what_is_wrong() {
    let (_, manifest, shards) = dataset(5_000);
    let (_, other, others) = dataset(5_001);
    let (root, other_root) = (manifest.root(), other.root());
    let disk = SimulatedDisk::default();
    let stores: [Box<dyn ShardStore>; 2] =
        [Box::new(open(&disk).unwrap()), Box::new(MemoryStore::default())];
    for mut store in stores {
        let missing = store.put(root, shards[0].clone());
        assert!(matches!(missing, Err(StoreError::NoDataset { .. })));
        store.add(manifest.clone()).unwrap();
        store.add(other.clone()).unwrap();
        let mut roots = vec![root, other_root];
        roots.sort_unstable();
        assert_eq!(store.datasets(), roots);
        let swapped = store.put(root, others[7].clone());
        assert!(matches!(swapped, Err(StoreError::Shard(_))), "{swapped:?}");
        store.put(root, shards[7].clone()).unwrap();
        assert_eq!(store.shard(root, 1, 3).unwrap().unwrap().shard(), &shards[7]);
        assert!(store.shard(other_root, 1, 3).unwrap().is_none());
        assert!(store.shard(root, 9, 9).unwrap().is_none());
        let place = |leaf| Place { stripe: 1, shard: 3, leaf };
        let opening = store.open_leaf(root, place(0)).unwrap().unwrap();
        assert_eq!(crate::verify_opening(manifest.commitment(), &opening), Ok(()));
        assert!(matches!(store.open_leaf(root, place(1)), Err(StoreError::Opening(_))));
        assert!(store.open_leaf(other_root, place(0)).unwrap().is_none());
        store.remove(root).unwrap();
        assert!(matches!(store.remove(root), Err(StoreError::NoDataset { .. })));
        assert!(matches!(store.shard(root, 1, 3), Err(StoreError::NoDataset { .. })));
        assert_eq!(store.datasets(), [other_root]);
    }
}

#[test]
fn a_real_folder_keeps_shards() {
    let folder = tempfile::tempdir().unwrap();
    let (data, manifest, _) = dataset(20_000);
    let root = manifest.root();
    let mut store = FileStore::open(folder.path()).unwrap();
    assert!(matches!(FileStore::open(folder.path()), Err(StoreError::Locked)));
    let coding = manifest.commitment().coding();
    assert_eq!(store.publish(data.as_slice(), coding).unwrap(), manifest);
    assert_eq!(store.publish(data.as_slice(), coding).unwrap(), manifest, "once more is no harm");
    drop(store);
    std::fs::create_dir(folder.path().join("incoming")).unwrap();
    std::fs::write(folder.path().join("incoming").join("00000000-0000"), "x").unwrap();
    std::fs::write(folder.path().join("NOTES"), "kept").unwrap();
    let mut store = FileStore::open(folder.path()).unwrap();
    assert!(!folder.path().join("incoming").exists());
    let mut output = Vec::new();
    decode(&manifest, &mut Stored { store: &store, root }, &mut output).unwrap();
    assert_eq!(output, data);
    let name = folder.path().join(hex_name(root)).join("00000006-0003");
    let mut bytes = std::fs::read(&name).unwrap();
    bytes.push(0);
    std::fs::write(&name, &bytes).unwrap();
    assert!(matches!(store.shard(root, 6, 3), Err(StoreError::DamagedShard { .. })));
    store.remove(root).unwrap();
    assert!(!folder.path().join(hex_name(root)).exists());
    assert!(folder.path().join("NOTES").exists());
}

fn hex_name(root: B256) -> String {
    alloy_primitives::hex::encode(root)
}
