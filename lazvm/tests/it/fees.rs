//! Each resource pays its own base fee, to the wei, as the balances show.

use std::sync::Arc;

use alloy_primitives::{Address, TxKind, U256};
use lazai_gas::Resources;
use lazai_precompiles::address::RAW_PROMPT;
use lazvm::{
    ExecutionAndState, LazVm,
    revm::{
        Database, DatabaseCommit,
        context::{BlockEnv, TxEnv},
        database::InMemoryDB,
        primitives::hardfork::SpecId,
    },
};
use proptest::prelude::*;

use crate::support::{
    BENEFICIARY, CONTRACT, FEES, Letters, OUTER, SENDER, builder, bytecode, bytecode::Kind, call,
    database,
};

const CLEARED: u8 = 20;

fn machine(spec: SpecId, fees: Option<Resources<u64>>, header: u64) -> LazVm<InMemoryDB> {
    let device = Arc::new(Letters::default());
    let forwarder = bytecode::forwarder(Kind::Call, RAW_PROMPT);
    let clearer = bytecode::clearer(RAW_PROMPT, CLEARED);
    let mut db = database(&[(CONTRACT, &forwarder), (OUTER, &clearer)]);
    for slot in 0..CLEARED {
        db.insert_account_storage(OUTER, U256::from(slot), U256::MAX).unwrap();
    }
    let block = BlockEnv { basefee: header, beneficiary: BENEFICIARY, ..BlockEnv::default() };
    let builder = builder(&device).spec(spec).block(block);
    match fees {
        Some(fees) => builder.base_fees(fees),
        None => builder,
    }
    .build(db)
    .unwrap()
}

fn balances(db: &mut InMemoryDB) -> [U256; 5] {
    let balance =
        |address: Address| db.basic(address).unwrap().map_or(U256::ZERO, |account| account.balance);
    [SENDER, BENEFICIARY, RAW_PROMPT, CONTRACT, OUTER].map(balance)
}

/// Runs and commits, and checks the settlement against the balances.
fn settle(vm: &mut LazVm<InMemoryDB>, tx: TxEnv) -> lazvm::Execution {
    let before = balances(vm.db_mut());
    let ExecutionAndState { execution, state } = vm.transact(tx).unwrap();
    vm.db_mut().commit(state);
    let after = balances(vm.db_mut());
    let settlement = execution.settlement;
    assert_eq!(before[0] - after[0], settlement.fee, "the sender paid");
    assert_eq!(after[1] - before[1], settlement.tip, "the beneficiary got");
    let sum = |balances: [U256; 5]| balances.into_iter().sum::<U256>();
    assert_eq!(sum(before) - sum(after), settlement.burned, "vanished");
    assert_eq!(settlement.fee, settlement.burned + settlement.tip);
    assert_eq!(settlement.gas_used(), execution.gas_used());
    let [ai, inference] = [execution.gas_ai(), execution.gas_inference()];
    assert!(ai + inference <= execution.gas_used());
    execution
}

#[test]
fn each_resource_pays_its_own_fee() {
    let mut vm = machine(SpecId::PRAGUE, Some(FEES), 0);
    let execution = settle(&mut vm, call(CONTRACT, "twenty wei", 0));
    assert!(execution.gas_ai() > 0 && execution.gas_inference() > 0);
    let burned = execution.gas_evm() * 7 + execution.gas_ai() * 20 + execution.gas_inference() * 10;
    assert_eq!(execution.settlement.burned, U256::from(burned));
    assert_eq!(execution.settlement.tip, U256::from(execution.gas_used() * (100 - 20)));
}

#[test]
fn a_plain_transfer_pays_the_fee_of_the_evm() {
    let mut vm = machine(SpecId::PRAGUE, Some(FEES), 0);
    let execution = settle(&mut vm, call(BENEFICIARY, "", 0));
    assert_eq!(execution.settlement.burned, U256::from(21_000 * 7));
    assert_eq!(execution.settlement.refund, U256::from(21_000 * 13));
}

#[test]
fn gas_given_back_for_storage_lowers_the_evm_part_first() {
    let mut vm = machine(SpecId::PRAGUE, Some(FEES), 0);
    let execution = settle(&mut vm, call(OUTER, "a", 0));
    let spent = execution.result.gas().total_gas_spent();
    let given_back = spent - execution.gas_used();
    assert!(given_back > 0);
    assert_eq!(execution.gas_ai(), execution.meter.charged.gas_ai);
    assert_eq!(execution.gas_inference(), execution.meter.charged.gas_inference);
    assert_eq!(
        execution.gas_evm(),
        spent - given_back - execution.gas_ai() - execution.gas_inference()
    );
}

#[test]
fn before_london_nothing_is_burned_and_nothing_refunded() {
    let mut vm = machine(SpecId::BERLIN, Some(FEES), 0);
    let mut tx = call(RAW_PROMPT, "early", 0);
    tx.tx_type = 0;
    let execution = settle(&mut vm, tx);
    assert_eq!((execution.settlement.refund, execution.settlement.burned), Default::default());
    assert_eq!(execution.settlement.fee, U256::from(execution.gas_used() * 100));
}

fn fees() -> impl Strategy<Value = Resources<u64>> {
    let fee = || prop_oneof![0..10_u64, 0..1_000_000_000_u64];
    (fee(), fee(), fee()).prop_map(|(evm, ai, inference)| Resources { evm, ai, inference })
}

proptest! {
    #[test]
    fn every_wei_is_accounted_for(
        fees in fees(),
        tip in 0..1_000_u128,
        spare in 0..1_000_u128,
        prompt in "[a-z]{0,20}\\.?",
        target in prop::sample::select(vec![RAW_PROMPT, CONTRACT, OUTER, BENEFICIARY]),
        gas_limit in prop_oneof![Just(5_000_000_u64), 60_000..200_000_u64],
    ) {
        let header = fees.evm.max(fees.ai).max(fees.inference);
        let tx = TxEnv::builder()
            .caller(SENDER)
            .kind(TxKind::Call(target))
            .data(prompt.into_bytes().into())
            .gas_limit(gas_limit)
            .gas_price(u128::from(header) + tip + spare)
            .gas_priority_fee(Some(tip))
            .build()
            .unwrap();

        let execution = settle(&mut machine(SpecId::PRAGUE, Some(fees), 0), tx.clone());
        let uniform = settle(&mut machine(SpecId::PRAGUE, None, header), tx);
        // Prices of resources move money, never gas, output or tips.
        prop_assert_eq!(&execution.result, &uniform.result);
        prop_assert_eq!(execution.meter, uniform.meter);
        prop_assert_eq!(execution.settlement.tip, uniform.settlement.tip);
        prop_assert_eq!(
            execution.settlement.fee + execution.settlement.refund,
            uniform.settlement.fee
        );
    }
}
