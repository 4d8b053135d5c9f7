use alloc::collections::{BTreeMap, VecDeque};
use core::num::NonZeroU32;

use alloy_primitives::B256;
use lazai_api_types::{Fault, FaultKind};
use spin::Mutex;

/// Remembers which transactions this node could not run, so that a builder tries none for ever, and
/// whether its device is lost: each attempt takes the time until the device fails.
///
/// - A transaction that has failed often enough is left out, and tried again
///   [`FORGOTTEN_AFTER`](Self::FORGOTTEN_AFTER) blocks later: what was repaired meanwhile, it
///   cannot know.
/// - When [several](Self::LOST_AFTER) transactions have failed one after the other, and the device
///   has run nothing in between, the device counts as lost, and not the transactions. Then one
///   transaction is tried in each block, every time another one, and none is given up for it.
/// - Of a block, [`MAX_FAULTS`](Self::MAX_FAULTS) attempts may fail, whatever the device does in
///   between.
///
/// Time is counted in blocks, and what is kept is bounded. It is this node's own matter and no part
/// of consensus.
#[derive(Debug)]
pub struct FaultLog {
    max_attempts: NonZeroU32,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    failures: BTreeMap<B256, Failure>,
    /// The transactions of `failures`, the first that failed in front.
    order: VecDeque<B256>,
    /// What has failed since the device last ran a job, and in which block it did so last.
    unanswered: VecDeque<(B256, u64)>,
    /// The block that is built, and the attempts that failed in it.
    building: (u64, u32),
}

#[derive(Clone, Copy, Debug)]
struct Failure {
    attempts: u32,
    /// The last one.
    block: u64,
}

impl FaultLog {
    /// Blocks after which a failure is forgotten.
    pub const FORGOTTEN_AFTER: u64 = 128;

    /// Transactions in a row after whose faults the device counts as lost.
    pub const LOST_AFTER: usize = 3;

    /// Faults in one block after which its builder asks the device no more.
    pub const MAX_FAULTS: u32 = 8;

    /// Makes a log after whose `max_attempts` faults a transaction is given up.
    #[must_use]
    pub const fn new(max_attempts: NonZeroU32) -> Self {
        let state = State {
            failures: BTreeMap::new(),
            order: VecDeque::new(),
            unanswered: VecDeque::new(),
            building: (0, 0),
        };
        Self { max_attempts, state: Mutex::new(state) }
    }

    /// Tells whether a builder of block `block` leaves `transaction` out without a try.
    #[must_use]
    pub fn leaves_out(&self, transaction: &B256, block: u64) -> bool {
        let state = self.state.lock();
        let gave_up = state.failures.get(transaction).is_some_and(|failure| {
            failure.attempts >= self.max_attempts.get() && !failure.is_forgotten(block)
        });
        gave_up || state.is_lost() && state.waits_for_device(transaction, block)
    }

    /// Notes that `transaction` ended in `fault` when block `block` was built. Returns whether its
    /// builder should ask the device no more, for the rest of the block.
    #[must_use]
    pub fn failed(&self, transaction: B256, block: u64, fault: &Fault) -> bool {
        let state = &mut *self.state.lock();
        if state.building.0 != block {
            state.building = (block, 0);
        }
        state.building.1 = state.building.1.saturating_add(1);
        // What fails when the device is lost already says nothing about the transaction.
        if !state.is_lost() {
            state.count(transaction, block);
        }
        if is_of_device(fault) {
            state.unanswered.retain(|(other, _)| *other != transaction);
            state.unanswered.push_back((transaction, block));
            if state.unanswered.len() > MAX_UNANSWERED {
                state.unanswered.pop_front();
            }
        }
        state.is_lost() || state.building.1 >= Self::MAX_FAULTS
    }

    /// Notes that the device has run a job, so it is not lost.
    pub fn worked(&self) {
        self.state.lock().unanswered.clear();
    }

    /// Forgets every failure, as after a device was repaired.
    pub fn clear(&self) {
        *self.state.lock() = State::default();
    }
}

impl State {
    fn is_lost(&self) -> bool {
        self.unanswered.len() >= FaultLog::LOST_AFTER
    }

    /// Whether `transaction` has failed lately, so that another one is tried first.
    fn waits_for_device(&self, transaction: &B256, block: u64) -> bool {
        let mut failed = self.unanswered.iter();
        failed
            .any(|(other, last)| other == transaction && block < last.saturating_add(RETRIED_AFTER))
    }

    fn count(&mut self, transaction: B256, block: u64) {
        if let Some(failure) = self.failures.get_mut(&transaction) {
            let before = if failure.is_forgotten(block) { 0 } else { failure.attempts };
            *failure = Failure { attempts: before.saturating_add(1), block };
            return;
        }
        if self.order.len() >= MAX_REMEMBERED
            && let Some(first) = self.order.pop_front()
        {
            self.failures.remove(&first);
        }
        self.failures.insert(transaction, Failure { attempts: 1, block });
        self.order.push_back(transaction);
    }
}

