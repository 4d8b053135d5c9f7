use alloc::{collections::BTreeMap, sync::Arc};

use alloy_primitives::{Address, B256};
use lazai_api_types::{Fault, FaultKind};
use spin::Mutex;

/// Remembers which transactions this node could not run, so that a builder tries none for ever.
///
/// A transaction that has failed is tried again in the next block, then two blocks later, then
/// four, and so on up to [`LONGEST_WAIT`](Self::LONGEST_WAIT), whatever failed and whoever was to
/// blame: it waits about as long as it has failed for. What a block may lose by failures is
/// bounded by [`Attempts`]. Time is counted in blocks, and what is kept is bounded. It is this
/// node's own matter and no part of consensus.
#[derive(Debug, Default)]
pub struct FaultLog {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    failures: BTreeMap<B256, Failure>,
    /// The last transaction of each sender that failed of itself, until one of them succeeds.
    senders: BTreeMap<Address, B256>,
    /// The transactions of `failures`, in the order in which they failed last.
    order: BTreeMap<u64, B256>,
    /// Failures so far.
    count: u64,
}

#[derive(Clone, Copy, Debug)]
struct Failure {
    sender: Address,
    /// Times that it failed of itself; 0 if the device was not asked, because others had failed
    /// before in the same block.
    attempts: u32,
    /// The block of the last one.
    block: u64,
    /// Its place in the order of failures.
    place: u64,
}

impl FaultLog {
    /// Most blocks that a transaction waits after it has failed.
    pub const LONGEST_WAIT: u64 = 1 << 16;

    /// Starts the build of block `block`, whose gas limit is `gas_limit`.
    #[must_use]
    pub fn start(self: &Arc<Self>, block: u64, gas_limit: u64) -> Attempts {
        Attempts {
            log: Arc::clone(self),
            block,
            gas: [gas_limit; 3],
            faults: Attempts::MAX_FAULTS,
            retries: Attempts::MAX_FAULTS,
        }
    }

    /// Tells whether a builder of block `block` leaves `transaction` out without a try.
    #[must_use]
    pub fn leaves_out(&self, transaction: &B256, block: u64) -> bool {
        self.failure(transaction).is_some_and(|failure| failure.waits(block))
    }

    /// Tells whether a transaction failed before of itself, or, if it has more gas than
    /// [`Attempts::SMALL`], whether the last one of its sender did. Builders that choose an order
    /// try others first, so that who breaks a device pays for a transfer before each time.
    #[must_use]
    pub fn has_failed(&self, attempt: &Attempt) -> bool {
        let state = self.state.lock();
        attempt.gas_limit > Attempts::SMALL && state.senders.contains_key(&attempt.sender)
            || state.failures.get(&attempt.transaction).is_some_and(|failure| failure.attempts > 0)
    }

    /// Forgets every failure, as after a device was repaired.
    pub fn clear(&self) {
        *self.state.lock() = State::default();
    }

    fn failure(&self, transaction: &B256) -> Option<Failure> {
        self.state.lock().failures.get(transaction).copied()
    }

    /// Forgets that a transaction of `sender` failed, because one has succeeded.
    fn forgive(&self, sender: &Address) {
        self.state.lock().senders.remove(sender);
    }

    fn note(&self, transaction: B256, sender: Address, block: u64, was_asked: bool) {
        let state = &mut *self.state.lock();
        state.count = state.count.saturating_add(1);
        let place = state.count;
        let before = state.failures.get(&transaction).map_or(0, |failure| {
            state.order.remove(&failure.place);
            failure.attempts
        });
        let attempts = before.saturating_add(u32::from(was_asked));
        state.failures.insert(transaction, Failure { sender, attempts, block, place });
        state.order.insert(place, transaction);
        if was_asked {
            state.senders.insert(sender, transaction);
        }
        if state.order.len() > MAX_REMEMBERED
            && let Some((_, oldest)) = state.order.pop_first()
            && let Some(failure) = state.failures.remove(&oldest)
            && state.senders.get(&failure.sender) == Some(&oldest)
        {
            state.senders.remove(&failure.sender);
        }
    }
}

