use revm::{context_interface::result::ExecutionResult, state::EvmState};

use crate::{Meter, Settlement};

/// What a transaction did and paid.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Execution {
    /// revm's result: success, revert or halt, with output, logs and gas.
    pub result: ExecutionResult,
    /// What the AI calls did.
    pub meter: Meter,
    /// What was paid, by resource.
    pub settlement: Settlement,
}

impl Execution {
    /// Gas of everything that Ethereum prices.
    #[must_use]
    pub const fn gas_evm(&self) -> u64 {
        self.settlement.gas.evm
    }

    /// Gas of the arithmetic of AI calls: `ceil(alpha * FLOPs) + gamma` for each.
    #[must_use]
    pub const fn gas_ai(&self) -> u64 {
        self.settlement.gas.ai
    }

    /// Gas of the memory of AI calls: `ceil(beta * peak bytes)` for each.
    #[must_use]
    pub const fn gas_inference(&self) -> u64 {
        self.settlement.gas.inference
    }

    /// Gas of the transaction, as its receipt shows it: the sum of the three.
    #[must_use]
    pub const fn gas_used(&self) -> u64 {
        self.result.tx_gas_used()
    }
}

/// An [`Execution`] that is not committed yet.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ExecutionAndState {
    /// What the transaction did and paid.
    pub execution: Execution,
    /// The accounts it touched, to be committed by the caller.
    pub state: EvmState,
}
