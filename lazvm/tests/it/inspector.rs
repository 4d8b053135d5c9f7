//! A transaction does the same whether or not an inspector watches it.

use std::sync::Arc;

use lazai_precompiles::address::RAW_PROMPT;
use lazvm::{
    ExecutionAndState, LazContext, LazVm, LazVmError,
    alloy_evm::{Evm, EvmEnv, EvmFactory, precompiles::DynPrecompile},
    revm::{
        context::{
            ContextTr, JournalTr, TxEnv,
            transaction::{AccessList, AccessListItem},
        },
        database::InMemoryDB,
        inspector::{
            CountInspector, Inspector, JournalExt, NoOpInspector, inspectors::TracerEip3155,
        },
        interpreter::{CallInputs, CallOutcome},
        precompile::{PrecompileId, PrecompileOutput},
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

/// An inspector of a machine sees what its host has added.
#[test]
fn inspection_keeps_the_precompiles_of_the_host() {
    let added = alloy_primitives::address!("00000000000000000000000000000000000b0b0b");
    let (_, mut vm) = machine();
    let custom = DynPrecompile::new(PrecompileId::Custom("test".into()), |input| {
        Ok(PrecompileOutput::new(0, vec![42].into(), input.reservoir))
    });
    vm.evm_mut().precompiles_mut().apply_precompile(&added, |_| Some(custom));
    for _ in 0..2 {
        let plain = vm.transact(call(added, "", 0)).unwrap();
        assert_eq!(plain.execution.result.output().unwrap().as_ref(), [42]);
        assert_eq!(vm.inspect(call(added, "", 0), NoOpInspector).unwrap(), plain);
        let simulated = vm.simulate_with(call(added, "", 0), &Default::default()).unwrap();
        assert_eq!(simulated.result, plain.execution.result);
    }
}

/// Tracers leave calls of the journal's precompiles out of Parity's format. AI calls stay in it,
/// and are as warm as they were.
#[test]
fn ai_calls_are_none_of_the_precompiles_that_tracers_leave_out() {
    #[derive(Debug, Default)]
    struct LeftOut(usize);

    impl<CTX: ContextTr<Journal: JournalExt>> Inspector<CTX> for LeftOut {
        fn call(&mut self, context: &mut CTX, inputs: &mut CallInputs) -> Option<CallOutcome> {
            let precompiles = context.journal_ref().precompile_addresses();
            assert!(precompiles.contains(&alloy_primitives::Address::with_last_byte(1)));
            self.0 += usize::from(precompiles.contains(&inputs.target_address));
            None
        }
    }

    let code = bytecode::forwarder(Kind::Call, RAW_PROMPT);
    let ethereum = bytecode::forwarder(Kind::Call, alloy_primitives::Address::with_last_byte(4));
    let device = Arc::new(Letters::default());
    let db = database(&[(CONTRACT, &code), (OUTER, &ethereum)]);
    let mut evm = builder(&device).factory().unwrap().create_evm_with_inspector(
        db,
        EvmEnv::default(),
        LeftOut::default(),
    );
    let legacy = evm.transact_raw(call(CONTRACT, "shown", 0)).unwrap();
    assert_eq!((evm.inspector().0, evm.meter().calls), (0, 1));
    evm.transact_raw(call(OUTER, "left out", 0)).unwrap();
    assert_eq!(evm.inspector().0, 1);

    // Warm with and without a list of one's own, and what the list names is warm too.
    let mut listed = call(CONTRACT, "shown", 0);
    let slot = alloy_primitives::B256::ZERO;
    listed.tx_type = 1;
    listed.access_list =
        AccessList(vec![AccessListItem { address: CONTRACT, storage_keys: vec![slot] }]);
    let listed = evm.transact_raw(listed).unwrap();
    // The list costs 2,400 and 1,900; a warm slot saves 2,100.
    let (legacy, listed) = (legacy.result.tx_gas_used(), listed.result.tx_gas_used());
    assert_eq!(listed, legacy + 2_400 + 1_900 - 2_100);
}
