use alloc::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use alloy_primitives::B256;
use spin::Mutex;

/// Remembers which transactions this node could not run, so that a builder tries none for ever.
///
/// A transaction that has failed is tried again in the next block, then two blocks later, then
/// four, and so on up to [`LONGEST_WAIT`](Self::LONGEST_WAIT), whatever failed and whoever was to
/// blame. What a block may lose by failures is bounded by [`Attempts`]. Time is counted in blocks,
/// and what is kept is bounded. It is this node's own matter and no part of consensus.
#[derive(Debug, Default)]
pub struct FaultLog {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    failures: BTreeMap<B256, Failure>,
    /// The transactions of `failures`, the first that failed in front.
    order: VecDeque<B256>,
}

#[derive(Clone, Copy, Debug)]
struct Failure {
    /// Times that the device was asked; 0 if it was not, because others had failed before.
    attempts: u32,
    /// The block of the last one.
    block: u64,
}

impl FaultLog {
    /// Most blocks that a transaction waits after it has failed.
    pub const LONGEST_WAIT: u64 = 128;

    /// Starts the build of block `block`, whose gas limit is `gas_limit`.
    #[must_use]
    pub fn start(self: &Arc<Self>, block: u64, gas_limit: u64) -> Attempts {
        Attempts { log: Arc::clone(self), block, gas: gas_limit, asks: Attempts::MAX_FAULTS }
    }

    /// Tells whether a builder of block `block` leaves `transaction` out without a try.
    #[must_use]
    pub fn leaves_out(&self, transaction: &B256, block: u64) -> bool {
        let state = self.state.lock();
        state.failures.get(transaction).is_some_and(|failure| failure.waits(block))
    }

    /// Tells whether `transaction` has failed before. Builders that choose an order try others
    /// first, so that who breaks a device needs a new transaction for every attempt.
    #[must_use]
    pub fn has_failed(&self, transaction: &B256) -> bool {
        self.state.lock().failures.contains_key(transaction)
    }

    /// Forgets every failure, as after a device was repaired.
    pub fn clear(&self) {
        *self.state.lock() = State::default();
    }

    fn note(&self, transaction: B256, block: u64, was_asked: bool) {
        let state = &mut *self.state.lock();
        let more = u32::from(was_asked);
        if let Some(failure) = state.failures.get_mut(&transaction) {
            let attempts = failure.attempts.saturating_add(more);
            *failure = Failure { attempts, block };
            return;
        }
        if state.order.len() >= MAX_REMEMBERED
            && let Some(first) = state.order.pop_front()
        {
            state.failures.remove(&first);
        }
        state.failures.insert(transaction, Failure { attempts: more, block });
        state.order.push_back(transaction);
    }
}

impl Failure {
    const fn waits(self, block: u64) -> bool {
        let doublings = self.attempts.saturating_sub(1);
        let blocks = if doublings < 7 { 1 << doublings } else { FaultLog::LONGEST_WAIT };
        block < self.block.saturating_add(blocks)
    }
}

/// What attempts may still cost the build of one block.
///
/// - [`MAX_FAULTS`](Self::MAX_FAULTS) attempts may fail; then the device is asked no more for this
///   block.
/// - Failed attempts may have as much gas as the block itself. From then on nothing is tried but
///   transactions of at most [`ALWAYS_TRIED`](Self::ALWAYS_TRIED) gas.
#[derive(Debug)]
pub struct Attempts {
    log: Arc<FaultLog>,
    block: u64,
    /// Gas that failed attempts may still have.
    gas: u64,
    /// Faults after which the device is asked no more.
    asks: u32,
}

impl Attempts {
    /// Faults in one block after which its builder asks the device no more.
    pub const MAX_FAULTS: u32 = 4;

    /// Gas of the transactions that are tried whatever has failed before.
    pub const ALWAYS_TRIED: u64 = 100_000;

    /// Tells whether the builder tries `transaction`, whose gas limit is `gas_limit`.
    #[must_use]
    pub fn allow(&self, transaction: &B256, gas_limit: u64) -> bool {
        (gas_limit <= Self::ALWAYS_TRIED || gas_limit <= self.gas)
            && !self.log.leaves_out(transaction, self.block)
    }

    /// Notes that `transaction`, whose gas limit is `gas_limit`, ended in a fault. Returns whether
    /// the builder should ask the device no more, for the rest of the block.
    #[must_use]
    pub fn failed(&mut self, transaction: B256, gas_limit: u64) -> bool {
        self.log.note(transaction, self.block, self.asks > 0);
        self.gas = self.gas.saturating_sub(gas_limit);
        self.asks = self.asks.saturating_sub(1);
        self.asks == 0
    }
}

