//! Snapshots come back, and broken ones do not.

use lazvm_state::{Changes, Memory, StateError, StateStore, Store};
use proptest::prelude::*;

use crate::chain::{Model, chains, extend, history};

fn exported(chain: &[Changes]) -> (Store<Memory>, Model, Vec<u8>) {
    let store = Store::open(Memory::default(), history(2)).unwrap();
    let mut model = Model::default();
    for changes in chain {
        model.apply(changes);
        extend(&store, changes).unwrap();
    }
    let mut bytes = Vec::new();
    store.export(&mut bytes).unwrap();
    (store, model, bytes)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_snapshot_comes_back_and_goes_on(chain in chains(6), more in chains(4)) {
        let (store, mut model, bytes) = exported(&chain);
        let head = store.head().unwrap().unwrap();
        let other = Store::open(Memory::default(), history(2)).unwrap();
        other.import(bytes.as_slice(), head.root).unwrap();
        prop_assert_eq!(other.head().unwrap(), Some(head));
        model.check(&other, head.root);
        other.verify().unwrap();
        // Counts are right: blocks go on and are pruned as where the snapshot is from.
        for changes in &more {
            model.apply(changes);
            prop_assert_eq!(extend(&other, changes).unwrap(), model.root());
            prop_assert_eq!(extend(&store, changes).unwrap(), model.root());
            other.verify().unwrap();
        }
        let (mut left, mut right) = (Vec::new(), Vec::new());
        store.export(&mut left).unwrap();
        other.export(&mut right).unwrap();
        prop_assert_eq!(left, right);
    }

    #[test]
    fn a_changed_snapshot_is_refused(chain in chains(5), place in any::<prop::sample::Index>(), bit in 0..8) {
        let (store, _, bytes) = exported(&chain);
        let head = store.head().unwrap().unwrap();
        let mut changed = bytes.clone();
        changed[place.index(bytes.len())] ^= 1_u8 << bit;
        let other = Store::open(Memory::default(), history(2)).unwrap();
        match other.import(changed.as_slice(), head.root) {
            // The block beside its root is the host's to check.
            Ok(block) => prop_assert!(block != store.block(head.number).unwrap() && block.root == head.root),
            Err(_) => prop_assert_eq!(other.head().unwrap(), None),
        }
        let cut = &bytes[..place.index(bytes.len())];
        prop_assert!(other.head().unwrap().is_some() || other.import(cut, head.root).is_err());
        let mut long = bytes;
        long.push(0);
        let other = Store::open(Memory::default(), history(2)).unwrap();
        prop_assert!(other.import(long.as_slice(), head.root).is_err());
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let store = Store::open(Memory::default(), history(2)).unwrap();
        let bytes = [b"lazvm-snapshot/1".as_slice(), &bytes].concat();
        prop_assert!(store.import(bytes.as_slice(), Default::default()).is_err());
    }
}

#[test]
fn a_claim_of_gigabytes_takes_no_memory() {
    let store = Store::open(Memory::default(), history(2)).unwrap();
    let bytes = [b"lazvm-snapshot/1".as_slice(), &[0xff; 4]].concat();
    let error = store.import(bytes.as_slice(), Default::default()).unwrap_err();
    assert!(matches!(error, StateError::Snapshot { .. }), "{error}");
}

#[test]
fn a_store_that_holds_something_takes_no_snapshot() {
    let (store, _, bytes) = exported(&[Changes::default()]);
    let root = store.head().unwrap().unwrap().root;
    let error = store.import(bytes.as_slice(), root).unwrap_err();
    assert!(matches!(error, StateError::NotEmpty { head: 0 }), "{error}");
}
