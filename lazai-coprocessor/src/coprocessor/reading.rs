//! What reading a job costs, known from lengths alone.

use lazai_api_types::{Job, Prompt, Rejection, Task, TokenId, Work, WorkOverflow};

use crate::{
    generate::STOP_WINDOW,
    model::Model,
    tokenizer::{
        DECODE_FLOPS_PER_BYTE, DECODE_FLOPS_PER_TOKEN, DECODE_MEMORY_PER_BYTE,
        DECODE_MEMORY_PER_TOKEN, MEMORY_PER_BYTE,
    },
};

/// Returns the work of reading `job`: of tokenizing its text as it is given, or of making the text
/// of its tokens. It is bounded here, before anything is tokenized or decoded.
///
/// # Errors
/// [`Rejection::InputTooLong`] if the text is longer than all tokens of a context can be,
/// [`Rejection::PromptTooLong`] if there are too many tokens to decode, and
/// [`Rejection::UnknownToken`] if one is not in the vocabulary.
pub(super) fn work(model: &Model, job: &Job) -> Result<Work, Rejection> {
    let more = match &job.task {
        Task::Count { text } | Task::Encode { text } => text_of(model, text)?,
        Task::Decode { tokens } => decoding(model, tokens)?,
        Task::Embed { prompt } | Task::Logits { prompt } => prompt_of(model, prompt)?,
        Task::Generate(generation) => prompt_of(model, &generation.prompt)?,
        Task::GreedyTokens { .. } => Work::default(),
    };
    let flops = job.intrinsic_work().flops.checked_add(more.flops).ok_or(WorkOverflow)?;
    Ok(Work { flops, ..more })
}

/// Returns the work of tokenizing so many bytes.
pub(super) fn text_work(model: &Model, bytes: u64) -> Result<Work, WorkOverflow> {
    let flops = model.tokenizer().kind().flops_per_byte().checked_mul(bytes);
    let peak_bytes = MEMORY_PER_BYTE.checked_mul(bytes);
    Ok(Work { flops: flops.ok_or(WorkOverflow)?, peak_bytes: peak_bytes.ok_or(WorkOverflow)? })
}

/// Returns the operations of making the text of so many tokens, each the longest; `None` beyond 64
/// bits.
pub(super) const fn decoding_flops(model: &Model, tokens: u64) -> Option<u64> {
    let longest = model.tokenizer().longest_token() as u64;
    (DECODE_FLOPS_PER_TOKEN + longest * DECODE_FLOPS_PER_BYTE).checked_mul(tokens)
}

/// Returns the operations of looking for a stop text behind each of so many tokens; `None` beyond
/// 64 bits.
pub(super) fn stop_flops(tokens: u64) -> Option<u64> {
    let window = STOP_WINDOW as u64;
    let growing = tokens.min(window);
    // The window grows by a token until it is full.
    let decoded = growing * (growing + 1) / 2;
    let full = window.checked_mul(tokens - growing)?;
    DECODE_FLOPS_PER_TOKEN.checked_mul(decoded.checked_add(full)?)
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
    let bytes = model.tokenizer().token_bytes(tokens.iter().map(|token| token.0))?;
    // No product of 2^18 tokens of 2^16 bytes is beyond 64 bits.
    Ok(Work {
        flops: DECODE_FLOPS_PER_TOKEN * got + DECODE_FLOPS_PER_BYTE * bytes,
        peak_bytes: DECODE_MEMORY_PER_TOKEN * got + DECODE_MEMORY_PER_BYTE * bytes,
    })
}

/// Most tokens that are decoded.
const MAX_TOKENS: u64 = 1 << 18;

#[cfg(test)]
mod tests;
