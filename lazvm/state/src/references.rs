//! How long nodes and codes are kept.
//!
//! Of each the store counts how often the last state names it, a node as often as the tree of all
//! accounts and storages comes by it. A block changes these counts along the paths that it changes,
//! and no others. What is named no more is stale from that block on, and is deleted when the last
//! state is forgotten that still needs it. A block's journal holds the counts as they were, by
//! which it is taken back.

use alloy_primitives::B256;

use crate::{
    StateError,
    backend::{Table, Transaction},
    prepared::Prepared,
    trie::Child,
};

/// How often something is named by the last state, and if it is not, since which block.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Count {
    names: u64,
    stale_since: u64,
}

impl Count {
    /// Of what is not stored.
    const NEW: Self = Self { names: 0, stale_since: u64::MAX };

    fn to_bytes(self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.names.to_be_bytes());
        bytes[8..].copy_from_slice(&self.stale_since.to_be_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (names, rest) = bytes.split_first_chunk()?;
        let stale_since = u64::from_be_bytes(*rest.first_chunk()?);
        Some(Self { names: u64::from_be_bytes(*names), stale_since })
    }
}

/// Counts what a block changes, and stores what is new.
pub(crate) fn apply(
    writer: &mut impl Transaction,
    number: u64,
    prepared: &Prepared,
) -> Result<(), StateError> {
    let mut journal = Vec::new();
    for (child, change) in &prepared.names {
        if *change == 0 {
            continue;
        }
        let (table, hash) = place(*child);
        let before = count(writer, *child)?;
        let names = before.names.checked_add_signed(*change);
        let names = names.ok_or(StateError::Missing { hash })?;
        if before == Count::NEW {
            let new = match child {
                Child::Node(_) => prepared.nodes.get(&hash).map(Vec::as_slice),
                Child::Code(_) => prepared.codes.get(&hash).map(AsRef::as_ref),
            };
            writer.put(table, hash.as_slice(), new.ok_or(StateError::Missing { hash })?)?;
        }
        let stale_since = if names == 0 { number } else { u64::MAX };
        put(writer, *child, Count { names, stale_since })?;
        journal.extend_from_slice(&key(*child));
        journal.extend_from_slice(&before.to_bytes());
    }
    writer.put(Table::Journals, &number.to_be_bytes(), &journal)
}

/// Deletes what only states below block `number` needed, and that it could be taken back.
pub(crate) fn settle(writer: &mut impl Transaction, number: u64) -> Result<(), StateError> {
    for (child, _) in journal(writer, number)? {
        let count = count(writer, child)?;
        if count.names == 0 && count.stale_since == number {
            delete(writer, child)?;
        }
    }
    writer.delete(Table::Journals, &number.to_be_bytes())
}

/// Takes block `number` back; states below block `first` are forgotten.
pub(crate) fn take_back(
    writer: &mut impl Transaction,
    number: u64,
    first: u64,
) -> Result<(), StateError> {
    for (child, before) in journal(writer, number)? {
        if before.names == 0 && (before == Count::NEW || before.stale_since <= first) {
            delete(writer, child)?;
        } else {
            put(writer, child, before)?;
        }
    }
    writer.delete(Table::Journals, &number.to_be_bytes())
}

/// Stores what a snapshot names once more.
pub(crate) fn add(
    writer: &mut impl Transaction,
    child: Child,
    bytes: &[u8],
) -> Result<(), StateError> {
    let before = count(writer, child)?;
    if before == Count::NEW {
        let (table, hash) = place(child);
        writer.put(table, hash.as_slice(), bytes)?;
    }
    let names = before.names.saturating_add(1);
    put(writer, child, Count { names, stale_since: u64::MAX })
}

/// What a block has changed, as it was before.
fn journal(transaction: &impl Transaction, number: u64) -> Result<Vec<(Child, Count)>, StateError> {
    let bytes = transaction.get(Table::Journals, &number.to_be_bytes())?.unwrap_or_default();
    let entries = bytes.chunks(ENTRY_BYTES).map(|entry| {
        let (kind, rest) = entry.split_first()?;
        let (hash, rest) = rest.split_first_chunk::<32>()?;
        let hash = B256::from(*hash);
        let child = if *kind == CODE { Child::Code(hash) } else { Child::Node(hash) };
        Some((child, Count::from_bytes(rest)?))
    });
    entries.collect::<Option<_>>().ok_or(SHORT)
}

fn count(transaction: &impl Transaction, child: Child) -> Result<Count, StateError> {
    match transaction.get(Table::Counts, &key(child))? {
        Some(bytes) => Count::from_bytes(&bytes).ok_or(SHORT),
        None => Ok(Count::NEW),
    }
}

fn put(writer: &mut impl Transaction, child: Child, count: Count) -> Result<(), StateError> {
    writer.put(Table::Counts, &key(child), &count.to_bytes())
}

fn delete(writer: &mut impl Transaction, child: Child) -> Result<(), StateError> {
    let (table, hash) = place(child);
    writer.delete(table, hash.as_slice())?;
    writer.delete(Table::Counts, &key(child))
}

const fn place(child: Child) -> (Table, B256) {
    match child {
        Child::Node(hash) => (Table::Nodes, hash),
        Child::Code(hash) => (Table::Codes, hash),
    }
}

/// A code may have the bytes of a node, so a hash alone does not tell them apart.
fn key(child: Child) -> [u8; 33] {
    let (kind, hash) = match child {
        Child::Node(hash) => (NODE, hash),
        Child::Code(hash) => (CODE, hash),
    };
    let mut key = [kind; 33];
    key[1..].copy_from_slice(hash.as_slice());
    key
}

const NODE: u8 = 0;
const CODE: u8 = 1;

/// Bytes of a change in a journal: what is counted, and its count.
const ENTRY_BYTES: usize = 33 + 16;

const SHORT: StateError =
    StateError::Malformed { what: "a count", error: alloy_rlp::Error::InputTooShort };
