use alloc::{
    boxed::Box,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    vec::Vec,
};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use alloy_primitives::B256;
use lazai_api_types::{
    Coprocessor, Job, ModelId, Outcome, Output, PortError, PreparedJob, Quote, Task, Work,
};

/// A device that runs a model once for each job: it remembers outcomes, and of several callers with
/// one job, one runs it and the others wait.
///
/// A node meets the same job again and again: in `eth_call`, in an estimate, when it warms a block
/// up, when it builds the block and when it validates it. A job says all that its outcome depends
/// on, the model included, so an outcome that is remembered is the one that a run would give: gas,
/// meter and state are the same. Only what runs a model is remembered, and no error is: a fault is
/// met by the next caller again.
///
/// A node that runs models for its users on threads of their own puts [one memory](Self::sharing)
/// before both devices: outcomes serve both, and a block never waits for the run of a user.
///
/// The device must not begin other tasks of its caller while it runs, as a pool of threads does
/// that is asked by a worker of another one: such a task could wait here for the job below it.
///
/// Outcomes take `max_bytes` at most, counted with what keeping them takes; of too many, the one
/// that was not asked for the longest is forgotten.
#[derive(Debug)]
pub struct CachedCoprocessor {
    device: Arc<dyn Coprocessor>,
    memory: Arc<Mutex<Memory>>,
    /// Models that this device has prepared a job of.
    models: Mutex<BTreeSet<ModelId>>,
    /// Jobs that this device is running.
    running: Mutex<BTreeSet<B256>>,
    /// Told when a run has ended.
    ended: Condvar,
}

#[derive(Debug)]
struct Memory {
    entries: BTreeMap<B256, Entry>,
    /// The jobs of `entries` by their last use.
    by_use: BTreeMap<u64, B256>,
    clock: u64,
    bytes: usize,
    max_bytes: usize,
}

#[derive(Debug)]
struct Entry {
    quote: Quote,
    /// Shared, because whoever looks it up has not paid for a copy yet.
    outcome: Arc<Outcome>,
    used: u64,
}

impl CachedCoprocessor {
    /// Bytes of outcomes that a runtime remembers unless it is told otherwise.
    pub const DEFAULT_BYTES: usize = 32 << 20;

    /// Puts a memory of `max_bytes` before `device`.
    #[must_use]
    pub fn new(device: Arc<dyn Coprocessor>, max_bytes: usize) -> Self {
        let memory = Memory {
            entries: BTreeMap::new(),
            by_use: BTreeMap::new(),
            clock: 0,
            bytes: 0,
            max_bytes,
        };
        Self::over(Arc::new(Mutex::new(memory)), device)
    }

    /// Puts the same memory before another `device`.
    ///
    /// Each uses what the other remembers, and neither waits for the other's runs. Of models that
    /// it does not have, each says so, whatever the other remembers.
    #[must_use]
    pub fn sharing(&self, device: Arc<dyn Coprocessor>) -> Self {
        Self::over(Arc::clone(&self.memory), device)
    }

    const fn over(memory: Arc<Mutex<Memory>>, device: Arc<dyn Coprocessor>) -> Self {
        Self {
            device,
            memory,
            models: Mutex::new(BTreeSet::new()),
            running: Mutex::new(BTreeSet::new()),
            ended: Condvar::new(),
        }
    }

    /// Returns the bytes that the remembered outcomes take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.lock().bytes
    }

    /// Returns the outcome of a job, if it is remembered. Nothing is run.
    #[must_use]
    pub fn remembered(&self, job: &Job) -> Option<Outcome> {
        let (_, outcome) = self.look_up(&job.hash())?;
        Some(copy(outcome))
    }

    /// Returns whether outcomes of a task are remembered: whether a model runs for it.
    #[must_use]
    pub const fn remembers(task: &Task) -> bool {
        match task {
            Task::Embed { .. }
            | Task::Generate(_)
            | Task::GreedyTokens { .. }
            | Task::Logits { .. } => true,
            // Cheap without a model, and there would be many of them.
            Task::Count { .. } | Task::Decode { .. } | Task::Encode { .. } => false,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        // No change of the memory is left half done by a panic.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look_up(&self, key: &B256) -> Option<(Quote, Arc<Outcome>)> {
        self.lock().get(key)
    }

    fn models(&self) -> MutexGuard<'_, BTreeSet<ModelId>> {
        self.models.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn running(&self) -> MutexGuard<'_, BTreeSet<B256>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs the job of `key`, unless it was run before or is being run.
    fn run_once(
        &self,
        key: B256,
        prepared: Box<dyn PreparedJob + '_>,
    ) -> Result<Outcome, PortError> {
        // Who runs a job remembers its outcome before it is no longer running.
        let mut running = self.running();
        if let Some((_, outcome)) = self.look_up(&key) {
            drop(running);
            return Ok(copy(outcome));
        }
        let run = if running.insert(key) {
            Some(Run { owner: self, key })
        } else {
            while running.contains(&key) {
                running = self.ended.wait(running).unwrap_or_else(PoisonError::into_inner);
            }
            if let Some((_, outcome)) = self.look_up(&key) {
                drop(running);
                return Ok(copy(outcome));
            }
            // It failed, or is too large to remember: nobody waits twice.
            None
        };
        drop(running);
        let quote = prepared.quote();
        let outcome = Arc::new(prepared.run()?);
        // What is forgotten for it is freed when the memory is not locked any more.
        let forgotten = self.lock().insert(key, quote, &outcome);
        drop(run);
        drop(forgotten);
        Ok(copy(outcome))
    }
}

impl Coprocessor for CachedCoprocessor {
    fn reading_work(&self, job: &Job) -> Result<Work, PortError> {
        self.device.reading_work(job)
    }

