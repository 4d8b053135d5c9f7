use lazai_api_types::{Fault, FaultKind, InvalidKey, PortError, Rejection, WorkOverflow};

use super::SrsError;

/// Why a proof could not be prepared or made, or a key not be read.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Halo2Error {
    /// The circuit needs more columns than are allowed.
    #[error("the circuit needs {got} columns of {what} with 2^{k} rows, above the limit {max}")]
    Columns {
        /// What the columns hold.
        what: &'static str,
        /// Logarithm of the rows.
        k: u32,
        /// Columns needed.
        got: usize,
        /// Most columns.
        max: usize,
    },
    /// A file cannot be read or written.
    #[error("the file cannot be read or written: {kind}")]
    File {
        /// What went wrong.
        kind: std::io::ErrorKind,
    },
    /// The key's bytes do not follow its form.
    #[error("{field} of the key is {got}, expected {expected}")]
    Key {
        /// What is wrong.
        field: &'static str,
        /// What was expected.
        expected: String,
        /// What came.
        got: String,
    },
    /// A gadget and the interpreter disagree, or a checked network lacks parameters: a bug.
    #[error("operator {index} cannot be proved as it ran")]
    Operator {
        /// The operator in the program.
        index: usize,
    },
    /// halo2 failed.
    #[error("halo2: {message}")]
    Prover {
        /// What it said.
        message: String,
    },
    /// The key was made for another network, or another shape of the run.
    #[error("the key is for {expected}, but the run has {got}")]
    Shape {
        /// What the key was made for.
        expected: String,
        /// What came.
        got: String,
    },
    /// The reference string was refused, or is too short.
    #[error("structured reference string: {0}")]
    Srs(#[from] SrsError),
    /// The statement is not what the run shows.
    #[error("the statement is not true of this run: {what} differs")]
    Statement {
        /// What differs.
        what: &'static str,
    },
    /// The run was refused.
    #[cfg(feature = "prover")]
    #[error("{0}")]
    Trace(#[from] lazai_coprocessor::trace::TraceError),
    /// A value of a product or of the instance stands in no column before the challenges are drawn: a bug.
    #[error("cell {cell} is in no multiplication, lookup or constant")]
    Unplaced {
        /// The cell.
        cell: u32,
    },
    /// The work exceeds 64 bits.
    #[error("the work of the run exceeds 64 bits")]
    WorkOverflow,
}

impl From<std::io::Error> for Halo2Error {
    fn from(error: std::io::Error) -> Self {
        Self::File { kind: error.kind() }
    }
}

impl From<WorkOverflow> for Halo2Error {
    fn from(_: WorkOverflow) -> Self {
        Self::WorkOverflow
    }
}

impl From<Halo2Error> for InvalidKey {
    fn from(error: Halo2Error) -> Self {
        Self { reason: error.to_string() }
    }
}

impl From<Halo2Error> for PortError {
    fn from(error: Halo2Error) -> Self {
        match error {
            Halo2Error::WorkOverflow => Self::Rejected(Rejection::WorkOverflow),
            Halo2Error::Columns { .. }
            | Halo2Error::Shape { .. }
            | Halo2Error::Statement { .. } => {
                Self::Rejected(Rejection::Unsupported { task: "a proof of this run" })
            }
            error => Self::Fault(Fault { kind: FaultKind::Internal, message: error.to_string() }),
        }
    }
}
