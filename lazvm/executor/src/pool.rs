use core::cmp::Reverse;
use std::{
    collections::{BTreeMap, BinaryHeap},
    sync::Arc,
};

use alloy_consensus::Transaction;
use alloy_primitives::{Address, B256, U256};
use lazvm::FaultLog;

use crate::{
    SignedTransaction, TransactionError,
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
    /// What this node could not run; shared by all copies.
    faults: Arc<FaultLog>,
}

impl Pool {
    /// Takes a transaction that may be executed on `world` or soon after, in a block with this base
    /// fee or a lower one. That some block takes it, whatever its state, has been
    /// [checked](crate::admission::check).
    pub(crate) fn insert(
        &mut self,
        transaction: SignedTransaction,
        world: &World,
        base_fee: u64,
    ) -> Result<B256, PoolError> {
        let (tx, sender) = (transaction.envelope(), transaction.sender());
        let account = world.account(&sender);
        let nonce = account.map_or(0, |account| account.nonce);
        if !(nonce..nonce.saturating_add(MAX_AHEAD)).contains(&tx.nonce()) {
            return Err(PoolError::Nonce { next: nonce, max_ahead: MAX_AHEAD, got: tx.nonce() });
        }
        if account.is_none_or(|account| account.balance < cost(&transaction)) {
            return Err(PoolError::Balance);
        }
        let hash = transaction.hash();
        let old = self.waiting.get(&sender).and_then(|queue| queue.get(&tx.nonce()));
        if let Some(old) = old {
            if old.hash() == hash {
                return Ok(hash);
            }
            // A tenth more, or anyone could make nodes pass one nonce around for ever.
            let least = dearer_than(old);
            if tx.max_fee_per_gas() < least {
                return Err(PoolError::Underpriced { least, got: tx.max_fee_per_gas() });
            }
        }
        match self.full(&transaction) {
            None => self.put(transaction),
            Some(_) => {
                // On a copy: what goes without making room enough stays.
                let mut roomy = self.clone();
                while let Some(full) = roomy.full(&transaction) {
                    roomy.drop_worst(&transaction, world, base_fee).ok_or(full)?;
                }
                roomy.put(transaction);
                *self = roomy;
            }
        }
        Ok(hash)
    }

    /// What is in the way of `transaction`, if anything is.
    fn full(&self, transaction: &SignedTransaction) -> Option<PoolError> {
        let queue = self.waiting.get(&transaction.sender());
        let old = queue.and_then(|queue| queue.get(&transaction.envelope().nonce()));
        let freed = old.map_or(0, |old| old.bytes().len());
        if old.is_none() && self.count >= MAX_WAITING {
            Some(PoolError::Full { max: MAX_WAITING })
        } else if self.bytes - freed + transaction.bytes().len() > MAX_BYTES {
            Some(PoolError::Full { max: MAX_BYTES })
        } else {
            None
        }
    }

    fn put(&mut self, transaction: SignedTransaction) {
        let (sender, nonce) = (transaction.sender(), transaction.envelope().nonce());
        self.bytes += transaction.bytes().len();
        self.count += 1;
        let old = self.waiting.entry(sender).or_default().insert(nonce, transaction);
        if let Some(old) = old {
            self.bytes -= old.bytes().len();
            self.count -= 1;
        }
    }

