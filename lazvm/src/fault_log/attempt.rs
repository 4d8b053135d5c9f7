use alloy_primitives::{Address, B256};

/// A transaction that a builder may try.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Attempt {
    /// The hash of the transaction.
    pub transaction: B256,
    /// Who sent it.
    pub sender: Address,
    /// Its nonce: if it can be executed now, so many of its sender were before.
    pub nonce: u64,
    /// Its gas limit.
    pub gas_limit: u64,
}

/// What failed attempts have gas in common.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Again,
    Known,
    Large,
    Small,
    Transfer,
}

impl Kind {
    /// The kind of a transaction whose sender owes `owed` and has `spent` of what it has executed.
    pub(super) const fn of(attempt: &Attempt, has_failed: bool, owed: u64, spent: u64) -> Self {
        let executed = attempt.nonce.saturating_mul(EXECUTED).saturating_sub(spent);
        if has_failed {
            Self::Again
        } else if attempt.gas_limit <= TRANSFER {
            Self::Transfer
        } else if owed > executed.saturating_add(FREE) {
            Self::Again
        } else if executed >= owed.saturating_add(attempt.gas_limit) {
            Self::Known
        } else if attempt.gas_limit <= SMALL {
            Self::Small
        } else {
            Self::Large
        }
    }
}

/// Less gas than one more in the nonce of a sender has cost up to Osaka: a transfer costs 21,000,
/// and one that authorizes its own sender (EIP-7702) counts twice and costs 46,000, of which a
/// fifth at most is given back.
pub(super) const EXECUTED: u64 = 18_000;

/// What a sender may owe beyond what it has executed and still be taken for a new one: the device
/// was asked by others when its question came.
pub(super) const FREE: u64 = 50_000;

/// Most gas of a small transaction.
pub(super) const SMALL: u64 = 100_000;

/// What a transfer costs.
pub(super) const TRANSFER: u64 = 21_000;
