use std::{collections::BTreeMap, sync::Arc};

use lazai_api_types::{
    Coprocessor, Fault, FaultKind, Job, ModelId, Outcome, Output, PortError, PreparedJob, Quote,
    Rejection, TokenId, Usage, Work,
};

use super::request::{Request, RequestTask};
use crate::{
    executor::{ExecutionError, Session},
    generate::{generate, greedy_tokens},
    kernel::{Backend, Threads},
    model::Model,
    monitor::{Monitor, ResourceUsage},
    program::Target,
};

/// Runs models on the cores of this machine.
///
/// The instruction set and the number of threads change how fast a result comes, never a bit of it.
#[derive(Clone, Debug)]
pub struct Cpu {
    pub(super) backend: Backend,
    pub(super) threads: Threads,
    pub(super) models: BTreeMap<ModelId, Arc<Model>>,
}

impl Cpu {
    /// Returns the same device on other threads; the models are shared, not loaded again.
    ///
    /// Devices on one pool take turns, so whoever asks much delays the others. A node gives the
    /// jobs of blocks a pool of their own, so that no caller of its RPC interface delays a block:
    ///
    /// ```no_run
    /// use lazai_coprocessor::{Cpu, kernel::Threads};
    ///
    /// let blocks = Cpu::open("model.safetensors")?;
    /// let queries = blocks.with_threads(Threads::new(2)?);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_threads(&self, threads: Threads) -> Self {
        Self { threads, ..self.clone() }
    }

    /// Returns which instructions the kernels use.
    #[must_use]
    pub const fn backend(&self) -> Backend {
        self.backend
    }

    /// Returns how many threads share the work.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.threads.count()
    }

    /// Returns a loaded model; `None` if it is not loaded.
    #[must_use]
    pub fn model(&self, id: ModelId) -> Option<&Model> {
        self.models.get(&id).map(Arc::as_ref)
    }

    /// Ids of the loaded models, in order.
    pub fn models(&self) -> impl Iterator<Item = ModelId> {
        self.models.keys().copied()
    }

    /// Runs `job`, calls `observe` with each token as it is chosen, and measures what the run cost
    /// this machine.
    ///
    /// # Errors
    /// As [`Coprocessor::run`].
    pub fn run_observed(
        &self,
        job: &Job,
        observe: &mut dyn FnMut(TokenId),
    ) -> Result<(Outcome, ResourceUsage), PortError> {
        let monitor = Monitor::start();
        let prepared = self.prepared(job)?;
        let (outcome, flops_done) = prepared.execute(observe)?;
        Ok((outcome, monitor.finish(flops_done, prepared.quote.work)))
    }

    fn prepared<'a>(&'a self, job: &'a Job) -> Result<Prepared<'a>, PortError> {
        let request = Request::new(self.loaded(job)?, job)?;
        let quote = request.quote()?;
        Ok(Prepared { device: self, request, quote })
    }

    fn loaded(&self, job: &Job) -> Result<&Model, Rejection> {
        self.model(job.model).ok_or(Rejection::UnknownModel { model: job.model })
    }

    /// The output, the tokens chosen, and the operations of the program as they ran.
    fn execute(
        &self,
        request: &Request<'_>,
        observe: &mut dyn FnMut(TokenId),
    ) -> Result<(Output, u32, u64), ExecutionError> {
        let model = request.model;
        let session = |target, tokens: &[u32]| {
            let capacity = tokens.len();
            let mut session =
                Session::new(model, target, capacity, 1, self.backend, &self.threads)?;
            session.feed(tokens, 1)?;
            Ok::<_, ExecutionError>(session)
        };
        let program = &model.manifest().program;
        let bits = |target| {
            let id = program.output(target);
            id.map_or(0, |id| program.values[id.index()].bits.unsigned_abs())
        };
        Ok(match &request.task {
            RequestTask::Count { tokens } => {
                (Output::Count(u32::try_from(tokens.len()).unwrap_or(u32::MAX)), 0, 0)
            }
            RequestTask::Decode { text } => (Output::Text(text.clone()), 0, 0),
            RequestTask::Embed { tokens } => {
                let session = session(Target::Embedding, tokens)?;
                let values = session.embedding()?.to_vec();
                let fraction_bits = bits(Target::Embedding);
                (Output::Embedding { values, fraction_bits }, 0, session.flops())
            }
            RequestTask::Encode { tokens } => {
                (Output::Tokens(tokens.iter().copied().map(TokenId).collect()), 0, 0)
            }
            RequestTask::Generate { tokens, generation } => {
                let observe = &mut |token| observe(TokenId(token));
                let generated =
                    generate(model, tokens, generation, self.backend, &self.threads, observe)?;
                let tokens = generated.tokens.into_iter().map(TokenId).collect();
                let output =
                    Output::Generated { tokens, text: generated.text, finish: generated.finish };
                (output, generated.sampled, generated.flops)
            }
            RequestTask::GreedyTokens { tokens, count } => {
                let observe = &mut |token| observe(TokenId(token));
                let (backend, threads) = (self.backend, &self.threads);
                let (tokens, flops) =
                    greedy_tokens(model, tokens, *count, backend, threads, observe)?;
                let tokens = tokens.into_iter().map(TokenId).collect();
                (Output::Tokens(tokens), *count, flops)
            }
            RequestTask::Logits { tokens } => {
                let session = session(Target::Logits, tokens)?;
                let values = session.logits()?.to_vec();
                let fraction_bits = bits(Target::Logits);
                (Output::Logits { values, fraction_bits }, 0, session.flops())
            }
        })
    }
}