    /// Drops the last transaction of the sender whose last one is worth least, if `newcomer` is
    /// worth more: one that waits for another one, for a lower base fee, or because this node could
    /// not run it, is worth less than any that the next block can take, and then the price decides.
    fn drop_worst(
        &mut self,
        newcomer: &SignedTransaction,
        world: &World,
        base_fee: u64,
    ) -> Option<()> {
        let can_go = |transaction: &SignedTransaction| {
            transaction.envelope().max_fee_per_gas() >= base_fee.into()
                && !self.faults.has_failed(&transaction.hash())
        };
        let runs = |last: &SignedTransaction| {
            let (sender, nonce) = (last.sender(), last.envelope().nonce());
            let queue = self.waiting.get(&sender);
            let before = |nonce| queue.and_then(|queue| queue.get(&nonce));
            can_go(last)
                && (next_nonce(world, &sender)..nonce)
                    .all(|nonce| before(nonce).is_some_and(can_go))
        };
        let own = newcomer.sender();
        let tails = self.waiting.iter().filter(|(sender, _)| **sender != own);
        let worths = tails.filter_map(|(sender, queue)| {
            let (_, tail) = queue.last_key_value()?;
            Some(((runs(tail), dearer_than(tail)), *sender))
        });
        let (worst, sender) = worths.min()?;
        if (runs(newcomer), newcomer.envelope().max_fee_per_gas()) < worst {
            return None;
        }
        let queue = self.waiting.get_mut(&sender)?;
        let (_, dropped) = queue.pop_last()?;
        if queue.is_empty() {
            self.waiting.remove(&sender);
        }
        self.count -= 1;
        self.bytes -= dropped.bytes().len();
        Some(())
    }

    /// Fills `block`: the highest tip first, each sender's transactions in their order, `max_bytes`
    /// of payload at most.
    ///
    /// A transaction that this node cannot run is left to others: it must not keep the rest from
    /// blocks, so it waits before it is tried again, and what has not failed before goes first.
    pub(crate) fn fill(
        &self,
        block: &mut OpenBlock,
        world: &World,
        base_fee: u64,
        max_bytes: usize,
    ) -> Filled {
        let candidate = |sender: Address, nonce: u64| {
            let transaction = self.waiting.get(&sender)?.get(&nonce)?;
            let tip = transaction.envelope().effective_tip_per_gas(base_fee)?;
            let is_new = !self.faults.has_failed(&transaction.hash());
            // Ties go to the lower name, so that the choice does not depend on who came first.
            Some((is_new, tip, Reverse(transaction.hash()), sender, nonce))
        };
        let heads =
            self.waiting.keys().filter_map(|sender| candidate(*sender, next_nonce(world, sender)));
        let mut heads: BinaryHeap<_> = heads.collect();
        let mut filled = Filled::default();
        let mut bytes = payload::EMPTY_BYTES;
        let mut attempts = self.faults.start(block.height(), block.gas_limit());
        while let Some((.., sender, nonce)) = heads.pop() {
            if filled.taken.len() >= payload::MAX_TRANSACTIONS as usize {
                break;
            }
            let transaction = self.waiting.get(&sender).and_then(|queue| queue.get(&nonce));
            let Some(transaction) = transaction else { continue };
            let size = payload_bytes(transaction);
            // Who had a transaction refused waits for another block.
            if bytes + size > max_bytes {
                continue;
            }
            let gas_limit = transaction.envelope().gas_limit();
            if !attempts.allow(&transaction.hash(), gas_limit) {
                filled.fault.get_or_insert_with(|| GAVE_UP.to_owned());
                continue;
            }
            match block.add(transaction) {
                Ok(()) => {
                    bytes += size;
                    filled.taken.push(transaction.clone());
                    heads.extend(candidate(sender, nonce.saturating_add(1)));
                }
                Err(Refused::Fault(fault)) => {
                    filled.fault = Some(fault.to_string());
                    if attempts.failed(transaction.hash(), gas_limit, &fault) {
                        block.chain_mut().suspend_device(fault);
                    }
                }
                // What its sender can do nothing about: code at its address.
                Err(Refused::Invalid(_)) if affords(block.world(), transaction) => {
                    filled.invalid.push((sender, nonce, transaction.hash()));
                }
                Err(Refused::Invalid(_) | Refused::NoRoom { .. }) => {}
            }
        }
        filled
    }

