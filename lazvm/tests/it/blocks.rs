//! What alloy-evm's executor of blocks makes of the factory, and what a builder of blocks sees.

use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::{collections::BTreeSet, sync::Arc};

use alloy_primitives::{Address, B256, U256};
use lazai_api_types::{Coprocessor, Job, Outcome, PortError, Quote, Work};
use lazai_precompiles::address::RAW_PROMPT;
use lazvm::{
    Attempts, BaseFeeSource, BuilderExecutor, Fault, FaultKind, FaultLog, LazBlockExecutorFactory,
    LazEvmFactory, LeftOut, Mode, Resources,
    alloy_consensus::{TxReceipt, transaction::TxHashRef},
    alloy_evm::{
        Evm, EvmEnv, EvmFactory,
        block::{BlockExecutionError, BlockExecutor, BlockExecutorFactory, BlockValidationError},
    },
    block_fault_of,
    revm::context::{BlockEnv, TxEnv},
};

use crate::support::{
    FEES, Letters,
    blocks::{BLOCKS, PRAGUE, asks, context, env, execute, executors, pays, state},
    builder,
};

/// A block runs its models whatever is switched off: validators with other configurations would
/// have other receipts.
#[test]
fn no_configuration_lets_a_block_simulate() {
    for fork in BLOCKS {
        for (off, inspect) in (0..1 << 7).map(|off| (off, off % 3 == 0)) {
            for mode in [None, Some(Mode::Execute), Some(Mode::Simulate)] {
                let device = Arc::new(Letters::default());
                let factory = builder(&device).factory().unwrap();
                let factory = mode.into_iter().fold(factory, LazEvmFactory::with_mode);
                let block = env(fork, 20, off);
                let texts = [asks("first.", 0), asks("second.", 1)];
                let done = execute(&executors(factory.clone()), block, inspect, &texts).unwrap();
                let case = format!("{fork:?} {off:07b} {mode:?}");
                assert_eq!(device.counts().1, 2, "{case}");
                assert!(done.receipts.iter().all(TxReceipt::status), "{case}");

                // By its type, even if it takes the block for one before Cancun, which begins
                // without a system call.
                let early = EvmEnv { cfg_env: env(fork, 20, off).cfg_env, ..env(BLOCKS[0], 20, 0) };
                let by_type = LazBlockExecutorFactory::new(executors(factory));
                let same = execute(&by_type, early, inspect, &texts).unwrap();
                assert_eq!(device.counts().1, 4, "{case}");
                assert_eq!(same.gas_used, done.gas_used, "{case}");
            }
        }
    }
}

/// The configuration of `eth_call` and its relatives, and of nothing else.
#[test]
fn calls_whose_base_fee_is_not_checked_are_priced_and_not_run() {
    let device = Arc::new(Letters::default());
    let factory = builder(&device).factory().unwrap();
    for off in 0..1 << 7 {
        let mut evm = factory.create_evm(state(), env(PRAGUE, 20, off));
        let call = crate::support::call(RAW_PROMPT, "a call", 0);
        let (before, expected) = (device.counts().1, u32::from(off & 1 << 1 == 0));
        evm.transact_raw(call.clone()).unwrap();
        assert_eq!(device.counts().1 - before, expected, "{off:07b}");
        assert_eq!(evm.chain.mode() == Mode::Execute, expected == 1);

        let mut block = factory.create_evm(state(), env(PRAGUE, 20, off)).in_block();
        block.transact_raw(call.clone()).unwrap();
        assert_eq!(device.counts().1 - before, expected + 1, "{off:07b}");
        // What a block does in its own name does the work, and so does what comes after it.
        let system = Address::repeat_byte(0xfe);
        evm.transact_system_call(system, RAW_PROMPT, "a system call".into()).unwrap();
        evm.transact_raw(call).unwrap();
        assert_eq!(device.counts().1 - before, expected + 3, "{off:07b}");
    }
}

