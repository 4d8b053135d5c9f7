use core::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use alloy_consensus::Transaction;
use alloy_primitives::{Address, B256, U256};

use crate::executor::{
    Genesis, SignedTransaction, TransactionError,
    execution::{OpenBlock, Refused},
    payload,
    world::World,
};

/// Transactions that wait for a block, by sender and nonce. Bounded in number and bytes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pool {
    waiting: BTreeMap<Address, BTreeMap<u64, SignedTransaction>>,
    count: usize,
    bytes: usize,
}

impl Pool {
    /// Takes a transaction that may be executed on `world` or soon after.
    pub(crate) fn insert(
        &mut self,
        transaction: SignedTransaction,
        world: &World,
        genesis: &Genesis,
    ) -> Result<B256, PoolError> {
        let (tx, sender) = (transaction.envelope(), transaction.sender());
        if tx.gas_limit() > genesis.gas_limit {
            return Err(PoolError::GasLimit { max: genesis.gas_limit, got: tx.gas_limit() });
        }
        let account = world.account(&sender);
        let nonce = account.map_or(0, |account| account.nonce);
        if !(nonce..nonce.saturating_add(MAX_AHEAD)).contains(&tx.nonce()) {
            return Err(PoolError::Nonce { next: nonce, max_ahead: MAX_AHEAD, got: tx.nonce() });
        }
        let cost = U256::from(tx.max_fee_per_gas())
            .saturating_mul(U256::from(tx.gas_limit()))
            .saturating_add(tx.value());
        if account.is_none_or(|account| account.balance < cost) {
            return Err(PoolError::Balance);
        }
        let hash = transaction.hash();
        let old = self.waiting.get(&sender).and_then(|queue| queue.get(&tx.nonce()));
        if let Some(old) = old {
            if old.hash() == hash {
                return Ok(hash);
            }
            // A tenth more, or anyone could make nodes pass one nonce around for ever.
            let least = old.envelope().max_fee_per_gas();
            let least = least.saturating_add(least / 10).saturating_add(1);
            if tx.max_fee_per_gas() < least {
                return Err(PoolError::Underpriced { least, got: tx.max_fee_per_gas() });
            }
        } else if self.count >= MAX_WAITING {
            return Err(PoolError::Full { max: MAX_WAITING });
        }
        let freed = old.map_or(0, |old| old.bytes().len());
        if self.bytes - freed + transaction.bytes().len() > MAX_BYTES {
            return Err(PoolError::Full { max: MAX_BYTES });
        }
        self.count += usize::from(old.is_none());
        self.bytes = self.bytes - freed + transaction.bytes().len();
        self.waiting.entry(sender).or_default().insert(tx.nonce(), transaction);
        Ok(hash)
    }

    /// Fills `block`: the highest tip first, each sender's transactions in their order, `max_bytes` of payload at most.
    ///
    /// # Errors
    /// The reason of a fault of this node.
    pub(crate) fn fill(
        &self,
        block: &mut OpenBlock,
        world: &World,
        base_fee: u64,
        max_bytes: usize,
    ) -> Result<Vec<SignedTransaction>, String> {
        let candidate = |sender: Address, nonce: u64| {
            let transaction = self.waiting.get(&sender)?.get(&nonce)?;
            let tip = transaction.envelope().effective_tip_per_gas(base_fee)?;
            // Ties go to the lower name, so that the choice does not depend on who came first.
            Some((tip, Reverse(transaction.hash()), sender, nonce))
        };
        let next = |sender: &Address| world.account(sender).map_or(0, |account| account.nonce);
        let mut heads: BinaryHeap<_> =
            self.waiting.keys().filter_map(|sender| candidate(*sender, next(sender))).collect();
        let mut taken = Vec::new();
        let mut bytes = payload::EMPTY_BYTES;
        while let Some((_, _, sender, nonce)) = heads.pop() {
            if taken.len() >= payload::MAX_TRANSACTIONS as usize {
                break;
            }
            let transaction = self.waiting.get(&sender).and_then(|queue| queue.get(&nonce));
            let Some(transaction) = transaction else { continue };
            let size = transaction.bytes().len() + payload::LENGTH_BYTES;
            // Who had a transaction refused waits for another block.
            if bytes + size <= max_bytes && added(block.add(transaction))? {
                bytes += size;
                taken.push(transaction.clone());
                heads.extend(candidate(sender, nonce.saturating_add(1)));
            }
        }
        Ok(taken)
    }

    /// Drops what a committed block used up.
    pub(crate) fn prune(&mut self, world: &World) {
        let (mut count, mut bytes) = (0, 0);
        self.waiting.retain(|sender, queue| {
            let next = world.account(sender).map_or(0, |account| account.nonce);
            *queue = queue.split_off(&next);
            count += queue.len();
            bytes += queue.values().map(|transaction| transaction.bytes().len()).sum::<usize>();
            !queue.is_empty()
        });
        (self.count, self.bytes) = (count, bytes);
    }

    pub(crate) const fn len(&self) -> usize {
        self.count
    }
}

fn added(result: Result<(), Refused>) -> Result<bool, String> {
    match result {
        Ok(()) => Ok(true),
        Err(Refused::Fault(reason)) => Err(reason),
        Err(Refused::Invalid(_) | Refused::NoRoom { .. }) => Ok(false),
    }
}

/// Why a transaction does not wait for a block here.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PoolError {
    /// The sender does not own what the transaction may cost.
    #[error("the sender's balance does not cover value and gas at the highest price")]
    Balance,
    /// There is no room.
    #[error("{max} transactions or bytes wait already: try again after the next block")]
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

const MAX_WAITING: usize = 4_096;
const MAX_BYTES: usize = 16 << 20;
const MAX_AHEAD: u64 = 64;
