use std::collections::BTreeMap;

use alloy_primitives::{B256, Bytes, U256, keccak256};
use alloy_rlp::Decodable;
use alloy_trie::{EMPTY_ROOT_HASH, TrieAccount};

use crate::{
    AccountChange, Changes, StateError,
    backend::{Table, Transaction},
    references,
    trie::{Trie, Written, write},
};

/// A state that a block makes of another one, and what of it is new. Nothing of it is stored before
/// its block is.
#[derive(Clone, Debug)]
pub struct Prepared {
    pub(crate) parent: B256,
    pub(crate) root: B256,
    pub(crate) nodes: Written,
    pub(crate) codes: BTreeMap<B256, Bytes>,
}

impl Prepared {
    /// Returns the root, which the header of the block shows.
    #[must_use]
    pub const fn root(&self) -> B256 {
        self.root
    }

    /// Makes the state of `changes` above the one of a root.
    pub(crate) fn new(
        transaction: &impl Transaction,
        parent: B256,
        changes: &Changes,
    ) -> Result<Self, StateError> {
        for (expected, code) in &changes.codes {
            let got = keccak256(code);
            if got != *expected {
                return Err(StateError::Code { expected: *expected, got });
            }
        }
        let load = |hash: &B256| references::read(transaction, Table::Nodes, hash);
        let mut nodes = Written::new();
        let mut accounts = Trie::new(parent, &load);
        for (address, change) in &changes.accounts {
            let key = keccak256(address);
            let Some(account) = change.account else {
                accounts.remove(&key)?;
                continue;
            };
            let before = accounts.get(&key)?;
            let account = TrieAccount {
                nonce: account.nonce,
                balance: account.balance,
                storage_root: storage(before.as_deref(), change, &load, &mut nodes)?,
                code_hash: account.code_hash,
            };
            accounts.insert(&key, alloy_rlp::encode(account))?;
        }
        let root = write(&accounts.into_root(), &mut nodes);
        Ok(Self { parent, root, nodes, codes: changes.codes.clone() })
    }
}

/// The root of an account's storage after a change.
fn storage(
    before: Option<&[u8]>,
    change: &AccountChange,
    load: &dyn Fn(&B256) -> Result<Vec<u8>, StateError>,
    nodes: &mut Written,
) -> Result<B256, StateError> {
    let before = before.filter(|_| !change.clears_storage);
    let root =
        before.map_or(Ok(EMPTY_ROOT_HASH), |bytes| account(bytes).map(|a| a.storage_root))?;
    if change.slots.is_empty() {
        return Ok(root);
    }
    let mut slots = Trie::new(root, load);
    for (slot, value) in &change.slots {
        let key = keccak256(slot.to_be_bytes::<32>());
        if *value == U256::ZERO {
            slots.remove(&key)?;
        } else {
            slots.insert(&key, alloy_rlp::encode(value))?;
        }
    }
    Ok(write(&slots.into_root(), nodes))
}

/// Reads an account of a trie.
pub(crate) fn account(mut bytes: &[u8]) -> Result<TrieAccount, StateError> {
    TrieAccount::decode(&mut bytes)
        .map_err(|error| StateError::Malformed { what: "an account", error })
}
