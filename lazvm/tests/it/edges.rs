//! Where extra precompiles go wrong: delegations, init code, callers that fail, and configurations
//! that contradict each other.

use std::sync::Arc;

use alloy_primitives::{B256, TxKind};
use lazai_gas::Resources;
use lazai_precompiles::address::RAW_PROMPT;
use lazvm::{
    BaseFeeMismatch, LazVmError, Mode,
    alloy_evm::{Evm, EvmEnv, EvmFactory},
    revm::{
        bytecode::{Bytecode, opcode as op},
        context::{
            BlockEnv, CfgEnv, TxEnv,
            result::{EVMError, InvalidTransaction},
        },
        context_interface::transaction::{AccessList, AccessListItem},
        inspector::NoOpInspector,
        primitives::hardfork::SpecId,
        state::AccountInfo,
    },
};

use crate::support::{
    CONTRACT, FEES, Letters, OUTER, builder, bytecode, bytecode::Kind, call, database, machine,
    schedule,
};

fn env(header: u64) -> EvmEnv {
    let mut cfg_env = CfgEnv::default();
    cfg_env.set_spec_and_mainnet_gas_params(SpecId::PRAGUE);
    EvmEnv { cfg_env, block_env: BlockEnv { basefee: header, ..BlockEnv::default() } }
}

#[test]
fn a_header_that_contradicts_the_resources_runs_nothing() {
    let device = Arc::new(Letters::default());
    let factory = builder(&device).factory().unwrap().with_base_fees(Some(FEES));
    for header in [0, 19, 21] {
        let mut evm = factory.create_evm(database(&[]), env(header));
        let error = evm.transact_raw(call(RAW_PROMPT, "cheap", 0)).unwrap_err();
        let EVMError::Transaction(InvalidTransaction::Str(message)) = error else {
            panic!("expected a refusal, got {error:?}")
        };
        assert!(message.contains(&format!("base fee is {header}")), "{message}");
        let error = factory.check_header(B256::ZERO, &env(header)).unwrap_err();
        assert_eq!(error, BaseFeeMismatch { expected: 20, got: header }.into());
        assert_eq!(device.counts(), (0, 0));
    }
    assert_eq!(factory.check_header(B256::ZERO, &env(20)), Ok(()));
    let mut evm = factory.create_evm(database(&[]), env(20));
    assert!(evm.transact_raw(call(RAW_PROMPT, "fair", 0)).unwrap().result.is_success());
}

#[test]
fn an_inspector_sees_the_mode_of_the_machine() {
    let device = Arc::new(Letters::default());
    let mut vm = machine(&device, &[]);
    vm.evm_mut().ctx_mut().chain.set_mode(Mode::Simulate);
    let plain = vm.transact(call(RAW_PROMPT, "dry.", 0)).unwrap();
    let inspected = vm.inspect(call(RAW_PROMPT, "dry.", 0), NoOpInspector {}).unwrap();
    assert_eq!(plain, inspected);
    assert_eq!(device.counts(), (2, 0));
}

/// EIP-7702: an account that delegates to a precompile has no code.
#[test]
fn a_delegation_to_a_precompile_runs_nothing() {
    let device = Arc::new(Letters::default());
    let delegated = AccountInfo::default().with_code(Bytecode::new_eip7702(RAW_PROMPT));
    for kind in [Kind::Call, Kind::CallCode, Kind::Delegate, Kind::Static] {
        let code = bytecode::forwarder(kind, OUTER);
        let mut db = database(&[(CONTRACT, &code)]);
        db.insert_account_info(OUTER, delegated.clone());
        let mut vm = builder(&device).build(db).unwrap();
        for target in [OUTER, CONTRACT] {
            let execution = vm.transact(call(target, "empty", 0)).unwrap().execution;
            assert!(execution.result.is_success(), "{kind:?}");
            assert!(execution.result.output().unwrap().is_empty(), "{kind:?}");
            assert_eq!((execution.meter.calls, device.counts()), (0, (0, 0)), "{kind:?}");
        }
    }
}

