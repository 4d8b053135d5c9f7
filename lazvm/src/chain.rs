use alloc::boxed::Box;

use lazai_api_types::{Fault, GasCost, Work};
use lazai_gas::Resources;
use lazai_precompiles::{Mode, Reply, ResourcePrices};
use revm::{
    Context, Journal,
    context::{BlockEnv, CfgEnv, TxEnv},
    primitives::hardfork::SpecId,
};

use crate::{AiRuntime, Meter};

/// The context of a [`LazEvm`](crate::LazEvm): Ethereum's, with [`LazChain`] in the slot for
/// chains.
pub type LazContext<DB> = Context<BlockEnv, TxEnv, CfgEnv<SpecId>, DB, Journal<DB>, LazChain>;

/// The part of the EVM's context that Ethereum does not have.
///
/// It is not journaled: prices belong to a block, the meter to a transaction, and neither is undone
/// by a revert.
#[derive(Clone, Debug)]
pub struct LazChain {
    runtime: AiRuntime,
    base_fees: Option<Resources<u64>>,
    mode: Mode,
    meter: Meter,
    // Boxed: it is there almost never.
    fault: Option<Box<Fault>>,
}

impl LazChain {
    /// Makes a chain on which every resource costs the header's base fee.
    #[must_use]
    pub const fn new(runtime: AiRuntime) -> Self {
        Self { runtime, base_fees: None, mode: Mode::Execute, meter: ZERO, fault: None }
    }

    /// Sets the base fee of each resource in this block; none means the header's for all of them.
    ///
    /// The header's base fee must be the highest of the three: a transaction in another block ends
    /// in an error.
    pub const fn set_base_fees(&mut self, base_fees: Option<Resources<u64>>) {
        self.base_fees = base_fees;
    }

    /// Sets whether AI calls do their work or only cost it.
    pub const fn set_mode(&mut self, mode: Mode) {
        self.mode = mode;
    }

    /// Starts a transaction: what the last one left is dropped.
    #[inline]
    pub fn reset(&mut self) {
        self.meter = ZERO;
        self.fault = None;
    }

    /// Ends a transaction without a result: its meter is dropped, the fault that ended it stays to
    /// be taken.
    pub(crate) const fn abort(&mut self) {
        self.meter = ZERO;
    }

    /// Takes the fault of this node that ended the last transaction, if one did.
    #[inline]
    pub fn take_fault(&mut self) -> Option<Fault> {
        self.fault.take().map(|fault| *fault)
    }

    /// Returns the meter of what the AI calls of the current or last transaction did.
    #[inline]
    #[must_use]
    pub const fn meter(&self) -> &Meter {
        &self.meter
    }

    /// Returns the base fee of each resource, where they differ from the header's.
    #[inline]
    #[must_use]
    pub const fn base_fees(&self) -> Option<Resources<u64>> {
        self.base_fees
    }

    /// Tells whether AI calls do their work or only cost it.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// Returns the runtime of the AI calls: device, verifiers and prices.
    #[inline]
    #[must_use]
    pub const fn runtime(&self) -> &AiRuntime {
        &self.runtime
    }

    /// Returns the prices of a block whose header shows the base fee `header`.
    #[must_use]
    pub fn prices(&self, header: u64) -> ResourcePrices {
        prices(header, self.base_fees)
    }

    /// Counts the answer to a call that had `gas_limit` gas; keeps the fault that it may be.
    pub(crate) fn record(
        &mut self,
        answer: Result<Reply, Fault>,
        gas_limit: u64,
    ) -> Result<Reply, Fault> {
        match &answer {
            Ok(reply) => self.meter.record(reply, self.runtime.pricing(), gas_limit),
            Err(fault) => self.fault = Some(Box::new(fault.clone())),
        }
        answer
    }
}

pub(crate) fn prices(header: u64, base_fees: Option<Resources<u64>>) -> ResourcePrices {
    let Resources { evm, ai, inference } =
        base_fees.unwrap_or_else(|| Resources::uniform(header)).map(u128::from);
    ResourcePrices { evm, ai, inference, header: u128::from(header) }
}

const ZERO: Meter = Meter {
    calls: 0,
    charged: GasCost { gas_ai: 0, gas_inference: 0 },
    quoted: GasCost { gas_ai: 0, gas_inference: 0 },
    quoted_work: Work { flops: 0, peak_bytes: 0 },
    work: Work { flops: 0, peak_bytes: 0 },
};
