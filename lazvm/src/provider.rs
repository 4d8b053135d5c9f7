use alloc::string::{String, ToString};
use core::mem::replace;

use alloy_evm::{Database, EvmInternals, precompiles::PrecompilesMap};
use alloy_primitives::{Address, map::AddressSet};
use lazai_precompiles::{Call, Precompile, Reply, Status};
use revm::{
    handler::{PrecompileProvider, precompile_output_to_interpreter_result},
    interpreter::{CallInputs, InterpreterResult},
    precompile::{PrecompileHalt, PrecompileOutput},
    primitives::hardfork::SpecId,
};

use crate::{LazContext, state::JournaledState};

/// Ethereum's precompiles and, before them, the AI precompiles.
///
/// Those that it calls warm are Ethereum's alone: the [`LazHandler`](crate::LazHandler) makes the
/// AI precompiles warm, so that tracers do not take calls of models for calls of hash functions.
#[derive(Debug)]
pub struct LazPrecompiles {
    ethereum: PrecompilesMap,
    // Whether the AI precompiles are active in the block.
    active: bool,
    // A host may have edited `ethereum` since its addresses were made warm.
    stale: bool,
}

impl LazPrecompiles {
    /// Puts the AI precompiles, which run on the [`LazChain`](crate::LazChain) of the context,
    /// before `ethereum`.
    #[must_use]
    pub const fn new(ethereum: PrecompilesMap) -> Self {
        Self { ethereum, active: true, stale: true }
    }

    /// Returns Ethereum's precompiles.
    #[must_use]
    pub const fn ethereum(&self) -> &PrecompilesMap {
        &self.ethereum
    }

    /// Borrows Ethereum's precompiles to edit them.
    pub const fn ethereum_mut(&mut self) -> &mut PrecompilesMap {
        self.stale = true;
        &mut self.ethereum
    }

    pub(crate) const fn set_active(&mut self, active: bool) {
        self.active = active;
    }
}

impl<DB: Database> PrecompileProvider<LazContext<DB>> for LazPrecompiles {
    type Output = InterpreterResult;

    #[inline]
    fn set_spec(&mut self, _: SpecId) -> bool {
        replace(&mut self.stale, false)
    }

    fn run(
        &mut self,
        context: &mut LazContext<DB>,
        inputs: &CallInputs,
    ) -> Result<Option<InterpreterResult>, String> {
        let Some(precompile) = Precompile::at(&inputs.bytecode_address) else {
            return self.ethereum.run(context, inputs);
        };
        let Some(rules) = context.chain.rules().cloned() else {
            return self.ethereum.run(context, inputs);
        };
        let LazContext { block, tx, cfg, journaled_state, chain, local, .. } = context;
        let input = inputs.input.as_bytes_local(local);
        let call = Call {
            precompile,
            caller: inputs.caller,
            input: input.as_ref(),
            gas_limit: inputs.gas_limit,
            value: inputs.call_value(),
            is_static: inputs.is_static,
            is_delegate: inputs.target_address != inputs.bytecode_address,
            mode: chain.mode(),
            pricing: &*rules.pricing,
            prices: chain.prices(block.basefee),
        };
        // An error ends the whole transaction without a receipt: that is what a fault of this node
        // must do.
        let mut state = JournaledState(EvmInternals::new(journaled_state, block, cfg, tx));
        let answer = chain.answer(&rules.precompiles, &call, &mut state);
        let reply = chain.record(answer, &rules, (inputs.gas_limit, inputs.reservoir));
        let reply = reply.map_err(|fault| fault.to_string())?;
        let output = precompile_output(reply, inputs.gas_limit, inputs.reservoir);
        Ok(Some(precompile_output_to_interpreter_result(output, inputs.gas_limit)))
    }

    #[inline]
    fn warm_addresses(&self) -> &AddressSet {
        PrecompileProvider::<LazContext<DB>>::warm_addresses(&self.ethereum)
    }

    #[inline]
    fn contains(&self, address: &Address) -> bool {
        (self.active && Precompile::at(address).is_some()) || self.ethereum.get(address).is_some()
    }
}

/// Returns what revm makes of a reply in a frame of `gas_limit` gas.
pub(crate) fn precompile_output(reply: Reply, gas_limit: u64, reservoir: u64) -> PrecompileOutput {
    let charged = reply.charged.total().ok().and_then(|gas| gas.checked_add(reply.charged_evm));
    match (reply.status, charged) {
        (Status::Success, Some(gas)) if gas <= gas_limit => {
            PrecompileOutput::new(gas, reply.output, reservoir)
        }
        (Status::Revert, Some(gas)) if gas <= gas_limit => {
            PrecompileOutput::revert(gas, reply.output, reservoir)
        }
        _ => PrecompileOutput::halt(PrecompileHalt::OutOfGas, reservoir),
    }
}
