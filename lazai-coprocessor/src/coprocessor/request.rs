use lazai_api_types::{
    Generation, Job, MAX_STOP_TEXTS, Prompt, Quote, Rejection, Sampling, SamplingParameter, Task,
    TaskKind, TokenId, Usage, Work, WorkOverflow,
};

use super::{cost, reading};
use crate::{model::Model, program::Target};

impl Model {
    /// Returns the work of reading `job`, as every [`Coprocessor`](lazai_api_types::Coprocessor)
    /// with this model says before it reads the job; whether the job names this model is not asked.
    ///
    /// # Errors
    /// [`Rejection`] if the job is too long, or has a token that is not in the vocabulary.
    pub fn reading_work(&self, job: &Job) -> Result<Work, Rejection> {
        reading::work(self, job)
    }

    /// Reads and checks `job` and returns what it will cost at most on this model, as every
    /// [`Coprocessor`](lazai_api_types::Coprocessor) quotes it; whether the job names this model is
    /// not asked.
    ///
    /// # Errors
    /// [`Rejection`] if the job is at fault.
    pub fn quote(&self, job: &Job) -> Result<Quote, Rejection> {
        Ok(Request::new(self, job)?.quote()?)
    }
}

/// A job that was read and checked, so that it can be quoted and run.
#[derive(Debug)]
pub(super) struct Request<'a> {
    pub(super) model: &'a Model,
    pub(super) task: RequestTask<'a>,
    /// The work of reading the input.
    pub(super) reading: Work,
}

#[derive(Debug)]
pub(super) enum RequestTask<'a> {
    Count { tokens: Vec<u32> },
    Decode { text: String },
    Embed { tokens: Vec<u32> },
    Encode { tokens: Vec<u32> },
    Generate { tokens: Vec<u32>, generation: &'a Generation },
    GreedyTokens { tokens: Vec<u32>, count: u32 },
    Logits { tokens: Vec<u32> },
}

impl<'a> Request<'a> {
    pub(super) fn new(model: &'a Model, job: &'a Job) -> Result<Self, Rejection> {
        let reading = reading::work(model, job)?;
        let task = match &job.task {
            Task::Count { text } => RequestTask::Count { tokens: model.tokenizer().encode(text)? },
            Task::Decode { tokens } => {
                let tokens: Vec<u32> = tokens.iter().map(|token| token.0).collect();
                RequestTask::Decode { text: model.tokenizer().decode(&tokens)? }
            }
            Task::Embed { prompt } => {
                supports(model, Target::Embedding, TaskKind::Embed)?;
                RequestTask::Embed { tokens: prompt_tokens(model, prompt)? }
            }
            Task::Encode { text } => {
                RequestTask::Encode { tokens: model.tokenizer().encode(text)? }
            }
            Task::Generate(generation) => {
                continues(model, TaskKind::Generate)?;
                check_sampling(&generation.sampling)?;
                check_stop(&generation.stop)?;
                let tokens = prompt_tokens(model, &generation.prompt)?;
                check_count(model, &tokens, generation.max_tokens)?;
                RequestTask::Generate { tokens, generation }
            }
            Task::GreedyTokens { tokens, count } => {
                continues(model, TaskKind::GreedyTokens)?;
                let tokens = checked_tokens(model, tokens)?;
                check_count(model, &tokens, *count)?;
                RequestTask::GreedyTokens { tokens, count: *count }
            }
            Task::Logits { prompt } => {
                supports(model, Target::Logits, TaskKind::Logits)?;
                RequestTask::Logits { tokens: prompt_tokens(model, prompt)? }
            }
        };
        Ok(Self { model, task, reading })
    }

    pub(super) fn quote(&self) -> Result<Quote, WorkOverflow> {
        let completion_tokens = match &self.task {
            RequestTask::Generate { generation, .. } => generation.max_tokens,
            RequestTask::GreedyTokens { count, .. } => *count,
            _ => 0,
        };
        let prompt_tokens = u32::try_from(self.tokens().len()).map_err(|_| WorkOverflow)?;
        let usage = Usage { prompt_tokens, completion_tokens };
        let output_values = self.output_values();
        Ok(Quote { usage, work: self.work(completion_tokens)?, output_values })
    }

