#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![deny(clippy::float_arithmetic, clippy::cast_possible_truncation, clippy::cast_sign_loss)]

#[cfg(panic = "abort")]
compile_error!(
    "lazvm-state catches panics, and `panic = \"abort\"` ends the process instead: a page that a disk has changed could stop this node"
);

mod account;
mod backend;
mod block;
mod changes;
mod error;
#[cfg(feature = "evm")]
mod evm;
mod filter;
mod prepared;
mod proof;
mod references;
mod snapshot;
mod state_store;
mod store;
mod stored;
mod trie;

pub use account::Account;
pub use backend::{
    Backend, Durable, DurableReader, DurableWriter, Memory, MemoryTransaction, Table, Transaction,
};
pub use block::{Block, Head};
pub use changes::{AccountChange, Changes};
pub use error::StateError;
#[cfg(feature = "evm")]
pub use evm::StateAt;
pub use filter::{Filter, FoundLog};
pub use prepared::Prepared;
pub use proof::{AccountProof, SlotProof};
pub use redb;
pub use state_store::StateStore;
pub use store::Store;
