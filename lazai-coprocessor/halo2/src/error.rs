use core::fmt;

use alloy_primitives::B256;
use lazai_api_types::{
    Fault, FaultKind, InvalidKey, IoError, ModelId, PortError, Rejection, TaskKind, WorkOverflow,
};

use crate::{KeyField, SrsError};

/// Why keys or a proof could not be made, or a key could not be read.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Halo2Error {
    /// The circuit needs more columns of a kind than are allowed.
    #[error("the circuit needs {got} columns of {what} with 2^{k} rows, above the limit {max}")]
    Columns {
        /// What the columns hold.
        what: &'static str,
        /// Logarithm of the rows.
        k: u32,
        /// Number of columns needed.
        got: usize,
        /// Largest number of columns.
        max: usize,
    },
    /// A file cannot be read or written.
    #[error("the file cannot be read or written: {}", source.kind())]
    File {
        /// The error of the file system.
        source: IoError,
    },
    /// The bytes are not the canonical encoding of a key.
    #[error("{field} of the key: {got}, expected {expected}")]
    Key {
        /// The field that is wrong.
        field: KeyField,
        /// The values that are read.
        expected: String,
        /// The value in the bytes.
        got: String,
    },
    /// A gadget and the interpreter disagree, or a checked network lacks parameters: a bug.
    #[error("operator {index} cannot be proved as it ran")]
    Operator {
        /// Index of the operator in the program.
        index: usize,
    },
    /// halo2 or the generator of Solidity verifiers failed.
    #[error("halo2: {message}")]
    Prover {
        /// The message of halo2.
        message: String,
    },
    /// Statements about a network that reads tokens name jobs: its keys are made for a job.
    #[error("the network reads tokens, so its keys are made for a job of its model")]
    NeedsJob,
    /// The network does not read its own tokens one after the other.
    #[error(
        "the network reads a tensor, or its positions see those after them: it chooses no tokens one by one"
    )]
    NoGreedyTokens,
    /// Products are checked from a constant 0, which the constraints lack: a bug.
    #[error("the constraints have products, but no constant 0")]
    NoZero,
    /// The run was laid out in other rows and columns than the key: a bug, or a damaged key.
    #[error("the key is for the layout {expected:?}, but the run has {got:?}")]
    Layout {
        /// Binary logarithm of the rows, then the columns of multiplications, lookups, tables,
        /// linear combinations and constants, of the key.
        expected: [usize; 6],
        /// The same of the run.
        got: [usize; 6],
    },
    /// The job is at fault.
    #[error("rejected: {0}")]
    Rejected(#[from] Rejection),
    /// The key was made for another network, or another shape of the run.
    #[error("the key is for {expected}, but the run has {got}")]
    Run {
        /// What the key was made for.
        expected: RunShape,
        /// What was to be proved.
        got: RunShape,
    },
    /// An operator rounds by more bits than its constraints allow for.
    #[error("an operator rounds by {got} bits, which is not from {min} to {max}")]
    Rounding {
        /// Bits by which is rounded; below 0, zeros are appended.
        got: i32,
        /// Fewest bits.
        min: i32,
        /// Most bits.
        max: i32,
    },
    /// The reference string was refused, or is too short.
    #[error("structured reference string: {0}")]
    Srs(#[from] SrsError),
    /// The key was made with another reference string.
    #[error(
        "the key is for the reference string {expected} of 2^{expected_k} powers, but got {got} of 2^{got_k}"
    )]
    SrsMismatch {
        /// Digest of the string of the key.
        expected: B256,
        /// Binary logarithm of its powers.
        expected_k: u32,
        /// Digest of the string that was given.
        got: B256,
        /// Binary logarithm of its powers.
        got_k: u32,
    },
    /// The statement is not true of the run.
    #[error("the statement is not true of this run: {what} differs")]
    Statement {
        /// The part of the statement that differs.
        what: &'static str,
    },
    /// The interpreter refused the run.
    #[cfg(feature = "prover")]
    #[error("{0}")]
    Trace(#[from] lazai_coprocessor::trace::TraceError),
    /// A value of a product or a public input is in no column before the challenges are drawn: a
    /// bug.
    #[error("cell {cell} is in no multiplication, lookup or constant")]
    Unplaced {
        /// Number of the cell.
        cell: u32,
    },
    /// The work exceeds 64 bits.
    #[error("the work of the run exceeds 64 bits")]
    WorkOverflow,
}

