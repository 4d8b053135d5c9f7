use alloc::sync::Arc;

use lazai_api_types::{Fault, FaultKind};

use super::{
    FaultLog,
    attempt::{Attempt, Kind, SMALL, TRANSFER},
};

/// What attempts may still cost the build of one block.
///
/// Transactions that fail use gas for which nobody pays. Of each of these kinds, those that fail
/// may use as much as the block has, and one whose gas limit is above what is left is not tried:
///
/// | kind | which |
/// | --- | --- |
/// | transfers | at most [`TRANSFER`](Self::TRANSFER) gas, which pays for no AI call |
/// | again | the transaction has failed before, or its sender owes too much |
/// | known | the sender has executed as much gas as the limit, beyond what it owes or has spent |
/// | small | others of at most [`SMALL`](Self::SMALL) gas |
/// | large | all others |
///
/// The gas that was used in vain is held against the sender, as [`FaultLog`] says. So what fails
/// keeps a known sender out of a block only if whoever sent it has executed as much gas as the
/// block has, less the limit of what is kept out, and has spent that then.
///
/// After [`MAX_FAULTS`](Self::MAX_FAULTS) faults of the device at transactions that are tried for
/// the first time, it is asked no more for this block, and nothing that is in the log is tried.
/// After as many failures of the kind *again*, no other of it is tried: they may fail once more, so
/// they take no attempt from the rest, however many there are and whatever they pay.
#[derive(Debug)]
pub struct Attempts {
    log: Arc<FaultLog>,
    block: u64,
    /// Gas that failed attempts of each [`Kind`] may still use.
    gas: [u64; 5],
    /// Faults after which the device is asked no more.
    faults: u32,
    /// Failures of the kind *again* after which no other of it is tried.
    retries: u32,
}

impl Attempts {
    /// Faults of the device in one block after which its builder asks it no more.
    pub const MAX_FAULTS: u32 = 4;

    /// Most gas of a small transaction.
    pub const SMALL: u64 = SMALL;

    /// What a transfer costs. A transaction with no more gas runs no code.
    pub const TRANSFER: u64 = TRANSFER;

    /// Tells whether the builder tries `attempt`.
    #[must_use]
    pub fn allow(&self, attempt: &Attempt) -> bool {
        let (kind, failure) = self.log.look_up(attempt);
        let may_fail = failure.is_none_or(|failure| !failure.waits(self.block) && self.faults > 0)
            && (kind != Kind::Again || self.retries > 0);
        may_fail && attempt.gas_limit <= self.gas[kind as usize]
    }

    /// Notes that `attempt` ended in `fault` after it had used `gas`, as
    /// [`LazChain::gas_at_fault`](crate::LazChain::gas_at_fault) tells. Returns whether the builder
    /// should ask the device no more from here on, for the rest of the block.
    #[must_use]
    pub fn failed(&mut self, attempt: &Attempt, gas: u64, fault: &Fault) -> bool {
        // A model or a verifier that is missing says nothing about the device.
        let of_device = matches!(fault.kind, FaultKind::Device | FaultKind::Resources);
        let was_suspended = self.faults == 0;
        let (kind, _) = self.log.look_up(attempt);
        let left = &mut self.gas[kind as usize];
        *left = left.saturating_sub(gas);
        if kind == Kind::Again {
            self.retries = self.retries.saturating_sub(1);
        } else {
            self.faults = self.faults.saturating_sub(u32::from(of_device));
        }
        self.log.charge(attempt, kind, gas);
        self.log.note(attempt.transaction, gas, self.block, !(was_suspended && of_device));
        !was_suspended && self.faults == 0
    }
}

impl FaultLog {
    /// Starts the build of block `block`, whose gas limit is `gas_limit`.
    #[must_use]
    pub fn start(self: &Arc<Self>, block: u64, gas_limit: u64) -> Attempts {
        self.enter(block);
        Attempts {
            log: Arc::clone(self),
            block,
            gas: [gas_limit; 5],
            faults: Attempts::MAX_FAULTS,
            retries: Attempts::MAX_FAULTS,
        }
    }
}
