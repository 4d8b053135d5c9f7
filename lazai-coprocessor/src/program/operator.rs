use serde::{Deserialize, Serialize};

use super::{CacheId, ValueId};
use crate::architecture::Gelu;

/// An integer operator; its formula stands in docs/numerics.md under the same name.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case", tag = "operator")]
pub enum Operator {
    /// Adds a row to each row.
    AddBias {
        /// The rows, i16 or i32, in place.
        value: ValueId,
        /// Name of the added row, i32 `[width]` at the same scale.
        bias: String,
    },
    /// Adds to each token the row of its position.
    AddPositions {
        /// Name of the matrix, `[context, width]`.
        table: String,
        /// The rows of the tokens, i32, in place.
        residual: ValueId,
    },
    /// Mixes cached values by the match of their keys with the query, head by head.
    Attention {
        /// Queries, i16; a multiple of the cache's heads shares each of them.
        query: ValueId,
        /// Keys and values of every position so far.
        cache: CacheId,
        /// The mixture, i16, at the fraction bits of the cached values.
        output: ValueId,
        /// Whether a token attends to the positions after it too; the whole sequence is then one
        /// step.
        #[serde(default, skip_serializing_if = "is_false")]
        bidirectional: bool,
    },
    /// Compresses keys and values and appends them to a cache.
    CacheAppend {
        /// Keys, i16.
        key: ValueId,
        /// Values, i16.
        value: ValueId,
        /// Where they go.
        cache: CacheId,
    },
    /// Keeps the first row of the sequence.
    FirstRow {
        /// Rows of all tokens, i32.
        input: ValueId,
        /// The row, i32, at the same scale.
        output: ValueId,
    },
    /// Multiplies `up` by `SiLU(gate)`.
    GatedSilu {
        /// The gate, i16.
        gate: ValueId,
        /// The other factor, i16.
        up: ValueId,
        /// The product, i16.
        output: ValueId,
    },
    /// Reads the rows of the tokens from a matrix.
    Gather {
        /// Name of the matrix, `[vocabulary, width]`.
        table: String,
        /// The rows, i32.
        output: ValueId,
    },
    /// The Gaussian error linear unit.
    Gelu {
        /// The input, i16.
        input: ValueId,
        /// The formula: exact, or by tanh.
        form: Gelu,
        /// The output, i16.
        output: ValueId,
    },
    /// Divides each head by its root mean square.
    HeadNorm {
        /// Queries or keys, i16.
        input: ValueId,
        /// Name of the gain, i16 `[head_dim]`.
        gain: String,
        /// Fraction bits of the gain.
        gain_bits: i8,
        /// Epsilon times the head's width, in units of the square of an input integer.
        epsilon: u64,
        /// Elements of a head.
        #[serde(rename = "head_width")]
        head_dim: u32,
        /// The normalized heads, i16.
        output: ValueId,
    },
    /// Takes the caller's tensor, in place of tokens.
    Input {
        /// A row for each token of the sequence, i16 or i32.
        output: ValueId,
    },
    /// Keeps the last rows of a sequence.
    LastRows {
        /// Rows of all tokens, i32.
        input: ValueId,
        /// Rows of the last tokens, i32, at the same scale.
        output: ValueId,
    },
    /// Subtracts the mean of each row and divides it by its root mean square.
    LayerNorm {
        /// The residual stream, i32.
        input: ValueId,
        /// Name of the gain, i16 `[width]`.
        gain: String,
        /// Fraction bits of the gain.
        gain_bits: i8,
        /// Epsilon times the width, in units of the square of an input integer.
        epsilon: u64,
        /// The normalized rows, i16 or i32.
        output: ValueId,
    },
    /// Multiplies by the transpose of a weight matrix.
    MatMul {
        /// The left factor, i16 `[m, k]`.
        input: ValueId,
        /// Name of the matrix, `[n, k]`.
        weight: String,
        /// The product, i16 or i32 `[m, n]`.
        output: ValueId,
    },
    /// Multiplies by the transpose of a weight matrix and adds to the residual stream.
    MatMulAdd {
        /// The left factor, i16 `[m, k]`.
        input: ValueId,
        /// Name of the matrix, `[n, k]`.
        weight: String,
        /// The residual stream, i32 `[m, n]`, in place.
        residual: ValueId,
    },
    /// The mean over all rows of the sequence.
    MeanPool {
        /// Rows of the tokens, or those that were kept of them, i16.
        input: ValueId,
        /// The mean, i32, one row, with 8 more fraction bits.
        output: ValueId,
    },
    /// Rounds to fewer bits.
    Narrow {
        /// The wide form, i32.
        input: ValueId,
        /// The narrow form, i16.
        output: ValueId,
    },
    /// Clamps what is negative to 0.
    Relu {
        /// The input, i16.
        input: ValueId,
        /// The output, i16.
        output: ValueId,
    },
    /// Divides each row by its root mean square.
    RmsNorm {
        /// The residual stream, i32.
        input: ValueId,
        /// Name of the gain, i16 `[width]`.
        gain: String,
        /// Fraction bits of the gain.
        gain_bits: i8,
        /// Epsilon times the width, in units of the square of an input integer.
        epsilon: u64,
        /// The normalized rows, i16.
        output: ValueId,
    },
    /// Rotates pairs of each head by the angle of their position.
    Rope {
        /// Queries or keys, i16, in place.
        value: ValueId,
        /// Elements of a head.
        #[serde(rename = "head_width")]
        head_dim: u32,
    },
}

