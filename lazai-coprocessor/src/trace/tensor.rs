use std::sync::Arc;

use crate::program::{CacheId, ValueId};

/// A value at one time: `[rows, width]` integers, row-major.
///
/// An i16 value is within its range. A value that an operator changes in place is one tensor before
/// and another after; tensors that nothing changed share their integers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Tensor {
    /// The value of the program that it is.
    pub value: ValueId,
    /// Number of rows.
    pub rows: usize,
    /// Elements of a row.
    pub width: usize,
    /// All elements, `[rows, width]`.
    pub integers: Arc<[i32]>,
}

/// The keys and values of a cache, for every position of the sequence.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CacheTensors {
    /// The cache of the program that it is.
    pub cache: CacheId,
    /// The compressed keys of all positions.
    pub keys: Compressed,
    /// The compressed values of all positions.
    pub values: Compressed,
}

/// Vectors of 8 bits, each with an exponent: the number is `integer * 2^exponent`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Compressed {
    /// Number of positions.
    pub rows: usize,
    /// Vectors of a position.
    pub heads: usize,
    /// Integers of a vector.
    pub head_dim: usize,
    /// `[rows, heads, head_dim]`, each from -128 to 127.
    pub integers: Arc<[i32]>,
    /// `[rows, heads]`, each from 0 to 9.
    pub exponents: Arc<[i32]>,
}