/// The network and the shape of its runs, for which a key is made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RunShape {
    /// The network.
    pub model: ModelId,
    /// Integers that a run reads.
    pub inputs: usize,
    /// Integers that a run writes.
    pub outputs: usize,
}

impl fmt::Display for RunShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {} integers to {}", self.model, self.inputs, self.outputs)
    }
}

impl From<std::io::Error> for Halo2Error {
    fn from(error: std::io::Error) -> Self {
        Self::File { source: error.into() }
    }
}

impl From<WorkOverflow> for Halo2Error {
    fn from(_: WorkOverflow) -> Self {
        Self::WorkOverflow
    }
}

impl Halo2Error {
    /// Returns the number of the reason, by which a chain names it: the code of an [`InvalidKey`]
    /// of the system. It never changes.
    ///
    /// The second lowest byte is the class, the lowest the reason in it.
    #[must_use]
    pub const fn code(&self) -> u32 {
        match self {
            Self::Key { field, .. } => 0x100 + field.code(),
            Self::Srs(error) => 0x200 + error.code(),
            // About keygen, proofs and files, never about the bytes of a key.
            _ => 0x300,
        }
    }
}

impl From<Halo2Error> for InvalidKey {
    fn from(error: Halo2Error) -> Self {
        Self::new(error.code(), &error)
    }
}

impl From<Halo2Error> for PortError {
    fn from(error: Halo2Error) -> Self {
        match error {
            Halo2Error::Rejected(rejection) => Self::Rejected(rejection),
            Halo2Error::WorkOverflow => Self::Rejected(Rejection::WorkOverflow),
            Halo2Error::NoGreedyTokens => {
                Self::Rejected(Rejection::Unsupported { task: TaskKind::GreedyTokens })
            }
            Halo2Error::Columns { .. }
            | Halo2Error::Layout { .. }
            | Halo2Error::NeedsJob
            | Halo2Error::Rounding { .. }
            | Halo2Error::Run { .. }
            | Halo2Error::SrsMismatch { .. }
            | Halo2Error::Statement { .. } => {
                Self::Rejected(Rejection::Unprovable { what: "this run" })
            }
            error => Self::Fault(Fault { kind: FaultKind::Internal, message: error.to_string() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A changed number here is a change of consensus.
    #[test]
    fn codes_of_refused_keys_are_golden() {
        use KeyField as F;
        let golden = [
            (F::Version, 0x101),
            (F::Model, 0x102),
            (F::Input, 0x103),
            (F::Output, 0x104),
            (F::IntegersRead, 0x105),
            (F::IntegersWritten, 0x106),
            (F::FractionBits, 0x107),
            (F::Work, 0x108),
            (F::Shape, 0x109),
            (F::Rows, 0x10a),
            (F::MultiplicationColumns, 0x10b),
            (F::LookupColumns, 0x10c),
            (F::TableColumns, 0x10d),
            (F::CombinationColumns, 0x10e),
            (F::ConstantColumns, 0x10f),
            (F::ReferenceString, 0x110),
            (F::CommitmentList, 0x111),
            (F::Commitment, 0x112),
            (F::Form, 0x113),
            (F::TokenBits, 0x114),
            (F::EmbeddingBits, 0x115),
            (F::LogitBits, 0x116),
            (F::TokenReaders, 0x117),
            (F::TokensRead, 0x118),
            (F::File, 0x119),
        ];
        for (field, code) in golden {
            let (expected, got) = (String::new(), String::new());
            let error = Halo2Error::Key { field, expected, got };
            assert_eq!(InvalidKey::from(error).code, code, "{field}");
        }
        for (error, code) in [
            (SrsError::DevelopmentSecret, 0x201),
            (SrsError::Trivial, 0x202),
            (SrsError::Point { what: "G2", index: 1 }, 0x203),
            (SrsError::Unknown { digest: B256::ZERO }, 0x204),
            (SrsError::Field, 0x200),
        ] {
            assert_eq!(Halo2Error::from(error).code(), code);
        }
        assert_eq!(Halo2Error::WorkOverflow.code(), 0x300);
    }
}
