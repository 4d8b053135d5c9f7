use alloc::boxed::Box;
use core::fmt;

use alloy_primitives::Address;
use lazai_api_types::{Fault, GasCost, GasPricing, Work};
use lazai_gas::Resources;
use lazai_precompiles::Reply;
use spin::Mutex;

/// What the AI calls of one transaction did and cost.
///
/// A meter counts work, and work done cannot be undone: a contract that reverts after an AI call
/// gets its storage back, but its meter still shows the call, because its gas was spent.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Meter {
    /// Calls of AI precompiles, refused ones included.
    pub calls: u64,
    /// Gas that the calls were charged, unused tokens already given back.
    pub charged: GasCost,
    /// Gas that the jobs among the calls were quoted before they ran.
    pub quoted: GasCost,
    /// Work that the jobs were quoted: operations add up, memory is that of the largest call.
    pub quoted_work: Work,
    /// Work that `charged` paid for: operations add up, memory is that of the largest call.
    pub work: Work,
}

impl Meter {
    /// Splits `gas_used`, the gas of the whole transaction, by resource.
    ///
    /// The parts add up to `gas_used`. What the AI calls did not take is EVM gas, so gas that the
    /// EVM gives back for freed storage lowers that part first.
    #[must_use]
    pub fn apportion(&self, gas_used: u64) -> Resources<u64> {
        Resources::apportion(gas_used, self.charged)
    }

    /// Counts a call that had `gas_limit` gas.
    pub(crate) fn record(&mut self, reply: &Reply, pricing: &dyn GasPricing, gas_limit: u64) {
        self.add(&Self::of(reply, pricing, gas_limit));
    }

    fn add(&mut self, entry: &Self) {
        self.calls = self.calls.saturating_add(entry.calls);
        self.charged = add(self.charged, entry.charged);
        self.quoted = add(self.quoted, entry.quoted);
        self.quoted_work = then(self.quoted_work, entry.quoted_work);
        self.work = then(self.work, entry.work);
    }

    fn of(reply: &Reply, pricing: &dyn GasPricing, gas_limit: u64) -> Self {
        // A frame cannot spend more than it has, whatever its precompile reports.
        let charged = Resources::apportion(gas_limit, reply.charged);
        let quoted_work = reply.quoted.map(|quote| quote.work).unwrap_or_default();
        let quoted = reply.quoted.map(|quote| pricing.gas(&quote.work).unwrap_or(GasCost::MAX));
        Self {
            calls: 1,
            charged: GasCost { gas_ai: charged.ai, gas_inference: charged.inference },
            quoted: quoted.unwrap_or_default(),
            quoted_work,
            work: reply.work,
        }
    }
}

/// A [`Meter`] that hosts and the closures of [`dyn_precompiles`](crate::dyn_precompiles) share.
///
/// It only grows until it is taken, so a host takes it after each transaction. A call is in what is
/// taken whole or not at all. A host that is not told when a transaction ends gets each call by
/// itself, with the transaction that it belongs to, through [`observed`](Self::observed).
#[derive(Default)]
pub struct SharedMeter {
    counted: Mutex<Meter>,
    fault: Mutex<Option<Fault>>,
    observer: Option<Observer>,
}

type Observer = Box<dyn Fn(&MeteredCall) + Send + Sync>;

/// A call of an AI precompile, as an observer of a [`SharedMeter`] gets it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct MeteredCall {
    /// The sender of the transaction.
    pub origin: Address,
    /// The nonce of the transaction.
    pub nonce: u64,
    /// What this call did and cost.
    pub meter: Meter,
}

impl SharedMeter {
    /// Makes a meter that hands each call to `observer` when it is answered.
    #[must_use]
    pub fn observed(observer: impl Fn(&MeteredCall) + Send + Sync + 'static) -> Self {
        Self { observer: Some(Box::new(observer)), ..Self::default() }
    }

    /// Returns what was counted since the last time, and starts again at zero.
    pub fn take(&self) -> Meter {
        core::mem::take(&mut *self.counted.lock())
    }