impl Coprocessor for Cpu {
    fn reading_work(&self, job: &Job) -> Result<Work, PortError> {
        Ok(self.loaded(job)?.reading_work(job)?)
    }

    fn quote(&self, job: &Job) -> Result<Quote, PortError> {
        Ok(self.prepared(job)?.quote)
    }

    fn run(&self, job: &Job) -> Result<Outcome, PortError> {
        Ok(self.prepared(job)?.execute(&mut |_| {})?.0)
    }

    fn prepare<'a>(&'a self, job: &'a Job) -> Result<Box<dyn PreparedJob + 'a>, PortError> {
        Ok(Box::new(self.prepared(job)?))
    }
}

/// A job whose text was tokenized and whose price is known.
#[derive(Debug)]
struct Prepared<'a> {
    device: &'a Cpu,
    request: Request<'a>,
    quote: Quote,
}

impl Prepared<'_> {
    /// Returns the outcome and the operations as they ran, sampling and reading the input included.
    fn execute(&self, observe: &mut dyn FnMut(TokenId)) -> Result<(Outcome, u64), PortError> {
        let request = &self.request;
        let (output, completion_tokens, flops) =
            self.device.execute(request, observe).map_err(|error| execution_fault(&error))?;
        let work = request.work(completion_tokens)?;
        let usage = Usage { prompt_tokens: self.quote.usage.prompt_tokens, completion_tokens };
        let flops_done = flops
            .saturating_add(request.reading.flops)
            .saturating_add(request.other_flops(completion_tokens)?);
        Ok((Outcome { output, usage, work }, flops_done))
    }
}

impl PreparedJob for Prepared<'_> {
    fn quote(&self) -> Quote {
        self.quote
    }

    fn run(self: Box<Self>) -> Result<Outcome, PortError> {
        Ok(self.execute(&mut |_| {})?.0)
    }
}

/// A request is checked before it runs, so what fails afterwards is this machine's fault.
fn execution_fault(error: &ExecutionError) -> PortError {
    let kind = match error {
        ExecutionError::Memory { .. } | ExecutionError::Overflow => FaultKind::Resources,
        _ => FaultKind::Internal,
    };
    PortError::Fault(Fault { kind, message: error.to_string() })
}
