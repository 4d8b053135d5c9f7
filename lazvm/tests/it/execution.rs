//! Charging, running, refusing and failing, seen from a transaction.

use std::sync::Arc;

use alloy_primitives::{B256, U256, address};
use lazai_api_types::{FaultKind, GasCost, GasPricing, Work};
use lazai_precompiles::{
    abi::{Generation, ILazInference, SolCall},
    address::{INFERENCE, RAW_PROMPT},
};
use lazvm::{
    BaseFeeMismatch, BuildError, Execution, LazVm, LazVmError,
    revm::{
        Database,
        context::BlockEnv,
        context::result::{ExecutionResult, HaltReason, OutOfGasError},
        database::InMemoryDB,
    },
};

use crate::support::{
    CONTRACT, FEES, FLOPS_PER_TOKEN, Letters, OUTER, SENDER, builder, bytecode, bytecode::Kind,
    call, database, machine, peak_bytes, schedule,
};

const INTRINSIC: u64 = lazai_api_types::INTRINSIC_FLOPS_PER_BYTE;

fn generate(prompt: &str, max_tokens: u32) -> Vec<u8> {
    let request = Generation {
        prompt: prompt.into(),
        maxTokens: max_tokens,
        model: B256::ZERO,
        temperatureMilli: 0,
        topK: 0,
        topPMilli: 0,
        seed: 0,
        stop: Vec::new(),
    };
    ILazInference::generateCall { request }.abi_encode()
}

fn output(execution: &Execution) -> &[u8] {
    assert!(execution.result.is_success(), "{:?}", execution.result);
    execution.result.output().unwrap()
}

fn slot(vm: &mut LazVm<InMemoryDB>, address: alloy_primitives::Address) -> U256 {
    vm.db_mut().storage(address, U256::ZERO).unwrap()
}

fn work(prompt: u32, used: u32, reserved: u32) -> Work {
    Work {
        flops: u64::from(prompt) * INTRINSIC + u64::from(prompt + used) * FLOPS_PER_TOKEN,
        peak_bytes: peak_bytes(prompt + reserved),
    }
}

#[test]
fn a_quote_equals_the_charge_when_all_tokens_are_used() {
    let device = Arc::new(Letters::default());
    let code = bytecode::forwarder(Kind::Call, INFERENCE);
    let mut vm = machine(&device, &code);
    let execution = vm.transact_commit(call(CONTRACT, generate("once", 12), 0)).unwrap();

    let expected = schedule().gas(&work(4, 12, 12)).unwrap();
    assert_eq!(execution.meter.charged, expected);
    assert_eq!(execution.meter.quoted, expected);
    assert_eq!(execution.meter.work, work(4, 12, 12));
    assert_eq!(execution.meter.quoted_work, execution.meter.work);
    assert_eq!(execution.meter.calls, 1);
    assert_eq!(
        (execution.gas_ai(), execution.gas_inference()),
        (expected.gas_ai, expected.gas_inference)
    );
    assert_eq!(
        execution.gas_evm() + execution.gas_ai() + execution.gas_inference(),
        execution.gas_used()
    );
    let answer = ILazInference::generateCall::abi_decode_returns(output(&execution)).unwrap();
    assert_eq!((answer.tokens.len(), answer.promptTokens, answer.finish), (12, 4, 0));
    assert_eq!(device.counts(), (1, 1));
    assert_eq!(slot(&mut vm, CONTRACT), U256::from(2));
}

#[test]
fn unused_tokens_come_back() {
    let device = Arc::new(Letters::default());
    let mut vm = machine(&device, &[]);
    let all = vm.transact_commit(call(INFERENCE, generate("once!", 40), 0)).unwrap();
    let half = vm.transact_commit(call(INFERENCE, generate("once.", 40), 1)).unwrap();

    assert_eq!(half.meter.quoted, all.meter.quoted);
    assert_eq!(half.meter.charged, schedule().gas(&work(5, 20, 40)).unwrap());
    assert_eq!(all.meter.charged.gas_ai - half.meter.charged.gas_ai, 20 * FLOPS_PER_TOKEN / 1_000);
    assert_eq!(all.gas_inference(), half.gas_inference());
    // The prompts differ in one byte that costs the same, so only the AI gas differs.
    assert_eq!(all.gas_used() - half.gas_used(), 20 * FLOPS_PER_TOKEN / 1_000);
}

