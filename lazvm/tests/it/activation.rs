//! Before they begin, the precompiles are accounts like any other, and prices change by the block.

use core::num::NonZeroU64;
use std::sync::Arc;

use alloy_primitives::{B256, TxKind, U256};
use lazai_precompiles::{Precompile, address::RAW_PROMPT};
use lazvm::{
    Activation, AiPrecompiles, AiRuntime, BaseFeeSource, BlockPosition, ChangeLimits, Fault,
    FaultKind, GasSchedule, Governance, LazEvmFactory, Resources, Settings,
    alloy_evm::{EthEvmFactory, Evm, EvmEnv, EvmFactory},
    fault_of,
    revm::{
        context::{BlockEnv, CfgEnv, TxEnv},
        primitives::hardfork::SpecId,
    },
};

use crate::support::{
    CONTRACT, FEES, FORKS, Letters, OUTER, builder, bytecode, bytecode::Kind, call, database,
    schedule,
};

fn env(spec: SpecId, number: u64, timestamp: u64) -> EvmEnv {
    let mut cfg_env = CfgEnv::default();
    cfg_env.set_spec_and_mainnet_gas_params(spec);
    let block_env = BlockEnv {
        number: U256::from(number),
        timestamp: U256::from(timestamp),
        basefee: 20,
        ..BlockEnv::default()
    };
    EvmEnv { cfg_env, block_env }
}

/// Calls of every address, direct and by a contract, with money and without.
fn transactions() -> Vec<TxEnv> {
    let mut all = Vec::new();
    for precompile in Precompile::ALL {
        let mut paid = call(precompile.address(), "paid", 0);
        paid.value = U256::from(3);
        all.extend([call(precompile.address(), "plain", 0), paid]);
    }
    all.extend([call(CONTRACT, "called", 0), call(OUTER, "delegated", 0)]);
    for tx in &mut all {
        tx.tx_type = 0;
    }
    let mut create = call(CONTRACT, bytecode::forwarder(Kind::Call, RAW_PROMPT), 0);
    create.kind = TxKind::Create;
    create.tx_type = 0;
    all.push(create);
    all
}

#[test]
fn before_they_begin_the_precompiles_are_plain_accounts_in_every_fork() {
    let called = bytecode::forwarder(Kind::Call, RAW_PROMPT);
    let delegated = bytecode::forwarder(Kind::Delegate, RAW_PROMPT);
    let db = database(&[(CONTRACT, &called), (OUTER, &delegated)]);
    let device = Arc::new(Letters::default());
    for (activation, number, timestamp) in [
        (Activation::Block(7), 6, 1_000),
        (Activation::Timestamp(1_000), 7, 999),
        (Activation::Never, 7, 1_000),
    ] {
        let factory = builder(&device).activation(activation).factory().unwrap();
        for spec in FORKS {
            for tx in transactions() {
                let env = env(spec, number, timestamp);
                let mut ethereum = EthEvmFactory::default().create_evm(db.clone(), env.clone());
                let mut ours = factory.create_evm(db.clone(), env);
                let expected = ethereum.transact_raw(tx.clone()).map_err(|e| e.to_string());
                let got = ours.transact_raw(tx.clone()).map_err(|e| e.to_string());
                assert_eq!(got, expected, "{spec:?} {activation:?} {tx:?}");
                assert_eq!(ours.meter().calls, 0);
            }
        }
    }
    assert_eq!(device.counts(), (0, 0));
    for activation in [Activation::Block(7), Activation::Timestamp(1_000), Activation::Genesis] {
        let factory = builder(&device).activation(activation).factory().unwrap();
        let mut evm = factory.create_evm(db.clone(), env(SpecId::PRAGUE, 7, 1_000));
        evm.transact_raw(call(CONTRACT, "called", 0)).unwrap();
        assert_eq!(evm.meter().calls, 1, "{activation:?}");
    }
}

