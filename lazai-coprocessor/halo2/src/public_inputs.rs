use alloy_primitives::{B256, Keccak256};
use halo2_proofs::halo2curves::{bn256::Fr, ff::PrimeField};
use lazai_api_types::{InferenceStatement, Job, ModelId, Output, Prompt, Task, TokenId, Work};

use crate::{
    ProvedOutput,
    digest::{Packing, digest},
};

/// What the proofs under a key are about: network, kind of result, shape and work; all but the
/// integers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PublicInputs {
    /// The network that runs.
    pub model: ModelId,
    /// The part of the result that is public.
    pub proved_output: ProvedOutput,
    /// Whether the network reads tokens, and not a tensor.
    pub reads_tokens: bool,
    /// How the integers read, and those written, are packed.
    pub(crate) input: Packing,
    pub(crate) output: Packing,
    /// Fraction bits of the result.
    pub fraction_bits: u8,
    /// The work of a run.
    pub work: Work,
}

impl PublicInputs {
    /// Returns how many integers a run reads: tokens, or the elements of a tensor.
    #[must_use]
    pub const fn inputs(&self) -> usize {
        self.input.count
    }

    /// Returns how many integers the result has.
    #[must_use]
    pub const fn outputs(&self) -> usize {
        self.output.count
    }

    /// Returns the statement of a proof about a run that read `input` and wrote `output`.
    ///
    /// For a language model it is the statement of a run of the [`Job`] with a prompt of tokens
    /// ([`InferenceStatement::of_run`]); what a network reads for [`ProvedOutput::GreedyTokens`] is
    /// the prompt and all but the last of the tokens that it chose. For a network that reads a
    /// tensor it names [`tensor_hash`] of both.
    #[must_use]
    pub fn statement(&self, input: &[i32], output: &[i32], context: B256) -> InferenceStatement {
        let (read, written) = if self.reads_tokens {
            (self.job(input).hash(), self.output(output).hash())
        } else {
            (tensor_hash(input), tensor_hash(output))
        };
        InferenceStatement {
            model: self.model,
            input: read,
            output: written,
            work: self.work,
            context,
        }
    }

    /// Returns the part of `statement` that is not true of a run, or `None` if all of it is true.
    pub(crate) fn difference(
        &self,
        statement: &InferenceStatement,
        input: &[i32],
        output: &[i32],
    ) -> Option<&'static str> {
        let expected = self.statement(input, output, statement.context);
        // A network that chooses tokens reads its own.
        let continued = match self.proved_output {
            ProvedOutput::GreedyTokens(count) => {
                let read = (count as usize).saturating_sub(1);
                input.len() > read && output.starts_with(&input[input.len() - read..])
            }
            ProvedOutput::Embedding | ProvedOutput::Logits => true,
        };
        [
            ("continuation", continued),
            ("model", expected.model == statement.model),
            ("input", expected.input == statement.input),
            ("output", expected.output == statement.output),
            ("work", expected.work == statement.work),
        ]
        .into_iter()
        .find_map(|(what, equal)| (!equal).then_some(what))
    }

    /// Returns the public inputs of the circuit: the digest of all integers, and the hash of the
    /// statement without its first three bits.
    pub(crate) fn instance(
        &self,
        statement: &InferenceStatement,
        input: &[i32],
        output: &[i32],
    ) -> [Fr; 2] {
        [digest((self.input, input), (self.output, output)), element(statement.hash())]
    }

    fn job(&self, tokens: &[i32]) -> Job {
        let mut tokens: Vec<_> = tokens.iter().map(|token| TokenId(*token as u32)).collect();
        let task = match self.proved_output {
            ProvedOutput::GreedyTokens(count) => {
                // All but the last of the chosen tokens were read again.
                tokens.truncate(tokens.len().saturating_sub(count.saturating_sub(1) as usize));
                Task::GreedyTokens { tokens, count }
            }
            ProvedOutput::Embedding => Task::Embed { prompt: Prompt::Tokens(tokens) },
            ProvedOutput::Logits => Task::Logits { prompt: Prompt::Tokens(tokens) },
        };
        Job { model: self.model, task }
    }

    fn output(&self, values: &[i32]) -> Output {
        let fraction_bits = self.fraction_bits;
        match self.proved_output {
            ProvedOutput::GreedyTokens(_) => {
                Output::Tokens(values.iter().map(|token| TokenId(*token as u32)).collect())
            }
            ProvedOutput::Embedding => {
                let values = values.iter().map(|value| *value as i16).collect();
                Output::Embedding { values, fraction_bits }
            }
            ProvedOutput::Logits => Output::Logits { values: values.to_vec(), fraction_bits },
        }
    }
}

/// Computes the hash of a tensor:
/// `keccak256("lazvm/tensor/1" ‖ count as u64 little-endian ‖ integers as i32 little-endian)`.
#[must_use]
pub fn tensor_hash(integers: &[i32]) -> B256 {
    let mut hash = Keccak256::new();
    hash.update(b"lazvm/tensor/1");
    hash.update((integers.len() as u64).to_le_bytes());
    integers.iter().for_each(|integer| hash.update(integer.to_le_bytes()));
    hash.finalize()
}

/// Converts a hash to an element of the field: without its first three bits, it is below the order.
pub(crate) fn element(mut hash: B256) -> Fr {
    hash.0[0] &= 0x1f;
    hash.0.reverse();
    Option::from(Fr::from_repr(hash.0)).unwrap_or_default()
}
