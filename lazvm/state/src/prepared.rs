use std::collections::BTreeMap;

use alloy_primitives::{B256, Bytes, U256, keccak256};
use alloy_rlp::Decodable;
use alloy_trie::{EMPTY_ROOT_HASH, TrieAccount};

use crate::{
    AccountChange, Changes, StateError,
    backend::{Table, Transaction},
    stored,
    trie::{Child, Trie, Writing, Written, children, parse},
};

/// A state that a block makes of another one, and what of it is new. Nothing of it is stored before
/// its block is.
#[derive(Clone, Debug)]
pub struct Prepared {
    pub(crate) parent: B256,
    pub(crate) root: B256,
    pub(crate) nodes: Written,
    pub(crate) codes: BTreeMap<B256, Bytes>,
    /// How much more often what is named.
    pub(crate) names: BTreeMap<Child, i64>,
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
        let load = |hash: &B256| stored::read(transaction, Table::Nodes, hash);
        let mut making =
            Making { load: &load, writing: Writing::default(), names: BTreeMap::new() };
        let mut accounts = Trie::new(parent, &load);
        for (address, change) in &changes.accounts {
            let key = keccak256(address);
            let before = accounts.get(&key)?.as_deref().map(account).transpose()?;
            let mut root = before.map_or(EMPTY_ROOT_HASH, |account| account.storage_root);
            if change.clears_storage || change.account.is_none() {
                making.drop_storage(root)?;
                root = EMPTY_ROOT_HASH;
            }
            let Some(account) = change.account else {
                accounts.remove(&key)?;
                continue;
            };
            let account = TrieAccount {
                nonce: account.nonce,
                balance: account.balance,
                storage_root: making.storage(root, change)?,
                code_hash: account.code_hash,
            };
            accounts.insert(&key, alloy_rlp::encode(account))?;
        }
        let root = making.write(accounts)?;
        making.note(Child::Node(parent), -1);
        making.note(Child::Node(root), 1);
        let Making { writing, mut names, .. } = making;
        names.remove(&Child::Node(EMPTY_ROOT_HASH));
        Ok(Self { parent, root, nodes: writing.nodes, codes: changes.codes.clone(), names })
    }
}

/// A state that is being made.
struct Making<'a> {
    load: &'a dyn Fn(&B256) -> Result<Vec<u8>, StateError>,
    writing: Writing,
    names: BTreeMap<Child, i64>,
}

impl<'a> Making<'a> {
    fn note(&mut self, child: Child, change: i64) {
        *self.names.entry(child).or_default() += change;
    }

    /// Writes a trie, and notes what it names more and less than before.
    fn write(&mut self, trie: Trie<'a>) -> Result<B256, StateError> {
        let (root, replaced) = trie.into_parts();
        replaced.into_iter().for_each(|child| self.note(child, -1));
        let root = self.writing.write(&root)?;
        core::mem::take(&mut self.writing.names).into_iter().for_each(|child| self.note(child, 1));
        Ok(root)
    }

    /// The root of a storage after a change. Whose account it is names it.
    fn storage(&mut self, root: B256, change: &AccountChange) -> Result<B256, StateError> {
        if change.slots.is_empty() {
            return Ok(root);
        }
        let mut slots = Trie::new(root, self.load);
        for (slot, value) in &change.slots {
            let key = keccak256(slot.to_be_bytes::<32>());
            if *value == U256::ZERO {
                slots.remove(&key)?;
            } else {
                slots.insert(&key, alloy_rlp::encode(value))?;
            }
        }
        self.write(slots)
    }

    /// Notes that nothing below a root of a storage is named by it any more.
    fn drop_storage(&mut self, root: B256) -> Result<(), StateError> {
        let mut open = vec![root];
        while let Some(hash) = open.pop() {
            if hash == EMPTY_ROOT_HASH {
                continue;
            }
            for child in children(&parse(&(self.load)(&hash)?)?)? {
                self.note(child, -1);
                if let Child::Node(hash) = child {
                    open.push(hash);
                }
            }
        }
        Ok(())
    }
}

/// Reads an account of a trie.
pub(crate) fn account(mut bytes: &[u8]) -> Result<TrieAccount, StateError> {
    TrieAccount::decode(&mut bytes)
        .map_err(|error| StateError::Malformed { what: "an account", error })
}
