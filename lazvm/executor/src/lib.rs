#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod admission;
mod bytes;
mod devices;
mod execution;
mod executor;
mod genesis;
mod journal;
mod open_blocks;
mod payload;
mod pool;
mod pool_error;
mod receipt;
mod receipts;
mod replay;
mod rules;
mod snapshot;
mod state;
mod store;
mod transaction;
#[cfg(feature = "test-utils")]
mod wallet;
mod world;

#[cfg(feature = "test-utils")]
pub use self::wallet::{TransactionRequest, Wallet, WalletError};
pub use self::{
    devices::Devices,
    executor::{LazVmExecutor, Status},
    genesis::{Genesis, GenesisAccount, GenesisError, SPEC},
    journal::JournalError,
    payload::{MAX_TRANSACTIONS, PayloadError},
    pool_error::PoolError,
    receipt::{MAX_OUTPUT_BYTES, Receipt},
    replay::{OpenError, Opened},
    snapshot::SnapshotError,
    store::StoreError,
    transaction::{MAX_TRANSACTION_BYTES, SignedTransaction, TransactionError},
};
