//! Where bytes are kept.

mod durable;
mod memory;

pub use durable::{Durable, DurableReader, DurableWriter};
pub use memory::{Memory, MemoryTransaction};

use crate::StateError;

/// What bytes are kept by.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Table {
    /// Blocks by number.
    Blocks,
    /// Filters of the logs of blocks by number.
    Blooms,
    /// Codes by hash.
    Codes,
    /// How often the last state names a node or a code.
    Counts,
    /// What each block has changed of the counts.
    Journals,
    /// Facts about the store itself.
    Meta,
    /// Nodes of tries by hash.
    Nodes,
}

impl Table {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Blocks,
        Self::Blooms,
        Self::Codes,
        Self::Counts,
        Self::Journals,
        Self::Meta,
        Self::Nodes,
    ];
}

/// Keeps bytes, all of a transaction or none of it.
pub trait Backend: Send + Sync {
    /// What reads, and sees one state of all tables.
    type Reader<'a>: Transaction
    where
        Self: 'a;
    /// What writes. Dropped, it has changed nothing.
    type Writer<'a>: Transaction
    where
        Self: 'a;

    /// Begins to read.
    ///
    /// # Errors
    /// [`StateError`] if the file fails.
    fn reader(&self) -> Result<Self::Reader<'_>, StateError>;

    /// Begins to write; waits for another writer.
    ///
    /// # Errors
    /// [`StateError`] if the file fails.
    fn writer(&self) -> Result<Self::Writer<'_>, StateError>;
}

/// Reads, and in a writer writes, bytes.
pub trait Transaction {
    /// Returns the bytes of a key.
    ///
    /// # Errors
    /// [`StateError`] if the file fails.
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StateError>;

    /// Writes the bytes of a key; in a reader, nothing.
    ///
    /// # Errors
    /// [`StateError`] if the file fails.
    fn put(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<(), StateError>;

    /// Deletes a key; in a reader, nothing.
    ///
    /// # Errors
    /// [`StateError`] if the file fails.
    fn delete(&mut self, table: Table, key: &[u8]) -> Result<(), StateError>;

    /// Ends the transaction: what was written is durable when this returns.
    ///
    /// # Errors
    /// [`StateError`] if the file fails; then nothing was written.
    fn commit(self) -> Result<(), StateError>;
}
