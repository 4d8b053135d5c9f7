use alloc::string::String;

use lazai_api_types::{
    Fault, FaultKind, GasCost, INTRINSIC_FLOPS_PER_BYTE, PortError, Quote, Work,
};

use crate::{Call, input::InputError, revert::RevertReason};

/// The number of the rules by which calls are measured and refused: the work of runs, of texts that
/// are read or decoded and of proofs, and the limits of texts, stops and inputs.
///
/// These rules are compiled in, so nodes of different versions could differ by them. A chain
/// commits to this number, as `lazvm-executor` does, and such nodes find out before the first call.
/// It is raised by every release that changes one of the rules.
pub const WORK_RULES: u32 = 1;

/// What one call has paid so far.
///
/// Charges for work do not add up: each is the price of all work until then, so that the intrinsic
/// work that a quote contains is never paid twice. Charges for what Ethereum prices do.
#[derive(Debug)]
pub(crate) struct Meter<'a> {
    call: &'a Call<'a>,
    paid: GasCost,
    paid_evm: u64,
    work: Work,
    quoted: Option<Quote>,
}

impl<'a> Meter<'a> {
    pub(crate) const fn new(call: &'a Call<'a>) -> Self {
        Self {
            call,
            paid: GasCost { gas_ai: 0, gas_inference: 0 },
            paid_evm: 0,
            work: Work { flops: 0, peak_bytes: 0 },
            quoted: None,
        }
    }

    /// Charges for `work`, which contains all work charged before.
    pub(crate) fn charge(&mut self, work: Work) -> Result<(), Stop> {
        // A price beyond 64 bits is one that no gas limit pays.
        let cost = self.call.pricing.gas(&work).map_err(|_| Stop::OutOfGas)?;
        let total = cost.total().map_err(|_| Stop::OutOfGas)?;
        if total > self.call.gas_limit.saturating_sub(self.paid_evm) {
            return Err(Stop::OutOfGas);
        }
        (self.paid, self.work) = (cost, work);
        Ok(())
    }

    /// Charges for what Ethereum prices, on top of all that was charged before.
    pub(crate) fn charge_evm(&mut self, gas: u64) -> Result<(), Stop> {
        let paid_evm = self.paid_evm.checked_add(gas).ok_or(Stop::OutOfGas)?;
        let total = self.paid.total().map_err(|_| Stop::OutOfGas)?;
        if paid_evm > self.call.gas_limit.saturating_sub(total) {
            return Err(Stop::OutOfGas);
        }
        self.paid_evm = paid_evm;
        Ok(())
    }

    /// Charges for a job before it runs.
    pub(crate) fn charge_quote(&mut self, quote: Quote) -> Result<(), Stop> {
        self.charge(quote.work)?;
        self.quoted = Some(quote);
        Ok(())
    }

    /// Gives back what the job did not use.
    pub(crate) fn settle(&mut self, done: Work) -> Result<(), Stop> {
        let quoted = self.work;
        let exceeds = done.flops > quoted.flops || done.peak_bytes > quoted.peak_bytes;
        let cost = self.call.pricing.gas(&done).unwrap_or(GasCost::MAX);
        if exceeds || cost.gas_ai > self.paid.gas_ai || cost.gas_inference > self.paid.gas_inference
        {
            return Err(internal("the work of a run exceeds its quote"));
        }
        (self.paid, self.work) = (cost, done);
        Ok(())
    }

    pub(crate) const fn paid(&self) -> GasCost {
        self.paid
    }

    pub(crate) const fn paid_evm(&self) -> u64 {
        self.paid_evm
    }

    /// All that was paid. It is at most the gas of the call.
    pub(crate) fn total(&self) -> u64 {
        self.paid.total().unwrap_or(u64::MAX).saturating_add(self.paid_evm)
    }

    pub(crate) const fn work(&self) -> Work {
        self.work
    }

    pub(crate) const fn quoted(&self) -> Option<Quote> {
        self.quoted
    }
}

/// Why a call ends without a result.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Stop {
    Fault(Fault),
    OutOfGas,
    Revert(RevertReason),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<PortError> for Stop {
    fn from(error: PortError) -> Self {
        match error {
            PortError::Fault(fault) => Self::Fault(fault),
            PortError::Rejected(rejection) => Self::Revert(RevertReason::Rejected(rejection)),
        }
    }
}

impl From<RevertReason> for Stop {
    fn from(reason: RevertReason) -> Self {
        Self::Revert(reason)
    }
}

impl From<InputError> for Stop {
    fn from(error: InputError) -> Self {
        Self::Revert(error.into())
    }
}

/// Returns the work of reading bytes that are not a job, by the rule of
/// [`Job::intrinsic_work`](lazai_api_types::Job::intrinsic_work).
pub(crate) const fn reading_work(bytes: u64) -> Work {
    Work { flops: bytes.saturating_mul(INTRINSIC_FLOPS_PER_BYTE), peak_bytes: 0 }
}

/// Reports a port that broke its promise, so that nothing it says can go on chain.
pub(crate) fn internal(message: &str) -> Stop {
    Stop::Fault(Fault { kind: FaultKind::Internal, message: String::from(message) })
}
