use alloc::collections::{BTreeMap, VecDeque};
use core::{error::Error, num::NonZeroU32};

use alloy_evm::block::{BlockExecutionError, InternalBlockExecutionError};
use alloy_primitives::B256;
use lazai_api_types::Fault;
use spin::Mutex;

use crate::UnknownBaseFees;

/// Returns the fault of this node that is behind the error of an EVM, if one is.
///
/// Of all errors that end a transaction, this is the one that says nothing about it: another node
/// may run it.
#[must_use]
pub fn fault_of<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Fault> {
    find(error)
}

/// Returns the fault of this node that is behind the error of a block executor, if one is.
///
/// Whoever validates the block abstains then, and whoever builds it leaves the transaction out,
/// unless the block is what failed: [`UnknownBaseFees`] end each of its transactions.
#[must_use]
pub fn block_fault_of(error: &BlockExecutionError) -> Option<&Fault> {
    find_in_block(error)
}

/// Returns the fault with which a transaction ended the executor of a block, if one did; none where
/// every transaction of the block would have.
pub(crate) fn transaction_fault_of(error: &BlockExecutionError) -> Option<&Fault> {
    match find_in_block::<UnknownBaseFees>(error) {
        Some(_) => None,
        None => block_fault_of(error),
    }
}

fn find_in_block<E: Error + 'static>(error: &BlockExecutionError) -> Option<&E> {
    match error {
        BlockExecutionError::Internal(InternalBlockExecutionError::EVM { error, .. }) => {
            find(error.as_ref())
        }
        other => find(other),
    }
}

/// The first error of a type in a chain of causes.
fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// Remembers which transactions this node could not run, so that a builder does not try one for
/// ever: each attempt takes the time until the device fails.
///
/// It is this node's own matter and no part of consensus. Of too many transactions, the one that
/// failed first is forgotten, and is then tried again.
#[derive(Debug)]
pub struct FaultLog {
    max_attempts: NonZeroU32,
    failed: Mutex<Failed>,
}

#[derive(Debug, Default)]
struct Failed {
    attempts: BTreeMap<B256, u32>,
    order: VecDeque<B256>,
}

impl FaultLog {
    /// Makes a log after whose `max_attempts` faults a transaction is given up.
    #[must_use]
    pub const fn new(max_attempts: NonZeroU32) -> Self {
        let failed = Failed { attempts: BTreeMap::new(), order: VecDeque::new() };
        Self { max_attempts, failed: Mutex::new(failed) }
    }

    /// Notes that this node could not run `transaction`.
    pub fn record(&self, transaction: B256) {
        let failed = &mut *self.failed.lock();
        if let Some(attempts) = failed.attempts.get_mut(&transaction) {
            *attempts = attempts.saturating_add(1);
            return;
        }
        if failed.order.len() >= MAX_REMEMBERED
            && let Some(first) = failed.order.pop_front()
        {
            failed.attempts.remove(&first);
        }
        failed.attempts.insert(transaction, 1);
        failed.order.push_back(transaction);
    }

    /// Tells whether `transaction` failed so often that it is not tried again.
    #[must_use]
    pub fn gave_up(&self, transaction: &B256) -> bool {
        let failed = self.failed.lock();
        failed.attempts.get(transaction).is_some_and(|tries| *tries >= self.max_attempts.get())
    }

    /// Forgets every failure, as after a device was repaired.
    pub fn clear(&self) {
        *self.failed.lock() = Failed::default();
    }
}

impl Default for FaultLog {
    /// Three attempts: a device may fail once for reasons that pass.
    fn default() -> Self {
        Self::new(const { NonZeroU32::new(3).expect("3 is not 0") })
    }
}

const MAX_REMEMBERED: usize = 4_096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_is_given_up_after_its_last_attempt() {
        let (log, hash) = (FaultLog::default(), B256::repeat_byte(1));
        for _ in 0..3 {
            assert!(!log.gave_up(&hash));
            log.record(hash);
        }
        assert!(log.gave_up(&hash));
        assert!(!log.gave_up(&B256::ZERO));
        log.clear();
        assert!(!log.gave_up(&hash));
    }

    #[test]
    fn the_log_is_bounded_and_forgets_the_first() {
        let log = FaultLog::new(NonZeroU32::MIN);
        let hash = |index: usize| B256::left_padding_from(&index.to_be_bytes());
        for index in 0..=MAX_REMEMBERED {
            log.record(hash(index));
        }
        assert!(!log.gave_up(&hash(0)));
        assert!(log.gave_up(&hash(1)) && log.gave_up(&hash(MAX_REMEMBERED)));
        assert_eq!(log.failed.lock().attempts.len(), MAX_REMEMBERED);
    }
}
