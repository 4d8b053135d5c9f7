//! What hosts ask of the factory and of the list of precompiles.

use core::fmt::Debug;
use std::sync::{Arc, Mutex};

use alloy_consensus::{EthereumTxEnvelope, TxEip4844};
use alloy_primitives::{U256, address};
use lazai_api_types::GasPricing;
use lazai_precompiles::address::RAW_PROMPT;
use lazvm::{
    Activation, BlockPosition, LazEvmFactory, Meter, Mode, Settings, SharedMeter,
    alloy_evm::{
        EthEvmFactory, Evm, EvmEnv, EvmFactory, FromRecoveredTx, FromTxWithEncoded,
        TransactionEnvMut,
        block::BlockExecutorFactory,
        eth::{EthBlockExecutorFactory, receipt_builder::AlloyReceiptBuilder, spec::EthSpec},
        precompiles::{DynPrecompile, PrecompilesMap},
    },
    dyn_precompiles,
    revm::{
        context::{BlockEnv, Cfg, CfgEnv, result::EVMError},
        precompile::{PrecompileId, PrecompileOutput},
        primitives::hardfork::SpecId,
    },
};

use crate::support::{
    CONTRACT, FEES, Letters, MODEL, SENDER, builder, bytecode, bytecode::Kind, call, database,
};

type Transaction = EthereumTxEnvelope<TxEip4844>;

/// The bounds of reth's `EthEvmConfig` on its factory.
const fn fits_reth<F>()
where
    F: EvmFactory<
            Tx: TransactionEnvMut + FromRecoveredTx<Transaction> + FromTxWithEncoded<Transaction>,
            Spec = SpecId,
            BlockEnv = BlockEnv,
            Precompiles = PrecompilesMap,
        > + Clone
        + Debug
        + Send
        + Sync
        + Unpin
        + 'static,
{
}
const fn executes_blocks<F: BlockExecutorFactory>() {}
const _: () = fits_reth::<LazEvmFactory>();
const _: () =
    executes_blocks::<EthBlockExecutorFactory<AlloyReceiptBuilder, EthSpec, LazEvmFactory>>();

fn env() -> EvmEnv {
    let mut cfg_env = CfgEnv::default();
    cfg_env.set_spec_and_mainnet_gas_params(SpecId::PRAGUE);
    EvmEnv { cfg_env, block_env: BlockEnv { basefee: 20, ..BlockEnv::default() } }
}

#[test]
fn a_list_of_precompiles_charges_what_the_evm_charges() {
    for kind in [Kind::Call, Kind::Static, Kind::Delegate] {
        for (mode, runs) in [(Mode::Execute, 1), (Mode::Simulate, 0)] {
            let device = Arc::new(Letters::default());
            let code = bytecode::forwarder(kind, RAW_PROMPT);
            let db = database(&[(CONTRACT, &code)]);
            let factory = builder(&device).factory().unwrap().with_mode(mode);
            let mut env = env();
            // A factory simulates nothing else.
            env.cfg_env.disable_base_fee = mode == Mode::Simulate;
            let mut ours = factory.create_evm(db.clone(), env.clone());
            let tx = call(CONTRACT, "listed.", 0);
            let expected = ours.transact_raw(tx.clone()).unwrap();

            let meter = Arc::new(SharedMeter::default());
            let mut host = EthEvmFactory::default().create_evm(db, env);
            let list = dyn_precompiles(factory.runtime(), mode, &meter);
            host.precompiles_mut().extend_precompiles(list);
            let got = host.transact_raw(tx).unwrap();
            assert_eq!(got, expected, "{kind:?} {mode:?}");
            assert_eq!(meter.take(), *ours.meter());
            assert_eq!(meter.take(), Meter::default(), "taking starts again at zero");
            let runs = if kind == Kind::Delegate { 0 } else { 2 * runs };
            assert_eq!(device.counts().1, runs, "{kind:?} {mode:?}");
        }
    }
}

