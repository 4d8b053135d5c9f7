use alloy_primitives::{Address, B256, Bytes, U256};

use crate::{Account, AccountProof, Block, Changes, Filter, FoundLog, Head, Prepared, StateError};

/// A chain's states: what a host of blocks reads and writes.
///
/// Every method fails with [`StateError`] if the database fails, or if what is asked for is not
/// kept.
#[allow(clippy::missing_errors_doc, reason = "said once, for all")]
pub trait StateStore {
    /// Returns the last block; none before the first.
    fn head(&self) -> Result<Option<Head>, StateError>;

    /// Returns an account of the state of a root.
    fn account(&self, root: B256, address: Address) -> Result<Option<Account>, StateError>;

    /// Returns the value of a slot in the state of a root.
    fn storage(&self, root: B256, address: Address, slot: U256) -> Result<U256, StateError>;

    /// Returns a code by its hash.
    fn code(&self, hash: B256) -> Result<Bytes, StateError>;

    /// Proves an account and some of its slots by a root.
    fn proof(
        &self,
        root: B256,
        address: Address,
        slots: &[U256],
    ) -> Result<AccountProof, StateError>;

    /// Returns a block of the chain that is kept.
    fn block(&self, number: u64) -> Result<Block, StateError>;

    /// Returns the logs that a filter asks for, in their order, from blocks that are kept.
    fn logs(&self, filter: &Filter) -> Result<Vec<FoundLog>, StateError>;

    /// Makes the state of `changes` above the one of a root. Nothing is stored.
    fn prepare(&self, parent: B256, changes: &Changes) -> Result<Prepared, StateError>;

    /// Stores a block with the state that it makes, at once: it is durable when this returns.
    fn commit(&self, block: &Block, prepared: &Prepared) -> Result<(), StateError>;

    /// Takes back the blocks above `number`, which is kept.
    fn unwind(&self, number: u64) -> Result<(), StateError>;
}
