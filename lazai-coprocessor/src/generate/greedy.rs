use lazai_api_types::Sampling;

use super::Sampler;
use crate::{
    executor::{ExecutionError, Session},
    kernel::{Backend, Threads},
    model::Model,
    program::Target,
};

/// Continues `prompt` by `count` tokens, each the best one, whether or not they end the text; calls
/// `observe` with each token as it is chosen.
///
/// Returns the tokens, and the operations of the program as they ran.
pub(crate) fn greedy_tokens(
    model: &Model,
    prompt: &[u32],
    count: u32,
    backend: Backend,
    threads: &Threads,
    observe: &mut dyn FnMut(u32),
) -> Result<(Vec<u32>, u64), ExecutionError> {
    let capacity = prompt.len() + (count as usize).saturating_sub(1);
    let mut session = Session::new(model, Target::Logits, capacity, 1, backend, threads)?;
    let mut sampler = Sampler::new(Sampling::default(), model, prompt);
    session.feed(prompt, 1)?;
    let mut tokens = Vec::new();
    while tokens.len() < count as usize {
        if let Some(last) = tokens.last() {
            session.feed(&[*last], 1)?;
        }
        let token = sampler.choose(session.logits()?);
        observe(token);
        tokens.push(token);
    }
    Ok((tokens, session.flops()))
}