#[test]
fn a_list_of_precompiles_aborts_on_a_fault() {
    let device = Arc::new(Letters::default());
    let factory = builder(&device).factory().unwrap();
    let meter = Arc::new(SharedMeter::default());
    let mut host = EthEvmFactory::default().create_evm(database(&[]), env());
    host.precompiles_mut().extend_precompiles(dyn_precompiles(
        factory.runtime(),
        Mode::Execute,
        &meter,
    ));
    let error = host.transact_raw(call(RAW_PROMPT, "broken", 0)).unwrap_err();
    let EVMError::Custom(message) = error else { panic!("expected a fatal error, got {error:?}") };
    assert!(message.contains("the device broke"), "{message}");
}

/// For hosts that are not told when a transaction ends.
#[test]
fn an_observer_gets_each_call_with_its_transaction() {
    let device = Arc::new(Letters::default());
    let factory = builder(&device).factory().unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let meter = {
        let seen = Arc::clone(&seen);
        Arc::new(SharedMeter::observed(move |call| seen.lock().unwrap().push(*call)))
    };
    let mut host = EthEvmFactory::default().create_evm(database(&[]), env());
    let list = dyn_precompiles(factory.runtime(), Mode::Execute, &meter);
    host.precompiles_mut().extend_precompiles(list);
    host.transact_raw(call(RAW_PROMPT, "observed.", 0)).unwrap();
    let seen = core::mem::take(&mut *seen.lock().unwrap());
    assert_eq!(seen.len(), 1);
    assert_eq!((seen[0].origin, seen[0].nonce), (SENDER, 0));
    assert_eq!(seen[0].meter, meter.take());

    host.transact_raw(call(RAW_PROMPT, "broken", 0)).unwrap_err();
    assert_eq!(meter.take_fault().unwrap().message, "the device broke");
    assert_eq!(meter.take_fault(), None);
}

#[test]
fn a_list_of_precompiles_answers_nothing_before_they_begin() {
    let device = Arc::new(Letters::default());
    let factory = builder(&device).activation(Activation::Block(7)).factory().unwrap();
    let meter = Arc::new(SharedMeter::default());
    for (number, calls) in [(6, 0), (7, 1)] {
        let mut env = env();
        env.block_env.number = U256::from(number);
        let mut host = EthEvmFactory::default().create_evm(database(&[]), env);
        let list = dyn_precompiles(factory.runtime(), Mode::Execute, &meter);
        host.precompiles_mut().extend_precompiles(list);
        let result = host.transact_raw(call(RAW_PROMPT, "early", 0)).unwrap().result;
        assert!(result.is_success());
        assert_eq!(result.output().unwrap().is_empty(), calls == 0);
        assert_eq!((meter.take().calls, device.counts().1), (calls, calls as u32));
    }
}

/// What `EvmEnv::for_eth_block` of alloy-evm sets from Osaka on is not what the chain means.
#[test]
fn the_cap_of_a_chain_replaces_that_of_ethereum_and_no_other() {
    let device = Arc::new(Letters::default());
    let factory = builder(&device).factory().unwrap().with_tx_gas_limit_cap(Some(1 << 27));
    let cap = |factory: &LazEvmFactory, host| {
        let mut env = env();
        env.cfg_env.set_spec_and_mainnet_gas_params(SpecId::OSAKA);
        env.cfg_env.tx_gas_limit_cap = host;
        factory.create_evm(database(&[]), env).cfg_env().tx_gas_limit_cap()
    };
    assert_eq!(cap(&factory, None), 1 << 27);
    assert_eq!(cap(&factory, Some(1 << 24)), 1 << 27);
    assert_eq!(cap(&factory, Some(u64::MAX)), u64::MAX, "a call may be larger");
    let ethereum = builder(&device).factory().unwrap();
    assert_eq!(cap(&ethereum, Some(1 << 24)), 1 << 24);
    assert_eq!(cap(&builder(&device).tx_gas_limit_cap(1 << 26).factory().unwrap(), None), 1 << 26);

    let mut env = env();
    env.cfg_env.set_spec_and_mainnet_gas_params(SpecId::OSAKA);
    let mut tx = call(RAW_PROMPT, "large", 0);
    tx.gas_limit = 20_000_000;
    let mut small = ethereum.create_evm(database(&[]), env.clone());
    assert!(small.transact_raw(tx.clone()).is_err());
    assert!(factory.create_evm(database(&[]), env).transact_raw(tx).unwrap().result.is_success());
}

