use core::num::NonZeroU64;

use alloy_primitives::{Address, B256, Bloom, Bytes, U256, keccak256};
use alloy_rlp::Encodable;
use alloy_trie::{EMPTY_ROOT_HASH, KECCAK_EMPTY};

use crate::{
    Account, AccountProof, Block, Changes, Filter, FoundLog, Head, Prepared, StateError,
    StateStore,
    backend::{Backend, Table, Transaction},
    prepared, proof, references, stored,
    trie::{Child, Trie, children, parse},
};

/// The states of the last blocks of a chain, over a [`Backend`].
#[derive(Debug)]
pub struct Store<B> {
    backend: B,
    /// How many blocks are kept.
    history: NonZeroU64,
}

impl<B: Backend> Store<B> {
    /// Opens a store that keeps the last `history` blocks, and checks that the root of the last one
    /// is there and is what it says.
    ///
    /// # Errors
    /// [`StateError::Version`] for a file of another version, [`StateError::Corrupt`] or
    /// [`StateError::Missing`] if the root is broken.
    pub fn open(backend: B, history: NonZeroU64) -> Result<Self, StateError> {
        let store = Self { backend, history };
        let mut writer = store.backend.writer()?;
        match number(&writer, VERSION_KEY)? {
            None => {
                writer.put(Table::Meta, VERSION_KEY, &VERSION.to_be_bytes())?;
                writer.commit()?;
            }
            Some(VERSION) => drop(writer),
            Some(got) => return Err(StateError::Version { expected: VERSION, got }),
        }
        if let Some(head) = store.head()?
            && head.root != EMPTY_ROOT_HASH
        {
            stored::read(&store.backend.reader()?, Table::Nodes, &head.root)?;
        }
        Ok(store)
    }

    /// Returns the first and the last block that are kept.
    ///
    /// # Errors
    /// [`StateError`] if the database fails.
    pub fn range(&self) -> Result<Option<(u64, u64)>, StateError> {
        range(&self.backend.reader()?)
    }

    /// Reads everything that the last state names, and checks each hash. It takes as long as the
    /// state is large.
    ///
    /// # Errors
    /// [`StateError`] for the first thing that is broken or missing.
    pub fn verify(&self) -> Result<(), StateError> {
        let Some(head) = self.head()? else { return Ok(()) };
        let reader = self.backend.reader()?;
        let mut open = vec![Child::Node(head.root)];
        while let Some(child) = open.pop() {
            match child {
                Child::Node(EMPTY_ROOT_HASH) => {}
                Child::Node(hash) => {
                    let bytes = stored::read(&reader, Table::Nodes, &hash)?;
                    open.extend(children(&parse(&bytes)?)?);
                }
                Child::Code(hash) => drop(stored::read(&reader, Table::Codes, &hash)?),
            }
        }
        Ok(())
    }

    /// Returns where the bytes are.
    pub const fn backend(&self) -> &B {
        &self.backend
    }

    fn value(&self, root: B256, key: B256) -> Result<Option<Vec<u8>>, StateError> {
        let reader = self.backend.reader()?;
        let load = |hash: &B256| stored::read(&reader, Table::Nodes, hash);
        Trie::new(root, &load).get(&key)
    }
}

impl<B: Backend> StateStore for Store<B> {
    fn head(&self) -> Result<Option<Head>, StateError> {
        let reader = self.backend.reader()?;
        let Some((_, last)) = range(&reader)? else { return Ok(None) };
        Ok(Some(block(&reader, last)?.head()))
    }

    fn account(&self, root: B256, address: Address) -> Result<Option<Account>, StateError> {
        let Some(bytes) = self.value(root, keccak256(address))? else { return Ok(None) };
        let account = prepared::account(&bytes)?;
        let (nonce, balance, code_hash) = (account.nonce, account.balance, account.code_hash);
        Ok(Some(Account { nonce, balance, code_hash }))
    }

    fn storage(&self, root: B256, address: Address, slot: U256) -> Result<U256, StateError> {
        let Some(bytes) = self.value(root, keccak256(address))? else { return Ok(U256::ZERO) };
        let storage = prepared::account(&bytes)?.storage_root;
        let value = self.value(storage, keccak256(slot.to_be_bytes::<32>()))?;
        proof::slot_value(value.as_deref())
    }

    fn code(&self, hash: B256) -> Result<Bytes, StateError> {
        if hash == KECCAK_EMPTY {
            return Ok(Bytes::new());
        }
        let reader = self.backend.reader()?;
        stored::read(&reader, Table::Codes, &hash).map(Into::into)
    }

    fn proof(
        &self,
        root: B256,
        address: Address,
        slots: &[U256],
    ) -> Result<AccountProof, StateError> {
        proof::prove(&self.backend.reader()?, root, address, slots)
    }

