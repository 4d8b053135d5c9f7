use alloc::{collections::BTreeMap, vec::Vec};

use alloy_primitives::{Address, Bytes, Log};
use lazai_api_types::Fault;

/// The part of a chain's state that precompiles read and write: accounts with code, and logs.
///
/// What a call writes must be undone with the frame of the call, and with every frame around it
/// that reverts.
pub trait ChainState {
    /// Returns the nonce and the code of an account; an account that is not there has neither.
    ///
    /// # Errors
    /// [`Fault`] if the state cannot be read.
    fn account(&mut self, address: Address) -> Result<CodeAccount, Fault>;

    /// Sets the code of an account that has none, and leaves its nonce and its balance as they are.
    ///
    /// # Errors
    /// [`Fault`] if the state cannot be written.
    fn set_code(&mut self, address: Address, code: Bytes) -> Result<(), Fault>;

    /// Adds a log to those of the transaction.
    fn log(&mut self, log: Log);
}

/// An account, as far as precompiles ask.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct CodeAccount {
    /// Transactions and contracts that the account made.
    pub nonce: u64,
    /// The code of the account.
    pub code: Bytes,
}

/// A state in memory, for hosts without an EVM. Nothing is ever undone.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct MemoryState {
    /// The accounts.
    pub accounts: BTreeMap<Address, CodeAccount>,
    /// The logs, in order.
    pub logs: Vec<Log>,
}

impl ChainState for MemoryState {
    fn account(&mut self, address: Address) -> Result<CodeAccount, Fault> {
        Ok(self.accounts.get(&address).cloned().unwrap_or_default())
    }

    fn set_code(&mut self, address: Address, code: Bytes) -> Result<(), Fault> {
        self.accounts.entry(address).or_default().code = code;
        Ok(())
    }

    fn log(&mut self, log: Log) {
        self.logs.push(log);
    }
}