    /// Returns the work of a run that chooses `completion_tokens` tokens; memory is that of the
    /// most tokens.
    pub(super) fn work(&self, completion_tokens: u32) -> Result<Work, WorkOverflow> {
        let Some(Shape { target, positions, outputs, .. }) = self.shape(completion_tokens) else {
            return Ok(self.reading);
        };
        let flops = [
            self.model.work_rule(target).flops(positions, outputs)?,
            self.other_flops(completion_tokens)?,
            self.reading.flops,
        ];
        let flops = flops.into_iter().try_fold(0_u64, u64::checked_add).ok_or(WorkOverflow)?;
        let (reserved, held) = match &self.task {
            RequestTask::Generate { generation, .. } => {
                let reserved =
                    self.tokens().len() as u64 + u64::from(generation.max_tokens).saturating_sub(1);
                (reserved, cost::choosing_bytes(&generation.sampling, self.vocabulary()))
            }
            _ => (positions, cost::result_bytes(self.output_values())),
        };
        let peak_bytes = self.model.peak_bytes(target, reserved)?;
        let peak_bytes = peak_bytes.checked_add(held).ok_or(WorkOverflow)?;
        // The text is gone when the model starts.
        Ok(Work { flops, peak_bytes: peak_bytes.max(self.reading.peak_bytes) })
    }

    /// Returns the operations of a run beside those of its program and of reading the input: time
    /// without arithmetic, choosing tokens, handing over the result.
    pub(super) fn other_flops(&self, completion_tokens: u32) -> Result<u64, WorkOverflow> {
        let Some(shape) = self.shape(completion_tokens) else { return Ok(0) };
        let rule = self.model.work_rule(shape.target);
        let others = [
            rule.time_flops(shape.positions, shape.steps, shape.outputs)?,
            self.choosing_flops(completion_tokens)?,
            cost::result_flops(self.output_values()),
        ];
        others.into_iter().try_fold(0_u64, u64::checked_add).ok_or(WorkOverflow)
    }

    /// Returns what a run feeds to the model, if it does.
    fn shape(&self, completion_tokens: u32) -> Option<Shape> {
        let tokens = self.tokens().len() as u64;
        let (target, outputs) = match &self.task {
            RequestTask::Count { .. } | RequestTask::Decode { .. } | RequestTask::Encode { .. } => {
                return None;
            }
            RequestTask::Embed { .. } => (Target::Embedding, 1),
            RequestTask::Generate { .. } => (Target::Logits, u64::from(completion_tokens)),
            RequestTask::GreedyTokens { count, .. } => (Target::Logits, u64::from(*count)),
            RequestTask::Logits { .. } => (Target::Logits, 1),
        };
        // Each chosen token but the last is read in a step of its own.
        let more = outputs.saturating_sub(1);
        let bidirectional = self.model.work_rule(target).bidirectional;
        let prompt = if bidirectional { 1 } else { tokens.div_ceil(Model::STEP_TOKENS as u64) };
        Some(Shape { target, positions: tokens + more, steps: prompt + more, outputs })
    }

    /// Returns the operations of choosing tokens and of making their text.
    fn choosing_flops(&self, completion_tokens: u32) -> Result<u64, WorkOverflow> {
        let chosen = u64::from(completion_tokens);
        let generation = match &self.task {
            RequestTask::Generate { generation, .. } => generation,
            RequestTask::GreedyTokens { .. } => {
                return cost::choosing_flops(&Sampling::default(), self.vocabulary(), chosen);
            }
            _ => return Ok(0),
        };
        let text = reading::decoding_flops(self.model, chosen);
        let stops = reading::stop_flops(self.model, &generation.stop, chosen);
        let sampling = cost::choosing_flops(&generation.sampling, self.vocabulary(), chosen).ok();
        let sum =
            [sampling, text, stops].into_iter().try_fold(0_u64, |sum, term| sum.checked_add(term?));
        sum.ok_or(WorkOverflow)
    }

    /// Elements of the vector that the task asks for.
    fn output_values(&self) -> u32 {
        match &self.task {
            RequestTask::Embed { .. } => self.width(Target::Embedding),
            RequestTask::Logits { .. } => self.width(Target::Logits),
            _ => 0,
        }
    }

