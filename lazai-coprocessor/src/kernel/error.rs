//! Why a kernel refused its operands.

use super::Backend;

/// Why a kernel refused its operands; nothing was written when it did.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum KernelError {
    /// This processor lacks the instructions of the back end that was asked for.
    #[error("this processor does not run the {backend} back end")]
    BackendUnavailable {
        /// The back end that was asked for.
        backend: Backend,
    },
    /// No back end has this name.
    #[error("no back end is called {got:?}; there are avx2, avx512, portable and scalar")]
    BackendUnknown {
        /// The name that was given.
        got: String,
    },
    /// Bits of the exponents that stand for no group are set.
    #[error("exponents of weight row {row} have bits set behind the last group")]
    ExponentPadding {
        /// The row of the weight matrix.
        row: usize,
    },
    /// A row that is not in a table was asked for.
    #[error("row {index} was asked for, but the table has {limit}")]
    Index {
        /// The row.
        index: usize,
        /// Rows of the table.
        limit: usize,
    },
    /// An operand does not have as many elements as its shape says.
    #[error("{operand} has {got} elements, expected {expected}")]
    Length {
        /// Which operand.
        operand: &'static str,
        /// Elements that the shape needs.
        expected: usize,
        /// Elements there are.
        got: usize,
    },
    /// An operand cannot be cut into rows of the length that the other operand needs.
    #[error("{operand} has {got} elements, expected a multiple of {row}")]
    RowLength {
        /// Which operand.
        operand: &'static str,
        /// Elements of a row.
        row: usize,
        /// Elements there are.
        got: usize,
    },
    /// The weights of a row are so large together that a sum could overflow.
    #[error("magnitudes of weight row {row} sum to {got}, expected at most {max}")]
    RowNorm {
        /// The row of the weight matrix.
        row: usize,
        /// Sum of the magnitudes of its shifted weights.
        got: u64,
        /// Largest sum allowed.
        max: u64,
    },
    /// A shape has more elements than the address space.
    #[error("shape of {operand} overflows: {rows} x {columns}")]
    ShapeOverflow {
        /// Which operand.
        operand: &'static str,
        /// Rows in the shape.
        rows: usize,
        /// Columns in the shape.
        columns: usize,
    },
    /// A row's shift is outside the range in which rounding is defined.
    #[error("shift of weight row {row} is {got}, expected {min} to {max}")]
    Shift {
        /// The row of the weight matrix.
        row: usize,
        /// The shift found.
        got: u8,
        /// Smallest shift allowed.
        min: u8,
        /// Largest shift allowed.
        max: u8,
    },
    /// The operating system did not give the threads that were asked for.
    #[error("could not start {count} threads")]
    ThreadsNotStarted {
        /// Threads that were asked for.
        count: usize,
    },
    /// More threads were asked for than a pool may have.
    #[error("{got} threads asked for, at most {max} are allowed")]
    TooManyThreads {
        /// Threads that were asked for.
        got: usize,
        /// Most threads allowed.
        max: usize,
    },
    /// A weight is -128, whose magnitude has no positive partner.
    #[error("weight at row {row}, column {column} is -128, expected -127 to 127")]
    WeightRange {
        /// The row of the weight matrix.
        row: usize,
        /// The column of the weight matrix.
        column: usize,
    },
}
