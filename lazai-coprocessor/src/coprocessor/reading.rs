//! What reading a job costs, known from lengths alone.

use lazai_api_types::{Job, Prompt, Rejection, Task, TokenId, Work, WorkOverflow};

use crate::{
    generate::StopSearch,
    model::Model,
    tokenizer::{DECODE_MEMORY_PER_BYTE, DECODE_MEMORY_PER_TOKEN, MEMORY_PER_BYTE},
};

/// Returns the work of reading `job`: of tokenizing its text, or of making the text of its tokens.
/// It is bounded here, before anything is normalized, tokenized or decoded.
///
/// # Errors
/// [`Rejection::InputTooLong`] if the text is longer than all tokens of a context can be,
/// [`Rejection::PromptTooLong`] if there are too many tokens to decode, and
/// [`Rejection::UnknownToken`] if one is not in the vocabulary.
pub(super) fn work(model: &Model, job: &Job) -> Result<Work, Rejection> {
    let (more, planning) = match &job.task {
        Task::Count { text } | Task::Encode { text } => (text_of(model, text)?, 0),
        Task::Decode { tokens } => (decoding(model, tokens)?, 0),
        Task::Embed { prompt } | Task::Logits { prompt } => {
            (prompt_of(model, prompt)?, planning_flops(model))
        }
        Task::Generate(generation) => {
            (prompt_of(model, &generation.prompt)?, planning_flops(model))
        }
        Task::GreedyTokens { .. } => (Work::default(), planning_flops(model)),
    };
    let flops = job.intrinsic_work().flops.checked_add(more.flops);
    let flops = flops.and_then(|flops| flops.checked_add(planning)).ok_or(WorkOverflow)?;
    Ok(Work { flops, ..more })
}

/// Returns the operations of planning a run, without which its memory cannot be quoted.
const fn planning_flops(model: &Model) -> u64 {
    // A program has at most 2^14 operators.
    model.manifest().program.operators.len() as u64 * PLANNING_FLOPS_PER_OPERATOR
}

/// Returns the work of tokenizing so many bytes.
fn text_work(model: &Model, bytes: u64) -> Result<Work, WorkOverflow> {
    let tokenizer = model.tokenizer();
    let bytes = tokenizer.paid_bytes(bytes).ok_or(WorkOverflow)?;
    let flops = tokenizer.flops_per_byte().checked_mul(bytes);
    let peak_bytes = MEMORY_PER_BYTE.checked_mul(bytes);
    Ok(Work { flops: flops.ok_or(WorkOverflow)?, peak_bytes: peak_bytes.ok_or(WorkOverflow)? })
}

/// Returns the operations of making the text of so many tokens, each the longest; `None` beyond 64
/// bits.
pub(super) const fn decoding_flops(model: &Model, tokens: u64) -> Option<u64> {
    let tokenizer = model.tokenizer();
    let text = tokenizer.longest_token() as u64 * tokenizer.decode_flops_per_byte();
    (tokenizer.decode_flops_per_token() + text).checked_mul(tokens)
}

/// Returns the operations of looking for the texts of `stop` at each of so many tokens; `None`
/// beyond 64 bits.
pub(super) fn stop_flops(model: &Model, stop: &[String], tokens: u64) -> Option<u64> {
    let Some(longest) = stop.iter().map(String::len).max() else { return Some(0) };
    let decoding = decoding_flops(model, StopSearch::DECODED_TOKENS)?;
    // What was shown is searched as far as the longest reaches.
    let searching = STOP_FLOPS_PER_BYTE.checked_mul(stop.len() as u64 * longest as u64)?;
    decoding.checked_add(searching)?.checked_mul(tokens)
}

fn prompt_of(model: &Model, prompt: &Prompt) -> Result<Work, Rejection> {
    match prompt {
        Prompt::Text(text) => text_of(model, text),
        // Tokens that are given as such are only checked.
        Prompt::Tokens(_) => Ok(Work::default()),
    }
}

fn text_of(model: &Model, text: &str) -> Result<Work, Rejection> {
    let tokenizer = model.tokenizer();
    let context = model.manifest().context as usize;
    let longest = context.saturating_mul(tokenizer.longest_token());
    let (got, max) = (text.len() as u64, tokenizer.max_text_bytes().min(longest) as u64);
    if got > max {
        return Err(Rejection::InputTooLong { got, max });
    }
    Ok(text_work(model, got)?)
}

fn decoding(model: &Model, tokens: &[TokenId]) -> Result<Work, Rejection> {
    let got = tokens.len() as u64;
    if got > MAX_TOKENS {
        return Err(Rejection::PromptTooLong { got, max: MAX_TOKENS });
    }
    let tokenizer = model.tokenizer();
    let bytes = tokenizer.token_bytes(tokens.iter().map(|token| token.0))?;
    // No product of 2^18 tokens of 2^16 bytes is beyond 64 bits.
    Ok(Work {
        flops: tokenizer.decode_flops_per_token() * got + tokenizer.decode_flops_per_byte() * bytes,
        peak_bytes: DECODE_MEMORY_PER_TOKEN * got + DECODE_MEMORY_PER_BYTE * bytes,
    })
}

/// Operations of finding a place for what an operator of a program writes: 38 nanoseconds in a
/// program of 1,688 operators.
const PLANNING_FLOPS_PER_OPERATOR: u64 = 5_000;

/// Operations of looking for a byte of a stop text in the end of a text.
const STOP_FLOPS_PER_BYTE: u64 = 2_000;

/// Most tokens that are decoded.
const MAX_TOKENS: u64 = 1 << 18;

#[cfg(test)]
mod tests;