#[test]
fn too_little_gas_halts_before_any_tensor_work() {
    let device = Arc::new(Letters::default());
    let mut vm = machine(&device, &[]);
    let data = generate("once", 12);
    let enough = vm.transact(call(INFERENCE, data.clone(), 0)).unwrap().execution.gas_used();
    assert_eq!(device.counts(), (1, 1));

    let mut tx = call(INFERENCE, data, 0);
    tx.gas_limit = enough - 1;
    let halted = vm.transact(tx.clone()).unwrap().execution;
    assert_eq!(device.counts(), (2, 1), "the job must be priced, but not run");
    let ExecutionResult::Halt { reason, .. } = &halted.result else {
        panic!("expected a halt, got {:?}", halted.result);
    };
    assert_eq!(*reason, HaltReason::OutOfGas(OutOfGasError::Precompile));
    assert_eq!(halted.gas_used(), enough - 1, "a halt burns the frame's gas");

    tx.gas_limit = enough;
    assert!(vm.transact(tx).unwrap().execution.result.is_success());
    assert_eq!(device.counts(), (3, 2));
}

#[test]
fn gas_that_does_not_pay_the_reading_never_reaches_the_device() {
    let device = Arc::new(Letters::default());
    let mut vm = machine(&device, &bytecode::forwarder(Kind::Call, RAW_PROMPT));
    let mut tx = call(RAW_PROMPT, "a prompt", 0);
    tx.gas_limit = 21_000 + 16 * 8 + schedule().gamma;
    let halted = vm.transact(tx).unwrap().execution;
    assert!(halted.result.is_halt());
    assert_eq!(device.counts(), (0, 0));
}

#[test]
fn a_bad_request_reverts_and_costs_gamma() {
    let device = Arc::new(Letters::default());
    let mut vm = machine(&device, &bytecode::forwarder(Kind::Call, INFERENCE));
    let execution = vm.transact_commit(call(CONTRACT, vec![1, 2, 3], 0)).unwrap();
    assert!(execution.result.is_success(), "the caller handles the revert");
    assert!(execution.gas_ai() >= schedule().gamma);
    assert_eq!(execution.meter.quoted, GasCost::default());
    assert_eq!((execution.meter.calls, device.counts()), (1, (0, 0)));
    assert_eq!(slot(&mut vm, CONTRACT), U256::ONE);

    let direct = vm.transact(call(INFERENCE, vec![1, 2, 3], 1)).unwrap().execution;
    assert!(matches!(direct.result, ExecutionResult::Revert { .. }), "{:?}", direct.result);
    assert_eq!(direct.meter.charged, execution.meter.charged);
}

#[test]
fn a_reverting_caller_loses_its_storage_but_not_its_meter() {
    let device = Arc::new(Letters::default());
    let inner = bytecode::reverter(RAW_PROMPT);
    let outer = bytecode::forwarder(Kind::Call, CONTRACT);
    let db = database(&[(CONTRACT, &inner), (OUTER, &outer)]);
    let mut vm = builder(&device).build(db).unwrap();

    let execution = vm.transact_commit(call(OUTER, "once", 0)).unwrap();
    assert!(execution.result.is_success());
    assert_eq!(device.counts(), (1, 1));
    assert_eq!(slot(&mut vm, CONTRACT), U256::ZERO, "the reverted frame stored 2");
    assert_eq!(slot(&mut vm, OUTER), U256::ONE, "the outer frame saw the revert");
    assert_eq!(execution.meter.charged, schedule().gas(&work(4, 64, 64)).unwrap());

    // The meter starts at zero in each transaction.
    let plain = vm.transact_commit(call(SENDER, "", 1)).unwrap();
    assert_eq!(plain.meter, Default::default());
    assert_eq!((plain.gas_evm(), plain.gas_ai(), plain.gas_inference()), (21_000, 0, 0));
}

#[test]
fn a_caller_that_halts_still_paid_for_its_call() {
    let device = Arc::new(Letters::default());
    let mut vm = machine(&device, &bytecode::burner(RAW_PROMPT));
    let execution = vm.transact(call(CONTRACT, "once", 0)).unwrap().execution;
    assert!(execution.result.is_halt());
    assert_eq!(execution.meter.charged, schedule().gas(&work(4, 64, 64)).unwrap());
    assert_eq!(execution.gas_used(), 10_000_000);
    assert_eq!(
        execution.gas_evm(),
        10_000_000 - execution.meter.charged.gas_ai - execution.meter.charged.gas_inference
    );
}