impl Operator {
    /// Returns what it keeps of a sequence from one step to the next, or reads of that.
    pub(crate) const fn state(&self) -> State {
        match self {
            Self::Attention { cache, bidirectional, .. } => {
                State::Attends { cache: *cache, bidirectional: *bidirectional }
            }
            Self::CacheAppend { cache, .. } => State::Fills(*cache),
            Self::FirstRow { .. } => State::Start,
            Self::MeanPool { output, .. } => State::Sums(*output),
            Self::AddBias { .. }
            | Self::AddPositions { .. }
            | Self::GatedSilu { .. }
            | Self::Gather { .. }
            | Self::Gelu { .. }
            | Self::HeadNorm { .. }
            | Self::Input { .. }
            | Self::LastRows { .. }
            | Self::LayerNorm { .. }
            | Self::MatMul { .. }
            | Self::MatMulAdd { .. }
            | Self::Narrow { .. }
            | Self::Relu { .. }
            | Self::RmsNorm { .. }
            | Self::Rope { .. } => State::None,
        }
    }

    /// Returns the cache that is written.
    #[must_use]
    pub const fn fills(&self) -> Option<CacheId> {
        match self.state() {
            State::Fills(cache) => Some(cache),
            State::Attends { .. } | State::None | State::Start | State::Sums(_) => None,
        }
    }

    /// Returns the cache that is read.
    #[must_use]
    pub const fn attends(&self) -> Option<CacheId> {
        match self.state() {
            State::Attends { cache, .. } => Some(cache),
            State::Fills(_) | State::None | State::Start | State::Sums(_) => None,
        }
    }

    /// Returns whether it is attention to the past alone.
    #[must_use]
    pub const fn is_causal(&self) -> bool {
        matches!(self.state(), State::Attends { bidirectional: false, .. })
    }

    /// Returns whether it is attention to the past and the future.
    #[must_use]
    pub const fn is_bidirectional(&self) -> bool {
        matches!(self.state(), State::Attends { bidirectional: true, .. })
    }
}

/// What an operator keeps of a sequence from one step to the next, or reads of that.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum State {
    /// It reads the keys and values of a cache.
    Attends { cache: CacheId, bidirectional: bool },
    /// It appends to a cache.
    Fills(CacheId),
    /// Nothing.
    None,
    /// It reads the start of the sequence, which later steps would not hold any more: the sequence
    /// is one step.
    Start,
    /// It adds up the rows of all steps, for the mean that it writes.
    Sums(ValueId),
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_false(value: &bool) -> bool {
    !*value
}
