use alloy_primitives::U256;

use crate::TransactionError;

/// Why a transaction does not wait for a block here.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PoolError {
    /// The sender does not own what its waiting transactions may cost together with this one.
    #[error("the sender's waiting transactions and this one may cost {needed} wei, it owns {got}")]
    Balance {
        /// What value and gas at the highest price cost, in wei.
        needed: U256,
        /// The balance, in wei.
        got: U256,
    },
    /// There is no room.
    #[error(
        "{max} transactions or bytes wait already that pay as much: pay more, or try again after the next block"
    )]
    Full {
        /// The limit reached.
        max: usize,
    },
    /// It may use more gas than a block has.
    #[error("the transaction may use {got} gas, a block has {max}")]
    GasLimit {
        /// Gas of a block.
        max: u64,
        /// Gas of the transaction.
        got: u64,
    },
    /// It creates a contract by too much code.
    #[error("the code that creates the contract has {got} bytes, at most {max} are run")]
    InitCode {
        /// The limit.
        max: usize,
        /// Bytes given.
        got: usize,
    },
    /// No block takes it, for another reason.
    #[error("no block takes the transaction: {reason}")]
    Invalid {
        /// The reason.
        reason: String,
    },
    /// Its nonce was used, or is too far ahead.
    #[error("the nonce is {got}, the sender's next one is {next}, and {max_ahead} wait at most")]
    Nonce {
        /// The next nonce of the sender.
        next: u64,
        /// How many nonces wait at most.
        max_ahead: u64,
        /// The nonce of the transaction.
        got: u64,
    },
    /// An earlier call panicked.
    #[error("the executor has stopped: start the node again")]
    Stopped,
    /// Its tip is above all that it pays.
    #[error("the tip is {got} wei for a gas, and the transaction pays {max} at most")]
    Tip {
        /// The most it pays for a gas, in wei.
        max: u128,
        /// The tip, in wei.
        got: u128,
    },
    /// It has less gas than any transaction with its data needs.
    #[error("the transaction may use {got} gas, and needs {least} before it runs")]
    TooLittleGas {
        /// Gas that it needs.
        least: u64,
        /// Gas that it may use.
        got: u64,
    },
    /// It is no transaction of this chain.
    #[error(transparent)]
    Transaction(#[from] TransactionError),
    /// It replaces another one at too low a price.
    #[error("a transaction that replaces another one must pay {least} wei for a gas, not {got}")]
    Underpriced {
        /// The lowest price that replaces it.
        least: u128,
        /// The price given.
        got: u128,
    },
}