#[test]
fn calls_of_one_transaction_add_up() {
    let device = Arc::new(Letters::default());
    let inner = bytecode::forwarder(Kind::Call, RAW_PROMPT);
    // Calls the prompt directly, then a contract that does.
    let mut outer = bytecode::forwarder(Kind::Call, RAW_PROMPT);
    outer.truncate(outer.len() - 7);
    outer.extend(bytecode::forwarder(Kind::Call, CONTRACT));
    let db = database(&[(CONTRACT, &inner), (OUTER, &outer)]);
    let mut vm = builder(&device).build(db).unwrap();
    let execution = vm.transact(call(OUTER, "once", 0)).unwrap().execution;
    let once = schedule().gas(&work(4, 64, 64)).unwrap();
    assert_eq!(execution.meter.calls, 2);
    assert_eq!(execution.gas_ai(), 2 * once.gas_ai);
    assert_eq!(execution.gas_inference(), 2 * once.gas_inference);
    assert_eq!(execution.meter.work.flops, 2 * work(4, 64, 64).flops);
    assert_eq!(execution.meter.work.peak_bytes, work(4, 64, 64).peak_bytes);
}

#[test]
fn a_fault_of_the_node_is_fatal_and_changes_nothing() {
    for (prompt, message, counts) in
        [("lost", "the device was lost", (1, 0)), ("broken", "the device broke", (1, 1))]
    {
        let device = Arc::new(Letters::default());
        let code = bytecode::forwarder(Kind::Call, RAW_PROMPT);
        let mut vm = machine(&device, &code);
        let before = vm.db().cache.clone();
        let error = vm.transact_commit(call(CONTRACT, prompt, 0)).unwrap_err();
        let LazVmError::Fault(fault) = error else { panic!("expected a fault, got {error:?}") };
        assert_eq!((fault.kind, fault.message.as_str()), (FaultKind::Device, message));
        assert_eq!(device.counts(), counts);
        assert_eq!(vm.evm().meter(), &Default::default(), "an aborted transaction has no meter");
        assert_eq!(slot(&mut vm, CONTRACT), U256::ZERO);
        let account = vm.db_mut().basic(SENDER).unwrap().unwrap();
        assert_eq!((account.nonce, account.balance), (0, before.accounts[&SENDER].info.balance));

        // The machine goes on: the same nonce is still free.
        let next = vm.transact_commit(call(CONTRACT, "fine", 0)).unwrap();
        assert_eq!((next.meter.calls, slot(&mut vm, CONTRACT)), (1, U256::from(2)));
    }
}

#[test]
fn a_simulation_charges_the_quote_and_does_not_run() {
    let device = Arc::new(Letters::default());
    let mut vm = machine(&device, &bytecode::forwarder(Kind::Call, INFERENCE));
    // A wrong nonce does not matter to a simulation.
    let simulated = vm.simulate(call(CONTRACT, generate("once.", 40), 77)).unwrap();
    assert_eq!(device.counts(), (1, 0));
    assert_eq!(simulated.meter.charged, simulated.meter.quoted);
    let answer = ILazInference::generateCall::abi_decode_returns(output(&simulated)).unwrap();
    assert_eq!(answer.tokens.len(), 40);
    assert_eq!(slot(&mut vm, CONTRACT), U256::ZERO, "a simulation is not committed");

    // Gas that a simulation asks for is enough for the run.
    let mut tx = call(CONTRACT, generate("once.", 40), 0);
    tx.gas_limit = simulated.gas_used() * 64 / 63 + 2_300;
    let real = vm.transact_commit(tx).unwrap();
    assert!(real.result.is_success());
    assert_eq!(device.counts(), (2, 1));
    assert_eq!(real.meter.quoted, simulated.meter.quoted);
    assert!(real.gas_used() < simulated.gas_used());

    // And the machine checks nonces again.
    let error = vm.transact(call(CONTRACT, generate("once.", 40), 77)).unwrap_err();
    assert!(matches!(error, LazVmError::Evm(_)), "{error:?}");
}

#[test]
fn builders_refuse_contradictions() {
    let error = LazVm::builder().build(InMemoryDB::default()).unwrap_err();
    assert_eq!(error, BuildError::MissingCoprocessor);

    let device = Arc::new(Letters::default());
    let block = BlockEnv { basefee: 19, ..BlockEnv::default() };
    let error =
        builder(&device).base_fees(FEES).block(block).build(InMemoryDB::default()).unwrap_err();
    assert_eq!(error, BaseFeeMismatch { expected: 20, got: 19 }.into());
    let vm = builder(&device).base_fees(FEES).build(InMemoryDB::default()).unwrap();
    assert_eq!(vm.block().basefee, 20);
}

#[test]
fn an_unknown_address_beside_the_precompiles_is_an_empty_account() {
    let device = Arc::new(Letters::default());
    let mut vm = machine(&device, &[]);
    let neighbour = address!("0000000000000000000000000000000000a10000");
    let execution = vm.transact(call(neighbour, "", 0)).unwrap().execution;
    assert_eq!((execution.gas_used(), execution.meter.calls), (21_000, 0));
}