    /// Whether a transaction waits that the next block, at `height` and of `max_bytes`, can take.
    pub(crate) fn has_next(
        &self,
        world: &World,
        base_fee: u64,
        height: u64,
        max_bytes: usize,
    ) -> bool {
        self.waiting.iter().any(|(sender, queue)| {
            let head = queue.get(&next_nonce(world, sender));
            head.is_some_and(|head| {
                head.envelope().effective_tip_per_gas(base_fee).is_some()
                    && payload::EMPTY_BYTES + payload_bytes(head) <= max_bytes
                    && !self.faults.leaves_out(&head.hash(), height)
            })
        })
    }

    /// Drops what no block takes, by sender, nonce and name.
    pub(crate) fn drop_all(&mut self, invalid: &[(Address, u64, B256)]) {
        for (sender, nonce, hash) in invalid {
            let waiting = self.waiting.get(sender).and_then(|queue| queue.get(nonce));
            // Another one may have replaced it.
            if waiting.is_some_and(|waiting| waiting.hash() == *hash) {
                self.take(*sender, *nonce);
            }
        }
    }

    fn take(&mut self, sender: Address, nonce: u64) -> Option<SignedTransaction> {
        let queue = self.waiting.get_mut(&sender)?;
        let taken = queue.remove(&nonce)?;
        if queue.is_empty() {
            self.waiting.remove(&sender);
        }
        self.count -= 1;
        self.bytes -= taken.bytes().len();
        Some(taken)
    }

    /// Drops what a committed block used up, and what its sender can no longer pay.
    pub(crate) fn prune(&mut self, world: &World) {
        let (mut count, mut bytes) = (0, 0);
        self.waiting.retain(|sender, queue| {
            let account = world.account(sender);
            let (next, balance) =
                account.map_or((0, U256::ZERO), |account| (account.nonce, account.balance));
            queue.retain(|nonce, transaction| *nonce >= next && cost(transaction) <= balance);
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

/// What was put into a block.
#[derive(Debug, Default)]
pub(crate) struct Filled {
    pub(crate) taken: Vec<SignedTransaction>,
    /// Those that it refused although nonce and balance fit: sender, nonce and name.
    pub(crate) invalid: Vec<(Address, u64, B256)>,
    /// Why this node could not run one of those that are not in it.
    pub(crate) fault: Option<String>,
}

/// What a transaction takes from its sender at most.
fn cost(transaction: &SignedTransaction) -> U256 {
    let tx = transaction.envelope();
    let gas = U256::from(tx.max_fee_per_gas()).saturating_mul(U256::from(tx.gas_limit()));
    gas.saturating_add(tx.value())
}

/// Whether it is the sender's next transaction, and the sender owns what it may cost.
fn affords(world: &World, transaction: &SignedTransaction) -> bool {
    let account = world.account(&transaction.sender());
    account.is_some_and(|account| {
        account.nonce == transaction.envelope().nonce() && account.balance >= cost(transaction)
    })
}

/// Bytes that a transaction takes in a payload.
fn payload_bytes(transaction: &SignedTransaction) -> usize {
    transaction.bytes().len() + payload::LENGTH_BYTES
}

/// The lowest price that displaces a transaction.
fn dearer_than(old: &SignedTransaction) -> u128 {
    let price = old.envelope().max_fee_per_gas();
    price.saturating_add(price / 10).saturating_add(1)
}

fn next_nonce(world: &World, sender: &Address) -> u64 {
    world.account(sender).map_or(0, |account| account.nonce)
}

/// Why a transaction does not wait for a block here.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PoolError {
    /// The sender does not own what the transaction may cost.
    #[error("the sender's balance does not cover value and gas at the highest price")]
    Balance,
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

const GAVE_UP: &str = "a transaction that this node failed to run before is not tried again yet";
const MAX_WAITING: usize = 4_096;
const MAX_BYTES: usize = 16 << 20;
const MAX_AHEAD: u64 = 64;
