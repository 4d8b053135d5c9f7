use alloy_primitives::{B256, keccak256};
use alloy_trie::EMPTY_ROOT_HASH;

use crate::{
    StateError,
    backend::{Table, Transaction},
    prepared::Prepared,
    trie::{Child, children, parse},
};

/// A node or a code is kept as long as a node or a root names it. Each is stored once, behind the
/// number of those that do, and names what it names once: so a root that is kept always reads whole,
/// whatever it shares with roots that are not.
const COUNT_BYTES: usize = 8;

/// Reads a node or a code of a table, without its count.
pub(crate) fn read(
    transaction: &impl Transaction,
    table: Table,
    hash: &B256,
) -> Result<Vec<u8>, StateError> {
    let mut bytes = stored(transaction, table, hash)?.1;
    bytes.drain(..COUNT_BYTES);
    Ok(bytes)
}

/// Adds a name of a root and, where it was not there, stores it with all that it names.
pub(crate) fn add_root(
    transaction: &mut impl Transaction,
    root: B256,
    prepared: &Prepared,
) -> Result<(), StateError> {
    if root == EMPTY_ROOT_HASH {
        return Ok(());
    }
    let mut open = vec![Child::Node(root)];
    while let Some(child) = open.pop() {
        let (table, hash) = place(child);
        if let Some(bytes) = transaction.get(table, hash.as_slice())? {
            let (count, bytes) = split(hash, bytes)?;
            put(transaction, table, &hash, count.saturating_add(1), &bytes[COUNT_BYTES..])?;
            continue;
        }
        let new = match child {
            Child::Node(_) => prepared.nodes.get(&hash).map(Vec::as_slice),
            Child::Code(_) => prepared.codes.get(&hash).map(|code| code.as_ref()),
        };
        let new = new.ok_or(StateError::Missing { hash })?;
        put(transaction, table, &hash, 1, new)?;
        if table == Table::Nodes {
            open.extend(children(&parse(new)?)?);
        }
    }
    Ok(())
}

/// Takes a name of a root away, and deletes what nothing names any more.
pub(crate) fn release_root(
    transaction: &mut impl Transaction,
    root: B256,
) -> Result<(), StateError> {
    if root == EMPTY_ROOT_HASH {
        return Ok(());
    }
    let mut open = vec![Child::Node(root)];
    while let Some(child) = open.pop() {
        let (table, hash) = place(child);
        let (count, bytes) = stored(transaction, table, &hash)?;
        let bytes = &bytes[COUNT_BYTES..];
        if count > 1 {
            put(transaction, table, &hash, count - 1, bytes)?;
            continue;
        }
        transaction.delete(table, hash.as_slice())?;
        if table == Table::Nodes {
            open.extend(children(&parse(bytes)?)?);
        }
    }
    Ok(())
}

/// Stores a node or a code that a snapshot holds, and returns whether it is new.
pub(crate) fn add_one(
    transaction: &mut impl Transaction,
    child: Child,
    bytes: &[u8],
) -> Result<bool, StateError> {
    let (table, hash) = place(child);
    let kept = transaction.get(table, hash.as_slice())?;
    let count = kept.map(|kept| split(hash, kept)).transpose()?.map_or(0, |(count, _)| count);
    put(transaction, table, &hash, count.saturating_add(1), bytes)?;
    Ok(count == 0)
}

const fn place(child: Child) -> (Table, B256) {
    match child {
        Child::Node(hash) => (Table::Nodes, hash),
        Child::Code(hash) => (Table::Codes, hash),
    }
}

fn stored(
    transaction: &impl Transaction,
    table: Table,
    hash: &B256,
) -> Result<(u64, Vec<u8>), StateError> {
    let bytes = transaction.get(table, hash.as_slice())?;
    split(*hash, bytes.ok_or(StateError::Missing { hash: *hash })?)
}

/// The count before the bytes, which must be those of the hash.
fn split(hash: B256, bytes: Vec<u8>) -> Result<(u64, Vec<u8>), StateError> {
    let rest = bytes.get(COUNT_BYTES..).unwrap_or_default();
    let got = keccak256(rest);
    match bytes.first_chunk() {
        Some(count) if got == hash => Ok((u64::from_be_bytes(*count), bytes)),
        _ => Err(StateError::Corrupt { expected: hash, got }),
    }
}

fn put(
    transaction: &mut impl Transaction,
    table: Table,
    hash: &B256,
    count: u64,
    bytes: &[u8],
) -> Result<(), StateError> {
    let value = [&count.to_be_bytes(), bytes].concat();
    transaction.put(table, hash.as_slice(), &value)
}
