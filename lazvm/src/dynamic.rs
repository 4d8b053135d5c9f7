use alloc::{borrow::Cow, string::ToString, sync::Arc, vec::Vec};

use alloy_evm::precompiles::DynPrecompile;
use alloy_primitives::{Address, Bytes};
use lazai_precompiles::{Call, Mode, Precompile};
use revm::precompile::{PrecompileError, PrecompileId, PrecompileOutput};

use crate::{
    AiRuntime, BlockPosition, SharedMeter, chain::prices, provider::precompile_output,
    state::JournaledState,
};

/// Makes the AI precompiles as closures, for hosts that take a list of precompiles and no EVM:
/// anvil, test frameworks.
///
/// Gas, outputs and faults are those of [`LazEvm`](crate::LazEvm). What such a host cannot do is
/// refund the difference between the base fees of the resources: every resource costs the header's
/// base fee. Nor can an address of its list be an account like any other: before the AI precompiles
/// begin, a call of one succeeds without an answer, as on an account without code. Which calls are
/// in a block it does not tell: a list that simulates runs on the device of queries, and one that
/// executes on that of blocks.
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
        let (gas_limit, reservoir) = (input.gas, input.reservoir);
        let block = input.internals.block_env();
        let Some(rules) = runtime.rules_at(BlockPosition::of(block)) else {
            // An account without code.
            return Ok(PrecompileOutput::new(0, Bytes::new(), reservoir));
        };
        let call = Call {
            precompile,
            caller: input.caller,
            input: input.data,
            gas_limit,
            value: input.value,
            is_static: input.is_static,
            is_delegate: !input.is_direct_call(),
            mode,
            pricing: &*rules.pricing,
            prices: prices(block.basefee(), None),
        };
        let tx = input.internals.tx_env();
        let (origin, nonce) = (tx.caller(), tx.nonce());
        let mut state = JournaledState(input.internals);
        let answer = match mode {
            Mode::Execute => rules.precompiles.call(&call, &mut state),
            Mode::Simulate => rules.precompiles.query(&call, &mut state),
        };
        let reply = answer.map_err(|ended| {
            let error = PrecompileError::Fatal(ended.to_string());
            meter.keep_fault(ended.fault);
            error
        })?;
        meter.record(&reply, call.pricing, gas_limit, origin, nonce);
        Ok(precompile_output(reply, gas_limit, reservoir))
    })
}
