use crate::kernel::KernelError;

/// Why a step was refused.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ExecutionError {
    /// A sequence lacks a cache that the program fills, which a checked program never makes happen.
    #[error("the sequence has no cache {cache}")]
    Cache {
        /// The cache.
        cache: u32,
    },
    /// The sequence would outgrow the memory that was reserved for it.
    #[error("the sequence would have {got} positions, but {max} were reserved")]
    Capacity {
        /// Positions after the step.
        got: usize,
        /// Positions reserved.
        max: usize,
    },
    /// A kernel met a value of another format, which a checked program never makes happen.
    #[error("a kernel met an operand that is not {expected}")]
    Format {
        /// The format that the kernel reads or writes, `i16` or `i32`.
        expected: &'static str,
    },
    /// A kernel refused its operands, which a checked program never makes happen.
    #[error("kernel: {0}")]
    Kernel(#[from] KernelError),
    /// This machine does not have the memory; another may.
    #[error("{bytes} bytes could not be reserved")]
    Memory {
        /// Bytes of the block that was asked for.
        bytes: u64,
    },
    /// An operator lacks the parameters of its kind, which a bound program never makes happen.
    #[error("operator {operator} has no parameters of its kind")]
    Parameters {
        /// Index of the operator.
        operator: usize,
    },
    /// The plan and the program disagree, which a checked program never makes happen.
    #[error("the plan has no place for value {value}")]
    Plan {
        /// The value.
        value: u32,
    },
    /// More scores were asked for than the step has tokens or the session has room for.
    #[error("{got} rows of scores were asked for, but at most {max} are possible")]
    Outputs {
        /// Rows asked for.
        got: usize,
        /// Rows possible.
        max: usize,
    },
    /// There is no such result: the batch has another target, or the step asked for no output.
    #[error("the last step did not compute this output")]
    Target,
    /// The work or memory of the sequence exceeds 64 bits.
    #[error("the work of the sequence exceeds 64 bits")]
    Overflow,
    /// A sequence is not open, or is given twice.
    #[error("sequence {sequence} is not open, or is given twice")]
    Sequence {
        /// The name of the sequence.
        sequence: usize,
    },
    /// A step has more rows than were reserved.
    #[error("the step has {got} {what}, but {max} were reserved")]
    Step {
        /// What is counted.
        what: &'static str,
        /// How many there are.
        got: usize,
        /// How many were reserved.
        max: usize,
    },
    /// A token is not in the vocabulary.
    #[error("token {token} at position {index} is not below the vocabulary size {vocabulary}")]
    Token {
        /// The token.
        token: u32,
        /// The position of the token in the step.
        index: usize,
        /// Tokens in the vocabulary.
        vocabulary: u32,
    },
    /// A model whose tokens attend to those after them reads a sequence in one step.
    #[error("this model reads a sequence in one step, but it has begun")]
    Whole,
}

impl From<lazai_api_types::WorkOverflow> for ExecutionError {
    fn from(_: lazai_api_types::WorkOverflow) -> Self {
        Self::Overflow
    }
}
