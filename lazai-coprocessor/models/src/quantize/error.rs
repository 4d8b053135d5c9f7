use lazai_coprocessor::{program::ProgramError, table::RotaryError};

use crate::{reference::ReferenceError, tokenizer::ScoreError};

/// Why a checkpoint cannot be quantized.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum QuantizeError {
    /// The context asked for is not one of the checkpoint's.
    #[error("context must be from 1 to {max}, got {got}")]
    Context {
        /// The context asked for.
        got: u32,
        /// The context of the checkpoint.
        max: u32,
    },
    /// There is no sequence to measure activations with.
    #[error("calibration needs at least one token")]
    NoCalibration,
    /// The calibration made a number that is infinite or not a number.
    #[error("activations at {point} are not finite")]
    NotFinite {
        /// The place in the forward pass.
        point: String,
    },
    /// The program that was built breaks a limit of this version.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// The checkpoint cannot be read or run.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// No rotary table can be made.
    #[error(transparent)]
    Rotary(#[from] RotaryError),
    /// The tokenizer has a score that is out of range.
    #[error(transparent)]
    Score(#[from] ScoreError),
    /// Weights or activations are too large for the integers.
    #[error("{what} is {got}, more than {max}")]
    TooLarge {
        /// The name of the weight or activation.
        what: String,
        /// The largest magnitude, rounded down to an integer.
        got: u64,
        /// The largest magnitude that fits.
        max: u64,
    },
    /// A row of weights is too large for the integers.
    #[error("tensor {tensor}: row {row} has a weight above 2^34")]
    WeightRange {
        /// The name of the tensor.
        tensor: String,
        /// The first such row.
        row: usize,
    },
}
