//! LazVM as what executes the blocks of the chain: transactions in, a state root out, and a state that survives a crash.

mod bytes;
mod device;
mod execution;
mod genesis;
mod journal;
mod lazvm;
mod open_blocks;
mod payload;
mod pool;
mod receipt;
mod receipts;
mod replay;
mod snapshot;
mod state;
mod store;
mod transaction;
mod world;

pub use self::{
    bytes::ReadError,
    device::{DeviceError, Devices, storyteller},
    genesis::{Genesis, GenesisAccount},
    journal::JournalError,
    lazvm::{LazVmExecutor, Status},
    payload::{MAX_TRANSACTIONS, PayloadError},
    pool::PoolError,
    receipt::Receipt,
    replay::{OpenError, Opened},
    snapshot::SnapshotError,
    store::StoreError,
    transaction::{MAX_TRANSACTION_BYTES, SignedTransaction, TransactionError},
};