impl Failure {
    const fn is_forgotten(self, block: u64) -> bool {
        block >= self.block.saturating_add(FaultLog::FORGOTTEN_AFTER)
    }
}

/// A model that is not here, or a state that cannot be read, is no sign of a lost device.
const fn is_of_device(fault: &Fault) -> bool {
    !matches!(fault.kind, FaultKind::ModelUnavailable | FaultKind::State)
}

impl Default for FaultLog {
    /// Three attempts: a device may fail once for reasons that pass.
    fn default() -> Self {
        Self::new(const { NonZeroU32::new(3).expect("3 is not 0") })
    }
}

const MAX_REMEMBERED: usize = 4_096;

/// Transactions that wait for a lost device; of more, the first is tried again.
const MAX_UNANSWERED: usize = 64;

/// Blocks after which a transaction is tried again on a device that counts as lost.
const RETRIED_AFTER: u64 = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(index: u64) -> B256 {
        B256::left_padding_from(&index.to_be_bytes())
    }

    fn fault(kind: FaultKind) -> Fault {
        Fault { kind, message: "unplugged".into() }
    }

    fn fails(log: &FaultLog, index: u64, block: u64) -> bool {
        log.failed(hash(index), block, &fault(FaultKind::Device))
    }

    #[test]
    fn a_transaction_is_given_up_after_its_last_attempt_and_tried_again_later() {
        let log = FaultLog::default();
        for block in 10..13 {
            assert!(!log.leaves_out(&hash(1), block));
            assert!(!fails(&log, 1, block));
            log.worked();
        }
        let forgotten = 12 + FaultLog::FORGOTTEN_AFTER;
        assert!(log.leaves_out(&hash(1), 13) && log.leaves_out(&hash(1), forgotten - 1));
        assert!(!log.leaves_out(&hash(2), 13));
        // From there on it has all its attempts.
        for block in forgotten..forgotten + 3 {
            assert!(!log.leaves_out(&hash(1), block));
            assert!(!fails(&log, 1, block));
            log.worked();
        }
        assert!(log.leaves_out(&hash(1), forgotten + 3));
        log.clear();
        assert!(!log.leaves_out(&hash(1), forgotten + 3));
    }

    #[test]
    fn a_lost_device_is_tried_with_another_transaction_in_each_block() {
        let log = FaultLog::default();
        // The builder of the first block stops at the third fault, the others at the first.
        assert_eq!([1, 2, 3].map(|index| fails(&log, index, 1)), [false, false, true]);
        for block in 2..100 {
            let next = (1..=50).find(|index| !log.leaves_out(&hash(*index), block)).unwrap();
            assert!(next == block + 2 || block > 8, "{block} {next}");
            assert!(fails(&log, next, block));
        }
        // Nothing is given up, and all of it can run as soon as anything does.
        log.worked();
        assert!((1..=50).all(|index| !log.leaves_out(&hash(index), 100)));
    }

    /// Three transactions that break a sound device keep the others out of three blocks.
    #[test]
    fn transactions_that_break_a_device_are_given_up_all_the_same() {
        let log = FaultLog::default();
        for block in [1, 3, 5] {
            assert_eq!([1, 2, 3].map(|index| fails(&log, index, block)), [false, false, true]);
            assert!([1, 2, 3].iter().all(|index| log.leaves_out(&hash(*index), block + 1)));
            log.worked();
        }
        assert!([1, 2, 3].iter().all(|index| log.leaves_out(&hash(*index), 6)));
        assert!(!log.leaves_out(&hash(4), 6));
    }

    #[test]
    fn what_is_no_sign_of_a_lost_device_loses_none() {
        let log = FaultLog::default();
        for kind in [FaultKind::ModelUnavailable, FaultKind::State] {
            assert!((1..=5).all(|index| !log.failed(hash(index), 1, &fault(kind))));
            log.clear();
        }
    }

    #[test]
    fn the_faults_of_a_block_are_bounded() {
        let log = FaultLog::default();
        let stops = |index| {
            let stops = fails(&log, u64::from(index), 7);
            log.worked();
            stops
        };
        assert_eq!((1..=FaultLog::MAX_FAULTS).find(|index| stops(*index)), Some(8));
        assert!(!fails(&log, 9, 8));
    }

    #[test]
    fn the_log_is_bounded_and_forgets_the_first() {
        let log = FaultLog::new(NonZeroU32::MIN);
        let last = MAX_REMEMBERED as u64;
        for index in 0..=last {
            let _ = fails(&log, index, index);
            log.worked();
        }
        assert!(log.leaves_out(&hash(last), last));
        let state = log.state.lock();
        assert_eq!((state.failures.len(), state.order.len()), (MAX_REMEMBERED, MAX_REMEMBERED));
        assert!(!state.failures.contains_key(&hash(0)));
        drop(state);
        for index in 0..=last {
            let _ = fails(&log, index, last);
        }
        assert_eq!(log.state.lock().unanswered.len(), MAX_UNANSWERED);
    }
}
