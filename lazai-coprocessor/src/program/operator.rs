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
        /// Whether a token attends to the positions after it too; the whole sequence is then one step.
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
        /// Its form.
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
    /// Keeps the last rows.
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
    /// The mean over all tokens of the sequence.
    MeanPool {
        /// Rows of the tokens, i16.
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
    /// The name in docs/numerics.md.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::AddBias { .. } => "AddBias",
            Self::AddPositions { .. } => "AddPositions",
            Self::Attention { .. } => "Attention",
            Self::CacheAppend { .. } => "CacheAppend",
            Self::FirstRow { .. } => "FirstRow",
            Self::GatedSilu { .. } => "GatedSilu",
            Self::Gather { .. } => "Gather",
            Self::Gelu { .. } => "Gelu",
            Self::HeadNorm { .. } => "HeadNorm",
            Self::Input { .. } => "Input",
            Self::LastRows { .. } => "LastRows",
            Self::LayerNorm { .. } => "LayerNorm",
            Self::MatMul { .. } => "MatMul",
            Self::MatMulAdd { .. } => "MatMulAdd",
            Self::MeanPool { .. } => "MeanPool",
            Self::Narrow { .. } => "Narrow",
            Self::Relu { .. } => "Relu",
            Self::RmsNorm { .. } => "RmsNorm",
            Self::Rope { .. } => "Rope",
        }
    }

    /// The value that is written, in place or anew.
    #[must_use]
    pub const fn writes(&self) -> Option<ValueId> {
        match self {
            Self::CacheAppend { .. } => None,
            Self::Attention { output, .. }
            | Self::FirstRow { output, .. }
            | Self::GatedSilu { output, .. }
            | Self::Gather { output, .. }
            | Self::Gelu { output, .. }
            | Self::HeadNorm { output, .. }
            | Self::Input { output }
            | Self::LastRows { output, .. }
            | Self::LayerNorm { output, .. }
            | Self::MatMul { output, .. }
            | Self::MeanPool { output, .. }
            | Self::Narrow { output, .. }
            | Self::Relu { output, .. }
            | Self::RmsNorm { output, .. } => Some(*output),
            Self::AddPositions { residual, .. } | Self::MatMulAdd { residual, .. } => {
                Some(*residual)
            }
            Self::AddBias { value, .. } | Self::Rope { value, .. } => Some(*value),
        }
    }

    /// The values that are read, those in place included.
    pub fn reads(&self) -> impl Iterator<Item = ValueId> {
        let [first, second] = match self {
            Self::Attention { query, .. } => [Some(*query), None],
            Self::CacheAppend { key, value, .. } => [Some(*key), Some(*value)],
            Self::GatedSilu { gate, up, .. } => [Some(*gate), Some(*up)],
            Self::Gather { .. } | Self::Input { .. } => [None, None],
            Self::FirstRow { input, .. }
            | Self::Gelu { input, .. }
            | Self::HeadNorm { input, .. }
            | Self::LastRows { input, .. }
            | Self::LayerNorm { input, .. }
            | Self::MatMul { input, .. }
            | Self::MeanPool { input, .. }
            | Self::Narrow { input, .. }
            | Self::Relu { input, .. }
            | Self::RmsNorm { input, .. } => [Some(*input), None],
            Self::AddPositions { residual, .. } => [Some(*residual), None],
            Self::MatMulAdd { input, residual, .. } => [Some(*input), Some(*residual)],
            Self::AddBias { value, .. } | Self::Rope { value, .. } => [Some(*value), None],
        };
        first.into_iter().chain(second)
    }

    /// The cache that is written.
    #[must_use]
    pub const fn fills(&self) -> Option<CacheId> {
        match self {
            Self::CacheAppend { cache, .. } => Some(*cache),
            _ => None,
        }
    }

    /// The cache that is read.
    #[must_use]
    pub const fn attends(&self) -> Option<CacheId> {
        match self {
            Self::Attention { cache, .. } => Some(*cache),
            _ => None,
        }
    }

    /// Whether it is attention to the past alone.
    #[must_use]
    pub const fn is_causal(&self) -> bool {
        matches!(self, Self::Attention { bidirectional: false, .. })
    }

    /// Whether it is attention to the past and the future.
    #[must_use]
    pub const fn is_bidirectional(&self) -> bool {
        matches!(self, Self::Attention { bidirectional: true, .. })
    }

    /// Whether the written value is also read.
    #[must_use]
    pub const fn in_place(&self) -> bool {
        matches!(
            self,
            Self::AddBias { .. }
                | Self::AddPositions { .. }
                | Self::MatMulAdd { .. }
                | Self::Rope { .. }
        )
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_false(value: &bool) -> bool {
    !*value
}
