//! Roots, history, branches.

use alloy_primitives::{B256, Bytes, U256, keccak256};
use alloy_trie::EMPTY_ROOT_HASH;
use lazvm_state::{Account, Block, Changes, Durable, Memory, StateError, StateStore, Store, Table};
use proptest::prelude::*;

use crate::chain::{Model, address, chains, extend, extend_as, history};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Each root is that of a full recomputation, and each kept one reads whole, whatever was
    /// pruned.
    #[test]
    fn roots_are_those_of_a_recomputation(chain in chains(14), kept in 1_u64..5) {
        let store = Store::open(Memory::default(), history(kept)).unwrap();
        let mut states = vec![];
        let mut model = Model::default();
        for changes in &chain {
            model.apply(changes);
            let root = extend(&store, changes).unwrap();
            prop_assert_eq!(root, model.root());
            states.push((root, model.clone()));
            let first = states.len().saturating_sub(kept as usize);
            for (root, model) in &states[first..] {
                model.check(&store, *root);
            }
            store.verify().unwrap();
        }
        let last = chain.len() as u64 - 1;
        prop_assert_eq!(store.range().unwrap(), Some((last.saturating_sub(kept - 1), last)));
    }

    /// When no root is kept that needs it, nothing is kept: the counts are exact.
    #[test]
    fn nothing_is_left_behind(chain in chains(10)) {
        let store = Store::open(Memory::default(), history(1)).unwrap();
        let mut model = Model::default();
        for changes in &chain {
            model.apply(changes);
            extend(&store, changes).unwrap();
        }
        // The same state in another store has as many nodes, codes and counts.
        let other = imported(&store);
        prop_assert_eq!(sizes(&store), sizes(&other));
        let codes: Vec<_> = chain.iter().flat_map(|changes| changes.codes.keys()).collect();
        // Empty the state, and nothing can be read of what was.
        let mut none = Changes::default();
        for address in model.0.keys() {
            none.accounts.insert(*address, Default::default());
        }
        let before = store.head().unwrap().unwrap().root;
        prop_assert_eq!(extend(&store, &none).unwrap(), EMPTY_ROOT_HASH);
        if before != EMPTY_ROOT_HASH {
            let missing = matches!(store.account(before, address(1)), Err(StateError::Missing { .. }));
            prop_assert!(missing);
            for code in codes {
                let missing = matches!(store.code(*code), Err(StateError::Missing { .. }));
                prop_assert!(missing);
            }
        }
    }

    /// The same where blocks were taken back in between, and states forgotten.
    #[test]
    fn nothing_is_left_behind_by_branches(chain in chains(12), back in prop::collection::vec(0..4_u64, 12), kept in 1_u64..4) {
        let store = Store::open(Memory::default(), history(kept)).unwrap();
        let mut models = vec![Model::default()];
        for (branch, (changes, back)) in (0..).zip(chain.iter().zip(&back)) {
            if let Some((first, last)) = store.range().unwrap() {
                let to = last.saturating_sub(*back).max(first);
                store.unwind(to).unwrap();
                models.truncate(to as usize + 2);
            }
            let mut model = models[models.len() - 1].clone();
            model.apply(changes);
            let root = extend_as(&store, changes, branch).unwrap();
            prop_assert_eq!(root, model.root());
            model.check(&store, root);
            store.verify().unwrap();
            models.push(model);
        }
        // What is stale goes with the last state that needs it.
        for _ in 0..kept {
            extend_as(&store, &Changes::default(), 99).unwrap();
        }
        prop_assert_eq!(sizes(&store), sizes(&imported(&store)));
    }

    /// A branch that is taken back leaves the state as it was.
    #[test]
    fn an_unwound_branch_leaves_no_trace(chain in chains(6), branch in chains(5)) {
        let store = Store::open(Memory::default(), history(64)).unwrap();
        let mut model = Model::default();
        for changes in &chain {
            model.apply(changes);
            extend(&store, changes).unwrap();
        }
        let head = store.head().unwrap().unwrap();
        for changes in &branch {
            extend_as(&store, changes, 1).unwrap();
        }
        store.unwind(head.number).unwrap();
        prop_assert_eq!(store.head().unwrap(), Some(head));
        model.check(&store, head.root);
        store.verify().unwrap();
        for changes in &branch {
            model.apply(changes);
            prop_assert_eq!(extend_as(&store, changes, 2).unwrap(), model.root());
        }
    }
}

/// A store with the last state of another one, and no more.
fn imported(store: &Store<Memory>) -> Store<Memory> {
    let mut bytes = Vec::new();
    store.export(&mut bytes).unwrap();
    let other = Store::open(Memory::default(), history(1)).unwrap();
    other.import(bytes.as_slice(), store.head().unwrap().unwrap().root).unwrap();
    other
}

fn sizes(store: &Store<Memory>) -> [usize; 3] {
    [Table::Nodes, Table::Codes, Table::Counts].map(|table| store.backend().len(table))
}

fn some() -> Changes {
    let mut changes = Changes::default();
    let account =
        Account { nonce: 1, balance: U256::from(2), code_hash: alloy_primitives::KECCAK256_EMPTY };
    let change = lazvm_state::AccountChange { account: Some(account), ..Default::default() };
    changes.accounts.insert(address(1), change);
    changes
}

#[test]
fn only_the_next_block_is_taken() {
    let store = Store::open(Memory::default(), history(4)).unwrap();
    let root = extend(&store, &some()).unwrap();
    let head = store.head().unwrap().unwrap();
    let prepared = store.prepare(root, &some()).unwrap();
    let good = Block {
        number: 1,
        hash: B256::repeat_byte(1),
        parent: head.hash,
        root: prepared.root(),
        ..Block::default()
    };
    for bad in [
        Block { number: 2, ..good.clone() },
        Block { number: 0, ..good.clone() },
        Block { parent: B256::ZERO, ..good.clone() },
        Block { root: B256::ZERO, ..good.clone() },
    ] {
        let error = store.commit(&bad, &prepared).unwrap_err();
        assert!(matches!(error, StateError::NotNext { head_number: 0, .. }), "{error}");
    }
    let other = store.prepare(EMPTY_ROOT_HASH, &some()).unwrap();
    assert!(store.commit(&good, &other).is_err());
    store.commit(&good, &prepared).unwrap();
}

#[test]
fn a_code_has_its_own_hash() {
    let store = Store::open(Memory::default(), history(4)).unwrap();
    let mut changes = some();
    let expected = keccak256("one");
    changes.codes.insert(expected, Bytes::from_static(b"two"));
    let error = store.prepare(EMPTY_ROOT_HASH, &changes).unwrap_err();
    assert!(matches!(error, StateError::Code { .. }), "{error}");
}

#[test]
fn a_file_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let open = || Store::open(Durable::open(&path).unwrap(), history(4)).unwrap();
    let root = extend(&open(), &some()).unwrap();
    let store = open();
    assert_eq!(store.head().unwrap().unwrap().root, root);
    assert_eq!(store.account(root, address(1)).unwrap().unwrap().nonce, 1);
    drop(store);
    std::fs::write(&path, b"something else that is no database of any version, and long enough")
        .unwrap();
    assert!(matches!(Durable::open(&path), Err(StateError::Database(_))));
}
