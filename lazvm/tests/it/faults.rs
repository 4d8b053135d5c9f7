//! What a transaction that ends in a fault of this node had used, and what of that a builder makes.

use core::any::Any;
use std::sync::Arc;

use alloy_primitives::{Address, B256, U256};
use lazai_api_types::INTRINSIC_FLOPS_PER_BYTE;
use lazvm::{
    BuilderExecutor, FaultKind, FaultLog, GasPricing, LazVm, LazVmError, LeftOut, Listing, ModelId,
    Settings, Work,
    abi::{ILazTokenizer, SolCall},
    address::{RAW_PROMPT, TOKENIZER},
    alloy_consensus::{TxEnvelope, transaction::Recovered},
    alloy_evm::{
        Evm, EvmFactory,
        block::{BlockExecutionError, BlockExecutor, BlockExecutorFactory, BlockValidationError},
    },
    revm::{
        context::TxEnv,
        database::{InMemoryDB, State},
        inspector::CountInspector,
        state::AccountInfo,
    },
};

use crate::support::bytecode::passer;
use crate::support::{
    BENEFICIARY, CONTRACT, ETHER, Letters, MODEL,
    blocks::{PRAGUE, context, env, executors, sends},
    builder, call, database, schedule,
};

/// A model that no device here has.
const OTHER: ModelId = ModelId(B256::repeat_byte(0x22));

/// Gas for the AI call, which is plenty.
const GIVEN: u32 = 100_000;

/// Machines on which a call of [`CONTRACT`] comes to the raw prompt through so many contracts, each
/// of which keeps gas.
fn nested(device: &Arc<Letters>, depth: u8) -> (LazVm<InMemoryDB>, Address) {
    let place = |level: u8| match level {
        0 => RAW_PROMPT,
        level => CONTRACT.create(level.into()),
    };
    let codes: Vec<_> = (1..=depth)
        .map(|level| (place(level), passer(place(level - 1), GIVEN * u32::from(level))))
        .collect();
    let contracts: Vec<_> = codes.iter().map(|(place, code)| (*place, code.as_slice())).collect();
    (builder(device).build(database(&contracts)).unwrap(), place(depth))
}

/// A fault behind the run: the price of the job has been charged, and callers keep what they have.
#[test]
fn the_gas_used_at_a_fault_is_that_of_all_frames() {
    for depth in 0..=6 {
        for gas_limit in [1_000_000, 10_000_000] {
            let (mut vm, to) = nested(&Arc::default(), depth);
            let asks = |text: &str| TxEnv { gas_limit, ..call(to, text.as_bytes().to_vec(), 0) };
            let case = format!("{depth} {gas_limit}");
            // All are as long as those that break the device.
            let run = vm.simulate(asks("brokes")).unwrap();
            assert_eq!(run.meter.calls, 1, "{case}");
            let failed = vm.transact(asks("broken")).unwrap_err();
            assert!(matches!(failed, LazVmError::Fault(_)), "{case} {failed:?}");
            assert_eq!(vm.evm().chain.gas_at_fault(), run.gas_used(), "{case}");

            // One that is lost before has been paid for reading alone.
            let run = vm.simulate(asks("loss")).unwrap();
            let _ = vm.transact(asks("lost")).unwrap_err();
            let reading = Work { flops: 4 * INTRINSIC_FLOPS_PER_BYTE, peak_bytes: 0 };
            let reading = schedule().gas(&reading).unwrap().total().unwrap();
            let expected = run.gas_used() - run.meter.charged.total().unwrap() + reading;
            assert_eq!(vm.evm().chain.gas_at_fault(), expected, "{case}");
        }
    }
}

/// An inspector changes nothing about it.
#[test]
fn the_gas_used_at_a_fault_is_known_under_an_inspector() {
    let code = passer(RAW_PROMPT, GIVEN);
    let database = || database(&[(CONTRACT, &code)]);
    let factory = builder(&Arc::default()).factory().unwrap();
    let used = |text: &str| {
        let mut plain = factory.create_evm(database(), env(PRAGUE, 20, 0));
        let inspector = CountInspector::new();
        let mut traced =
            factory.create_evm_with_inspector(database(), env(PRAGUE, 20, 0), inspector);
        let call = call(CONTRACT, text.as_bytes().to_vec(), 0);
        let ended = [plain.transact_raw(call.clone()), traced.transact_raw(call)];
        assert_eq!(ended.map(|ended| ended.is_ok()), [text == "sound."; 2]);
        [plain.chain.gas_at_fault(), traced.chain.gas_at_fault()]
    };
    let [plain, traced] = used("broken");
    assert!(plain == traced && (25_000..50_000).contains(&plain), "{plain} {traced}");
    assert_eq!(used("sound."), [0; 2]);
}

