use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, U256};

use crate::Account;

/// What a block changes.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Changes {
    /// By account.
    pub accounts: BTreeMap<Address, AccountChange>,
    /// Codes that are new, by their hash.
    pub codes: BTreeMap<B256, Bytes>,
}

/// What a block changes of an account.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct AccountChange {
    /// What it is afterwards; nothing, if it is gone.
    pub account: Option<Account>,
    /// Whether the storage that it had is gone, before `slots` are written.
    pub clears_storage: bool,
    /// Values of slots afterwards; zeros are not kept.
    pub slots: BTreeMap<U256, U256>,
}