/// `eth_call` and `eth_estimateGas`: reth always sets the nonce, and leaves its check on.
#[test]
fn calls_as_reth_configures_them_run_no_model() {
    let device = Arc::new(Letters::default());
    let factory = builder(&device).factory().unwrap();
    let mut called = env(PRAGUE, 20, 0);
    called.cfg_env.disable_base_fee = true;
    called.cfg_env.disable_block_gas_limit = true;
    called.cfg_env.disable_eip3607 = true;
    called.cfg_env.disable_fee_charge = true;
    let call = TxEnv { gas_price: 0, ..crate::support::call(RAW_PROMPT, "a call", 0) };
    let mut evm = factory.create_evm(state(), called.clone());
    assert!(evm.transact_raw(call.clone()).unwrap().result.is_success());
    assert_eq!((device.counts().1, evm.meter().calls), (0, 1));
    // Unless the host wants answers, at the same price.
    let answering = factory.with_mode(Mode::Execute);
    let mut evm = answering.create_evm(state(), called);
    assert!(evm.transact_raw(call).unwrap().result.is_success());
    assert_eq!((device.counts().1, evm.meter().calls), (1, 1));
}

/// A factory whose calls are simulated still warms up and traces as a block executes.
#[test]
fn no_mode_applies_where_the_base_fee_is_checked() {
    for mode in [Mode::Execute, Mode::Simulate] {
        let device = Arc::new(Letters::default());
        let factory = builder(&device).factory().unwrap().with_mode(mode);
        for (runs, off) in (1..).zip((0..1 << 7).filter(|off| off & 1 << 1 == 0)) {
            let mut evm = factory.create_evm(state(), env(PRAGUE, 20, off));
            evm.transact_raw(crate::support::call(RAW_PROMPT, "warmed up", 0)).unwrap();
            assert_eq!(device.counts().1, runs, "{mode:?} {off:07b}");
        }
    }
}

/// Every node finds the contradiction, so it is the block's fault and not the node's.
#[test]
fn a_header_that_contradicts_the_fees_makes_the_block_invalid() {
    let device = Arc::new(Letters::default());
    let factory = builder(&device).factory().unwrap().with_base_fees(Some(FEES));
    let executors = executors(factory);
    let error = execute(&executors, env(PRAGUE, 19, 0), false, &[asks("a", 0)]).unwrap_err();
    let Some(BlockValidationError::InvalidTx { error, .. }) = error.as_validation() else {
        panic!("expected an invalid block, got {error:?}")
    };
    assert!(error.to_string().contains("base fee is 19"), "{error}");
    assert!(execute(&executors, env(PRAGUE, 20, 0), false, &[asks("a", 0)]).is_ok());
}

#[test]
fn a_fault_is_no_verdict_and_can_be_told_from_one() {
    let device = Arc::new(Letters::default());
    let executors = executors(builder(&device).factory().unwrap());
    let error = execute(&executors, env(PRAGUE, 20, 0), false, &[asks("broken", 0)]).unwrap_err();
    assert!(error.as_internal().is_some(), "{error:?}");
    assert_eq!(block_fault_of(&error).unwrap().message, "the device broke");
    let error = execute(&executors, env(PRAGUE, 20, 0), false, &[asks("nonce", 9)]).unwrap_err();
    assert!(error.as_validation().is_some() && block_fault_of(&error).is_none(), "{error:?}");
}

/// One transaction that breaks the device does not stop a builder, and is not tried for ever.
#[test]
fn a_builder_leaves_out_what_this_node_cannot_run() {
    let device = Arc::new(Letters::default());
    let executors = executors(builder(&device).factory().unwrap());
    let faults = Arc::new(FaultLog::default());
    for number in 1..=14 {
        let is_tried = [1, 2, 4, 8].contains(&number);
        let mut state = state();
        let mut env = env(PRAGUE, 20, 0);
        env.block_env.number = U256::from(number);
        let evm = executors.evm_factory().create_evm(&mut state, env);
        let executor = executors.create_executor(evm, context(B256::ZERO));
        let mut building = BuilderExecutor::new(executor, &faults);
        building.apply_pre_execution_changes().unwrap();
        let before = device.counts().1;
        building.execute_transaction(asks("one.", 0)).unwrap();
        let error = building.execute_transaction(asks("broken", 1)).unwrap_err();
        let BlockExecutionError::Validation(BlockValidationError::InvalidTx { error, .. }) = error
        else {
            panic!("expected a transaction to pass over, got {error:?}")
        };
        let left_out = (&*error as &dyn core::any::Any).downcast_ref::<LeftOut>().unwrap();
        assert_eq!(left_out.fault.is_some(), is_tried, "{number}");
        building.execute_transaction(asks("two.", 1)).unwrap();
        let (_, done) = building.finish().unwrap();
        assert_eq!(done.receipts.len(), 2);
        assert_eq!(device.counts().1 - before, if is_tried { 3 } else { 2 }, "{number}");
    }
}