#[test]
fn a_precompile_that_the_host_adds_is_called_and_warm() {
    let device = Arc::new(Letters::default());
    let added = address!("00000000000000000000000000000000000b0b0b");
    let code = bytecode::forwarder(Kind::Call, added);
    let factory = builder(&device).factory().unwrap();
    let mut evm = factory.create_evm(database(&[(CONTRACT, &code)]), env());
    let cold = evm.transact_raw(call(CONTRACT, "", 0)).unwrap().result;
    assert!(cold.output().unwrap().is_empty());

    let custom = DynPrecompile::new(PrecompileId::Custom("test".into()), |input| {
        Ok(PrecompileOutput::new(0, vec![42].into(), input.reservoir))
    });
    evm.precompiles_mut().apply_precompile(&added, |_| Some(custom));
    let warm = evm.transact_raw(call(CONTRACT, "", 0)).unwrap().result;
    assert_eq!(warm.output().unwrap().as_ref(), [42]);
    // Warm access costs 100, cold 2,600; copying and returning one byte costs 6 (memory and copy).
    assert_eq!(cold.tx_gas_used() - warm.tx_gas_used(), 2_500 - 6);
}

#[test]
fn system_calls_start_with_an_empty_meter_and_pay_nothing() {
    let device = Arc::new(Letters::default());
    let code = bytecode::forwarder(Kind::Call, RAW_PROMPT);
    let factory = builder(&device).factory().unwrap().with_base_fees(Some(FEES));
    let mut evm = factory.create_evm(database(&[(CONTRACT, &code)]), env());
    evm.transact_raw(call(CONTRACT, "first", 0)).unwrap();
    let system = address!("fffffffffffffffffffffffffffffffffffffffe");
    let result = evm.transact_system_call(system, CONTRACT, "second".into()).unwrap();
    assert!(result.result.is_success());
    assert_eq!(evm.meter().calls, 1);
    assert!(result.state.get(&system).is_none_or(|account| account.info.balance == U256::ZERO));
}

#[test]
fn equal_prices_are_those_of_the_header() {
    let device = Arc::new(Letters::default());
    let factory = builder(&device).factory().unwrap();
    let evm = factory.create_evm(database(&[]), env());
    let prices = evm.ctx().chain.prices(20);
    assert_eq!((prices.evm, prices.ai, prices.inference, prices.header), (20, 20, 20, 20));
    let dear = factory.with_base_fees(Some(FEES)).create_evm(database(&[]), env());
    let prices = dear.ctx().chain.prices(20);
    assert_eq!((prices.evm, prices.ai, prices.inference, prices.header), (7, 20, 10, 20));
    let rules = evm.ctx().chain.rules().unwrap();
    assert_eq!(rules.pricing.base(), crate::support::schedule().base());
}

#[test]
fn a_default_model_outlives_settings() {
    let device = Arc::new(Letters::default());
    let settings = Settings { prompt_max_tokens: 7, ..Settings::default() };
    let factory = builder(&device).settings(settings.clone()).factory().unwrap();
    let expected = Settings { default_model: Some(MODEL), ..settings };
    let rules = factory.runtime().rules_at(BlockPosition::default()).unwrap();
    assert_eq!(rules.precompiles.settings(), &expected);
}