const MAX_REMEMBERED: usize = 4_096;

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;
    use core::cell::Cell;

    use super::*;

    fn hash(index: u64) -> B256 {
        B256::left_padding_from(&index.to_be_bytes())
    }

    const LIMIT: u64 = 30_000_000;

    /// Builds a block of `transactions`, new ones first, where the device is asked by `fails`.
    /// Returns which of them were tried.
    fn build(
        log: &Arc<FaultLog>,
        block: u64,
        transactions: impl IntoIterator<Item = u64>,
        gas_limit: u64,
        fails: impl Fn(u64) -> bool,
    ) -> Vec<u64> {
        let (mut attempts, mut suspended) = (log.start(block, LIMIT), false);
        let mut ordered: Vec<_> = transactions.into_iter().collect();
        ordered.sort_by_key(|index| log.has_failed(&hash(*index)));
        let mut tried = Vec::new();
        for index in ordered {
            if attempts.allow(&hash(index), gas_limit) {
                tried.push(index);
                if suspended || fails(index) {
                    suspended = attempts.failed(hash(index), gas_limit);
                }
            }
        }
        tried
    }

    #[test]
    fn a_transaction_waits_longer_after_every_attempt() {
        let log = Arc::new(FaultLog::default());
        let tried: Vec<_> = (1..700)
            .filter(|block| !build(&log, *block, 0..1, 50_000, |_| true).is_empty())
            .collect();
        assert_eq!(tried, [1, 2, 4, 8, 16, 32, 64, 128, 256, 384, 512, 640]);
        log.clear();
        assert!(!log.leaves_out(&hash(0), 641) && !log.has_failed(&hash(0)));
    }

    #[test]
    fn a_block_that_is_built_again_tries_nothing_again() {
        let log = Arc::new(FaultLog::default());
        assert_eq!(build(&log, 7, 0..3, 50_000, |_| true), [0, 1, 2]);
        assert!(build(&log, 7, 0..3, 50_000, |_| true).is_empty());
        assert_eq!(build(&log, 8, 0..3, 50_000, |_| true), [0, 1, 2]);
    }

    #[test]
    fn a_lost_device_is_asked_a_few_times_a_block_and_all_runs_when_it_is_back() {
        let log = Arc::new(FaultLog::default());
        for block in 1..100 {
            let asked = Cell::new(0);
            let _ = build(&log, block, 0..50, 50_000, |_| {
                asked.set(asked.get() + 1);
                true
            });
            assert!(asked.get() <= Attempts::MAX_FAULTS, "{block}: {}", asked.get());
        }
        let mut left: Vec<_> = (0..50).collect();
        for block in 100..100 + FaultLog::LONGEST_WAIT {
            let run = build(&log, block, left.clone(), 50_000, |_| false);
            left.retain(|index| !run.contains(index));
        }
        assert!(left.is_empty(), "{left:?}");
    }

    /// Transactions that break a sound device, and outbid all others, keep nobody out for long.
    #[test]
    fn what_breaks_a_device_starves_nobody() {
        for poison in [1, 3, 4, 8, 9, 10, 100] {
            let log = Arc::new(FaultLog::default());
            let ran = (1..2_000).filter(|block| {
                let (honest, ran) = (1_000_000 + block, Cell::new(false));
                let _ = build(&log, *block, (0..poison).chain([honest]), 50_000, |index| {
                    ran.set(ran.get() || index == honest);
                    index != honest
                });
                ran.get()
            });
            // Each is new once, and four of them suspend the device.
            assert!(ran.count() as u64 >= 1_999 - poison.div_ceil(4), "{poison}");
        }
    }

    #[test]
    fn failures_take_no_more_gas_than_a_block_has() {
        let log = Arc::new(FaultLog::default());
        for block in 1..10 {
            let tried = build(&log, block, 0..4_000, LIMIT / 3, |_| true);
            assert_eq!(tried.len(), 3, "{block}");
            // Transfers are tried all the same.
            let mut attempts = log.start(block, LIMIT);
            let _ = attempts.failed(hash(9_999), LIMIT);
            assert!(attempts.allow(&hash(10_000), 21_000));
            assert!(!attempts.allow(&hash(10_000), 100_001));
        }
    }

    #[test]
    fn the_log_is_bounded_and_forgets_the_first() {
        let log = Arc::new(FaultLog::default());
        for index in 0..=MAX_REMEMBERED as u64 {
            let _ = log.start(1, LIMIT).failed(hash(index), 50_000);
        }
        let state = log.state.lock();
        assert_eq!((state.failures.len(), state.order.len()), (MAX_REMEMBERED, MAX_REMEMBERED));
        assert!(!state.failures.contains_key(&hash(0)));
    }
}