/// A device that may be lost.
#[derive(Debug, Default)]
struct Losable {
    device: Letters,
    lost: AtomicBool,
    asked: AtomicU32,
}

impl Coprocessor for Losable {
    fn reading_work(&self, job: &Job) -> Result<Work, PortError> {
        self.device.reading_work(job)
    }

    fn quote(&self, job: &Job) -> Result<Quote, PortError> {
        self.device.quote(job)
    }

    fn run(&self, job: &Job) -> Result<Outcome, PortError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        match self.lost.load(Ordering::Relaxed) {
            true => Err(Fault { kind: FaultKind::Device, message: "unplugged".into() }.into()),
            false => self.device.run(job),
        }
    }
}

/// A dead device costs a builder a few attempts a block, however many wait for it, and when it is
/// back everything runs.
#[test]
fn a_lost_device_stops_nothing_else() {
    let device = Arc::new(Losable::default());
    let builder = builder(&Arc::default()).coprocessor(Arc::clone(&device) as _);
    let executors = executors(builder.factory().unwrap());
    let faults = Arc::new(FaultLog::default());
    let waiting: Vec<_> = (0..20).map(|index| asks(&format!("question {index}."), 0)).collect();
    // How often the device is asked, which questions go in, and whether a transfer does.
    let build = |number| {
        let before = device.asked.load(Ordering::Relaxed);
        let mut state = state();
        let mut env = env(PRAGUE, 20, 0);
        env.block_env.number = U256::from(number);
        let evm = executors.evm_factory().create_evm(&mut state, env);
        let executor = executors.create_executor(evm, context(B256::ZERO));
        let mut building = BuilderExecutor::new(executor, &faults);
        building.apply_pre_execution_changes().unwrap();
        let mut answered = BTreeSet::new();
        for (index, tx) in waiting.iter().enumerate() {
            if building.execute_transaction_without_commit(tx).is_ok() {
                answered.insert(index);
            }
        }
        let paid = building.execute_transaction_without_commit(&pays(0)).is_ok();
        (device.asked.load(Ordering::Relaxed) - before, answered, paid)
    };
    device.lost.store(true, Ordering::Relaxed);
    for number in 1..30 {
        let (asked, answered, paid) = build(number);
        let most = 2 * Attempts::MAX_FAULTS;
        assert!(asked <= most && answered.is_empty() && paid, "{number}: {asked}");
    }
    device.lost.store(false, Ordering::Relaxed);
    let answered: BTreeSet<_> = (30..60).flat_map(|number| build(number).1).collect();
    assert_eq!(answered.len(), 20);
}

/// Knows the base fees only when it has caught up.
#[derive(Debug, Default)]
struct Late(AtomicBool);

impl BaseFeeSource for Late {
    fn base_fees(&self, _: B256) -> Result<Option<Resources<u64>>, Fault> {
        match self.0.load(Ordering::Relaxed) {
            true => Ok(Some(FEES)),
            false => Err(Fault { kind: FaultKind::State, message: "not caught up".into() }),
        }
    }

    fn base_fees_of_call(&self, _: &BlockEnv) -> Result<Option<Resources<u64>>, Fault> {
        self.base_fees(B256::ZERO)
    }
}

/// What this node does not know about a block says nothing about its transactions.
#[test]
fn a_late_source_of_base_fees_gives_up_no_transaction() {
    let (device, source) = (Arc::new(Letters::default()), Arc::new(Late::default()));
    let factory =
        builder(&device).factory().unwrap().with_base_fee_source(Arc::clone(&source) as _);
    let (executors, faults) = (executors(factory), Arc::new(FaultLog::default()));
    for attempt in 1..=4 {
        source.0.store(attempt == 4, Ordering::Relaxed);
        let mut state = state();
        let evm = executors.evm_factory().create_evm(&mut state, env(PRAGUE, 20, 0));
        let executor = executors.create_executor(evm, context(B256::ZERO));
        let mut building = BuilderExecutor::new(executor, &faults);
        building.apply_pre_execution_changes().unwrap();
        let tx = asks("patient.", 0);
        let hash = *tx.tx_hash();
        match building.execute_transaction(tx) {
            Ok(_) => assert_eq!((attempt, device.counts().1), (4, 1)),
            Err(error) => {
                assert!(attempt < 4 && error.as_internal().is_some(), "{attempt} {error:?}");
                assert_eq!(block_fault_of(&error).unwrap().message, "not caught up");
            }
        }
        assert!(!faults.leaves_out(&hash, PRAGUE.1));
    }
}