#[test]
fn init_code_asks_as_a_call_does() {
    let device = Arc::new(Letters::default());
    let mut vm = machine(&device, &bytecode::forwarder(Kind::Call, RAW_PROMPT));
    // Six bytes of code as the prompt would not be text, so the prompt is a constant.
    let mut init = vec![op::PUSH4, b'i', b'n', b'i', b't', op::PUSH0, op::MSTORE];
    init.extend([op::PUSH0, op::PUSH0, op::PUSH1, 4, op::PUSH1, 28, op::PUSH0, op::PUSH20]);
    init.extend(RAW_PROMPT);
    init.extend([op::GAS, op::CALL, op::PUSH0, op::SSTORE, op::RETURNDATASIZE, op::PUSH0]);
    init.extend([op::PUSH0, op::RETURNDATACOPY, op::RETURNDATASIZE, op::PUSH0, op::RETURN]);
    let mut tx = call(RAW_PROMPT, init, 0);
    tx.kind = TxKind::Create;
    let created = vm.transact(tx).unwrap().execution;
    let called = vm.transact(call(CONTRACT, "init", 0)).unwrap().execution;
    assert_eq!(created.result.output(), called.result.output());
    assert_eq!(created.meter, called.meter);
    assert_eq!((created.gas_ai(), created.meter.calls), (called.gas_ai(), 1));
}

/// The call was paid and done; that its caller then burns the rest does not make it cheaper.
#[test]
fn a_caller_that_runs_out_of_gas_afterwards_pays_for_the_call() {
    let device = Arc::new(Letters::default());
    let mut code = bytecode::forwarder(Kind::Call, RAW_PROMPT);
    code.truncate(code.len() - 7);
    let start = code.len() as u8;
    code.extend([op::JUMPDEST, op::PUSH1, start, op::JUMP]);
    let db = database(&[(CONTRACT, &code)]);
    let mut vm = builder(&device).base_fees(FEES).build(db).unwrap();
    let mut tx = call(CONTRACT, "late", 0);
    tx.gas_limit = 500_000;
    let execution = vm.transact(tx).unwrap().execution;
    assert!(execution.result.is_halt());
    assert_eq!((execution.gas_used(), device.counts()), (500_000, (1, 1)));
    let Resources { evm, ai, inference } = execution.settlement.gas;
    assert_eq!((ai, inference), {
        let charged = execution.meter.charged;
        (charged.gas_ai, charged.gas_inference)
    });
    assert_eq!(evm + ai + inference, 500_000);
}

/// An address in the access list pays for its entry, and a precompile is warm without one.
#[test]
fn an_access_list_changes_its_own_price_alone() {
    let device = Arc::new(Letters::default());
    let mut vm = machine(&device, &bytecode::forwarder(Kind::Call, RAW_PROMPT));
    let plain = vm.transact(call(CONTRACT, "warm", 0)).unwrap().execution;
    let list = AccessList(vec![AccessListItem { address: RAW_PROMPT, storage_keys: vec![] }]);
    let listed = TxEnv { tx_type: 1, access_list: list, ..call(CONTRACT, "warm", 0) };
    let listed = vm.transact(listed).unwrap().execution;
    assert_eq!(listed.gas_used(), plain.gas_used() + 2_400);
    assert_eq!(listed.meter, plain.meter);
}

#[test]
fn a_failed_transaction_leaves_nothing_to_the_next() {
    let device = Arc::new(Letters::default());
    let mut vm = machine(&device, &bytecode::forwarder(Kind::Call, RAW_PROMPT));
    let first = vm.transact(call(CONTRACT, "same", 0)).unwrap();
    for prompt in ["lost", "broken"] {
        let error = vm.transact(call(CONTRACT, prompt, 0)).unwrap_err();
        assert!(matches!(error, LazVmError::Fault(_)));
        assert_eq!(vm.evm().meter(), &lazvm::Meter::default());
        assert_eq!(vm.transact(call(CONTRACT, "same", 0)).unwrap(), first);
    }
    let mut wrong = call(CONTRACT, "same", 0);
    wrong.nonce = 9;
    assert!(matches!(vm.transact(wrong), Err(LazVmError::Evm(EVMError::Transaction(_)))));
    assert_eq!(vm.transact(call(CONTRACT, "same", 0)).unwrap(), first);
    assert!(first.execution.gas_ai() > schedule().gamma);
}
