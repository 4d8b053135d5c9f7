use core::cmp::Reverse;
use std::{
    collections::{BTreeMap, BinaryHeap},
    sync::Arc,
};

use alloy_consensus::Transaction;
use alloy_primitives::{Address, B256, U256};
use lazvm::{Attempt, FaultLog};

use crate::{
    PoolError, Receipt, SignedTransaction,
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
        let queue = self.waiting.get(&sender);
        // All that waits may be in one block, so the sender owns what it costs together.
        let others = queue.into_iter().flatten().filter(|(nonce, _)| **nonce != tx.nonce());
        let others = others.map(|(_, other)| cost(other)).fold(U256::ZERO, U256::saturating_add);
        let needed = others.saturating_add(cost(&transaction));
        let got = account.map_or(U256::ZERO, |account| account.balance);
        if got < needed {
            return Err(PoolError::Balance { needed, got });
        }
        let hash = transaction.hash();
        if let Some(old) = queue.and_then(|queue| queue.get(&tx.nonce())) {
            if old.hash() == hash {
                return Ok(hash);
            }
            // A tenth more, or anyone could make nodes pass one nonce around for ever.
            let least = dearer(old.envelope().max_fee_per_gas());
            if tx.max_fee_per_gas() < least {
                return Err(PoolError::Underpriced { least, got: tx.max_fee_per_gas() });
            }
        }
        for (sender, nonce) in self.displaced(&transaction, world, base_fee)? {
            self.take(sender, nonce);
        }
        self.put(transaction);
        Ok(hash)
    }

    /// What makes room for `newcomer`; it is refused if that is worth as much.
    ///
    /// A transaction is worth the lowest price from the head of its sender's queue to itself, since
    /// it runs only behind the others. One that waits for another one, for a lower base fee, or
    /// because this node could not run it, is worth less than any that the next blocks can take.
    fn displaced(
        &self,
        newcomer: &SignedTransaction,
        world: &World,
        base_fee: u64,
    ) -> Result<Vec<(Address, u64)>, PoolError> {
        let (own, nonce) = (newcomer.sender(), newcomer.envelope().nonce());
        let queue = self.waiting.get(&own);
        let old = queue.and_then(|queue| queue.get(&nonce));
        let mut count = self.count + usize::from(old.is_none());
        let mut bytes = self.bytes - old.map_or(0, |old| old.bytes().len());
        bytes += newcomer.bytes().len();
        let full = |count, bytes| match (count > MAX_WAITING, bytes > MAX_BYTES) {
            (true, _) => Some(MAX_WAITING),
            (false, true) => Some(MAX_BYTES),
            (false, false) => None,
        };
        if full(count, bytes).is_none() {
            return Ok(Vec::new());
        }
        let before = queue.into_iter().flat_map(|queue| queue.range(..nonce));
        let before = before.map(|(nonce, before)| (*nonce, before)).chain([(nonce, newcomer)]);
        let worth = self.worths(before, next_nonce(world, &own), base_fee).last();
        let others = self.waiting.iter().filter(|(sender, _)| **sender != own);
        let others = others.flat_map(|(sender, queue)| {
            let queue = queue.iter().map(|(nonce, waiting)| (*nonce, waiting));
            let worths = self.worths(queue.clone(), next_nonce(world, sender), base_fee);
            // None is worth more than those before it, so the last one goes first.
            worths.zip(queue).map(|((runs, price), (nonce, waiting))| {
                Reverse((runs, dearer(price), *sender, Reverse(nonce), waiting.bytes().len()))
            })
        });
        let mut others: BinaryHeap<_> = others.collect();
        let mut displaced = Vec::new();
        while let Some(max) = full(count, bytes) {
            let worst = others.pop().filter(|Reverse(worst)| worth >= Some((worst.0, worst.1)));
            let Some(Reverse((_, _, sender, Reverse(nonce), size))) = worst else {
                return Err(PoolError::Full { max });
            };
            displaced.push((sender, nonce));
            count -= 1;
            bytes -= size;
        }
        Ok(displaced)
    }

    /// What each transaction of a queue is worth: whether the next blocks can take it behind those
    /// before it, and the lowest price up to it.
    fn worths<'a>(
        &'a self,
        queue: impl Iterator<Item = (u64, &'a SignedTransaction)>,
        mut next: u64,
        base_fee: u64,
    ) -> impl Iterator<Item = (bool, u128)> {
        let (mut runs, mut lowest) = (true, u128::MAX);
        queue.map(move |(nonce, transaction)| {
            lowest = lowest.min(transaction.envelope().max_fee_per_gas());
            let can_go = nonce == next && lowest >= base_fee.into();
            runs = runs && can_go && !self.faults.has_failed(&attempt(transaction));
            next = nonce.saturating_add(1);
            (runs, lowest)
        })
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
            let is_new = !self.faults.has_failed(&attempt(transaction));
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
            let attempt = attempt(transaction);
            if !attempts.allow(&attempt) {
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
                    let chain = block.chain_mut();
                    if attempts.failed(&attempt, chain.gas_at_fault(), &fault) {
                        chain.suspend_device(fault);
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
            let mut needed = U256::ZERO;
            queue.retain(|nonce, transaction| {
                let with = needed.saturating_add(cost(transaction));
                let stays = *nonce >= next && with <= balance;
                if stays {
                    needed = with;
                }
                stays
            });
            count += queue.len();
            bytes += queue.values().map(|transaction| transaction.bytes().len()).sum::<usize>();
            !queue.is_empty()
        });
        (self.count, self.bytes) = (count, bytes);
    }

    /// Notes what a final block executed.
    pub(crate) fn executed(&self, receipts: &[Receipt]) {
        for receipt in receipts {
            self.faults.executed(&receipt.sender, receipt.gas_used());
        }
    }

    /// Forgets what this node could not run.
    pub(crate) fn forget_failures(&self) {
        self.faults.clear();
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

/// The lowest price that displaces a transaction of this price.
const fn dearer(price: u128) -> u128 {
    price.saturating_add(price / 10).saturating_add(1)
}

fn attempt(transaction: &SignedTransaction) -> Attempt {
    Attempt {
        transaction: transaction.hash(),
        sender: transaction.sender(),
        nonce: transaction.envelope().nonce(),
        gas_limit: transaction.envelope().gas_limit(),
    }
}

fn next_nonce(world: &World, sender: &Address) -> u64 {
    world.account(sender).map_or(0, |account| account.nonce)
}

const GAVE_UP: &str = "a transaction that this node failed to run before is not tried again yet";
const MAX_WAITING: usize = 4_096;
const MAX_BYTES: usize = 16 << 20;
const MAX_AHEAD: u64 = 64;
