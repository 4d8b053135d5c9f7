/// Why a circuit cannot be read.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ReadError {
    /// A gate has terms of more than two values, or too many challenges.
    #[error("gate {gate} at row {row} multiplies more than two values")]
    Degree {
        /// The name of the gate.
        gate: String,
        /// The row.
        row: usize,
    },
    /// A lookup argument has a form that is not understood.
    #[error("a lookup argument is not understood: {what}")]
    Lookups {
        /// What is not understood.
        what: &'static str,
    },
    /// A value outside of the rows was assigned.
    #[error("the circuit needs more than 2^{k} rows")]
    Rows {
        /// Binary logarithm of the rows.
        k: u32,
    },
    /// Another witness of the circuit has other fixed columns or copies.
    #[error("the constraints depend on the witness")]
    Structure,
    /// The circuit has no assignment.
    #[error("the circuit cannot be assigned: {message}")]
    Synthesis {
        /// What halo2 says.
        message: String,
    },
    /// A value that depends on a challenge is not determined.
    #[error("gate {gate} at row {row} leaves a value of a later phase open")]
    LaterPhase {
        /// The name of the gate.
        gate: String,
        /// The row.
        row: usize,
    },
}

/// Why a sweep stopped.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// There is no gadget of this name.
    #[error("there is no gadget {name}")]
    Gadget {
        /// The name.
        name: String,
    },
    /// A circuit cannot be made.
    #[error(transparent)]
    Halo2(#[from] lazai_halo2::Halo2Error),
    /// A circuit cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}
