use alloy_primitives::{B256, U256};

/// An account, without its storage.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Account {
    /// Transactions that it has sent, or contracts that it has made.
    pub nonce: u64,
    /// Wei.
    pub balance: U256,
    /// The hash of its code; that of nothing, without code.
    pub code_hash: B256,
}
