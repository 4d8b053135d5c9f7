//! What `eth_call` and `eth_estimateGas` need: calls of anyone, at any price, on any state.

use std::{collections::BTreeMap, sync::Arc};

use alloy_primitives::{Address, U256, address};
use alloy_sol_types::SolCall;
use lazai_precompiles::{
    abi::ILazQuote,
    address::{QUOTE, RAW_PROMPT},
};
use lazvm::{
    AccountOverride, InvalidOverride, LazVm, LazVmError, Settlement, StateOverrides,
    alloy_evm::{Evm, EvmEnv, EvmFactory, precompiles::DynPrecompile},
    revm::{
        context::{BlockEnv, CfgEnv, TxEnv},
        database::InMemoryDB,
        precompile::{PrecompileId, PrecompileOutput},
        primitives::hardfork::SpecId,
    },
};

use crate::support::{
    CONTRACT, FEES, Letters, OUTER, builder, bytecode, bytecode::Kind, call, database,
};

const STRANGER: Address = address!("00000000000000000000000000000000000005a1");

fn machine(device: &Arc<Letters>) -> LazVm<InMemoryDB> {
    let code = bytecode::forwarder(Kind::Call, RAW_PROMPT);
    let block = BlockEnv { basefee: 20, gas_limit: 1_000_000, ..BlockEnv::default() };
    let db = database(&[(CONTRACT, &code)]);
    builder(device).base_fees(FEES).block(block).build(db).unwrap()
}

#[test]
fn a_simulation_asks_for_no_money() {
    let device = Arc::new(Letters::default());
    let mut vm = machine(&device);
    let free = TxEnv { gas_price: 0, ..call(CONTRACT, "free", 0) };
    let poor = TxEnv { caller: STRANGER, ..call(CONTRACT, "poor", 9) };
    let nothing = TxEnv { caller: STRANGER, gas_price: 0, ..call(CONTRACT, "nothing", 0) };
    let contract = TxEnv { caller: CONTRACT, ..call(RAW_PROMPT, "a contract", 0) };
    for tx in [free, poor, nothing, contract] {
        assert!(vm.transact(tx.clone()).is_err(), "a transaction is checked: {tx:?}");
        let simulated = vm.simulate(tx).unwrap();
        assert!(simulated.result.is_success() && simulated.meter.calls == 1, "{simulated:?}");
        let Settlement { gas, price, refund, fee, tip, burned } = simulated.settlement;
        assert_eq!((price, [refund, fee, tip, burned]), (0, [U256::ZERO; 4]));
        let parts = gas.into_array().iter().map(|(_, gas)| *gas).sum::<u64>();
        assert_eq!(parts, simulated.gas_used());
    }
    assert_eq!(device.counts().1, 0);
    // A call asks for none either, and gets the answer of the model.
    let poor = TxEnv { caller: STRANGER, ..call(RAW_PROMPT, "poor", 9) };
    let (simulated, called) = (vm.simulate(poor.clone()).unwrap(), vm.call(poor).unwrap());
    assert_eq!((device.counts().1, called.settlement.fee), (1, U256::ZERO));
    assert_ne!(called.result.output(), simulated.result.output());
    assert!(vm.transact(TxEnv { caller: STRANGER, ..call(RAW_PROMPT, "", 0) }).is_err());
}