/// One factory, every block: each decision holds from its block on.
#[test]
fn prices_follow_the_decisions_of_the_chain() {
    let limits = ChangeLimits { min_delay: NonZeroU64::MIN, ..ChangeLimits::default() };
    let mut governance = Governance::new(schedule(), limits);
    governance.propose(1, 10, GasSchedule { gamma: 3_000, ..schedule() }).unwrap();
    governance.propose(10, 20, GasSchedule { gamma: 1_500, ..schedule() }).unwrap();
    let device = Arc::new(Letters::default());
    let factory = builder(&device).pricing_schedule(Arc::new(governance)).factory().unwrap();
    let gas = |number| {
        let mut evm = factory.create_evm(database(&[]), env(SpecId::PRAGUE, number, 0));
        evm.transact_raw(call(RAW_PROMPT, "priced.", 0)).unwrap();
        evm.meter().charged.gas_ai
    };
    assert_eq!(gas(9) + 1_000, gas(10));
    assert_eq!(gas(19), gas(10));
    assert_eq!(gas(20) + 1_500, gas(19));
    assert_eq!(gas(9), gas(1), "past blocks keep their prices");

    // A machine that moves from block to block does, too.
    let mut vm = builder(&device)
        .pricing_schedule(Arc::new(Governance::new(schedule(), limits)))
        .activation(Activation::Block(2))
        .build(database(&[]))
        .unwrap();
    for (number, calls) in [(1, 0), (2, 1), (1, 0)] {
        let block = BlockEnv { number: U256::from(number), ..BlockEnv::default() };
        vm.set_block(block, Some(FEES));
        let execution = vm.transact(call(RAW_PROMPT, "moved.", 0)).unwrap().execution;
        assert_eq!(execution.meter.calls, calls, "{number}");
    }
}

#[test]
fn an_upgrade_changes_precompiles_and_prices_from_its_block_on() {
    let device = Arc::new(Letters::default());
    let first = builder(&device).factory().unwrap();
    let rules = first.runtime().rules_at(Default::default()).unwrap();
    let dearer = Arc::new(GasSchedule { gamma: 5_000, ..schedule() });
    let runtime: AiRuntime = first
        .runtime()
        .clone()
        .starting(Activation::Block(3))
        .repriced(Activation::Block(5), Arc::clone(&dearer) as _)
        .upgraded(Activation::Timestamp(100), (*rules.precompiles).clone(), Arc::new(schedule()));
    let factory = LazEvmFactory::new(runtime);
    let gas = |number, timestamp| {
        let mut evm = factory.create_evm(database(&[]), env(SpecId::PRAGUE, number, timestamp));
        evm.transact_raw(call(RAW_PROMPT, "upgraded.", 0)).unwrap();
        evm.meter().charged.gas_ai
    };
    assert_eq!(gas(2, 0), 0);
    assert_eq!(gas(3, 0) + 3_000, gas(5, 0));
    assert_eq!(gas(5, 100), gas(3, 0));
    assert_eq!(gas(4, 100), gas(3, 0), "of several that are active the last holds");
}

