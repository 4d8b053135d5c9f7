use serde::{Deserialize, Serialize};

use super::{CacheId, ValueId};

/// An integer operator; its formula stands in docs/numerics.md under the same name.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case", tag = "operator")]
pub enum Operator {
    /// Mixes cached values by the match of their keys with the query, causally, head by head.
    Attention {
        /// Queries, i16; a multiple of the cache's heads shares each of them.
        query: ValueId,
        /// Keys and values of every position so far.
        cache: CacheId,
        /// The mixture, i16, at the fraction bits of the cached values.
        output: ValueId,
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
    /// Keeps the last rows.
    LastRows {
        /// Rows of all tokens, i32.
        input: ValueId,
        /// Rows of the last tokens, i32, at the same scale.
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
        head_width: u32,
    },
}

impl Operator {
    /// The name in docs/numerics.md.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Attention { .. } => "Attention",
            Self::CacheAppend { .. } => "CacheAppend",
            Self::GatedSilu { .. } => "GatedSilu",
            Self::Gather { .. } => "Gather",
            Self::LastRows { .. } => "LastRows",
            Self::MatMul { .. } => "MatMul",
            Self::MatMulAdd { .. } => "MatMulAdd",
            Self::MeanPool { .. } => "MeanPool",
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
            | Self::GatedSilu { output, .. }
            | Self::Gather { output, .. }
            | Self::LastRows { output, .. }
            | Self::MatMul { output, .. }
            | Self::MeanPool { output, .. }
            | Self::RmsNorm { output, .. } => Some(*output),
            Self::MatMulAdd { residual, .. } => Some(*residual),
            Self::Rope { value, .. } => Some(*value),
        }
    }

    /// The values that are read, those in place included.
    pub fn reads(&self) -> impl Iterator<Item = ValueId> {
        let [first, second] = match self {
            Self::Attention { query, .. } => [Some(*query), None],
            Self::CacheAppend { key, value, .. } => [Some(*key), Some(*value)],
            Self::GatedSilu { gate, up, .. } => [Some(*gate), Some(*up)],
            Self::Gather { .. } => [None, None],
            Self::LastRows { input, .. }
            | Self::MatMul { input, .. }
            | Self::MeanPool { input, .. }
            | Self::RmsNorm { input, .. } => [Some(*input), None],
            Self::MatMulAdd { input, residual, .. } => [Some(*input), Some(*residual)],
            Self::Rope { value, .. } => [Some(*value), None],
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

    /// Whether the written value is also read.
    #[must_use]
    pub const fn in_place(&self) -> bool {
        matches!(self, Self::MatMulAdd { .. } | Self::Rope { .. })
    }
}