/// A second sender, as rich as the first.
const OTHER_SENDER: Address = Address::repeat_byte(0x77);

/// Builds a block of `transactions` and tells why each is not in it.
fn build(
    settings: Settings,
    transactions: &[Recovered<TxEnvelope>],
) -> (Vec<Option<LeftOut>>, lazvm::Missing) {
    let executors = executors(builder(&Arc::default()).settings(settings).factory().unwrap());
    let to_tokenizer = passer(TOKENIZER, GIVEN);
    let mut database =
        database(&[(CONTRACT, &passer(RAW_PROMPT, GIVEN)), (CONTRACT.create(1), &to_tokenizer)]);
    let rich = AccountInfo { balance: ETHER * U256::from(1_000), ..AccountInfo::default() };
    database.insert_account_info(OTHER_SENDER, rich);
    let mut state = State::builder().with_database(database).with_bundle_update().build();
    let evm = executors.evm_factory().create_evm(&mut state, env(PRAGUE, 20, 0));
    let executor = executors.create_executor(evm, context(B256::ZERO));
    let mut building = BuilderExecutor::new(executor, &Arc::new(FaultLog::default()));
    building.apply_pre_execution_changes().unwrap();
    let done = transactions.iter().map(|tx| match building.execute_transaction(tx) {
        Ok(_) => None,
        Err(BlockExecutionError::Validation(BlockValidationError::InvalidTx { error, .. })) => {
            let left_out: Option<&LeftOut> = (&*error as &dyn Any).downcast_ref();
            Some(left_out.unwrap_or_else(|| panic!("{error}")).clone())
        }
        Err(error) => panic!("{error}"),
    });
    let done = done.collect();
    (done, building.missing())
}

fn by_other(tx: Recovered<TxEnvelope>) -> Recovered<TxEnvelope> {
    Recovered::new_unchecked(tx.into_inner(), OTHER_SENDER)
}

/// Whatever limit a call that fails has, it takes from others what it used.
#[test]
fn what_callers_keep_takes_no_gas_from_others() {
    let poison = sends(CONTRACT, b"broken", 0, 30_000_000);
    let large = by_other(sends(BENEFICIARY, b"a large call of another", 0, 20_000_000));
    let settings = Settings { default_model: Some(MODEL), ..Settings::default() };
    let (done, missing) = build(settings, &[poison, large]);
    let fault = done[0].as_ref().unwrap().fault.as_ref().unwrap();
    assert_eq!(fault.kind, FaultKind::Device);
    assert!(done[1].is_none() && missing.is_empty(), "{done:?}");
}

/// A builder without a listed model says so, and builds blocks of all that does not ask it.
#[test]
fn a_builder_names_what_is_listed_and_missing() {
    let models = Listing::from_iter([MODEL, OTHER]);
    let settings = Settings { models, default_model: Some(MODEL), ..Settings::default() };
    let count = ILazTokenizer::countCall { model: OTHER.0, text: "Why?".into() }.abi_encode();
    let asks = sends(CONTRACT.create(1), &count, 0, 30_000_000);
    let transfer = sends(BENEFICIARY, b"", 0, 21_000);
    let large = by_other(sends(CONTRACT, b"sound.", 0, 20_000_000));
    let (done, missing) = build(settings, &[asks, transfer, large]);
    let fault = done[0].as_ref().unwrap().fault.as_ref().unwrap();
    assert_eq!(fault.kind, FaultKind::ModelUnavailable);
    assert_eq!(done[1..], [None, None]);
    assert_eq!((missing.models.as_slice(), missing.proof_systems.len()), ([OTHER].as_slice(), 0));
    for text in [missing.to_string(), fault.message.clone()] {
        assert!(text.contains(&OTHER.to_string()) && text.contains("install it"), "{text}");
    }
}
