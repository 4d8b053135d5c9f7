use std::io::{Read, Write};

use alloy_primitives::{B256, keccak256};
use alloy_rlp::Encodable;
use alloy_trie::EMPTY_ROOT_HASH;

use crate::{
    Block, StateError, StateStore, Store,
    backend::{Backend, Table, Transaction},
    references,
    store::set_range,
    stored,
    trie::{Child, children, parse},
};

impl<B: Backend> Store<B> {
    /// Writes the last block and its whole state: each node and each code behind its length, a node
    /// before what it names. A reader that knows the root checks each as it comes.
    ///
    /// # Errors
    /// [`StateError::Io`] if `out` fails, [`StateError::Snapshot`] without a block.
    pub fn export(&self, mut out: impl Write) -> Result<(), StateError> {
        let head = self.head()?.ok_or(StateError::Snapshot { what: "there is no block" })?;
        let mut bytes = Vec::new();
        self.block(head.number)?.encode(&mut bytes);
        out.write_all(MAGIC)?;
        write(&mut out, &bytes)?;
        let reader = self.backend().reader()?;
        let mut open = roots(head.root);
        while let Some(child) = open.pop() {
            let (table, hash) = match child {
                Child::Node(hash) => (Table::Nodes, hash),
                Child::Code(hash) => (Table::Codes, hash),
            };
            let bytes = stored::read(&reader, table, &hash)?;
            write(&mut out, &bytes)?;
            if table == Table::Nodes {
                open.extend(children(&parse(&bytes)?)?);
            }
        }
        out.flush()?;
        Ok(())
    }

    /// Reads a snapshot into an empty store, and checks each part by the hash that one before
    /// names, from the root on. What is read before a part that is wrong is not kept.
    ///
    /// Whoever trusts the snapshot's block by its hash, trusts its state: `expected` is the root in
    /// the header of that block.
    ///
    /// # Errors
    /// [`StateError::NotEmpty`], [`StateError::Snapshot`] for a part that is no part of the state,
    /// [`StateError::Io`] if `from` fails or ends early.
    pub fn import(&self, mut from: impl Read, expected: B256) -> Result<Block, StateError> {
        if let Some(head) = self.head()? {
            return Err(StateError::NotEmpty { head: head.number });
        }
        let mut magic = [0; MAGIC.len()];
        from.read_exact(&mut magic)?;
        if magic != *MAGIC {
            return Err(StateError::Snapshot { what: "it is no snapshot of this version" });
        }
        let block = Block::read(&read(&mut from, MAX_BLOCK_BYTES)?)?;
        if block.root != expected {
            return Err(StateError::Snapshot { what: "it has another root than is expected" });
        }
        let mut writer = self.backend().writer()?;
        let mut open = roots(block.root);
        while let Some(child) = open.pop() {
            let (hash, max) = match child {
                Child::Node(hash) => (hash, MAX_NODE_BYTES),
                Child::Code(hash) => (hash, MAX_CODE_BYTES),
            };
            let bytes = read(&mut from, max)?;
            if keccak256(&bytes) != hash {
                return Err(StateError::Snapshot { what: "a part has another hash than its name" });
            }
            references::add(&mut writer, child, &bytes)?;
            if let Child::Node(_) = child {
                open.extend(children(&parse(&bytes)?)?);
            }
        }
        if from.read(&mut [0])? > 0 {
            return Err(StateError::Snapshot { what: "something is behind it" });
        }
        let mut bytes = Vec::new();
        block.encode(&mut bytes);
        writer.put(Table::Blocks, &block.number.to_be_bytes(), &bytes)?;
        writer.put(Table::Blooms, &block.number.to_be_bytes(), block.bloom().as_slice())?;
        set_range(&mut writer, Some((block.number, block.number)))?;
        writer.commit()?;
        Ok(block)
    }
}

fn roots(root: B256) -> Vec<Child> {
    if root == EMPTY_ROOT_HASH { Vec::new() } else { vec![Child::Node(root)] }
}

fn write(out: &mut impl Write, bytes: &[u8]) -> Result<(), StateError> {
    let length = u32::try_from(bytes.len());
    let length = length.map_err(|_| StateError::Snapshot { what: "a part is above 4 GiB" })?;
    out.write_all(&length.to_be_bytes())?;
    out.write_all(bytes)?;
    Ok(())
}

/// Reads a part of at most `max` bytes.
fn read(from: &mut impl Read, max: usize) -> Result<Vec<u8>, StateError> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if length > max {
        return Err(StateError::Snapshot { what: "a part is longer than any of its kind" });
    }
    // The memory grows with what comes, not with what is claimed.
    let mut bytes = Vec::new();
    from.by_ref().take(length as u64).read_to_end(&mut bytes)?;
    if bytes.len() < length {
        return Err(StateError::Snapshot { what: "it ends in the middle of a part" });
    }
    Ok(bytes)
}

/// How a snapshot of this version begins.
const MAGIC: &[u8; 16] = b"lazvm-snapshot/1";

/// Most bytes of a node: a branch of sixteen hashes, or a leaf with an account.
const MAX_NODE_BYTES: usize = 1 << 10;

/// Most bytes of a code; the limit of Ethereum and of chains with larger ones.
const MAX_CODE_BYTES: usize = 1 << 20;

/// Most bytes of a block with its receipts and logs.
const MAX_BLOCK_BYTES: usize = 64 << 20;
