//! Runs a program: one sequence, step by step, in memory that was planned before.

mod arena;
mod cache;
mod session;

#[cfg(test)]
mod tests;

pub use session::Session;
pub(crate) use session::state_bytes;

use crate::kernel::KernelError;

/// Why a step was refused.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ExecutionError {
    /// The sequence would outgrow the memory that was reserved for it.
    #[error("the sequence would have {got} positions, but {max} were reserved")]
    Capacity {
        /// Positions after the step.
        got: usize,
        /// Positions reserved.
        max: usize,
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
    /// The work or memory of the sequence exceeds 64 bits.
    #[error("the work of the sequence exceeds 64 bits")]
    Overflow,
    /// A token is not in the vocabulary.
    #[error("token {token} at position {index} is not below the vocabulary size {vocabulary}")]
    Token {
        /// The token.
        token: u32,
        /// Its position in the step.
        index: usize,
        /// Tokens in the vocabulary.
        vocabulary: u32,
    },
}

impl From<lazai_api_types::WorkOverflow> for ExecutionError {
    fn from(_: lazai_api_types::WorkOverflow) -> Self {
        Self::Overflow
    }
}

/// A block of zeros, which costs nothing until it is written; a hostile size is an error and ends no process.
fn reserve<T: bytemuck::Zeroable>(elements: usize) -> Result<Vec<T>, ExecutionError> {
    let bytes = (elements as u64).saturating_mul(size_of::<T>() as u64);
    bytemuck::allocation::try_zeroed_vec(elements).map_err(|()| ExecutionError::Memory { bytes })
}
