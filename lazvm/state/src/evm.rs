use std::sync::Arc;

use alloy_primitives::{Address, B256, U256};
use lazvm::revm::{
    DatabaseRef,
    bytecode::Bytecode,
    context::DBErrorMarker,
    database::{AccountStatus, BundleState},
    state::AccountInfo,
};

use crate::{Account, AccountChange, Changes, StateError, StateStore};

/// The state of a root, as the EVM reads it.
#[derive(Clone, Debug)]
pub struct StateAt<S> {
    store: Arc<S>,
    root: B256,
}

impl<S> StateAt<S> {
    /// Reads the state of `root` in a store.
    pub const fn new(store: Arc<S>, root: B256) -> Self {
        Self { store, root }
    }
}

impl DBErrorMarker for StateError {}

impl<S: StateStore> DatabaseRef for StateAt<S> {
    type Error = StateError;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        let account = self.store.account(self.root, address)?;
        Ok(account.map(|account| AccountInfo {
            nonce: account.nonce,
            balance: account.balance,
            code_hash: account.code_hash,
            ..AccountInfo::default()
        }))
    }

    fn code_by_hash_ref(&self, code_hash: B256) -> Result<Bytecode, StateError> {
        Ok(Bytecode::new_raw(self.store.code(code_hash)?))
    }

    fn storage_ref(&self, address: Address, index: U256) -> Result<U256, StateError> {
        self.store.storage(self.root, address, index)
    }

    /// A block that is not kept has no hash here, as on Ethereum one that is 256 blocks back.
    fn block_hash_ref(&self, number: u64) -> Result<B256, StateError> {
        match self.store.block(number) {
            Ok(block) => Ok(block.hash),
            Err(StateError::Block { .. }) => Ok(B256::ZERO),
            Err(error) => Err(error),
        }
    }
}

impl From<&BundleState> for Changes {
    fn from(bundle: &BundleState) -> Self {
        let mut changes = Self::default();
        // What is collected is in the order of addresses.
        #[allow(clippy::iter_over_hash_type, reason = "the order is lost in a map that has one")]
        for (address, account) in &bundle.state {
            let slots = account.storage.iter();
            let change = AccountChange {
                account: account.info.as_ref().map(|info| Account {
                    nonce: info.nonce,
                    balance: info.balance,
                    code_hash: info.code_hash,
                }),
                clears_storage: matches!(
                    account.status,
                    AccountStatus::Destroyed
                        | AccountStatus::DestroyedAgain
                        | AccountStatus::DestroyedChanged
                ),
                slots: slots.map(|(slot, value)| (*slot, value.present_value)).collect(),
            };
            changes.accounts.insert(*address, change);
        }
        let codes = bundle.contracts.iter();
        changes.codes = codes.map(|(hash, code)| (*hash, code.original_bytes())).collect();
        changes
    }
}
