use core::num::NonZeroUsize;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use alloy_consensus::{Transaction, TxEnvelope};
use alloy_primitives::B256;
use lazvm::{
    CachedCoprocessor, Coprocessor, Fault, FaultKind, Job, LazEvmFactory, Outcome, PortError,
    Quote, Work,
    alloy_consensus::transaction::Recovered,
    alloy_evm::{Database, Evm, EvmEnv, EvmFactory, ToTxEnv},
};

/// Runs the models that the transactions of a block will ask, side by side, before the block is
/// executed one transaction after another.
///
/// Each transaction is run dry on the state below the block; the first job of it that is not
/// remembered ends it and is noted. The jobs are run by several threads, and remembered; then the
/// transactions that were ended are run dry again, up to their next jobs. What a transaction would
/// ask on another state is not found, and what it would not ask is run in vain: neither changes
/// what the block gives, because a job names all that its outcome depends on.
///
/// Dry runs end when they have used the gas of two blocks: so what no block pays for is bounded.
#[derive(Clone, Debug)]
pub struct PreRun {
    memory: Arc<CachedCoprocessor>,
    noted: Arc<Notes>,
    threads: NonZeroUsize,
    rounds: u32,
}

/// A device that knows what is remembered, and notes what else it is asked.
#[derive(Debug)]
struct Notes {
    memory: Arc<CachedCoprocessor>,
    jobs: Mutex<BTreeMap<B256, Job>>,
}

impl PreRun {
    /// Runs jobs by `memory` on so many threads. Blocks must be executed by the same memory.
    #[must_use]
    pub fn new(memory: Arc<CachedCoprocessor>, threads: NonZeroUsize) -> Self {
        let noted = Notes { memory: Arc::clone(&memory), jobs: Mutex::default() };
        Self { memory, noted: Arc::new(noted), threads, rounds: DEFAULT_ROUNDS }
    }

    /// Runs transactions dry so many times at most: each time finds one more job of each.
    #[must_use]
    pub const fn with_rounds(mut self, rounds: u32) -> Self {
        self.rounds = rounds;
        self
    }

    /// Returns the device of the EVMs that transactions are run dry by. Their factory is otherwise
    /// that of the blocks.
    #[must_use]
    pub fn device(&self) -> Arc<dyn Coprocessor> {
        Arc::clone(&self.noted) as _
    }

    /// Runs what the transactions of a block ask, and returns how many jobs that were. `factory`
    /// makes EVMs over [`device`](Self::device) at the base fee of the header, and `db` is the
    /// state below the block.
    ///
    /// No error is one of the block: what fails here is met again when the block is executed.
    pub fn run<DB: Database>(
        &self,
        factory: &LazEvmFactory,
        mut env: EvmEnv,
        transactions: &[Recovered<TxEnvelope>],
        db: DB,
    ) -> usize {
        // Transactions that follow others of their sender are run as well.
        env.cfg_env.disable_nonce_check = true;
        env.cfg_env.disable_balance_check = true;
        // What a transaction does on this state nobody pays for, if it does less in its block.
        let mut gas_left = env.block_env.gas_limit.saturating_mul(MAX_DRY_BLOCKS);
        let mut evm = factory.create_evm(db, env);
        let mut open: Vec<_> = transactions.iter().collect();
        let mut count = 0;
        for _ in 0..self.rounds {
            let mut jobs = BTreeMap::new();
            open.retain(|transaction| {
                let gas_limit = transaction.gas_limit();
                if gas_limit > gas_left {
                    return false;
                }
                // Nothing is committed.
                let result = evm.transact_raw(transaction.to_tx_env());
                let used = result.map_or(gas_limit, |done| done.result.tx_gas_used());
                gas_left = gas_left.saturating_sub(used);
                let mut noted = self.noted.take();
                let is_open = !noted.is_empty();
                jobs.append(&mut noted);
                is_open
            });
            if jobs.is_empty() {
                break;
            }
            count += jobs.len();
            self.run_all(jobs.into_values().collect());
        }
        count
    }

    /// Runs jobs side by side.
    fn run_all(&self, jobs: Vec<Job>) {
        let threads = self.threads.get().min(jobs.len());
        let waiting = Mutex::new(jobs);
        thread::scope(|scope| {
            let work = || {
                loop {
                    let job = waiting.lock().unwrap_or_else(PoisonError::into_inner).pop();
                    let Some(job) = job else { break };
                    // A failure is met again in the block.
                    let _ = self.memory.run(&job);
                }
            };
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            for worker in workers {
                // A device that panics here panics in the block, where its host sees it.
                let _ = worker.join();
            }
        });
    }
}

impl Notes {
    fn take(&self) -> BTreeMap<B256, Job> {
        core::mem::take(&mut *self.jobs.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Coprocessor for Notes {
    fn reading_work(&self, job: &Job) -> Result<Work, PortError> {
        self.memory.reading_work(job)
    }

    fn quote(&self, job: &Job) -> Result<Quote, PortError> {
        self.memory.quote(job)
    }

    fn run(&self, job: &Job) -> Result<Outcome, PortError> {
        if !CachedCoprocessor::remembers(&job.task) {
            return self.memory.run(job);
        }
        if let Some(outcome) = self.memory.remembered(job) {
            return Ok(outcome);
        }
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        jobs.insert(job.hash(), job.clone());
        drop(jobs);
        let message = "a job that is to be run".to_owned();
        Err(Fault { kind: FaultKind::Device, message }.into())
    }
}

/// Dry runs take no more gas than so many blocks have.
const MAX_DRY_BLOCKS: u64 = 2;

/// Jobs of one transaction that are found, one after the other.
const DEFAULT_ROUNDS: u32 = 8;
