//! Disks that are full, and pages that are not what they were.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::{fs, io, sync::Arc};

use alloy_primitives::{U256, keccak256};
use lazvm_state::{
    Account, AccountChange, Backend, Changes, Durable, StateError, StateStore, Store, Table,
    Transaction,
    redb::{StorageBackend, backends::InMemoryBackend},
};

use crate::chain::{address, extend, history};

/// A disk with room for so many writes.
#[derive(Debug)]
struct Disk {
    inner: InMemoryBackend,
    left: Arc<AtomicU64>,
}

impl Disk {
    fn take(&self) -> Result<(), io::Error> {
        let taken = self.left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1));
        taken.map(drop).map_err(|_| io::Error::from(io::ErrorKind::StorageFull))
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> Result<u64, io::Error> {
        self.inner.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), io::Error> {
        self.inner.read(offset, out)
    }

    fn set_len(&self, len: u64) -> Result<(), io::Error> {
        self.take()?;
        self.inner.set_len(len)
    }

    fn sync_data(&self) -> Result<(), io::Error> {
        self.take()?;
        self.inner.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), io::Error> {
        self.take()?;
        self.inner.write(offset, data)
    }
}

fn changes(number: u64) -> Changes {
    let mut changes = Changes::default();
    for account in 0..16 {
        let account_of = Account {
            nonce: number,
            balance: U256::from(number),
            code_hash: alloy_primitives::KECCAK256_EMPTY,
        };
        let slots = (0..4).map(|slot| (U256::from(slot), U256::from(number + 1))).collect();
        let change = AccountChange { account: Some(account_of), clears_storage: false, slots };
        changes.accounts.insert(address(account), change);
    }
    changes
}

/// A commit that fails changes nothing, and what was committed stays readable.
#[test]
fn a_full_disk_is_an_error_and_nothing_is_lost() {
    for room in 0..60 {
        let left = Arc::new(AtomicU64::new(1_000_000));
        let disk = Disk { inner: InMemoryBackend::new(), left: Arc::clone(&left) };
        let store = Store::open(Durable::with_backend(disk).unwrap(), history(8)).unwrap();
        let root = extend(&store, &changes(1)).unwrap();
        left.store(room, Relaxed);
        let mut head = 0;
        let error = loop {
            match extend(&store, &changes(head + 2)) {
                Ok(_) => head += 1,
                Err(error) => break error,
            }
        };
        assert!(matches!(error, StateError::Database(_)), "{error}");
        // The database may refuse to go on after it, but what it reads is right.
        match store.account(root, address(3)) {
            Ok(account) => assert_eq!(account.unwrap().nonce, 1, "{room}"),
            Err(error) => assert!(matches!(error, StateError::Database(_)), "{error}"),
        }
    }
}

/// A node that is not what it is called is named; what does not need it is read.
#[test]
fn a_changed_node_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let durable = Durable::open(folder.path().join("state")).unwrap();
    let store = Store::open(durable, history(8)).unwrap();
    let root = extend(&store, &changes(1)).unwrap();
    let proof = store.proof(root, address(3), &[]).unwrap();
    let leaf = keccak256(proof.nodes.last().unwrap());
    let mut writer = store.backend().writer().unwrap();
    writer.put(Table::Nodes, leaf.as_slice(), b"another").unwrap();
    writer.commit().unwrap();
    let error = store.account(root, address(3)).unwrap_err();
    assert!(matches!(error, StateError::Corrupt { expected, .. } if expected == leaf), "{error}");
    assert!(matches!(store.verify(), Err(StateError::Corrupt { .. })));
    assert_eq!(store.account(root, address(4)).unwrap().unwrap().nonce, 1);
}

/// The root is looked at when a store is opened.
#[test]
fn a_store_with_a_broken_root_is_not_opened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let store = Store::open(Durable::open(&path).unwrap(), history(8)).unwrap();
    let root = extend(&store, &changes(1)).unwrap();
    drop(store);
    let durable = Durable::open(&path).unwrap();
    let mut writer = durable.writer().unwrap();
    let mut node = writer.get(Table::Nodes, root.as_slice()).unwrap().unwrap();
    let last = node.len() - 1;
    node[last] ^= 1;
    writer.put(Table::Nodes, root.as_slice(), &node).unwrap();
    writer.commit().unwrap();
    let error = Store::open(durable, history(8)).unwrap_err();
    assert!(matches!(error, StateError::Corrupt { expected, .. } if expected == root), "{error}");
}

/// A file that was cut, or of which a page was lost, gives errors and no wrong answer.
#[test]
fn a_torn_file_gives_no_wrong_answer() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let mut roots = Vec::new();
    {
        let store = Store::open(Durable::open(&path).unwrap(), history(64)).unwrap();
        for number in 1..6 {
            roots.push(extend(&store, &changes(number)).unwrap());
        }
    }
    let whole = fs::read(&path).unwrap();
    let torn = folder.path().join("torn");
    for step in 1..24 {
        let place = whole.len() * step / 24;
        let mut bytes = whole.clone();
        if step % 2 == 0 {
            bytes.truncate(place);
        } else {
            let end = (place + 4_096).min(bytes.len());
            bytes[place..end].fill(0);
        }
        fs::write(&torn, &bytes).unwrap();
        let read = || {
            let store = Store::open(Durable::open(&torn)?, history(64))?;
            let accounts = roots.iter().map(|root| store.account(*root, address(3)));
            Ok::<_, StateError>(accounts.collect::<Vec<_>>())
        };
        let Ok(accounts) = read() else { continue };
        for (number, account) in
            (1..).zip(accounts).filter_map(|(number, got)| Some((number, got.ok()?)))
        {
            assert_eq!(account.unwrap().nonce, number, "{step}");
        }
    }
}
