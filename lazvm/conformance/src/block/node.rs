use core::convert::Infallible;
use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, U256};
use lazvm::revm::{
    Database,
    bytecode::Bytecode,
    database::{CacheState, State},
    state::AccountInfo,
};
use lazvm_blocks::Ancestor;

/// A block that was accepted, with the state behind it.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) block: Ancestor,
    pub(super) state: CacheState,
    /// The difficulties of this block and of all before it.
    pub(super) work: U256,
}

/// The hashes of the blocks below another one; every account lies in the cache above it.
#[derive(Clone, Debug, Default)]
pub(super) struct Hashes(pub(super) BTreeMap<u64, B256>);

impl Database for Hashes {
    type Error = Infallible;

    fn basic(&mut self, _: Address) -> Result<Option<AccountInfo>, Infallible> {
        Ok(None)
    }

    fn code_by_hash(&mut self, _: B256) -> Result<Bytecode, Infallible> {
        Ok(Bytecode::default())
    }

    fn storage(&mut self, _: Address, _: U256) -> Result<U256, Infallible> {
        Ok(U256::ZERO)
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, Infallible> {
        Ok(self.0.get(&number).copied().unwrap_or_default())
    }
}

/// The state of a node as a block above it is executed on.
pub(super) fn above(node: &Node, hashes: Hashes) -> State<Hashes> {
    State::builder()
        .with_database(hashes)
        .with_cached_prestate(node.state.clone())
        .with_bundle_update()
        .build()
}
