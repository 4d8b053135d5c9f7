use core::convert::Infallible;
use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, keccak256, map::AddressMap};
use alloy_trie::{
    TrieAccount,
    root::{state_root_unhashed, storage_root_unhashed},
};
use lazvm::revm::{
    Database, DatabaseCommit,
    bytecode::{Bytecode, BytecodeDecodeError},
    state::{Account as Change, AccountInfo},
};

/// All accounts of the chain, in memory. A clone shares them, so a block above another one costs
/// a pointer for each account, what it changes, and the storage of each account of which it changes
/// a slot, once.
#[derive(Clone, Debug, Default)]
pub(crate) struct World {
    accounts: BTreeMap<Address, Arc<Account>>,
    codes: BTreeMap<B256, Bytecode>,
    /// The digests of the last [`RECENT_BLOCKS`] blocks, by height.
    recent: BTreeMap<u64, B256>,
}

/// An account that is not empty.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) nonce: u64,
    pub(crate) balance: U256,
    pub(crate) code_hash: B256,
    /// Slots that are not zero; shared with the account as it was, as long as none has changed.
    pub(crate) storage: Arc<BTreeMap<U256, U256>>,
    /// The root of `storage`, computed when it is asked for.
    root: OnceLock<B256>,
}

impl World {
    pub(crate) fn account(&self, address: &Address) -> Option<&Account> {
        self.accounts.get(address).map(Arc::as_ref)
    }

    pub(crate) fn accounts(&self) -> impl ExactSizeIterator<Item = (&Address, &Account)> {
        self.accounts.iter().map(|(address, account)| (address, account.as_ref()))
    }

    pub(crate) fn codes(&self) -> impl ExactSizeIterator<Item = &Bytecode> {
        self.codes.values()
    }

    pub(crate) fn insert(&mut self, address: Address, account: Account) {
        self.accounts.insert(address, Arc::new(account));
    }

    /// Adds code that is read from bytes, wherever they come from: a delegation (EIP-7702) is one
    /// in a state that was written and read again, too.
    pub(crate) fn insert_code(&mut self, code: Bytes) -> Result<B256, BytecodeDecodeError> {
        Ok(self.keep_code(Bytecode::new_raw_checked(code)?))
    }

    fn keep_code(&mut self, code: Bytecode) -> B256 {
        let hash = code.hash_slow();
        if hash != KECCAK256_EMPTY {
            self.codes.insert(hash, code);
        }
        hash
    }

    /// Remembers the digest of a block for `BLOCKHASH`.
    pub(crate) fn remember(&mut self, height: u64, digest: B256) {
        self.recent.insert(height, digest);
        while self.recent.len() > RECENT_BLOCKS {
            self.recent.pop_first();
        }
    }

    /// Ethereum's state root.
    pub(crate) fn root(&self) -> B256 {
        state_root_unhashed(self.accounts.iter().map(|(address, account)| {
            let trie = TrieAccount {
                nonce: account.nonce,
                balance: account.balance,
                storage_root: account.storage_root(),
                code_hash: account.code_hash,
            };
            (*address, trie)
        }))
    }
}

impl Account {
    pub(crate) fn new(
        nonce: u64,
        balance: U256,
        code_hash: B256,
        storage: BTreeMap<U256, U256>,
    ) -> Self {
        Self { nonce, balance, code_hash, storage: Arc::new(storage), root: OnceLock::new() }
    }

    fn storage_root(&self) -> B256 {
        *self.root.get_or_init(|| {
            storage_root_unhashed(
                self.storage.iter().map(|(slot, value)| (B256::from(*slot), *value)),
            )
        })
    }
}

impl Database for World {
    type Error = Infallible;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, Infallible> {
        Ok(self.account(&address).map(|account| AccountInfo {
            nonce: account.nonce,
            balance: account.balance,
            code_hash: account.code_hash,
            code: None,
            ..AccountInfo::default()
        }))
    }

