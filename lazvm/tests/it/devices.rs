//! A node runs jobs of blocks on one device and those of its users on another.

use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::{sync::Arc, thread};

use alloy_primitives::Address;
use lazai_api_types::{Coprocessor, Job, Outcome, PortError, Quote, Work};
use lazai_precompiles::address::RAW_PROMPT;
use lazvm::{
    Fault, FaultKind, LazBlockExecutorFactory, LazEvmFactory, LazVm, Mode,
    alloy_consensus::TxReceipt,
    alloy_evm::{Evm, EvmEnv, EvmFactory},
    revm::{inspector::CountInspector, primitives::hardfork::SpecId},
};

use crate::support::{
    Letters, MODEL,
    blocks::{PRAGUE, asks, env, execute, executors, state},
    call, database, schedule,
};

/// A device whose runs end when they are let go. A run above the number that is expected fails.
#[derive(Debug)]
struct Held {
    expected: u32,
    waiting: AtomicU32,
    released: AtomicBool,
    device: Letters,
}

impl Held {
    fn new(expected: u32) -> Arc<Self> {
        let (waiting, released) = (AtomicU32::new(0), AtomicBool::new(false));
        Arc::new(Self { expected, waiting, released, device: Letters::default() })
    }
}

impl Coprocessor for Held {
    fn reading_work(&self, job: &Job) -> Result<Work, PortError> {
        self.device.reading_work(job)
    }

    fn quote(&self, job: &Job) -> Result<Quote, PortError> {
        self.device.quote(job)
    }

    fn run(&self, job: &Job) -> Result<Outcome, PortError> {
        if self.waiting.fetch_add(1, Ordering::SeqCst) >= self.expected {
            let message = "a block asked the device of queries".into();
            return Err(Fault { kind: FaultKind::Device, message }.into());
        }
        while !self.released.load(Ordering::SeqCst) {
            thread::yield_now();
        }
        self.device.run(job)
    }
}

fn factory(blocks: &Arc<Letters>, queries: &Arc<Held>) -> LazEvmFactory {
    LazVm::builder()
        .coprocessor(Arc::clone(blocks) as _)
        .queries(Arc::clone(queries) as _)
        .gas_schedule(schedule())
        .default_model(MODEL)
        .factory()
        .unwrap()
        .with_mode(Mode::Execute)
}

/// A block that is warmed up, in which the nonce is not checked.
fn warming() -> EvmEnv {
    env(PRAGUE, 20, 1)
}

/// A call of a user, and the blocks of `eth_simulateV1`, in which the base fee is not checked.
fn calling() -> EvmEnv {
    env(PRAGUE, 20, 1 << 1)
}

/// One factory serves a call that executes, a simulation of blocks, a trace, and the warming up of
/// the block itself. None of them ends before the block does.
#[test]
fn a_job_of_a_block_ends_while_all_queries_are_held_up() {
    let (device, held) = (Arc::new(Letters::default()), Held::new(4));
    let factory = factory(&device, &held);
    thread::scope(|scope| {
        let ask = |env: EvmEnv, text: &'static str| {
            let factory = factory.clone();
            scope.spawn(move || {
                let mut evm = factory.create_evm(database(&[]), env);
                evm.transact_raw(call(RAW_PROMPT, text, 0)).unwrap().result.is_success()
            })
        };
        let mut asked = vec![ask(calling(), "called."), ask(warming(), "both.")];
        asked.push(scope.spawn(|| {
            let mut evm = factory.create_evm(database(&[]), calling());
            let system = Address::repeat_byte(0xfe);
            let done = evm.transact_system_call(system, RAW_PROMPT, "simulated.".into());
            done.unwrap().result.is_success()
        }));
        asked.push(scope.spawn(|| {
            let inspector = CountInspector::new();
            let env = env(PRAGUE, 20, 0);
            let mut evm = factory.create_evm_with_inspector(database(&[]), env, inspector);
            evm.transact_raw(call(RAW_PROMPT, "traced.", 0)).unwrap().result.is_success()
        }));
        while held.waiting.load(Ordering::SeqCst) < 4 && !asked.iter().any(|it| it.is_finished()) {
            thread::yield_now();
        }
        // Also of the job that a user has asked for.
        let texts = [asks("both.", 0), asks("of the block.", 1)];
        let done = execute(&executors(factory.clone()), env(PRAGUE, 20, 0), false, &texts);
        let (runs, answered) = (device.counts().1, held.device.counts().1);
        held.released.store(true, Ordering::SeqCst);
        assert!(asked.into_iter().all(|asked| asked.join().unwrap()));
        assert_eq!((runs, answered), (2, 0));
        assert!(done.unwrap().receipts.iter().all(TxReceipt::status));
    });
    assert_eq!((device.counts().1, held.device.counts().1), (2, 4));
}

/// What warming up has run, the block need not run.
#[test]
fn what_a_query_has_run_is_remembered_for_the_block() {
    let (device, held) = (Arc::new(Letters::default()), Held::new(1));
    held.released.store(true, Ordering::SeqCst);
    let factory = factory(&device, &held);
    let mut evm = factory.create_evm(state(), warming());
    evm.transact_raw(call(RAW_PROMPT, "warmed up.", 0)).unwrap();
    let block = || {
        execute(&executors(factory.clone()), env(PRAGUE, 20, 0), false, &[asks("warmed up.", 0)])
    };
    let done = block().unwrap();
    assert_eq!((device.counts().1, held.device.counts().1), (0, 1));
    let plain = LazVm::builder().coprocessor(Arc::new(Letters::default()));
    let plain = plain.gas_schedule(schedule()).default_model(MODEL).factory().unwrap();
    let expected = execute(&executors(plain), env(PRAGUE, 20, 0), false, &[asks("warmed up.", 0)]);
    assert_eq!(done, expected.unwrap());
}

/// A block before Cancun begins without a system call: its executor says by its type what it is.
#[test]
fn a_block_is_known_by_its_executor() {
    let (device, held) = (Arc::new(Letters::default()), Held::new(0));
    let factory = factory(&device, &held);
    let shanghai = (SpecId::SHANGHAI, 17_100_000, 1_681_500_000);
    let by_type = LazBlockExecutorFactory::new(executors(factory));
    execute(&by_type, env(shanghai, 20, 0), false, &[asks("old.", 0)]).unwrap();
    assert_eq!((device.counts().1, held.waiting.load(Ordering::SeqCst)), (1, 0));
}

/// A machine of one database answers calls on the device of queries, too.
#[test]
fn a_machine_has_both_devices() {
    let (device, held) = (Arc::new(Letters::default()), Held::new(1));
    held.released.store(true, Ordering::SeqCst);
    let builder = LazVm::builder()
        .coprocessor(Arc::clone(&device) as _)
        .queries(Arc::clone(&held) as _)
        .default_model(MODEL);
    let mut vm = builder.build(database(&[])).unwrap();
    vm.call(call(RAW_PROMPT, "a call.", 0)).unwrap();
    vm.simulate(call(RAW_PROMPT, "an estimate.", 0)).unwrap();
    vm.transact(call(RAW_PROMPT, "a transaction.", 0)).unwrap();
    assert_eq!((device.counts(), held.device.counts()), ((1, 1), (2, 1)));
}
