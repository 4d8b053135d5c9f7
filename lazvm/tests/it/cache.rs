//! A model is run once for each job, and nobody can tell but by the time.

use core::sync::atomic::{AtomicU32, Ordering};
use std::{sync::Arc, thread};

use lazai_api_types::{
    Coprocessor, Generation, Job, Outcome, PortError, Prompt, Quote, Rejection, Sampling, Task,
    Work,
};
use lazai_precompiles::address::RAW_PROMPT;
use lazvm::{
    CachedCoprocessor, LazEvmFactory, LazVm, Mode, NoModels,
    alloy_evm::{Evm, EvmEnv, EvmFactory},
    revm::{
        context::{BlockEnv, CfgEnv},
        primitives::hardfork::SpecId,
    },
};
use proptest::{collection::vec, prelude::*};

use crate::support::{Letters, MODEL, call, database, schedule};

fn factory(device: &Arc<Letters>, bytes: usize) -> LazEvmFactory {
    LazVm::builder()
        .coprocessor(Arc::clone(device) as _)
        .gas_schedule(schedule())
        .default_model(MODEL)
        .outcome_cache(bytes)
        .factory()
        .unwrap()
}

fn env() -> EvmEnv {
    let mut cfg_env = CfgEnv::default();
    cfg_env.set_spec_and_mainnet_gas_params(SpecId::PRAGUE);
    EvmEnv { cfg_env, block_env: BlockEnv::default() }
}

fn job(text: &str, max_tokens: u32) -> Job {
    let prompt = Prompt::Text(text.to_owned());
    let (sampling, stop) = (Sampling::default(), Vec::new());
    Job { model: MODEL, task: Task::Generate(Generation { prompt, max_tokens, sampling, stop }) }
}

/// A call that executes, an estimate, warming up in any order, a trace, and the block itself.
#[test]
fn a_node_runs_a_model_once_for_a_job() {
    let device = Arc::new(Letters::default());
    let cached = factory(&device, CachedCoprocessor::DEFAULT_BYTES);
    let plain = factory(&Arc::new(Letters::default()), 0);
    let tx = call(RAW_PROMPT, "the same job.", 0);
    let expected = plain.create_evm(database(&[]), env()).transact_raw(tx.clone()).unwrap();

    let executing = cached.clone().with_mode(Mode::Execute);
    let mut called = env();
    called.cfg_env.disable_nonce_check = true;
    called.cfg_env.disable_base_fee = true;
    executing.create_evm(database(&[]), called.clone()).transact_raw(tx.clone()).unwrap();
    cached.create_evm(database(&[]), called.clone()).transact_raw(tx.clone()).unwrap();
    called.cfg_env.disable_base_fee = false;
    called.cfg_env.disable_balance_check = true;
    thread::scope(|scope| {
        for nonce in 0..4 {
            let (cached, called, mut tx) = (cached.clone(), called.clone(), tx.clone());
            tx.nonce = nonce;
            scope.spawn(move || cached.create_evm(database(&[]), called).transact_raw(tx).unwrap());
        }
    });
    let mut evm = cached.create_evm(database(&[]), env());
    assert_eq!(evm.transact_raw(tx.clone()).unwrap(), expected);
    let mut reference = plain.create_evm(database(&[]), env());
    reference.transact_raw(tx).unwrap();
    assert_eq!(evm.meter(), reference.meter());
    assert_eq!(device.counts().1, 1);
    // Another job is another run.
    evm.transact_raw(call(RAW_PROMPT, "another job.", 0)).unwrap();
    assert_eq!(device.counts().1, 2);
}

/// A device that runs a job only when all its callers have asked for it.
#[derive(Debug)]
struct Gate {
    callers: u32,
    asked: AtomicU32,
    device: Letters,
}

impl Coprocessor for Gate {
    fn reading_work(&self, job: &Job) -> Result<Work, PortError> {
        self.device.reading_work(job)
    }

    fn quote(&self, job: &Job) -> Result<Quote, PortError> {
        let quote = self.device.quote(job);
        self.asked.fetch_add(1, Ordering::SeqCst);
        quote
    }

    fn run(&self, job: &Job) -> Result<Outcome, PortError> {
        while self.asked.load(Ordering::SeqCst) < self.callers {
            thread::yield_now();
        }
        self.device.run(job)
    }
}

