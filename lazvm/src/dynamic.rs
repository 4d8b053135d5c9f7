use alloc::{borrow::Cow, string::ToString, sync::Arc, vec::Vec};

use alloy_evm::precompiles::DynPrecompile;
use alloy_primitives::Address;
use lazai_precompiles::{Call, Mode, Precompile};
use revm::precompile::{PrecompileError, PrecompileId};

use crate::{
    AiRuntime, SharedMeter, chain::prices, provider::precompile_output, state::JournaledState,
};

/// Makes the AI precompiles as closures, for hosts that take a list of precompiles and no EVM:
/// anvil, test frameworks.
///
/// Gas, outputs and faults are those of [`LazEvm`](crate::LazEvm). What such a host cannot do is
/// refund the difference between the base fees of the resources: every resource costs the header's
/// base fee.
///
/// # Examples
/// `precompiles_map.extend_precompiles(dyn_precompiles(&runtime, Mode::Execute, &meter))`.
pub fn dyn_precompiles(
    runtime: &AiRuntime,
    mode: Mode,
    meter: &Arc<SharedMeter>,
) -> Vec<(Address, DynPrecompile)> {
    let closure = |precompile| dyn_precompile(precompile, runtime, mode, meter);
    Precompile::ALL.into_iter().map(|it| (it.address(), closure(it))).collect()
}

fn dyn_precompile(
    precompile: Precompile,
    runtime: &AiRuntime,
    mode: Mode,
    meter: &Arc<SharedMeter>,
) -> DynPrecompile {
    let (runtime, meter) = (runtime.clone(), Arc::clone(meter));
    // Stateful: a cached answer would skip the meter, and depends on prices that change with the
    // block.
    DynPrecompile::new_stateful(PrecompileId::Custom(Cow::Borrowed("lazai")), move |input| {
        let call = Call {
            precompile,
            caller: input.caller,
            input: input.data,
            gas_limit: input.gas,
            value: input.value,
            is_static: input.is_static,
            is_delegate: !input.is_direct_call(),
            mode,
            pricing: runtime.pricing(),
            prices: prices(input.internals.block_env().basefee(), None),
        };
        let (gas_limit, reservoir) = (input.gas, input.reservoir);
        let reply = runtime
            .precompiles()
            .call(&call, &mut JournaledState(input.internals))
            .map_err(|fault| PrecompileError::Fatal(fault.to_string()))?;
        meter.record(&reply, call.pricing, call.gas_limit);
        Ok(precompile_output(reply, gas_limit, reservoir))
    })
}