    fn code_by_hash(&mut self, code_hash: B256) -> Result<Bytecode, Infallible> {
        Ok(self.codes.get(&code_hash).cloned().unwrap_or_default())
    }

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, Infallible> {
        let account = self.account(&address);
        Ok(account.and_then(|account| account.storage.get(&slot)).copied().unwrap_or_default())
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, Infallible> {
        Ok(self.recent.get(&number).copied().unwrap_or_default())
    }
}

impl DatabaseCommit for World {
    #[expect(
        clippy::iter_over_hash_type,
        reason = "the order does not matter: each change is about a key of its own"
    )]
    fn commit(&mut self, changes: AddressMap<Change>) {
        for (address, change) in changes {
            if !change.is_touched() {
                continue;
            }
            // Empty accounts are not kept (EIP-161).
            if change.is_selfdestructed() || change.is_empty() {
                self.accounts.remove(&address);
                continue;
            }
            let created = change.is_created();
            let AccountInfo { balance, nonce, code_hash, .. } = change.info;
            if let Some(code) = &change.info.code {
                self.keep_code(code.clone());
            }
            let new = || Arc::new(Account::new(nonce, balance, code_hash, BTreeMap::new()));
            let account = self.accounts.entry(address).or_insert_with(new);
            if created {
                *account = new();
            }
            // In place, unless another state has the account or its storage too.
            let account = Arc::make_mut(account);
            (account.nonce, account.balance, account.code_hash) = (nonce, balance, code_hash);
            let mut slots = change.changed_storage_slots().peekable();
            if slots.peek().is_none() {
                continue;
            }
            account.root = OnceLock::new();
            let storage = Arc::make_mut(&mut account.storage);
            for (slot, value) in slots {
                if value.present_value.is_zero() {
                    storage.remove(slot);
                } else {
                    storage.insert(*slot, value.present_value);
                }
            }
        }
    }
}

/// What `PREVRANDAO` tells. It is no secret: whoever knows the parent knows it.
pub(crate) fn randomness(parent: B256, height: u64) -> B256 {
    let mut bytes = b"lazvm/randomness/1".to_vec();
    bytes.extend_from_slice(parent.as_slice());
    bytes.extend_from_slice(&height.to_be_bytes());
    keccak256(bytes)
}

/// As many as `BLOCKHASH` looks back.
pub(crate) const RECENT_BLOCKS: usize = 256;

#[cfg(test)]
mod tests {
    use core::ptr;

    use lazvm::revm::state::{EvmStorageSlot, TransactionId};

    use super::*;

    const ACCOUNT: Address = Address::repeat_byte(7);

    fn word(value: u64) -> U256 {
        U256::from(value)
    }

    /// What a transaction does that leaves `balance` and sets one slot, or none.
    fn change(balance: u64, slot: Option<(u64, u64)>) -> AddressMap<Change> {
        let info = AccountInfo { balance: word(balance), nonce: 1, ..AccountInfo::default() };
        let slots = slot.into_iter().map(|(slot, value)| {
            let (before, value) = (word(u64::from(value == 0)), word(value));
            (word(slot), EvmStorageSlot::new_changed(before, value, TransactionId::ZERO))
        });
        let change = Change::default().with_info(info).with_storage(slots).with_touched_mark();
        [(ACCOUNT, change)].into_iter().collect()
    }

    #[test]
    fn a_block_copies_a_storage_once_and_only_to_change_it() {
        let storage = |slots: &[u64]| slots.iter().map(|slot| (word(*slot), word(1))).collect();
        let account = |balance, slots: &[u64]| {
            Account::new(1, word(balance), KECCAK256_EMPTY, storage(slots))
        };
        let mut parent = World::default();
        parent.insert(ACCOUNT, account(9, &[1, 2, 3]));
        let root = parent.root();
        let place = |world: &World, slot| {
            ptr::from_ref(world.account(&ACCOUNT).unwrap().storage.get(&word(slot)).unwrap())
        };

        let mut block = parent.clone();
        block.commit(change(8, None));
        assert_eq!(place(&block, 1), place(&parent, 1));
        block.commit(change(8, Some((4, 1))));
        let first = place(&block, 1);
        assert_ne!(first, place(&parent, 1));
        block.commit(change(7, Some((5, 1))));
        block.commit(change(6, Some((4, 0))));
        block.commit(change(5, None));
        assert_eq!(place(&block, 1), first);

        // The state is the one that it would be otherwise, and the parent is as it was.
        let mut expected = World::default();
        expected.insert(ACCOUNT, account(5, &[1, 2, 3, 5]));
        assert_eq!(block.root(), expected.root());
        assert_eq!(parent.clone().root(), root);
        let account = parent.account(&ACCOUNT).unwrap();
        assert_eq!((account.balance, account.storage.len()), (word(9), 3));
    }
}