    /// Takes the last fault of this node that ended a transaction, if one did: the host sees only
    /// its text.
    pub fn take_fault(&self) -> Option<Fault> {
        self.fault.lock().take()
    }

    pub(crate) fn record(
        &self,
        reply: &Reply,
        pricing: &dyn GasPricing,
        gas_limit: u64,
        origin: Address,
        nonce: u64,
    ) {
        // The price is asked before the lock is held: it may be anyone's code, as the observer is.
        let entry = Meter::of(reply, pricing, gas_limit);
        self.counted.lock().add(&entry);
        if let Some(observer) = &self.observer {
            observer(&MeteredCall { origin, nonce, meter: entry });
        }
    }

    pub(crate) fn keep_fault(&self, fault: Fault) {
        *self.fault.lock() = Some(fault);
    }
}

impl fmt::Debug for SharedMeter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedMeter")
            .field("counted", &*self.counted.lock())
            .field("observed", &self.observer.is_some())
            .finish_non_exhaustive()
    }
}

const fn add(left: GasCost, right: GasCost) -> GasCost {
    GasCost {
        gas_ai: left.gas_ai.saturating_add(right.gas_ai),
        gas_inference: left.gas_inference.saturating_add(right.gas_inference),
    }
}

fn then(first: Work, next: Work) -> Work {
    first
        .then(next)
        .unwrap_or(Work { flops: u64::MAX, peak_bytes: first.peak_bytes.max(next.peak_bytes) })
}

#[cfg(test)]
mod tests {
    use alloy_primitives::Bytes;
    use lazai_api_types::{Quote, WorkOverflow};
    use lazai_precompiles::Status;

    use super::*;

    #[derive(Debug)]
    struct Free;

    impl GasPricing for Free {
        fn gas(&self, _: &Work) -> Result<GasCost, WorkOverflow> {
            Ok(GasCost { gas_ai: u64::MAX, gas_inference: 1 })
        }
    }

    #[test]
    fn both_meters_stop_at_the_highest_number() {
        let work = Work { flops: u64::MAX - 1, peak_bytes: 5 };
        let reply = Reply {
            status: Status::Success,
            output: Bytes::new(),
            charged: GasCost { gas_ai: u64::MAX - 1, gas_inference: 1 },
            charged_evm: 0,
            quoted: Some(Quote { work, ..Quote::default() }),
            work,
        };
        let (mut meter, shared) = (Meter::default(), SharedMeter::default());
        for _ in 0..2 {
            meter.record(&reply, &Free, u64::MAX);
            shared.record(&reply, &Free, u64::MAX, Address::ZERO, 0);
        }
        assert_eq!((meter.charged.gas_ai, meter.work.flops), (u64::MAX, u64::MAX));
        assert_eq!(shared.take(), meter);
    }

    #[test]
    fn a_call_is_taken_whole_or_not_at_all() {
        const CALLS: u64 = 2_000;
        let reply = Reply {
            status: Status::Success,
            output: Bytes::new(),
            charged: GasCost { gas_ai: 3, gas_inference: 5 },
            charged_evm: 0,
            quoted: None,
            work: Work { flops: 7, peak_bytes: 1 },
        };
        let shared = SharedMeter::default();
        let mut calls = 0;
        std::thread::scope(|scope| {
            let recorder = scope.spawn(|| {
                for _ in 0..CALLS {
                    shared.record(&reply, &Free, u64::MAX, Address::ZERO, 0);
                }
            });
            let mut done = false;
            while !done {
                done = recorder.is_finished();
                let taken = shared.take();
                assert_eq!(taken.work.flops, 7 * taken.calls);
                let expected = (3 * taken.calls, 5 * taken.calls);
                assert_eq!((taken.charged.gas_ai, taken.charged.gas_inference), expected);
                calls += taken.calls;
            }
        });
        assert_eq!(calls, CALLS);
    }
}