impl Failure {
    fn waits(self, block: u64) -> bool {
        let doublings = self.attempts.saturating_sub(1);
        let blocks = 1_u64.checked_shl(doublings).unwrap_or(u64::MAX).min(FaultLog::LONGEST_WAIT);
        block < self.block.saturating_add(blocks)
    }
}

/// What attempts may still cost the build of one block.
///
/// - After [`MAX_FAULTS`](Self::MAX_FAULTS) faults of the device at transactions that are new to
///   the [`FaultLog`], it is asked no more for this block, and nothing that is in the log is tried.
/// - As many of those that have failed before, or that are large and whose sender's last one has,
///   may fail again. So they take no attempt from new ones, however many there are and whatever
///   they pay.
/// - New transactions that fail may use as much gas as the block has, those of at most
///   [`SMALL`](Self::SMALL) gas as much again, and those that fail once more as much again: large
///   ones keep no transfer out, and old ones nothing that is new.
#[derive(Debug)]
pub struct Attempts {
    log: Arc<FaultLog>,
    block: u64,
    /// Gas that failed attempts of each [`Kind`] may still have.
    gas: [u64; 3],
    /// Faults after which the device is asked no more.
    faults: u32,
    /// Failures of transactions that have failed before, after which no other of them is tried.
    retries: u32,
}

impl Attempts {
    /// Faults of the device in one block after which its builder asks it no more.
    pub const MAX_FAULTS: u32 = 4;

    /// Most gas of a small transaction.
    pub const SMALL: u64 = 100_000;

    /// Tells whether the builder tries `attempt`.
    #[must_use]
    pub fn allow(&self, attempt: &Attempt) -> bool {
        let failure = self.log.failure(&attempt.transaction);
        let has_failed = self.log.has_failed(attempt);
        let may_fail = failure.is_none_or(|failure| !failure.waits(self.block) && self.faults > 0)
            && (!has_failed || self.retries > 0);
        may_fail && attempt.gas_limit <= self.gas[Kind::of(has_failed, attempt.gas_limit) as usize]
    }

    /// Notes that a transaction of `sender` was executed.
    pub fn succeeded(&self, sender: &Address) {
        self.log.forgive(sender);
    }

    /// Notes that `attempt` ended in `fault` after it had used `gas`; a fault of the device counts
    /// with the gas limit. Returns whether the builder should ask the device no more from here on,
    /// for the rest of the block.
    #[must_use]
    pub fn failed(&mut self, attempt: &Attempt, gas: u64, fault: &Fault) -> bool {
        // A model or a verifier that is missing says nothing about the device.
        let of_device = matches!(fault.kind, FaultKind::Device | FaultKind::Resources);
        let was_suspended = self.faults == 0;
        let has_failed = self.log.has_failed(attempt);
        // The device may have worked for as much as the transaction could pay.
        let gas = if of_device && !was_suspended { attempt.gas_limit } else { gas };
        let left = &mut self.gas[Kind::of(has_failed, attempt.gas_limit) as usize];
        *left = left.saturating_sub(gas);
        if has_failed {
            self.retries = self.retries.saturating_sub(1);
        } else {
            self.faults = self.faults.saturating_sub(u32::from(of_device));
        }
        let was_asked = !(was_suspended && of_device);
        self.log.note(attempt.transaction, attempt.sender, self.block, was_asked);
        !was_suspended && self.faults == 0
    }
}

/// A transaction that a builder may try.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Attempt {
    /// The hash of the transaction.
    pub transaction: B256,
    /// Who sent it.
    pub sender: Address,
    /// Its gas limit.
    pub gas_limit: u64,
}

