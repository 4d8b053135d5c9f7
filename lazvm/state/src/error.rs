use alloy_primitives::B256;
use thiserror::Error;

/// Why a state cannot be read or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StateError {
    /// The disk or its file fails; what was committed before stays as it was.
    #[error("the database fails: {0}")]
    Database(Box<redb::Error>),
    /// A page of the file is not as it was written; what lies on others can be read.
    #[error(
        "a page of the database is not as it was written: restore a backup, or import a snapshot"
    )]
    Page,
    /// What is stored under a hash has another one.
    #[error("the database is corrupt: what is stored as {expected} has the hash {got}")]
    Corrupt {
        /// The hash by which it was asked for.
        expected: B256,
        /// That of what was found.
        got: B256,
    },
    /// What is stored cannot be read.
    #[error("the database is corrupt: {what} cannot be decoded: {error}")]
    Malformed {
        /// What.
        what: &'static str,
        /// Why.
        error: alloy_rlp::Error,
    },
    /// A root, or what belongs to it, is not kept any more, or was never known.
    #[error("{hash} is not in the database: its block is older than the history, or unknown")]
    Missing {
        /// The hash of the node, the code or the root.
        hash: B256,
    },
    /// A block does not follow the last one.
    #[error("block {number} above {parent} does not follow block {head_number}, {head}")]
    NotNext {
        /// The block.
        number: u64,
        /// The parent that it names.
        parent: B256,
        /// The last block.
        head_number: u64,
        /// Its hash.
        head: B256,
    },
    /// A code has another hash than it is said to have.
    #[error("a code with the hash {got} is said to have {expected}")]
    Code {
        /// What it is said to be.
        expected: B256,
        /// What it is.
        got: B256,
    },
    /// A block is not kept.
    #[error("block {number} is not kept; the blocks from {first} to {last} are")]
    Block {
        /// The block.
        number: u64,
        /// The first that is kept.
        first: u64,
        /// The last one.
        last: u64,
    },
    /// Another version, or another program, wrote the file.
    #[error(
        "the database has version {got}, expected {expected}: export a snapshot with that version"
    )]
    Version {
        /// What this version writes.
        expected: u64,
        /// What is there.
        got: u64,
    },
    /// A snapshot holds something else than it says.
    #[error("the snapshot is invalid: {what}")]
    Snapshot {
        /// What is wrong.
        what: &'static str,
    },
    /// A snapshot cannot be read or written.
    #[error("the snapshot: {0}")]
    Io(#[from] std::io::Error),
    /// A snapshot is imported into a store that holds something.
    #[error("a snapshot is imported into an empty store, and this one holds block {head}")]
    NotEmpty {
        /// Its last block.
        head: u64,
    },
}

macro_rules! from_database {
    ($($error:ident)*) => {$(
        impl From<redb::$error> for StateError {
            fn from(error: redb::$error) -> Self {
                Self::Database(Box::new(error.into()))
            }
        }
    )*};
}

from_database!(CommitError DatabaseError StorageError TableError TransactionError);
