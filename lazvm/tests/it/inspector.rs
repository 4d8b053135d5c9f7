//! A transaction does the same whether or not an inspector watches it.

use std::sync::Arc;

use lazai_precompiles::address::RAW_PROMPT;
use lazvm::{
    ExecutionAndState, LazContext, LazVm, LazVmError,
    alloy_evm::{Evm, EvmEnv, EvmFactory},
    revm::{
        context::TxEnv,
        database::InMemoryDB,
        inspector::{CountInspector, Inspector, NoOpInspector, inspectors::TracerEip3155},
        interpreter::{CallInputs, CallOutcome},
    },
};

use crate::support::{
    CONTRACT, FEES, Letters, OUTER, SENDER, builder, bytecode, bytecode::Kind, call, database,
};

/// Remembers which addresses were called, and how many of the calls succeeded.
#[derive(Default)]
struct Calls {
    targets: Vec<alloy_primitives::Address>,
    succeeded: usize,
}

impl<CTX> Inspector<CTX> for Calls {
    fn call(&mut self, _: &mut CTX, inputs: &mut CallInputs) -> Option<CallOutcome> {
        self.targets.push(inputs.target_address);
        None
    }

    fn call_end(&mut self, _: &mut CTX, _: &CallInputs, outcome: &mut CallOutcome) {
        self.succeeded += usize::from(outcome.result.is_ok());
    }
}

fn machine() -> (Arc<Letters>, LazVm<InMemoryDB>) {
    let device = Arc::new(Letters::default());
    let inner = bytecode::reverter(RAW_PROMPT);
    let outer = [
        bytecode::forwarder(Kind::Call, RAW_PROMPT)[..32 + 5].to_vec(),
        bytecode::forwarder(Kind::Static, CONTRACT),
    ]
    .concat();
    let db = database(&[(CONTRACT, &inner), (OUTER, &outer)]);
    let vm = builder(&device).base_fees(FEES).build(db).unwrap();
    (device, vm)
}

fn transactions() -> [TxEnv; 5] {
    let mut poor = call(RAW_PROMPT, "not enough", 0);
    poor.gas_limit = 30_000;
    [
        call(SENDER, "", 0),
        call(RAW_PROMPT, "half.", 0),
        call(CONTRACT, "reverted", 0),
        call(OUTER, "twice", 0),
        poor,
    ]
}

fn inspected<I>(tx: &TxEnv, inspector: I) -> (ExecutionAndState, (u32, u32))
where
    I: for<'a> Inspector<LazContext<&'a mut InMemoryDB>>,
{
    let (device, mut vm) = machine();
    let result = vm.inspect(tx.clone(), inspector).unwrap();
    (result, device.counts())
}

#[test]
fn inspectors_change_neither_state_nor_gas() {
    for tx in transactions() {
        let (device, mut vm) = machine();
        let plain = (vm.transact(tx.clone()).unwrap(), device.counts());
        assert_eq!(inspected(&tx, NoOpInspector), plain);
        assert_eq!(inspected(&tx, CountInspector::new()), plain);
        assert_eq!(inspected(&tx, TracerEip3155::new(Box::new(std::io::sink()))), plain);
        assert_eq!(inspected(&tx, Calls::default()), plain);
    }
}

#[test]
fn an_inspector_sees_ai_calls() {
    let (device, vm) = machine();
    let (factory, env) = (vm.factory().clone(), {
        let evm = vm.evm();
        EvmEnv { block_env: evm.block().clone(), cfg_env: evm.cfg_env().clone() }
    });
    let mut evm = factory.create_evm_with_inspector(vm.into_db(), env, Calls::default());
    evm.transact_raw(call(CONTRACT, "watched", 0)).unwrap();
    assert_eq!(evm.inspector().targets, [CONTRACT, RAW_PROMPT]);
    assert_eq!(evm.inspector().succeeded, 1, "the caller reverts, its AI call does not");
    assert_eq!((evm.meter().calls, device.counts()), (1, (1, 1)));

    evm.disable_inspector();
    evm.transact_raw(call(CONTRACT, "unwatched", 0)).unwrap();
    assert_eq!(evm.inspector().targets.len(), 2);
    assert_eq!((evm.meter().calls, device.counts()), (1, (2, 2)));
}

#[test]
fn a_fault_is_fatal_under_an_inspector_too() {
    let (_, mut vm) = machine();
    let error = vm.inspect(call(OUTER, "broken", 0), CountInspector::new()).unwrap_err();
    assert!(matches!(error, LazVmError::Fault(_)), "{error:?}");
    assert!(vm.transact(call(OUTER, "whole", 0)).unwrap().execution.result.is_success());
}
