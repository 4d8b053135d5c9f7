//! Continues a prompt, token by token, to the same tokens on every machine.

mod greedy;
mod sampler;
mod stop;

#[cfg(test)]
mod tests;

pub(crate) use greedy::greedy_tokens;
pub use sampler::Sampler;
pub(crate) use stop::StopSearch;

use lazai_api_types::{FinishReason, Generation};

use crate::{
    executor::{ExecutionError, Session},
    kernel::{Backend, Threads},
    model::Model,
    program::Target,
};
use stop::find_stop;

/// What a model wrote after a prompt.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Generated {
    /// The new tokens, without the one that ended the text.
    pub tokens: Vec<u32>,
    /// Their text, cut before a stop text.
    pub text: String,
    /// Why the generation ended.
    pub finish: FinishReason,
    /// Tokens chosen, the one that ended the text included.
    pub sampled: u32,
    /// Operations of the program, counted as they ran.
    pub flops: u64,
}

/// Continues `prompt`; calls `observe` with each token as it is chosen.
pub(crate) fn generate(
    model: &Model,
    prompt: &[u32],
    generation: &Generation,
    backend: Backend,
    threads: &Threads,
    observe: &mut dyn FnMut(u32),
) -> Result<Generated, ExecutionError> {
    let manifest = model.manifest();
    let capacity = prompt.len() + (generation.max_tokens as usize).saturating_sub(1);
    let mut session = Session::new(model, Target::Logits, capacity, 1, backend, threads)?;
    let mut sampler = Sampler::new(generation.sampling, model, prompt);
    let mut search = StopSearch::new(model.tokenizer(), &generation.stop);
    session.feed(prompt, 1)?;
    let mut tokens = Vec::new();
    let mut finish = FinishReason::Length;
    let mut sampled = 0;
    while sampled < generation.max_tokens {
        let token = sampler.choose(session.logits()?);
        sampled += 1;
        observe(token);
        if manifest.end_tokens.contains(&token) {
            finish = FinishReason::Stop;
            break;
        }
        tokens.push(token);
        if search.push(token) {
            finish = FinishReason::Stop;
            break;
        }
        if sampled < generation.max_tokens {
            session.feed(&[token], 1)?;
        }
    }
    let mut text = model.tokenizer().decode(&tokens).unwrap_or_default();
    if let Some(end) = find_stop(&text, &generation.stop) {
        text.truncate(end);
    }
    Ok(Generated { tokens, text, finish, sampled, flops: session.flops() })
}
