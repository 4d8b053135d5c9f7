use core::sync::atomic::{AtomicU32, Ordering};

use alloy_primitives::{b256, keccak256};
use lazai_api_types::{
    Coprocessor, Fault, FaultKind, FinishReason, Generation, Job, ModelId, Outcome, Output,
    PortError, Prompt, Quote, Rejection, Task, TokenId, Usage, Work,
};

pub(crate) const MODEL: ModelId =
    ModelId(b256!("1111111111111111111111111111111111111111111111111111111111111111"));
pub(crate) const FLOPS_PER_TOKEN: u64 = 100_000;

/// Bytes that a job reserves for its prompt and for the most tokens it may produce.
pub(crate) const fn peak_bytes(tokens: u32) -> u64 {
    64 * tokens as u64
}

/// A model that writes letters, each a hash of all before; counts how often it is asked.
///
/// A prompt that ends in `.` stops after half the tokens. `lost` breaks the device when it is
/// priced, `broken` when it is run.
#[derive(Debug, Default)]
pub(crate) struct Letters {
    quotes: AtomicU32,
    runs: AtomicU32,
}

impl Letters {
    /// How often the device priced and ran a job.
    pub(crate) fn counts(&self) -> (u32, u32) {
        (self.quotes.load(Ordering::Relaxed), self.runs.load(Ordering::Relaxed))
    }
}

impl Coprocessor for Letters {
    fn reading_work(&self, job: &Job) -> Result<Work, PortError> {
        Ok(job.intrinsic_work())
    }

    fn quote(&self, job: &Job) -> Result<Quote, PortError> {
        self.quotes.fetch_add(1, Ordering::Relaxed);
        let (text, generation) = read(job)?;
        if text == "lost" {
            return Err(fault("the device was lost"));
        }
        let usage =
            Usage { prompt_tokens: text.len() as u32, completion_tokens: generation.max_tokens };
        Ok(Quote { usage, work: work(job, usage, usage)?, output_values: 0 })
    }

    fn run(&self, job: &Job) -> Result<Outcome, PortError> {
        self.runs.fetch_add(1, Ordering::Relaxed);
        let (text, generation) = read(job)?;
        if text == "broken" {
            return Err(fault("the device broke"));
        }
        let quoted =
            Usage { prompt_tokens: text.len() as u32, completion_tokens: generation.max_tokens };
        let stops = text.ends_with('.');
        let count = if stops { generation.max_tokens / 2 } else { generation.max_tokens };
        let mut written = text.to_owned();
        for _ in 0..count {
            written.push(char::from(b'a' + keccak256(written.as_bytes())[0] % 26));
        }
        let tokens: Vec<_> = written.bytes().skip(text.len()).map(|b| TokenId(b.into())).collect();
        let usage = Usage { completion_tokens: count, ..quoted };
        let finish = if stops { FinishReason::Stop } else { FinishReason::Length };
        let output = Output::Generated { tokens, text: written.split_off(text.len()), finish };
        Ok(Outcome { output, usage, work: work(job, usage, quoted)? })
    }
}

fn read(job: &Job) -> Result<(&str, &Generation), PortError> {
    if job.model != MODEL {
        return Err(Rejection::UnknownModel { model: job.model }.into());
    }
    let Task::Generate(generation) = &job.task else {
        return Err(Rejection::Unsupported { task: job.task.kind() }.into());
    };
    match &generation.prompt {
        Prompt::Text(text) if !text.is_empty() => Ok((text, generation)),
        _ => Err(Rejection::EmptyPrompt.into()),
    }
}

fn work(job: &Job, used: Usage, quoted: Usage) -> Result<Work, PortError> {
    let tokens = |usage: Usage| usage.prompt_tokens + usage.completion_tokens;
    let tensors = Work {
        flops: FLOPS_PER_TOKEN * u64::from(tokens(used)),
        peak_bytes: peak_bytes(tokens(quoted)),
    };
    Ok(job.intrinsic_work().then(tensors)?)
}

fn fault(message: &str) -> PortError {
    Fault { kind: FaultKind::Device, message: message.into() }.into()
}
