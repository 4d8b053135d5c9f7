use crate::kernel::KernelError;

/// Why a run was not recorded.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TraceError {
    /// Something is outside what the network reads or this version records.
    #[error("{what} is {got}, outside {min} to {max}")]
    Limit {
        /// What is counted.
        what: &'static str,
        /// The count.
        got: u64,
        /// The smallest allowed.
        min: u64,
        /// The largest allowed.
        max: u64,
    },
    /// A token is not in the vocabulary.
    #[error("token {token} at position {index} is not below the vocabulary size {vocabulary}")]
    Token {
        /// The token.
        token: u32,
        /// The position of the token.
        index: usize,
        /// Tokens in the vocabulary.
        vocabulary: u32,
    },
    /// An integer of the input is not an activation.
    #[error("integer {index} of the input is {got}, outside -32768 to 32639")]
    Activation {
        /// The index of the integer.
        index: usize,
        /// The integer.
        got: i32,
    },
    /// The input is not a whole number of rows.
    #[error("the input has {got} integers, expected a multiple of {width}")]
    InputLength {
        /// Integers of a row.
        width: usize,
        /// Integers there are.
        got: usize,
    },
    /// The network reads something else.
    #[error("the network reads {expected}, but {got} came")]
    InputKind {
        /// `tokens` or `a tensor`.
        expected: &'static str,
        /// `tokens` or `a tensor`.
        got: &'static str,
    },
    /// The program does not compute what was asked for.
    #[error("the program does not compute {target}")]
    Target {
        /// `logits` or `embedding`.
        target: &'static str,
    },
    /// A kernel refused its operands, which a checked program never makes happen.
    #[error("operator {operator}: {source}")]
    Kernel {
        /// Index of the operator.
        operator: usize,
        /// What the kernel says.
        source: KernelError,
    },
    /// An operand is absent, which a checked program never makes happen.
    #[error("operator {operator} lacks an operand")]
    Operand {
        /// Index of the operator.
        operator: usize,
    },
}
