use alloc::{string::String, vec, vec::Vec};

use alloy_primitives::Bytes;
use alloy_sol_types::SolCall;
use lazai_api_types::{FinishReason, Output, Quote, Task, TokenId, Usage};

use crate::{
    abi::{ILazInference, ILazTokenizer},
    request::OutputFormat,
};

/// Writes the result of `task`; none if it is the result of another kind of task.
pub(crate) fn encode(
    task: &Task,
    format: OutputFormat,
    output: Output,
    usage: Usage,
) -> Option<Bytes> {
    let bytes = match (task, output) {
        (Task::Count { .. }, Output::Count(count)) => {
            ILazTokenizer::countCall::abi_encode_returns(&count)
        }
        (Task::Decode { .. }, Output::Text(text)) => {
            ILazTokenizer::decodeCall::abi_encode_returns(&text)
        }
        (Task::Embed { .. }, Output::Embedding { values, fraction_bits }) => {
            ILazInference::embedCall::abi_encode_returns(&ILazInference::embedReturn {
                values,
                fractionBits: fraction_bits,
            })
        }
        (Task::Encode { .. }, Output::Tokens(tokens)) => {
            ILazTokenizer::encodeCall::abi_encode_returns(&token_numbers(&tokens))
        }
        (Task::Generate(_), Output::Generated { text, .. }) if format == OutputFormat::Raw => {
            text.into_bytes()
        }
        (Task::Generate(_), Output::Generated { tokens, text, finish }) => {
            let finish = match finish {
                FinishReason::Length => 0,
                FinishReason::Stop => 1,
            };
            ILazInference::generateCall::abi_encode_returns(&ILazInference::generateReturn {
                text,
                tokens: token_numbers(&tokens),
                promptTokens: usage.prompt_tokens,
                finish,
            })
        }
        (Task::Logits { .. }, Output::Logits { values, fraction_bits }) => {
            ILazInference::logitsCall::abi_encode_returns(&ILazInference::logitsReturn {
                values,
                fractionBits: fraction_bits,
            })
        }
        _ => return None,
    };
    Some(bytes.into())
}

/// Returns a result of the right type for `task`, for a caller that only measures gas.
///
/// Texts and token lists are as long as the real ones may become, because callers store them and
/// pay by length. Vectors are as long as the quote tells, so that callers may index them.
pub(crate) fn placeholder(task: &Task, quote: &Quote) -> Output {
    let Usage { prompt_tokens, completion_tokens } = quote.usage;
    match task {
        Task::Count { .. } => Output::Count(prompt_tokens),
        Task::Decode { tokens } => Output::Text(placeholder_text(tokens.len())),
        Task::Embed { .. } => {
            Output::Embedding { values: vec![0; vector_elements(quote)], fraction_bits: 0 }
        }
        Task::Encode { .. } => Output::Tokens(placeholder_tokens(prompt_tokens)),
        Task::Generate(_) => Output::Generated {
            tokens: placeholder_tokens(completion_tokens),
            text: placeholder_text(completion_tokens as usize),
            finish: FinishReason::Length,
        },
        Task::GreedyTokens { .. } => Output::Tokens(placeholder_tokens(completion_tokens)),
        Task::Logits { .. } => {
            Output::Logits { values: vec![0; vector_elements(quote)], fraction_bits: 0 }
        }
    }
}

/// Elements of `output` where it is a vector.
pub(crate) const fn vector_length(output: &Output) -> usize {
    match output {
        Output::Embedding { values, .. } => values.len(),
        Output::Logits { values, .. } => values.len(),
        _ => 0,
    }
}

fn vector_elements(quote: &Quote) -> usize {
    (quote.output_values as usize).min(PLACEHOLDER_MAX_VALUES)
}

fn placeholder_text(tokens: usize) -> String {
    "?".repeat(tokens * PLACEHOLDER_BYTES_PER_TOKEN)
}

fn placeholder_tokens(count: u32) -> Vec<TokenId> {
    vec![TokenId(0); count as usize]
}

fn token_numbers(tokens: &[TokenId]) -> Vec<u32> {
    tokens.iter().map(|token| token.0).collect()
}

/// The largest vocabulary of a model; a device that quotes more is not believed.
const PLACEHOLDER_MAX_VALUES: usize = 1 << 20;

/// Above what a token of natural language takes on average, so that an estimate also holds for long
/// words.
const PLACEHOLDER_BYTES_PER_TOKEN: usize = 8;
