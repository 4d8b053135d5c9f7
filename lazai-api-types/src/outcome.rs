use alloc::{string::String, vec::Vec};

use alloy_primitives::{B256, keccak256};

use crate::{TokenId, Work, codec::Encoder};

/// What a job will cost at most, known before it runs.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Quote {
    /// Tokens, with the most completion tokens that the job may produce.
    pub usage: Usage,
    /// The work of a run that produces all of them; contains
    /// [`Job::intrinsic_work`](crate::Job::intrinsic_work).
    pub work: Work,
    /// Elements of the embedding or logits vector; 0 for other results.
    pub output_values: u32,
}

/// What a job did.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Outcome {
    /// The result, of the variant that the task asks for.
    pub output: Output,
    /// Tokens read and produced.
    pub usage: Usage,
    /// The work by the same rule as the quote, at the tokens really produced; never above the
    /// quote. `peak_bytes` equals the quote's, because memory is reserved for the most tokens.
    pub work: Work,
}

/// Token counts of a job.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
pub struct Usage {
    /// Tokens of the prompt.
    pub prompt_tokens: u32,
    /// Tokens produced, after the prompt.
    pub completion_tokens: u32,
}

/// The result of a job.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Output {
    /// Tokens of a text, counted.
    Count(u32),
    /// A unit vector; the real value is the integer times `2^-fraction_bits`.
    Embedding {
        /// The integers.
        values: Vec<i16>,
        /// Bits behind the binary point.
        fraction_bits: u8,
    },
    /// A continued prompt.
    Generated {
        /// The new tokens.
        tokens: Vec<TokenId>,
        /// The text of the new tokens, up to a stop text.
        text: String,
        /// Why the generation ended.
        finish: FinishReason,
    },
    /// The score of every token; the real value is the integer times `2^-fraction_bits`.
    Logits {
        /// The integers, by token id.
        values: Vec<i32>,
        /// Bits behind the binary point.
        fraction_bits: u8,
    },
    /// A decoded text.
    Text(String),
    /// An encoded text, or the tokens that were chosen.
    Tokens(Vec<TokenId>),
}

impl Output {
    /// Returns the canonical bytes, which [`hash`](Self::hash) hashes: the answer to a job, for
    /// those who know only its hash.
    ///
    /// They are the domain `lazvm/output/1`, the kind of the result (a byte: 0 count, 1 embedding,
    /// 2 generated, 3 logits, 4 text, 5 tokens) and its fields in their order, encoded as those of
    /// [`Job::encode`](crate::Job::encode) are; elements of a vector have 2 bytes in an embedding
    /// and 4 in logits, and why a text ended is a byte: 0 its length, 1 a stop.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut encoder = Encoder::new("lazvm/output/1");
        match self {
            Self::Count(count) => {
                encoder.byte(0);
                encoder.word(u64::from(*count));
            }
            Self::Embedding { values, fraction_bits } => {
                encoder.byte(1);
                encoder.byte(*fraction_bits);
                encoder.word(values.len() as u64);
                values.iter().for_each(|value| encoder.fixed(&value.to_le_bytes()));
            }
            Self::Generated { tokens, text, finish } => {
                encoder.byte(2);
                encoder.tokens(tokens);
                encoder.bytes(text.as_bytes());
                encoder.byte(match finish {
                    FinishReason::Length => 0,
                    FinishReason::Stop => 1,
                });
            }
            Self::Logits { values, fraction_bits } => {
                encoder.byte(3);
                encoder.byte(*fraction_bits);
                encoder.word(values.len() as u64);
                values.iter().for_each(|value| encoder.fixed(&value.to_le_bytes()));
            }
            Self::Text(text) => {
                encoder.byte(4);
                encoder.bytes(text.as_bytes());
            }
            Self::Tokens(tokens) => {
                encoder.byte(5);
                encoder.tokens(tokens);
            }
        }
        encoder.finish()
    }

    /// Returns keccak256 of the [canonical bytes](Self::encode): the `output` of an
    /// [`InferenceStatement`](crate::InferenceStatement).
    #[must_use]
    pub fn hash(&self) -> B256 {
        keccak256(self.encode())
    }
}

/// Why a generation ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum FinishReason {
    /// The token limit was reached.
    Length,
    /// The model ended its text, or a stop text appeared.
    Stop,
}