fn outcomes(text: &str, callers: u32, bytes: usize) -> (Vec<Result<Outcome, PortError>>, u32) {
    let gate = Arc::new(Gate { callers, asked: AtomicU32::new(0), device: Letters::default() });
    let cached = CachedCoprocessor::new(Arc::clone(&gate) as _, bytes);
    let job = job(text, 5);
    let outcomes = thread::scope(|scope| {
        let threads: Vec<_> = (0..callers)
            .map(|_| scope.spawn(|| cached.prepare(&job).and_then(|prepared| prepared.run())))
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    (outcomes, gate.device.counts().1)
}

#[test]
fn callers_at_the_same_time_share_a_run() {
    let expected = Letters::default().run(&job("together", 5));
    let (all, runs) = outcomes("together", 6, 1 << 20);
    assert_eq!(all, vec![expected.clone(); 6]);
    assert_eq!(runs, 1);
    // Where an outcome is too large to keep, they still get theirs.
    let (all, runs) = outcomes("together", 6, 0);
    assert_eq!(all, vec![expected; 6]);
    assert!((1..=6).contains(&runs));
}

/// A block must not wait for a user, and still need not run what a user has run.
#[test]
fn devices_that_share_a_memory_do_not_wait_for_each_other() {
    // It never ends by itself: nobody asks it a second time.
    let stuck = Arc::new(Gate { callers: 2, asked: AtomicU32::new(0), device: Letters::default() });
    let device = Arc::new(Letters::default());
    let users = CachedCoprocessor::new(Arc::clone(&stuck) as _, 1 << 20);
    let blocks = users.sharing(Arc::clone(&device) as _);
    let job = job("shared", 5);
    thread::scope(|scope| {
        let user = scope.spawn(|| users.run(&job));
        while stuck.asked.load(Ordering::SeqCst) == 0 {
            thread::yield_now();
        }
        let outcome = blocks.run(&job);
        assert_eq!(users.run(&job), outcome);
        stuck.asked.store(2, Ordering::SeqCst);
        assert_eq!(user.join().unwrap(), outcome);
    });
    assert_eq!((device.counts().1, stuck.device.counts().1), (1, 1));
}

/// What a node answers depends on its device, and not on what another was asked before.
#[test]
fn a_shared_memory_answers_for_no_model_that_a_device_lacks() {
    let device = Arc::new(Letters::default());
    let users = CachedCoprocessor::new(Arc::clone(&device) as _, 1 << 20);
    let other = Arc::new(Letters::default());
    let (without, with) =
        (users.sharing(Arc::new(NoModels)), users.sharing(Arc::clone(&other) as _));
    let job = job("shared", 5);
    let expected = Err(Rejection::UnknownModel { model: MODEL }.into());
    assert_eq!(without.run(&job), expected);
    let outcome = users.run(&job);
    assert_eq!(without.run(&job), expected);
    assert_eq!(without.prepare(&job).map(|prepared| prepared.quote()), NoModels.quote(&job));
    assert_eq!((with.run(&job), users.run(&job)), (outcome.clone(), outcome));
    assert_eq!((device.counts().1, other.counts().1), (1, 0));
}

#[test]
fn a_fault_is_not_remembered() {
    let (all, runs) = outcomes("broken", 4, 1 << 20);
    assert!(all.iter().all(|outcome| matches!(outcome, Err(PortError::Fault(_)))));
    assert_eq!(runs, 4, "each caller finds it for itself");
    let device = Arc::new(Letters::default());
    let cached = CachedCoprocessor::new(Arc::clone(&device) as _, 1 << 20);
    for _ in 0..3 {
        cached.run(&job("broken", 5)).unwrap_err();
        cached.run(&Job { model: Default::default(), ..job("refused", 5) }).unwrap_err();
    }
    assert_eq!((device.counts(), cached.bytes()), ((6, 3), 0));
}

#[test]
fn of_too_many_outcomes_the_one_unused_the_longest_goes() {
    let device = Arc::new(Letters::default());
    let cached = CachedCoprocessor::new(Arc::clone(&device) as _, 1 << 20);
    cached.run(&job("a", 5)).unwrap();
    let one = cached.bytes();
    let cached = CachedCoprocessor::new(Arc::clone(&device) as _, 2 * one);
    let runs = |text: &str| {
        let before = device.counts().1;
        cached.run(&job(text, 5)).unwrap();
        assert!(cached.bytes() <= 2 * one);
        device.counts().1 - before
    };
    let texts = ["a", "b", "a", "c", "a", "b", "c"];
    assert_eq!(texts.map(runs), [1, 1, 0, 1, 0, 1, 1]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_memory_changes_no_answer(
        jobs in vec((0..6_usize, 1..5_u32), 0..40),
        bytes in 0..3_000_usize,
    ) {
        let texts = ["a", "stops.", "broken", "lost", "", "longer than the others"];
        let (plain, device) = (Letters::default(), Arc::new(Letters::default()));
        let cached = CachedCoprocessor::new(Arc::clone(&device) as _, bytes);
        for (text, tokens) in jobs {
            let job = job(texts[text], tokens);
            let expected = plain.prepare(&job).map(|prepared| (prepared.quote(), prepared.run()));
            let got = cached.prepare(&job).map(|prepared| (prepared.quote(), prepared.run()));
            prop_assert_eq!(got, expected);
            prop_assert_eq!(cached.quote(&job), plain.quote(&job));
            prop_assert!(cached.bytes() <= bytes);
        }
        prop_assert!(device.counts().1 <= plain.counts().1);
    }
}
