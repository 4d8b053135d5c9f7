use alloc::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, U256};
use revm::{Database, bytecode::Bytecode, state::AccountInfo};

use crate::InvalidOverride;

/// Accounts that differ from the state in one call, as `eth_call` takes them.
pub type StateOverrides = BTreeMap<Address, AccountOverride>;

/// What differs in an account; whatever is none stays.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct AccountOverride {
    /// The balance in wei.
    pub balance: Option<U256>,
    /// The nonce.
    pub nonce: Option<u64>,
    /// The code. What begins with `0xef01` must be a delegation (EIP-7702).
    pub code: Option<Bytes>,
    /// The whole storage, by slot: what is not in it is zero.
    pub storage: Option<BTreeMap<U256, U256>>,
    /// Slots that differ from the storage, or from the one above.
    pub slots: BTreeMap<U256, U256>,
}

/// A state in which some accounts are others.
#[derive(Debug)]
pub(crate) struct OverriddenState<'a, DB> {
    state: &'a mut DB,
    overrides: &'a StateOverrides,
    codes: BTreeMap<Address, Bytecode>,
}

impl<'a, DB> OverriddenState<'a, DB> {
    pub(crate) fn new(
        state: &'a mut DB,
        overrides: &'a StateOverrides,
    ) -> Result<Self, InvalidOverride> {
        let codes = overrides.iter().filter_map(|(address, account)| {
            let code = Bytecode::new_raw_checked(account.code.clone()?);
            let code = code.map_err(|error| InvalidOverride { address: *address, error });
            Some(code.map(|code| (*address, code)))
        });
        Ok(Self { state, overrides, codes: codes.collect::<Result<_, _>>()? })
    }
}

impl<DB: Database> Database for OverriddenState<'_, DB> {
    type Error = DB::Error;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, DB::Error> {
        let account = self.state.basic(address)?;
        let Some(other) = self.overrides.get(&address) else { return Ok(account) };
        let mut account = account.unwrap_or_default();
        account.balance = other.balance.unwrap_or(account.balance);
        account.nonce = other.nonce.unwrap_or(account.nonce);
        Ok(Some(match self.codes.get(&address) {
            Some(code) => account.with_code(code.clone()),
            None => account,
        }))
    }

    fn code_by_hash(&mut self, code_hash: B256) -> Result<Bytecode, DB::Error> {
        self.state.code_by_hash(code_hash)
    }

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, DB::Error> {
        let Some(other) = self.overrides.get(&address) else {
            return self.state.storage(address, slot);
        };
        match (other.slots.get(&slot), &other.storage) {
            (Some(value), _) => Ok(*value),
            (None, Some(storage)) => Ok(storage.get(&slot).copied().unwrap_or_default()),
            (None, None) => self.state.storage(address, slot),
        }
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, DB::Error> {
        self.state.block_hash(number)
    }
}
