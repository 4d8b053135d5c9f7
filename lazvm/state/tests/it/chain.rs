//! Random chains, and what their states are by a full recomputation.

use core::num::NonZeroU64;
use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, keccak256};
use alloy_trie::{
    EMPTY_ROOT_HASH, TrieAccount,
    root::{state_root_unhashed, storage_root_unhashed},
};
use lazvm_state::{Account, AccountChange, Backend, Block, Changes, StateError, StateStore, Store};
use proptest::prelude::*;

/// A whole state, in plain maps.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Model(pub(crate) BTreeMap<Address, (Account, BTreeMap<U256, U256>)>);

impl Model {
    pub(crate) fn apply(&mut self, changes: &Changes) {
        for (address, change) in &changes.accounts {
            let Some(account) = change.account else {
                self.0.remove(address);
                continue;
            };
            let entry = self.0.entry(*address).or_insert((account, BTreeMap::new()));
            entry.0 = account;
            if change.clears_storage {
                entry.1.clear();
            }
            for (slot, value) in &change.slots {
                match *value {
                    U256::ZERO => entry.1.remove(slot),
                    value => entry.1.insert(*slot, value),
                };
            }
        }
    }

    pub(crate) fn root(&self) -> B256 {
        if self.0.is_empty() {
            return EMPTY_ROOT_HASH;
        }
        state_root_unhashed(self.0.iter().map(|(address, (account, slots))| {
            let slots = slots.iter().map(|(slot, value)| (B256::from(*slot), *value));
            let account = TrieAccount {
                nonce: account.nonce,
                balance: account.balance,
                storage_root: storage_root_unhashed(slots),
                code_hash: account.code_hash,
            };
            (*address, account)
        }))
    }

    /// Checks that a store reads the same at a root.
    pub(crate) fn check<B: Backend>(&self, store: &Store<B>, root: B256) {
        for number in 0..ACCOUNTS {
            let address = address(number);
            let expected = self.0.get(&address);
            let got = store.account(root, address).unwrap();
            assert_eq!(got, expected.map(|(account, _)| *account), "{address}");
            for slot in 0..SLOTS {
                let slot = U256::from(slot);
                let expected = expected.and_then(|(_, slots)| slots.get(&slot)).copied();
                let got = store.storage(root, address, slot).unwrap();
                assert_eq!(got, expected.unwrap_or_default(), "{address} {slot}");
            }
            if let Some((account, _)) = expected {
                assert_eq!(keccak256(store.code(account.code_hash).unwrap()), account.code_hash);
            }
        }
    }
}

pub(crate) const ACCOUNTS: u8 = 24;
pub(crate) const SLOTS: u8 = 12;

pub(crate) const fn address(number: u8) -> Address {
    Address::repeat_byte(number)
}

pub(crate) const fn history(blocks: u64) -> NonZeroU64 {
    NonZeroU64::new(blocks).unwrap()
}

/// What some blocks change: accounts that come, go, come back, share codes and clear their storage.
pub(crate) fn chains(blocks: usize) -> impl Strategy<Value = Vec<Changes>> {
    let slots = prop::collection::btree_map(0..SLOTS, 0..4_u64, 0..6);
    let change =
        (0..6_u8, 0..3_u8, any::<bool>(), slots).prop_map(|(kind, code, clears, slots)| {
            let code = Bytes::from(vec![code; usize::from(code)]);
            let code_hash = if code.is_empty() { KECCAK256_EMPTY } else { keccak256(&code) };
            let account = Account { nonce: kind.into(), balance: U256::from(kind), code_hash };
            let slots =
                slots.into_iter().map(|(slot, value)| (U256::from(slot), U256::from(value)));
            let is_there = kind > 0;
            let change = AccountChange {
                account: is_there.then_some(account),
                clears_storage: clears || !is_there,
                slots: if is_there { slots.collect() } else { BTreeMap::new() },
            };
            (change, (code_hash, code))
        });
    let block = prop::collection::btree_map(0..ACCOUNTS, change, 0..8).prop_map(|changed| {
        let mut changes = Changes::default();
        for (number, (change, (hash, code))) in changed {
            changes.accounts.insert(address(number), change);
            if !code.is_empty() {
                changes.codes.insert(hash, code);
            }
        }
        changes
    });
    prop::collection::vec(block, 1..blocks)
}

/// Commits one more block, and returns its root.
pub(crate) fn extend<B: Backend>(store: &Store<B>, changes: &Changes) -> Result<B256, StateError> {
    extend_as(store, changes, 0)
}

/// The same on another branch.
pub(crate) fn extend_as<B: Backend>(
    store: &Store<B>,
    changes: &Changes,
    branch: u8,
) -> Result<B256, StateError> {
    let head = store.head()?;
    let (number, parent, below) = head
        .map_or((0, B256::ZERO, EMPTY_ROOT_HASH), |head| (head.number + 1, head.hash, head.root));
    let prepared = store.prepare(below, changes)?;
    let root = prepared.root();
    let hash = keccak256([&number.to_be_bytes()[..], &[branch]].concat());
    store.commit(&Block { number, hash, parent, root, ..Block::default() }, &prepared)?;
    Ok(root)
}
