use serde::{Deserialize, Serialize};

/// Names a [`Value`] of a program by its index.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct ValueId(pub u32);

impl ValueId {
    /// Returns the index in [`Program::values`](super::Program::values).
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Names a [`Cache`] of a program by its index.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct CacheId(pub u32);

impl CacheId {
    /// Returns the index in [`Program::caches`](super::Program::caches).
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A tensor of a program: `[rows, width]` fixed-point numbers, row-major.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Value {
    /// Rows, known when the program runs.
    pub rows: RowCount,
    /// Elements of a row.
    pub width: u32,
    /// The integer of an element.
    pub format: Format,
    /// Fraction bits: the real value is the integer times `2^-bits`.
    pub bits: i8,
}

impl Value {
    /// Returns the real number that the integer one stands for, `2^-bits`: for people and reports.
    #[must_use]
    pub const fn unit(&self) -> f64 {
        // The biased exponent of a power of two; i8 keeps it within 1,023 - 127 and 1,023 + 128.
        let exponent = 1_023_u64.strict_add_signed(-(self.bits as i64));
        f64::from_bits(exponent << 52)
    }
}

/// A symbolic number of rows.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RowCount {
    /// One row for each sequence.
    One,
    /// A row for each of the last tokens whose scores are wanted.
    Outputs,
    /// A row for each token of the step.
    Tokens,
}

/// The integer of an element.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// An activation, saturating at `[-32,768, 32,639]`.
    I16,
    /// The residual stream or scores, saturating at 32 bits.
    I32,
}

impl Format {
    /// Returns the bytes of an element.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        match self {
            Self::I16 => 2,
            Self::I32 => 4,
        }
    }
}

/// A store of compressed keys and values, preallocated for every position of a sequence.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Cache {
    /// Key and value heads.
    pub heads: u32,
    /// Elements of a head; even, at most 256.
    #[serde(rename = "head_width")]
    pub head_dim: u32,
    /// Fraction bits of the keys.
    pub key_bits: i8,
    /// Fraction bits of the values.
    pub value_bits: i8,
}

impl Cache {
    /// Returns the bytes for one position: i8 elements, and an exponent for each head, of key and
    /// value.
    #[must_use]
    pub const fn position_bytes(&self) -> u64 {
        2 * self.heads as u64 * (self.head_dim as u64 + 1)
    }
}