    fn quote(&self, job: &Job) -> Result<Quote, PortError> {
        self.device.quote(job)
    }

    fn run(&self, job: &Job) -> Result<Outcome, PortError> {
        self.prepare(job)?.run()
    }

    fn prepare<'a>(&'a self, job: &'a Job) -> Result<Box<dyn PreparedJob + 'a>, PortError> {
        if !Self::remembers(&job.task) {
            return self.device.prepare(job);
        }
        let key = job.hash();
        // The outcome may be that of another device, and this one may not have the model.
        let has_model = self.models().contains(&job.model);
        if has_model && let Some((quote, outcome)) = self.look_up(&key) {
            return Ok(Box::new(Remembered { quote, outcome }));
        }
        let prepared = self.device.prepare(job)?;
        if !has_model {
            self.models().insert(job.model);
        }
        Ok(Box::new(Missed { owner: self, key, prepared }))
    }
}

impl Memory {
    fn get(&mut self, key: &B256) -> Option<(Quote, Arc<Outcome>)> {
        let entry = self.entries.get_mut(key)?;
        self.clock = self.clock.saturating_add(1);
        self.by_use.remove(&entry.used);
        self.by_use.insert(self.clock, *key);
        entry.used = self.clock;
        Some((entry.quote, Arc::clone(&entry.outcome)))
    }

    /// Remembers an outcome, and returns what was forgotten for it.
    fn insert(&mut self, key: B256, quote: Quote, outcome: &Arc<Outcome>) -> Vec<Entry> {
        let mut forgotten = Vec::new();
        let bytes = bytes(outcome);
        if bytes > self.max_bytes || self.entries.contains_key(&key) {
            return forgotten;
        }
        while self.bytes > self.max_bytes - bytes {
            let Some((_, oldest)) = self.by_use.pop_first() else { break };
            if let Some(entry) = self.entries.remove(&oldest) {
                self.bytes -= self::bytes(&entry.outcome);
                forgotten.push(entry);
            }
        }
        self.clock = self.clock.saturating_add(1);
        self.by_use.insert(self.clock, key);
        let outcome = Arc::clone(outcome);
        self.entries.insert(key, Entry { quote, outcome, used: self.clock });
        self.bytes += bytes;
        forgotten
    }
}

/// A job whose outcome is remembered.
#[derive(Debug)]
struct Remembered {
    quote: Quote,
    outcome: Arc<Outcome>,
}

impl PreparedJob for Remembered {
    fn quote(&self) -> Quote {
        self.quote
    }

    fn run(self: Box<Self>) -> Result<Outcome, PortError> {
        // By now it is paid for.
        Ok(copy(self.outcome))
    }
}

/// A job whose outcome was not remembered when it was prepared.
#[derive(Debug)]
struct Missed<'a> {
    owner: &'a CachedCoprocessor,
    key: B256,
    prepared: Box<dyn PreparedJob + 'a>,
}

impl PreparedJob for Missed<'_> {
    fn quote(&self) -> Quote {
        self.prepared.quote()
    }

    fn run(self: Box<Self>) -> Result<Outcome, PortError> {
        self.owner.run_once(self.key, self.prepared)
    }
}

/// Tells those who wait that a run has ended, however it did.
struct Run<'a> {
    owner: &'a CachedCoprocessor,
    key: B256,
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        self.owner.running().remove(&self.key);
        self.owner.ended.notify_all();
    }
}

/// An outcome of one's own, without a copy where nobody else has it.
fn copy(outcome: Arc<Outcome>) -> Outcome {
    Arc::unwrap_or_clone(outcome)
}

/// The memory of an outcome and of what keeps it.
const fn bytes(outcome: &Outcome) -> usize {
    let output = match &outcome.output {
        Output::Count(_) => 0,
        Output::Embedding { values, .. } => size_of_val(values.as_slice()),
        Output::Generated { tokens, text, .. } => size_of_val(tokens.as_slice()) + text.len(),
        Output::Logits { values, .. } => size_of_val(values.as_slice()),
        Output::Text(text) => text.len(),
        Output::Tokens(tokens) => size_of_val(tokens.as_slice()),
    };
    output.saturating_add(OVERHEAD_BYTES)
}

/// An entry, its key twice, and the nodes of two trees.
const OVERHEAD_BYTES: usize = 512;

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use lazai_api_types::{Prompt, Usage};

    use super::*;

    #[derive(Debug)]
    struct Counted;

    impl Coprocessor for Counted {
        fn reading_work(&self, job: &Job) -> Result<Work, PortError> {
            Ok(job.intrinsic_work())
        }

        fn quote(&self, job: &Job) -> Result<Quote, PortError> {
            Ok(Quote { usage: Usage::default(), work: job.intrinsic_work(), output_values: 0 })
        }

        fn run(&self, job: &Job) -> Result<Outcome, PortError> {
            let (output, work) = (Output::Count(7), job.intrinsic_work());
            Ok(Outcome { output, usage: Usage::default(), work })
        }
    }

    /// A caller is quoted before it pays, and may not be able to: an outcome may have megabytes.
    #[test]
    fn an_outcome_is_copied_when_it_is_paid_for() {
        let cached = CachedCoprocessor::new(Arc::new(Counted), 1 << 20);
        let task = Task::Embed { prompt: Prompt::Text(String::from("a")) };
        let job = Job { model: ModelId::default(), task };
        let outcome = cached.run(&job).unwrap();
        let prepared = cached.prepare(&job).unwrap();
        let (quote, shared) = cached.look_up(&job.hash()).unwrap();
        // The memory, the prepared job, and this test have one and the same.
        assert_eq!(Arc::strong_count(&shared), 3);
        assert_eq!(prepared.quote(), quote);
        assert_eq!(prepared.run(), Ok(outcome));
    }
}
