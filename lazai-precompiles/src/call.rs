use alloy_primitives::{Address, Bytes, U256};
use lazai_api_types::{Fault, GasCost, GasPricing, Quote, Work};

use crate::Precompile;

/// One call of an AI precompile, as the EVM sees it.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The precompile whose code runs.
    pub precompile: Precompile,
    /// Who calls; the event of a registered key names it, and nothing else depends on it.
    pub caller: Address,
    /// The calldata.
    pub input: &'a [u8],
    /// Gas that the frame may spend.
    pub gas_limit: u64,
    /// Wei sent along; anything but zero is refused.
    pub value: U256,
    /// Whether state is frozen: functions that write it are refused.
    pub is_static: bool,
    /// Whether the call came by DELEGATECALL or CALLCODE; always refused.
    pub is_delegate: bool,
    /// Whether to do the work or only to price it.
    pub mode: Mode,
    /// Turns work into gas, by the parameters of this block.
    pub pricing: &'a dyn GasPricing,
    /// Gas prices of this block.
    pub prices: ResourcePrices,
}

/// Whether to do the work or only to price it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Mode {
    /// Run the job, charge what it really took.
    #[default]
    Execute,
    /// Charge the quote and return a placeholder of the right type: for gas estimation. Proofs are
    /// checked and keys are registered as ever.
    Simulate,
}

/// Price of a unit of gas in this block, for each resource.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ResourcePrices {
    /// Base fee of ordinary EVM gas, in wei.
    pub evm: u128,
    /// Base fee of `GasAI`, in wei.
    pub ai: u128,
    /// Base fee of `GasInference`, in wei.
    pub inference: u128,
    /// Base fee in the block's header, in wei: the highest of the three, paid first, the difference
    /// returned.
    pub header: u128,
}

/// What a call did.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reply {
    /// How the frame ends.
    pub status: Status,
    /// Returned bytes: the result, or a Solidity custom error if reverted; empty if out of gas.
    pub output: Bytes,
    /// AI gas spent, unused tokens already given back.
    ///
    /// If out of gas, this is the part that paid for work done until then; the rest of the frame's
    /// gas burns as ordinary EVM gas.
    pub charged: GasCost,
    /// Gas spent on what Ethereum prices: accounts, code and logs. With `charged` it never exceeds
    /// the gas limit.
    pub charged_evm: u64,
    /// What a job was charged before it ran; none for calls that run no job.
    pub quoted: Option<Quote>,
    /// Work that `charged` paid for.
    pub work: Work,
}

/// A fault of this machine that ended a call.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{fault}")]
pub struct CallFault {
    /// What failed.
    pub fault: Fault,
    /// Gas that the call had been charged until then. A job is charged before it runs, so this pays
    /// for all that the machine can have done.
    pub charged: u64,
}

impl From<CallFault> for Fault {
    fn from(ended: CallFault) -> Self {
        ended.fault
    }
}

/// How the frame of a call ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Status {
    /// Halts and burns the frame's gas.
    OutOfGas,
    /// Undoes the frame and keeps the gas that was not charged.
    Revert,
    /// Succeeds.
    Success,
}