/// What failed attempts have gas in common.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// Those of new transactions of more than [`Attempts::SMALL`] gas.
    Large,
    /// Those of other new transactions.
    Small,
    /// Those of transactions that have failed before.
    Again,
}

impl Kind {
    const fn of(has_failed: bool, gas_limit: u64) -> Self {
        match (has_failed, gas_limit <= Attempts::SMALL) {
            (true, _) => Self::Again,
            (false, true) => Self::Small,
            (false, false) => Self::Large,
        }
    }
}

const MAX_REMEMBERED: usize = 65_536;

#[cfg(test)]
mod tests {
    use alloc::{string::String, vec::Vec};
    use core::cell::Cell;

    use super::*;

    fn hash(index: u64) -> B256 {
        B256::left_padding_from(&index.to_be_bytes())
    }

    const LIMIT: u64 = 30_000_000;

    /// Each has a sender of its own, but that those that differ by millions are of one.
    fn attempt(index: u64, gas_limit: u64) -> Attempt {
        let sender = Address::left_padding_from(&(index % 1_000_000).to_be_bytes());
        Attempt { transaction: hash(index), sender, gas_limit }
    }

    fn has_failed(log: &FaultLog, index: u64) -> bool {
        log.has_failed(&attempt(index, LIMIT))
    }

    fn fault(kind: FaultKind) -> Fault {
        Fault { kind, message: String::new() }
    }

    /// Builds a block of `transactions`, where the device is asked by `fails`: in the order given,
    /// as hosts do that order by tip, or new ones first. Returns which of them were tried.
    fn build(
        (log, order): (&Arc<FaultLog>, Order),
        block: u64,
        transactions: impl IntoIterator<Item = u64>,
        gas_limit: u64,
        fails: impl Fn(u64) -> Option<FaultKind>,
    ) -> Vec<u64> {
        let (mut attempts, mut suspended) = (log.start(block, LIMIT), false);
        let mut ordered: Vec<_> = transactions.into_iter().collect();
        if matches!(order, Order::NewFirst) {
            ordered.sort_by_key(|index| has_failed(log, *index));
        }
        let mut tried = Vec::new();
        for index in ordered {
            let attempt = attempt(index, gas_limit);
            if attempts.allow(&attempt) {
                tried.push(index);
                let kind = if suspended { Some(FaultKind::Device) } else { fails(index) };
                match kind {
                    Some(kind) => suspended |= attempts.failed(&attempt, gas_limit, &fault(kind)),
                    None => attempts.succeeded(&attempt.sender),
                }
            }
        }
        tried
    }

    #[derive(Clone, Copy, Debug)]
    enum Order {
        ByTip,
        NewFirst,
    }

    const ORDERS: [Order; 2] = [Order::ByTip, Order::NewFirst];

