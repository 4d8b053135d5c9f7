use alloc::collections::BTreeMap;

use alloy_primitives::{Address, B256};
use spin::Mutex;

use super::{
    attempt::{Attempt, EXECUTED, Kind},
    standing::Standing,
};

/// Remembers what this node could not run, so that a builder tries nothing for ever and whoever
/// makes it fail pays for it.
///
/// A transaction that has failed is tried again in the next block, then two blocks later, then
/// four, and so on up to [`LONGEST_WAIT`](Self::LONGEST_WAIT), whatever failed and whoever was to
/// blame: it waits about as long as it has failed for.
///
/// A sender that has executed as much gas as its transaction may use is known: each number of its
/// nonce stands for 18,000 gas. What its transactions use in vain when they fail first is taken off
/// that. A sender that is not known owes what they use, and 500 gas of it are forgiven with each
/// block. Both get it back by executing as much, where a host [tells](Self::executed). What follows
/// from it, and what a block may lose by failures, is in [`Attempts`](crate::Attempts).
///
/// Time is counted in blocks, and what is kept is bounded. It is this node's own matter and no part
/// of consensus.
#[derive(Debug, Default)]
pub struct FaultLog {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    failures: BTreeMap<B256, Failure>,
    /// The transactions of `failures`, in the order in which they failed last.
    order: BTreeMap<u64, B256>,
    /// Failures so far.
    count: u64,
    standing: Standing,
    /// The highest block that was built.
    block: u64,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Failure {
    /// Times that it failed of itself; 0 if the device was not asked, because others had failed
    /// before in the same block.
    attempts: u32,
    /// The most gas that it used in vain.
    gas: u64,
    /// The block of the last one.
    block: u64,
    /// Its place in the order of failures.
    place: u64,
}

impl FaultLog {
    /// Most blocks that a transaction waits after it has failed.
    pub const LONGEST_WAIT: u64 = 1 << 16;

    /// Tells whether a builder of block `block` leaves `transaction` out without a try.
    #[must_use]
    pub fn leaves_out(&self, transaction: &B256, block: u64) -> bool {
        let state = self.state.lock();
        state.failures.get(transaction).is_some_and(|failure| failure.waits(block))
    }

    /// Tells whether a transaction failed before of itself, or its sender owes too much. Builders
    /// that choose an order try others first.
    #[must_use]
    pub fn has_failed(&self, attempt: &Attempt) -> bool {
        self.look_up(attempt).0 == Kind::Again
    }

    /// Notes that a transaction of `sender` was executed in a final block, by whomever it was
    /// built: as much of the gas that others of it used in vain is given back.
    ///
    /// Of blocks that are built and not final this must not be told: their transactions can be
    /// replaced by such as cost less. An authorization (EIP-7702) raises a nonce as well: hosts
    /// that have them take 25,000 off `gas` for each.
    pub fn executed(&self, sender: &Address, gas: u64) {
        let state = &mut *self.state.lock();
        // The rest is in the nonce.
        state.standing.pay(sender, gas.saturating_sub(EXECUTED), state.block);
    }

    /// Forgets every failure and whose it was, as after a device was repaired.
    pub fn clear(&self) {
        let state = &mut *self.state.lock();
        *state = State { block: state.block, ..State::default() };
    }

    /// Begins the build of `block`.
    pub(super) fn enter(&self, block: u64) {
        let mut state = self.state.lock();
        state.block = state.block.max(block);
    }

    /// Returns the kind of an attempt, and how it failed before.
    pub(super) fn look_up(&self, attempt: &Attempt) -> (Kind, Option<Failure>) {
        let state = self.state.lock();
        let failure = state.failures.get(&attempt.transaction).copied();
        let has_failed = failure.is_some_and(|failure| failure.attempts > 0);
        let owed = state.standing.owed(&attempt.sender, state.block);
        let spent = state.standing.spent(&attempt.sender);
        (Kind::of(attempt, has_failed, owed, spent), failure)
    }

    /// Holds `gas` that was used in vain against its sender, less what the same transaction was
    /// charged before.
    pub(super) fn charge(&self, attempt: &Attempt, kind: Kind, gas: u64) {
        let state = &mut *self.state.lock();
        let sender = attempt.sender;
        let before = state.failures.get(&attempt.transaction).map_or(0, |failure| failure.gas);
        let gas = gas.saturating_sub(before);
        match kind {
            // It is tried among such alone, a few in a block.
            Kind::Again => {}
            Kind::Known => state.standing.spend(sender, gas),
            Kind::Large | Kind::Small | Kind::Transfer => {
                state.standing.owe(sender, gas, state.block);
            }
        }
    }

    pub(super) fn note(&self, transaction: B256, gas: u64, block: u64, was_asked: bool) {
        let state = &mut *self.state.lock();
        state.count = state.count.saturating_add(1);
        let place = state.count;
        let (attempts, most) = state.failures.get(&transaction).map_or((0, 0), |failure| {
            state.order.remove(&failure.place);
            (failure.attempts, failure.gas)
        });
        let attempts = attempts.saturating_add(u32::from(was_asked));
        let failure = Failure { attempts, gas: gas.max(most), block, place };
        state.failures.insert(transaction, failure);
        state.order.insert(place, transaction);
        if state.order.len() > MAX_REMEMBERED
            && let Some((_, oldest)) = state.order.pop_first()
        {
            state.failures.remove(&oldest);
        }
    }

    /// Transactions and senders that are remembered.
    #[cfg(test)]
    pub(super) fn sizes(&self) -> (usize, [usize; 2]) {
        let state = self.state.lock();
        assert_eq!(state.failures.len(), state.order.len());
        (state.failures.len(), state.standing.sizes())
    }
}

impl Failure {
    pub(super) fn waits(self, block: u64) -> bool {
        let doublings = self.attempts.saturating_sub(1);
        let blocks = 1_u64.checked_shl(doublings).unwrap_or(u64::MAX).min(FaultLog::LONGEST_WAIT);
        block < self.block.saturating_add(blocks)
    }
}

pub(super) const MAX_REMEMBERED: usize = 65_536;
