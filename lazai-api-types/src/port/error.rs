use alloc::string::String;
use core::fmt;

use crate::{ModelId, TaskKind};

/// Why a port refused. The two classes never mix.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PortError {
    /// This machine failed; other machines may not. Never becomes a receipt.
    #[error("node fault: {0}")]
    Fault(#[from] Fault),
    /// The input is at fault, on every machine alike. Charged, and becomes a revert.
    #[error("rejected: {0}")]
    Rejected(#[from] Rejection),
}

/// A failure of this machine.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{kind:?}: {message}")]
pub struct Fault {
    /// The part of the machine that failed.
    pub kind: FaultKind,
    /// For the operator of this node; may differ between machines, so it never reaches consensus.
    pub message: String,
}

/// The part of a machine that failed.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FaultKind {
    /// The accelerator was lost or refused.
    Device,
    /// An invariant of the code did not hold.
    Internal,
    /// The model is registered on chain but not on this machine.
    ModelUnavailable,
    /// Memory or disk ran out.
    Resources,
    /// The state of the chain cannot be read.
    State,
}

/// A fault of the input.
///
/// A chain may store what a call reverts with, so only integers of a rejection reach it, and its
/// [`code`](Self::code); texts are for people.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Rejection {
    /// The prompt has no token.
    #[error("the prompt is empty; it needs at least one token")]
    EmptyPrompt,
    /// The input is longer than a coprocessor reads.
    #[error("the input has {got} bytes, above the limit {max}")]
    InputTooLong {
        /// Bytes of the input.
        got: u64,
        /// Most bytes read.
        max: u64,
    },
    /// A sampling parameter is out of range.
    #[error("{parameter} is {got}, above the limit {max}")]
    InvalidSampling {
        /// The parameter.
        parameter: SamplingParameter,
        /// Value of the parameter.
        got: u64,
        /// Largest value allowed.
        max: u64,
    },
    /// The text cannot be tokenized or decoded by this model's tokenizer.
    #[error("the tokenizer cannot read the input")]
    InvalidText,
    /// The token limit is out of range.
    #[error("max_tokens is {got}, but must be from 1 to {max}")]
    MaxTokens {
        /// Tokens asked for.
        got: u64,
        /// Most tokens that the model's context leaves after the prompt.
        max: u64,
    },
    /// The prompt does not fit the model's context.
    #[error("the prompt has {got} tokens, above the limit {max}")]
    PromptTooLong {
        /// Tokens of the prompt.
        got: u64,
        /// Most tokens read.
        max: u64,
    },
    /// The text spells a special token, which only the model's own template may place.
    #[error("the text spells the special token {token} at byte {offset}")]
    SpecialToken {
        /// Id of the special token.
        token: u32,
        /// Byte offset of its text in the input.
        offset: u64,
    },
    /// Too many or too long stop texts.
    #[error("a stop list takes at most {max_count} texts of 1 to {max_bytes} bytes")]
    StopList {
        /// Most texts.
        max_count: u64,
        /// Most bytes of a text.
        max_bytes: u64,
    },
    /// The text holds a code point that the Unicode version of the specification does not assign.
    #[error("the character U+{character:04X} at byte {offset} is not assigned")]
    UnassignedCharacter {
        /// The code point.
        character: u32,
        /// Byte offset in the input.
        offset: u64,
    },
    /// No such model here.
    #[error("unknown model {model}")]
    UnknownModel {
        /// The id asked for.
        model: ModelId,
    },
    /// The vocabulary has no such token.
    #[error("token {token} at position {index} is not below the vocabulary size {vocabulary}")]
    UnknownToken {
        /// Id of the token.
        token: u32,
        /// The position in the input.
        index: u64,
        /// Tokens in the vocabulary.
        vocabulary: u64,
    },
    /// The proof system does not prove this.
    #[error("there is no proof of {what}")]
    Unprovable {
        /// What was to be proved, in words; it reaches no chain.
        what: &'static str,
    },
    /// The model's program does not perform such tasks.
    #[error("the model does not support the task `{task}`")]
    Unsupported {
        /// What was asked for.
        task: TaskKind,
    },
    /// The job is too large to count.
    #[error("the work of the job exceeds 64 bits")]
    WorkOverflow,
}

impl Rejection {
    /// Returns the number of the reason, by which a chain names it.
    ///
    /// Numbers are consensus: they never change, and a new reason takes a new one.
    #[must_use]
    pub const fn code(&self) -> u32 {
        match self {
            Self::EmptyPrompt => 1,
            Self::InputTooLong { .. } => 2,
            Self::InvalidSampling { .. } => 3,
            Self::InvalidText => 4,
            Self::MaxTokens { .. } => 5,
            Self::PromptTooLong { .. } => 6,
            Self::SpecialToken { .. } => 7,
            Self::StopList { .. } => 8,
            Self::UnknownModel { .. } => 9,
            Self::UnknownToken { .. } => 10,
            Self::Unsupported { .. } => 11,
            Self::WorkOverflow => 12,
            Self::Unprovable { .. } => 13,
            Self::UnassignedCharacter { .. } => 14,
        }
    }
}

/// A parameter of [`Sampling`](crate::Sampling) that has a limit.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SamplingParameter {
    /// The divisor of the scores.
    Temperature,
    /// The share of the best tokens.
    TopP,
}

impl SamplingParameter {
    /// Returns the number of the parameter, by which a chain names it.
    #[must_use]
    pub const fn code(self) -> u32 {
        match self {
            Self::Temperature => 1,
            Self::TopP => 2,
        }
    }
}

impl fmt::Display for SamplingParameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Temperature => "temperature",
            Self::TopP => "top_p",
        })
    }
}

impl From<crate::WorkOverflow> for Rejection {
    fn from(_: crate::WorkOverflow) -> Self {
        Self::WorkOverflow
    }
}

impl From<crate::WorkOverflow> for PortError {
    fn from(overflow: crate::WorkOverflow) -> Self {
        Self::Rejected(overflow.into())
    }
}