    #[test]
    fn a_transaction_waits_longer_after_every_attempt() {
        let log = Arc::new(FaultLog::default());
        let lost = |_| Some(FaultKind::Device);
        let tried: Vec<_> = (1..700)
            .filter(|block| !build((&log, Order::ByTip), *block, 0..1, 50_000, lost).is_empty())
            .collect();
        assert_eq!(tried, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]);
        assert!(log.leaves_out(&hash(0), 1_023) && !log.leaves_out(&hash(0), 1_024));
        for _ in 0..100 {
            log.note(hash(0), Address::ZERO, 1_024, true);
        }
        assert!(log.leaves_out(&hash(0), 1_023 + FaultLog::LONGEST_WAIT));
        assert!(!log.leaves_out(&hash(0), 1_024 + FaultLog::LONGEST_WAIT));
        log.clear();
        assert!(!log.leaves_out(&hash(0), 1_025) && !has_failed(&log, 0));
    }

    #[test]
    fn a_block_that_is_built_again_tries_nothing_again() {
        let log = Arc::new(FaultLog::default());
        let build =
            |block| build((&log, Order::ByTip), block, 0..3, 50_000, |_| Some(FaultKind::Device));
        assert_eq!(build(7), [0, 1, 2]);
        assert!(build(7).is_empty());
        assert_eq!(build(8), [0, 1, 2]);
    }

    #[test]
    fn a_lost_device_is_asked_a_few_times_a_block_and_all_runs_when_it_is_back() {
        for order in ORDERS {
            let log = Arc::new(FaultLog::default());
            for block in 1..100 {
                let asked = Cell::new(0);
                let _ = build((&log, order), block, 0..50, 50_000, |_| {
                    asked.set(asked.get() + 1);
                    Some(FaultKind::Device)
                });
                assert!(asked.get() <= 2 * Attempts::MAX_FAULTS, "{block}: {}", asked.get());
            }
            let mut left: Vec<_> = (0..50).collect();
            for block in 100..200 {
                let run = build((&log, order), block, left.clone(), 50_000, |_| None);
                left.retain(|index| !run.contains(index));
            }
            assert!(left.is_empty(), "{order:?} {left:?}");
        }
    }

    /// Transactions that break a sound device, and outbid all others, keep nobody out for long.
    #[test]
    fn what_breaks_a_device_starves_nobody() {
        for (order, poison) in [
            (Order::ByTip, 1),
            (Order::ByTip, 9),
            (Order::ByTip, 600),
            (Order::ByTip, 2_400),
            (Order::NewFirst, 3),
            (Order::NewFirst, 600),
        ] {
            let log = Arc::new(FaultLog::default());
            let ran = (1..2_000).filter(|block| {
                let (honest, ran) = (100_000 + block, Cell::new(false));
                let _ =
                    build((&log, order), *block, (0..poison).chain([honest]), 50_000, |index| {
                        ran.set(ran.get() || index == honest);
                        (index != honest).then_some(FaultKind::Device)
                    });
                ran.get()
            });
            // Each is new once, and four of them suspend the device.
            assert!(ran.count() as u64 >= 1_999 - poison.div_ceil(4), "{order:?} {poison}");
        }
    }

    /// One that has failed as well gets its turn beside those that always do.
    #[test]
    fn what_has_failed_once_is_not_starved() {
        let log = Arc::new(FaultLog::default());
        let honest = 100_000;
        let _ = build((&log, Order::ByTip), 1, [honest], 50_000, |_| Some(FaultKind::Device));
        let ran = (2..20_000).any(|block| {
            build((&log, Order::ByTip), block, (0..600).chain([honest]), 50_000, |index| {
                (index != honest).then_some(FaultKind::Device)
            })
            .contains(&honest)
        });
        assert!(ran);
    }

    /// A model that this node lacks takes nothing from one that it has.
    #[test]
    fn what_is_missing_suspends_no_device() {
        for kind in [FaultKind::ModelUnavailable, FaultKind::Internal, FaultKind::State] {
            let log = Arc::new(FaultLog::default());
            for block in 1..100 {
                let fresh = block * 100..block * 100 + 8;
                let tried = build(
                    (&log, Order::ByTip),
                    block,
                    fresh.chain([block * 100 + 50]),
                    50_000,
                    |index| (index % 100 < 50).then_some(kind),
                );
                assert!(tried.contains(&(block * 100 + 50)), "{kind:?} {block}");
            }
        }
    }

    #[test]
    fn failures_take_no_more_gas_than_three_blocks_have() {
        for gas_limit in [40_000, Attempts::SMALL, LIMIT / 3] {
            let (log, order) = (Arc::new(FaultLog::default()), Order::ByTip);
            let lost = |_| Some(FaultKind::Device);
            let mut tried = 0;
            for block in 1..20 {
                let count = build((&log, order), block, 0..4_000, gas_limit, lost).len() as u64;
                assert!(count * gas_limit <= 2 * LIMIT, "{block}: {count} of {gas_limit}");
                tried += count;
            }
            // Each is new once; then a few are tried again, whatever their number.
            assert!(tried <= 4_000 + 20 * 2 * u64::from(Attempts::MAX_FAULTS), "{tried}");
        }
    }

    /// Large ones that fail keep no transfer out, and those that failed before keep nothing out.
    #[test]
    fn failures_of_one_kind_take_no_gas_of_another() {
        let log = Arc::new(FaultLog::default());
        let missing = fault(FaultKind::ModelUnavailable);
        let (old, new) = (attempt(0, LIMIT), attempt(1, LIMIT));
        let _ = log.start(1, LIMIT).failed(&old, LIMIT, &missing);
        let mut attempts = log.start(2, LIMIT);
        assert!(attempts.allow(&old));
        let _ = attempts.failed(&old, LIMIT, &missing);
        assert!(attempts.allow(&new));
        // What was not used keeps nothing out.
        let _ = attempts.failed(&new, 25_000, &missing);
        assert!(attempts.allow(&attempt(2, LIMIT - 25_000)));
        let _ = attempts.failed(&attempt(2, LIMIT - 25_000), LIMIT - 25_000, &missing);
        assert!(!attempts.allow(&attempt(3, Attempts::SMALL + 1)));
        assert!(attempts.allow(&attempt(3, Attempts::SMALL)));
    }

    /// Who replaces a transaction that failed has no new one, until another has succeeded.
    #[test]
    fn a_new_transaction_of_a_sender_that_failed_is_an_old_one() {
        let log = Arc::new(FaultLog::default());
        let lost = fault(FaultKind::Device);
        for block in 1..100 {
            let mut attempts = log.start(block, LIMIT);
            let replaced = attempt(7 + block * 1_000_000, LIMIT);
            if attempts.allow(&replaced) {
                let _ = attempts.failed(&replaced, LIMIT, &lost);
            }
            assert!(has_failed(&log, 7 + (block + 1) * 1_000_000));
            // It may still pay.
            assert!(attempts.allow(&attempt(7 + (block + 1) * 1_000_000, 21_000)));
            let is_open = attempts.allow(&attempt(8, LIMIT));
            assert_eq!(is_open, block > 1, "{block}");
        }
        log.start(100, LIMIT).succeeded(&attempt(7, 0).sender);
        assert!(!has_failed(&log, 7) && has_failed(&log, 7 + 1_000_000));
    }

    /// A fault of another kind behind the suspension makes no attempt of what was not asked.
    #[test]
    fn a_suspension_lasts() {
        let log = Arc::new(FaultLog::default());
        let mut attempts = log.start(1, LIMIT);
        let lost = fault(FaultKind::Device);
        let suspended: Vec<_> =
            (0..6).map(|index| attempts.failed(&attempt(index, 50_000), 50_000, &lost)).collect();
        assert_eq!(suspended, [false, false, false, true, false, false]);
        let missing = fault(FaultKind::Internal);
        assert!(!attempts.failed(&attempt(6, 50_000), 50_000, &missing));
        let _ = attempts.failed(&attempt(7, 50_000), 50_000, &lost);
        let old: Vec<_> = (0..8).filter(|index| has_failed(&log, *index)).collect();
        assert_eq!(old, [0, 1, 2, 3, 6]);
    }

    #[test]
    fn the_log_is_bounded_and_forgets_what_failed_longest_ago() {
        let log = Arc::new(FaultLog::default());
        for index in (0..MAX_REMEMBERED as u64).chain([0, MAX_REMEMBERED as u64]) {
            log.note(hash(index), attempt(index, 0).sender, 1, true);
        }
        let state = log.state.lock();
        assert_eq!((state.failures.len(), state.order.len()), (MAX_REMEMBERED, MAX_REMEMBERED));
        assert_eq!(state.senders.len(), MAX_REMEMBERED);
        assert!(state.failures.contains_key(&hash(0)) && !state.failures.contains_key(&hash(1)));
    }
}