    fn block(&self, number: u64) -> Result<Block, StateError> {
        block(&self.backend.reader()?, number)
    }

    fn logs(&self, filter: &Filter) -> Result<Vec<FoundLog>, StateError> {
        let reader = self.backend.reader()?;
        let mut found = Vec::new();
        let Some((first, last)) = range(&reader)? else { return Ok(found) };
        // What is not kept is not passed over in silence.
        let (start, end) = (*filter.blocks.start(), *filter.blocks.end());
        if start < first {
            return Err(StateError::Block { number: start, first, last });
        }
        for number in start..=end.min(last) {
            let bloom = reader.get(Table::Blooms, &number.to_be_bytes())?.unwrap_or_default();
            let bloom = Bloom::try_from(bloom.as_slice()).unwrap_or(Bloom::repeat_byte(0xff));
            if filter.may_match(&bloom) {
                filter.collect(block(&reader, number)?, &mut found);
            }
        }
        Ok(found)
    }

    fn prepare(&self, parent: B256, changes: &Changes) -> Result<Prepared, StateError> {
        Prepared::new(&self.backend.reader()?, parent, changes)
    }

    fn commit(&self, block: &Block, prepared: &Prepared) -> Result<(), StateError> {
        let mut writer = self.backend.writer()?;
        let kept = range(&writer)?;
        let mut first = block.number;
        if let Some((oldest, last)) = kept {
            let head = self::block(&writer, last)?;
            let follows = last.checked_add(1) == Some(block.number) && head.hash == block.parent;
            if !follows || prepared.parent != head.root || prepared.root != block.root {
                return Err(StateError::NotNext {
                    number: block.number,
                    parent: block.parent,
                    head_number: last,
                    head: head.hash,
                });
            }
            first = oldest;
        }
        references::apply(&mut writer, block.number, prepared)?;
        let key = block.number.to_be_bytes();
        let mut bytes = Vec::new();
        block.encode(&mut bytes);
        writer.put(Table::Blocks, &key, &bytes)?;
        writer.put(Table::Blooms, &key, block.bloom().as_slice())?;
        let keep_from = (block.number + 1).saturating_sub(self.history.get());
        while first < keep_from {
            forget(&mut writer, first)?;
            first += 1;
            references::settle(&mut writer, first)?;
        }
        set_range(&mut writer, Some((first, block.number)))?;
        writer.commit()
    }

    fn unwind(&self, number: u64) -> Result<(), StateError> {
        let mut writer = self.backend.writer()?;
        let kept = range(&writer)?;
        let Some((first, last)) = kept.filter(|(first, last)| (*first..=*last).contains(&number))
        else {
            let (first, last) = kept.unwrap_or_default();
            return Err(StateError::Block { number, first, last });
        };
        for above in (number + 1..=last).rev() {
            references::take_back(&mut writer, above, first)?;
            forget(&mut writer, above)?;
        }
        set_range(&mut writer, Some((first, number)))?;
        writer.commit()
    }
}

/// Deletes a block.
fn forget(writer: &mut impl Transaction, number: u64) -> Result<(), StateError> {
    writer.delete(Table::Blocks, &number.to_be_bytes())?;
    writer.delete(Table::Blooms, &number.to_be_bytes())
}

fn block(transaction: &impl Transaction, number: u64) -> Result<Block, StateError> {
    match transaction.get(Table::Blocks, &number.to_be_bytes())? {
        Some(bytes) => Block::read(&bytes),
        None => {
            let (first, last) = range(transaction)?.unwrap_or_default();
            Err(StateError::Block { number, first, last })
        }
    }
}

fn range(transaction: &impl Transaction) -> Result<Option<(u64, u64)>, StateError> {
    Ok(number(transaction, FIRST_KEY)?.zip(number(transaction, LAST_KEY)?))
}

pub(crate) fn set_range(
    writer: &mut impl Transaction,
    range: Option<(u64, u64)>,
) -> Result<(), StateError> {
    let Some((first, last)) = range else { return Ok(()) };
    writer.put(Table::Meta, FIRST_KEY, &first.to_be_bytes())?;
    writer.put(Table::Meta, LAST_KEY, &last.to_be_bytes())
}

fn number(transaction: &impl Transaction, key: &[u8]) -> Result<Option<u64>, StateError> {
    let bytes = transaction.get(Table::Meta, key)?;
    Ok(bytes.and_then(|bytes| bytes.try_into().ok()).map(u64::from_be_bytes))
}

/// What this version writes.
const VERSION: u64 = 1;
const VERSION_KEY: &[u8] = b"version";
const FIRST_KEY: &[u8] = b"first";
const LAST_KEY: &[u8] = b"last";
