use super::{CacheTensors, Tensor};

/// What a network reads.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Input<'a> {
    /// `[rows, width]` integers, row-major, of a network with an `Input` operator.
    Tensor(&'a [i32]),
    /// Tokens of a language model.
    Tokens(&'a [u32]),
}

/// What one operator read and wrote.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Record {
    /// Index of the operator in the program.
    pub operator: usize,
    /// The values that it read, in the order of [`Operator::reads`]; those in place as they were
    /// before.
    ///
    /// [`Operator::reads`]: crate::program::Operator::reads
    pub reads: Vec<Tensor>,
    /// The value that it wrote; in place, as it is after.
    pub write: Option<Tensor>,
    /// What `CacheAppend` stored, and what `Attention` read: all positions of the sequence.
    pub cache: Option<CacheTensors>,
}