    /// Elements of the one row that `target` ends in.
    fn width(&self, target: Target) -> u32 {
        let program = &self.model.manifest().program;
        program.output(target).map_or(0, |id| program.values[id.index()].width)
    }

    fn vocabulary(&self) -> u64 {
        u64::from(self.model.manifest().vocabulary)
    }

    fn tokens(&self) -> &[u32] {
        match &self.task {
            RequestTask::Count { tokens }
            | RequestTask::Embed { tokens }
            | RequestTask::Encode { tokens }
            | RequestTask::Generate { tokens, .. }
            | RequestTask::GreedyTokens { tokens, .. }
            | RequestTask::Logits { tokens } => tokens,
            RequestTask::Decode { .. } => &[],
        }
    }
}

/// What a run feeds to its model.
struct Shape {
    target: Target,
    /// Tokens that are read.
    positions: u64,
    /// Steps in which they are read.
    steps: u64,
    /// Steps that compute a result.
    outputs: u64,
}

const fn supports(model: &Model, target: Target, task: TaskKind) -> Result<(), Rejection> {
    if model.supports(target) {
        return Ok(());
    }
    Err(Rejection::Unsupported { task })
}

/// Checks that the model reads its own tokens: that each follows from those before it.
fn continues(model: &Model, task: TaskKind) -> Result<(), Rejection> {
    if model.manifest().program.is_bidirectional() {
        return Err(Rejection::Unsupported { task });
    }
    supports(model, Target::Logits, task)
}

/// Checks that so many tokens may follow the prompt.
fn check_count(model: &Model, prompt: &[u32], count: u32) -> Result<(), Rejection> {
    let max = u64::from(model.manifest().context) - prompt.len() as u64;
    let got = u64::from(count);
    if got == 0 || got > max {
        return Err(Rejection::MaxTokens { got, max });
    }
    Ok(())
}

/// The tokens of a prompt, at least one and no more than the context holds.
fn prompt_tokens(model: &Model, prompt: &Prompt) -> Result<Vec<u32>, Rejection> {
    match prompt {
        Prompt::Text(text) => {
            let tokens = model.tokenizer().encode(text)?;
            check_context(model, tokens.len())?;
            Ok(tokens)
        }
        Prompt::Tokens(tokens) => checked_tokens(model, tokens),
    }
}

/// The tokens of a prompt that is not text.
fn checked_tokens(model: &Model, tokens: &[TokenId]) -> Result<Vec<u32>, Rejection> {
    check_context(model, tokens.len())?;
    let tokens: Vec<u32> = tokens.iter().map(|token| token.0).collect();
    model.tokenizer().check(&tokens)?;
    Ok(tokens)
}

fn check_context(model: &Model, tokens: usize) -> Result<(), Rejection> {
    let (got, max) = (tokens as u64, u64::from(model.manifest().context));
    match got {
        0 => Err(Rejection::EmptyPrompt),
        _ if got > max => Err(Rejection::PromptTooLong { got, max }),
        _ => Ok(()),
    }
}

const fn check_sampling(sampling: &Sampling) -> Result<(), Rejection> {
    let limits = [
        (SamplingParameter::Temperature, sampling.temperature_milli, 10_000),
        (SamplingParameter::TopP, sampling.top_p_milli, 1_000),
    ];
    let mut index = 0;
    while index < limits.len() {
        let (parameter, got, max) = limits[index];
        if got > max {
            return Err(Rejection::InvalidSampling { parameter, got: got as u64, max: max as u64 });
        }
        index += 1;
    }
    Ok(())
}

fn check_stop(stop: &[String]) -> Result<(), Rejection> {
    let fits = |text: &String| (1..=MAX_STOP_BYTES).contains(&text.len());
    if stop.len() <= MAX_STOP_TEXTS && stop.iter().all(fits) {
        return Ok(());
    }
    Err(Rejection::StopList { max_count: MAX_STOP_TEXTS as u64, max_bytes: MAX_STOP_BYTES as u64 })
}

const MAX_STOP_BYTES: usize = 256;