/// Each block has the precompiles and the prices of their own last change, whichever was announced
/// first.
#[test]
fn changes_hold_from_their_block_on_in_whatever_order_they_are_added() {
    let device = Arc::new(Letters::default());
    let with_tokens = |prompt_max_tokens| {
        let settings = Settings { prompt_max_tokens, ..Settings::default() };
        AiPrecompiles::new(Arc::clone(&device) as _, Vec::new(), settings).unwrap()
    };
    let price = |gamma| Arc::new(GasSchedule { gamma, ..schedule() });
    let runtime = || AiRuntime::new(with_tokens(1), price(1_000));
    let upgrade = Activation::Block(200);
    let orders = [
        runtime()
            .starting(Activation::Block(50))
            .upgraded(upgrade, with_tokens(2), price(3_000))
            .repriced(Activation::Block(100), price(2_000)),
        runtime()
            .repriced(Activation::Block(100), price(2_000))
            .upgraded(upgrade, with_tokens(2), price(3_000))
            .starting(Activation::Block(50)),
    ];
    for runtime in orders {
        let rules = |number| {
            let rules = runtime.rules_at(BlockPosition { number, timestamp: 0 })?;
            Some((rules.precompiles.settings().prompt_max_tokens, rules.pricing.base().gas_ai))
        };
        let at = [49, 50, 99, 100, 150, 199, 200, 250].map(rules);
        let [first, repriced, upgraded] = [(1, 1_000), (1, 2_000), (2, 3_000)].map(Some);
        let expected = [None, first, first, repriced, repriced, repriced, upgraded, upgraded];
        assert_eq!(at, expected);
    }
    // No change begins what has not begun.
    let early = runtime().upgraded(Activation::Block(10), with_tokens(2), price(3_000));
    let early = early.starting(Activation::Block(50));
    assert!(early.rules_at(BlockPosition { number: 49, timestamp: 0 }).is_none());
    let begun = early.rules_at(BlockPosition { number: 50, timestamp: 0 }).unwrap();
    assert_eq!(begun.precompiles.settings().prompt_max_tokens, 2);
}

/// The fees of block `n` are those of [`FEES`], plus `n` for each resource. The hash of a block is
/// its number.
#[derive(Debug)]
struct Rising;

impl BaseFeeSource for Rising {
    fn base_fees(&self, parent: B256) -> Result<Option<Resources<u64>>, Fault> {
        let number = U256::from_be_bytes(parent.0) + U256::from(1);
        self.base_fees_of_call(&BlockEnv { number, ..BlockEnv::default() })
    }

    fn base_fees_of_call(&self, block: &BlockEnv) -> Result<Option<Resources<u64>>, Fault> {
        let number: u64 = block.number.to();
        if number > 100 {
            return Err(Fault { kind: FaultKind::State, message: "pruned".into() });
        }
        Ok((number > 0).then(|| FEES.map(|fee| fee + number)))
    }
}

#[test]
fn one_factory_knows_the_fees_of_every_block() {
    let device = Arc::new(Letters::default());
    let factory = builder(&device).factory().unwrap().with_base_fee_source(Arc::new(Rising));
    for number in 1..4 {
        let mut env = env(SpecId::PRAGUE, number, 0);
        assert!(
            factory
                .create_evm(database(&[]), env.clone())
                .transact_raw(call(OUTER, "", 0))
                .is_err()
        );
        env.block_env.basefee = 20 + number;
        let parent = B256::from(U256::from(number - 1));
        assert_eq!(factory.check_header(parent, &env), Ok(()));
        let mut evm = factory.create_evm(database(&[]), env);
        let done = evm.transact_raw(call(RAW_PROMPT, "fees.", 0)).unwrap();
        let gas = evm.meter().apportion(done.result.tx_gas_used());
        let refund = gas.evm * 13 + gas.inference * 10;
        let paid = 100 * done.result.tx_gas_used() - refund;
        let sender = &done.state[&crate::support::SENDER];
        let before = crate::support::ETHER * U256::from(1_000);
        assert_eq!(before - sender.info.balance, U256::from(paid), "{number}");
    }
    // Where they are the header's, any header will do.
    let mut evm = factory.create_evm(database(&[]), env(SpecId::PRAGUE, 0, 0));
    assert!(evm.transact_raw(call(OUTER, "", 0)).is_ok());
    // And where this node does not know them, it says so and gives no result.
    let env = env(SpecId::PRAGUE, 101, 0);
    let parent = B256::from(U256::from(100));
    assert!(matches!(factory.check_header(parent, &env), Err(lazvm::HeaderError::Fault(_))));
    let error =
        factory.create_evm(database(&[]), env).transact_raw(call(OUTER, "", 0)).unwrap_err();
    assert_eq!(fault_of(&error).unwrap().message, "pruned");
}