#[test]
fn a_simulation_sees_other_accounts_and_leaves_the_state_alone() {
    let device = Arc::new(Letters::default());
    let mut vm = machine(&device);
    let other = |account| StateOverrides::from([(STRANGER, account)]);
    // Money to send on.
    let mut send = call(OUTER, "", 0);
    (send.caller, send.value) = (STRANGER, U256::from(5));
    assert!(!vm.simulate(send.clone()).unwrap().result.is_success());
    let rich = AccountOverride { balance: Some(U256::from(5)), ..Default::default() };
    assert!(vm.simulate_with(send.clone(), &other(rich)).unwrap().result.is_success());
    assert!(!vm.simulate(send).unwrap().result.is_success());

    // Code that asks the model.
    let code = Some(bytecode::relay(Kind::Call, RAW_PROMPT).into());
    let asking = AccountOverride { code, ..Default::default() };
    let simulated = vm.simulate_with(call(STRANGER, "?", 0), &other(asking)).unwrap();
    assert_eq!(simulated.meter.calls, 1);
    assert_eq!(vm.simulate(call(STRANGER, "?", 0)).unwrap().meter.calls, 0);

    // Storage: PUSH0 SLOAD PUSH0 MSTORE PUSH1 32 PUSH0 RETURN.
    let reader = [0x5f, 0x54, 0x5f, 0x52, 0x60, 0x20, 0x5f, 0xf3];
    vm.db_mut().insert_account_storage(STRANGER, U256::ZERO, U256::from(1)).unwrap();
    let value = |vm: &mut LazVm<InMemoryDB>, storage, slots| {
        let code = Some(reader.to_vec().into());
        let account = AccountOverride { code, storage, slots, ..Default::default() };
        let simulated = vm.simulate_with(call(STRANGER, "", 0), &other(account)).unwrap();
        U256::from_be_slice(simulated.result.output().unwrap())
    };
    let slot = |value| BTreeMap::from([(U256::ZERO, U256::from(value))]);
    assert_eq!(value(&mut vm, None, BTreeMap::new()), U256::from(1));
    assert_eq!(value(&mut vm, None, slot(2)), U256::from(2));
    assert_eq!(value(&mut vm, Some(BTreeMap::new()), BTreeMap::new()), U256::ZERO);
    assert_eq!(value(&mut vm, Some(slot(3)), BTreeMap::new()), U256::from(3));
    assert_eq!(value(&mut vm, Some(slot(3)), slot(4)), U256::from(4));
    assert_eq!(device.counts().1, 0);
}

/// Code that revm cannot read is refused, and the machine keeps what its host has given it.
#[test]
fn overriding_code_that_is_none_is_refused() {
    let device = Arc::new(Letters::default());
    let mut vm = machine(&device);
    let added = DynPrecompile::new(PrecompileId::Custom("test".into()), |input| {
        Ok(PrecompileOutput::new(0, vec![42].into(), input.reservoir))
    });
    vm.evm_mut().precompiles_mut().apply_precompile(&OUTER, |_| Some(added));
    let delegation = [[0xef, 0x01, 0x00].as_slice(), CONTRACT.as_slice()].concat();
    let other_version = [[0xef, 0x01, 0x01].as_slice(), CONTRACT.as_slice()].concat();
    let simulated = |vm: &mut LazVm<InMemoryDB>, code: &[u8]| {
        let code = Some(code.to_vec().into());
        let account = AccountOverride { code, ..Default::default() };
        let overrides = StateOverrides::from([(STRANGER, account)]);
        vm.simulate_with(call(STRANGER, "?", 0), &overrides)
    };
    for code in [&[0xef, 0x01][..], &[0xef, 0x01, 0x00], &delegation[..22], &other_version] {
        match simulated(&mut vm, code) {
            Err(LazVmError::Override(InvalidOverride { address: STRANGER, .. })) => {}
            other => panic!("expected {code:?} to be refused, got {other:?}"),
        }
        let small = TxEnv { gas_limit: 100_000, ..call(OUTER, "", 0) };
        let kept = vm.transact(small).unwrap().execution.result;
        assert_eq!(kept.output().unwrap().as_ref(), [42], "{code:?}");
    }
    // Other code of this first byte only fails when it is run.
    assert!(!simulated(&mut vm, &[0xef]).unwrap().result.is_success());
    assert!(!simulated(&mut vm, &[0xef, 0x00]).unwrap().result.is_success());
    assert_eq!(simulated(&mut vm, &delegation).unwrap().meter.calls, 1);
}

/// A host that zeroes the base fee of a call, as many do, does not make models free.
#[test]
fn prices_are_those_of_the_block_where_a_call_has_no_base_fee() {
    let device = Arc::new(Letters::default());
    let factory = builder(&device).factory().unwrap().with_base_fees(Some(FEES));
    let mut cfg_env = CfgEnv::default();
    cfg_env.set_spec_and_mainnet_gas_params(SpecId::PRAGUE);
    let prices = |header, disable_base_fee| {
        let mut cfg_env = cfg_env.clone();
        cfg_env.disable_base_fee = disable_base_fee;
        let block_env = BlockEnv { basefee: header, ..BlockEnv::default() };
        let mut evm = factory.create_evm(database(&[]), EvmEnv { cfg_env, block_env });
        let mut tx = call(QUOTE, ILazQuote::pricesCall {}.abi_encode(), 0);
        tx.gas_price = header.into();
        let done = evm.transact_raw(tx).unwrap().result;
        let prices = ILazQuote::pricesCall::abi_decode_returns(done.output().unwrap()).unwrap();
        [prices.evm, prices.ai, prices.inference, prices.header]
    };
    assert_eq!(prices(20, false), [7, 20, 10, 20].map(U256::from));
    assert_eq!(prices(0, true), prices(20, false));
}
