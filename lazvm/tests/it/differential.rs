//! Without an AI call and with equal base fees, the machine is Ethereum's.

use std::sync::Arc;

use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use lazai_gas::Resources;
use lazvm::{
    LazEvmFactory,
    alloy_evm::{EthEvmFactory, Evm, EvmEnv, EvmFactory},
    revm::{
        DatabaseCommit,
        context::{
            BlockEnv, CfgEnv, TxEnv,
            transaction::{AccessList, AccessListItem},
        },
        database::InMemoryDB,
        primitives::hardfork::SpecId,
    },
};
use proptest::{collection::vec, prelude::*};

use crate::support::{
    BENEFICIARY, CONTRACT, FORKS, Letters, OUTER, SENDER, builder, bytecode, bytecode::Kind,
    database,
};

fn env(spec: SpecId, basefee: u64) -> EvmEnv {
    let mut cfg_env = CfgEnv::default();
    cfg_env.set_spec_and_mainnet_gas_params(spec);
    let mut block_env = BlockEnv { basefee, beneficiary: BENEFICIARY, ..BlockEnv::default() };
    block_env.prevrandao = Some(B256::repeat_byte(9));
    EvmEnv { block_env, cfg_env }
}

fn factory() -> LazEvmFactory {
    builder(&Arc::new(Letters::default())).factory().unwrap()
}

fn specs() -> impl Strategy<Value = SpecId> {
    prop::sample::select(FORKS.to_vec())
}

/// Code that is mostly valid: instructions with small constants in front, and now and then any
/// byte.
fn code() -> impl Strategy<Value = Vec<u8>> {
    let constant = any::<u8>().prop_map(|value| vec![0x60, value]);
    let instruction = prop_oneof![
        4 => 0x01..0x20_u8,
        3 => 0x30..0x4b_u8,
        4 => 0x50..0x60_u8,
        3 => 0x80..0xa0_u8,
        1 => 0xa0..0xa5_u8,
        2 => 0xf0..=0xff_u8,
        1 => any::<u8>(),
    ]
    .prop_map(|byte| vec![byte]);
    vec(prop_oneof![constant, instruction], 0..60).prop_map(|parts| parts.concat())
}

fn contracts() -> impl Strategy<Value = Vec<u8>> {
    let kinds = vec![Kind::Call, Kind::CallCode, Kind::Delegate, Kind::Static];
    let targets = prop_oneof![
        (0..0x14_u8).prop_map(Address::with_last_byte),
        prop::sample::select(vec![SENDER, CONTRACT, OUTER, BENEFICIARY]),
    ];
    prop_oneof![
        3 => code(),
        2 => (prop::sample::select(kinds), targets.clone())
            .prop_map(|(kind, target)| bytecode::forwarder(kind, target)),
        1 => targets.prop_map(bytecode::reverter),
        1 => (1..300_u32).prop_map(bytecode::looper),
        1 => (1..9_u8).prop_map(|count| bytecode::clearer(CONTRACT, count)),
    ]
}

fn transactions() -> impl Strategy<Value = TxEnv> {
    let kind = prop_oneof![
        4 => prop::sample::select(vec![CONTRACT, OUTER, BENEFICIARY, SENDER])
            .prop_map(TxKind::Call),
        1 => (0..0x14_u8).prop_map(|byte| TxKind::Call(Address::with_last_byte(byte))),
        1 => Just(TxKind::Create),
    ];
    let data = prop_oneof![vec(any::<u8>(), 0..100), code()];
    let fee = (0..100_u128, prop::option::of(0..20_u128));
    let access = prop::option::of(prop::sample::select(vec![CONTRACT, BENEFICIARY]));
    let gas = prop_oneof![Just(1_000_000_u64), 20_000..100_000_u64];
    (kind, data, 0..1_000_u64, fee, access, gas).prop_map(
        |(kind, data, value, fee, access, gas)| {
            let (price, tip) = fee;
            let mut tx = TxEnv::builder()
                .caller(SENDER)
                .kind(kind)
                .data(Bytes::from(data))
                .value(U256::from(value))
                .gas_limit(gas)
                .gas_price(price)
                .gas_priority_fee(tip);
            if let Some(address) = access {
                let item = AccessListItem { address, storage_keys: vec![B256::ZERO] };
                tx = tx.access_list(AccessList(vec![item]));
            }
            tx.build_fill()
        },
    )
}

fn prestate(contract: &[u8], outer: &[u8]) -> InMemoryDB {
    let mut db = database(&[(CONTRACT, contract), (OUTER, outer)]);
    for slot in 0..8_u64 {
        db.insert_account_storage(CONTRACT, U256::from(slot), U256::from(7)).unwrap();
        db.insert_account_storage(OUTER, U256::from(slot), U256::from(7)).unwrap();
    }
    db
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]
    #[test]
    fn the_same_transactions_do_the_same(
        spec in specs(),
        basefee in 0..60_u64,
        explicit: bool,
        contract in contracts(),
        outer in contracts(),
        transactions in vec(transactions(), 1..4),
    ) {
        let fees = explicit.then(|| Resources::uniform(basefee));
        let db = prestate(&contract, &outer);
        let mut ours = factory().with_base_fees(fees).create_evm(db.clone(), env(spec, basefee));
        let mut ethereum = EthEvmFactory::default().create_evm(db, env(spec, basefee));
        let mut nonce = 0;
        for mut tx in transactions {
            tx.nonce = nonce;
            let expected = ethereum.transact_raw(tx.clone());
            let got = ours.transact_raw(tx);
            prop_assert_eq!(&got, &expected);
            if let Ok(result) = got {
                ethereum.db_mut().commit(result.state.clone());
                ours.db_mut().commit(result.state);
                nonce += 1;
            }
        }
    }
}

#[test]
fn the_generators_reach_success_revert_halt_and_refusal() {
    use lazvm::revm::context::result::ExecutionResult::{Halt, Revert, Success};
    use proptest::{strategy::ValueTree, test_runner::TestRunner};

    let mut runner = TestRunner::deterministic();
    let mut seen = [0_u32; 4];
    for _ in 0..500 {
        let strategy = (contracts(), transactions());
        let (contract, tx) = strategy.new_tree(&mut runner).unwrap().current();
        let db = prestate(&contract, &contract);
        let result = factory().create_evm(db, env(SpecId::PRAGUE, 20)).transact_raw(tx);
        let kind = match result.map(|result| result.result) {
            Ok(Success { .. }) => 0,
            Ok(Revert { .. }) => 1,
            Ok(Halt { .. }) => 2,
            Err(_) => 3,
        };
        seen[kind] += 1;
    }
    assert!(seen.iter().all(|count| *count > 5), "{seen:?}");
}
