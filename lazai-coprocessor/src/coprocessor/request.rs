use lazai_api_types::{
    Generation, Job, MAX_STOP_TEXTS, Prompt, Quote, Rejection, Sampling, SamplingParameter, Task,
    TaskKind, TokenId, Usage, Work, WorkOverflow,
};

use crate::{model::Model, program::Target};

/// A job that was read and checked, so that it can be quoted and run.
#[derive(Debug)]
pub(super) struct Request<'a> {
    pub(super) model: &'a Model,
    pub(super) task: RequestTask<'a>,
    /// The work of reading the input.
    pub(super) intrinsic: Work,
    /// Bytes of the text that is tokenized, or of the tokens that are decoded.
    text_bytes: u64,
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
        let task = match &job.task {
            Task::Count { text } => RequestTask::Count { tokens: model.tokenizer().encode(text)? },
            Task::Decode { tokens } => {
                RequestTask::Decode { text: model.tokenizer().decode(&raw(tokens)?)? }
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
        Ok(Self { model, task, intrinsic: job.intrinsic_work(), text_bytes: text_bytes(&job.task) })
    }

    pub(super) fn quote(&self) -> Result<Quote, WorkOverflow> {
        let completion_tokens = match &self.task {
            RequestTask::Generate { generation, .. } => generation.max_tokens,
            RequestTask::GreedyTokens { count, .. } => *count,
            _ => 0,
        };
        let prompt_tokens = u32::try_from(self.tokens().len()).map_err(|_| WorkOverflow)?;
        let usage = Usage { prompt_tokens, completion_tokens };
        let output_values = match &self.task {
            RequestTask::Embed { .. } => self.width(Target::Embedding),
            RequestTask::Logits { .. } => self.width(Target::Logits),
            _ => 0,
        };
        Ok(Quote { usage, work: self.work(completion_tokens)?, output_values })
    }

    /// Returns the work of a run that chooses `completion_tokens` tokens; memory is that of the
    /// most tokens.
    pub(super) fn work(&self, completion_tokens: u32) -> Result<Work, WorkOverflow> {
        let tokens = self.tokens().len() as u64;
        let text = self.text_bytes.checked_mul(TEXT_BYTES).ok_or(WorkOverflow)?;
        let (target, positions, reserved, outputs) = match &self.task {
            RequestTask::Count { .. } | RequestTask::Decode { .. } | RequestTask::Encode { .. } => {
                return Ok(Work { flops: self.intrinsic.flops, peak_bytes: text });
            }
            RequestTask::Embed { .. } => (Target::Embedding, tokens, tokens, 1),
            RequestTask::Generate { generation, .. } => {
                let chosen = u64::from(completion_tokens);
                let reserved = tokens + u64::from(generation.max_tokens).saturating_sub(1);
                (Target::Logits, tokens + chosen.saturating_sub(1), reserved, chosen)
            }
            RequestTask::GreedyTokens { count, .. } => {
                let positions = tokens + u64::from(*count).saturating_sub(1);
                (Target::Logits, positions, positions, u64::from(*count))
            }
            RequestTask::Logits { .. } => (Target::Logits, tokens, tokens, 1),
        };
        let program = self.model.work_rule(target).flops(positions, outputs)?;
        let flops = [program, self.sampling_flops(completion_tokens), self.intrinsic.flops]
            .into_iter()
            .try_fold(0_u64, u64::checked_add)
            .ok_or(WorkOverflow)?;
        let sampler = match &self.task {
            RequestTask::Generate { .. } | RequestTask::GreedyTokens { .. } => {
                SAMPLER_BYTES * self.vocabulary()
            }
            _ => 0,
        };
        let peak_bytes = self.model.peak_bytes(target, reserved)?;
        let peak_bytes = peak_bytes.checked_add(sampler).ok_or(WorkOverflow)?;
        // The text is gone when the model starts.
        Ok(Work { flops, peak_bytes: peak_bytes.max(text) })
    }

    /// Returns the operations of choosing tokens.
    pub(super) fn sampling_flops(&self, completion_tokens: u32) -> u64 {
        u64::from(completion_tokens) * SAMPLING_FLOPS * self.vocabulary()
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

/// What a tokenizer reads for a task. Tokens that are given as such are only checked.
const fn text_bytes(task: &Task) -> u64 {
    match task {
        Task::Count { text } | Task::Encode { text } => text.len() as u64,
        Task::Decode { tokens } => 4 * tokens.len() as u64,
        Task::Embed { prompt } | Task::Logits { prompt } => prompt_bytes(prompt),
        Task::Generate(generation) => prompt_bytes(&generation.prompt),
        Task::GreedyTokens { .. } => 0,
    }
}

const fn prompt_bytes(prompt: &Prompt) -> u64 {
    match prompt {
        Prompt::Text(text) => text.len() as u64,
        Prompt::Tokens(_) => 0,
    }
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
    let tokens = match prompt {
        Prompt::Text(text) => model.tokenizer().encode(text)?,
        Prompt::Tokens(tokens) => return checked_tokens(model, tokens),
    };
    fits_context(model, tokens)
}

/// The tokens of a prompt that is not text.
fn checked_tokens(model: &Model, tokens: &[TokenId]) -> Result<Vec<u32>, Rejection> {
    let tokens = raw(tokens)?;
    model.tokenizer().check(&tokens)?;
    fits_context(model, tokens)
}

fn fits_context(model: &Model, tokens: Vec<u32>) -> Result<Vec<u32>, Rejection> {
    let (got, max) = (tokens.len() as u64, u64::from(model.manifest().context));
    match got {
        0 => Err(Rejection::EmptyPrompt),
        _ if got > max => Err(Rejection::PromptTooLong { got, max }),
        _ => Ok(tokens),
    }
}

fn raw(tokens: &[TokenId]) -> Result<Vec<u32>, Rejection> {
    if tokens.len() > MAX_TOKENS {
        return Err(Rejection::PromptTooLong { got: tokens.len() as u64, max: MAX_TOKENS as u64 });
    }
    Ok(tokens.iter().map(|token| token.0).collect())
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

/// Operations of choosing a token, for each token of the vocabulary.
const SAMPLING_FLOPS: u64 = 8;

/// Bytes of choosing a token, for each token of the vocabulary.
const SAMPLER_BYTES: u64 = 12;

/// Bytes of tokenizing, for each byte of text. Measured with a counting allocator over twelve
/// tokenizers and thirteen kinds of texts: 106 to 132 for English, up to 348 for punctuation (BERT)
/// and 545 for letters that NFKC expands (XLM-R). The text and where each of its bytes came from is
/// kept at every step, and a token takes about a hundred bytes.
const TEXT_BYTES: u64 = 640;

/// Most tokens of an input.
const MAX_TOKENS: usize = 1 << 18;

const MAX_STOP_BYTES: usize = 256;
