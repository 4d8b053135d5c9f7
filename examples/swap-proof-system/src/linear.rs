//! The model of both proof systems: `y = w[0]·x[0] + w[1]·x[1] + …` over integers.

use alloy_primitives::{B256, keccak256};
use lazai_api_types::{InferenceStatement, Job, ModelId, Output, Prompt, Task, TokenId, Work};

/// Most weights of a model, and most features of an input.
pub(crate) const MAX_FEATURES: usize = 64;

/// A model is named by its verifying key.
pub(crate) fn model(key: &[u8]) -> ModelId {
    ModelId(keccak256(key))
}

/// The model's answer; none if there is not one feature for each weight, or the answer needs more
/// than 32 bits.
pub(crate) fn run(weights: &[i32], input: &[u32]) -> Option<i32> {
    let products = weights.iter().zip(input).map(|(w, x)| i128::from(*w) * i128::from(*x));
    (input.len() == weights.len()).then(|| products.sum::<i128>().try_into().ok())?
}

/// The job that asks `model` about `input`: features stand where a language model has tokens.
pub(crate) fn job(model: ModelId, input: &[u32]) -> Job {
    let tokens = input.iter().copied().map(TokenId).collect();
    Job { model, task: Task::Logits { prompt: Prompt::Tokens(tokens) } }
}

/// The features of such a job; none if it is another one.
pub(crate) fn features(job: &Job) -> Option<Vec<u32>> {
    let Task::Logits { prompt: Prompt::Tokens(tokens) } = &job.task else { return None };
    Some(tokens.iter().map(|token| token.0).collect())
}

/// That the model answers `input` with `answer`. Every node and every proof system hashes these
/// same parts.
pub(crate) fn statement(
    model: ModelId,
    input: &[u32],
    answer: i32,
    context: B256,
) -> InferenceStatement {
    let features = input.len() as u64;
    InferenceStatement {
        model,
        input: job(model, input).hash(),
        output: Output::Logits { values: vec![answer], fraction_bits: 0 }.hash(),
        work: Work { flops: 2 * features, peak_bytes: 8 * features },
        context,
    }
}
