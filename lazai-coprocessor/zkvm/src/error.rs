/// Why a [`ZkvmKey`](crate::ZkvmKey) is refused.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum KeyError {
    /// The circuit has gnark commitments, or another number of them than the system reads.
    #[error("the circuit has gnark commitments, which are not supported here")]
    Commitments,
    /// Anybody could forge proofs because of this part.
    #[error("{part} is {flaw}: anyone could forge proofs under such a key")]
    Degenerate {
        /// The part of the key.
        part: &'static str,
        /// What the part is equal to, or what else is wrong with it.
        flaw: &'static str,
    },
    /// A parameter of the circuit has another value than the one that is read.
    #[error("{part} is {got}, expected {expected}")]
    Parameter {
        /// The parameter.
        part: &'static str,
        /// The value that gnark writes.
        expected: u64,
        /// The value in the key.
        got: u64,
    },
    /// The table of pairing lines is filled; nothing reads it, so it must be zero for a key to have
    /// one encoding.
    #[error("the pairing lines of the key are not zero")]
    Lines,
    /// A point is not encoded canonically, is the point at infinity, or lies off the curve or its
    /// prime-order group.
    #[error("{part} is not a canonical, finite point of the prime-order group of bn254")]
    Point {
        /// The point.
        part: &'static str,
    },
    /// A number is not reduced.
    #[error("{part} is not below the order of bn254")]
    Scalar {
        /// The number.
        part: &'static str,
    },
    /// The key, or the verifying key of the circuit in it, has another size.
    #[error("{part} has {got} bytes, expected {expected}")]
    Size {
        /// The part with this size.
        part: &'static str,
        /// The only size that is read, or the limit.
        expected: u64,
        /// The size found.
        got: u64,
    },
    /// The zkVM has no proofs of the system.
    #[error("{zkvm} has no proofs of this system")]
    System {
        /// The zkVM.
        zkvm: &'static str,
    },
    /// The version of the key is unknown.
    #[error("the key has version {got}, expected {expected}")]
    Version {
        /// The version that is read.
        expected: u8,
        /// The version of the key.
        got: u8,
    },
    /// The zkVM is unknown.
    #[error("zkVM {got} is unknown; 1 is Ziren, 2 is SP1, 3 is RISC Zero")]
    ZkVm {
        /// Number of the zkVM in the key.
        got: u8,
    },
}

impl KeyError {
    /// Returns the number of the reason, by which a chain names it: the code of an
    /// [`InvalidKey`](lazai_api_types::InvalidKey) of both systems. It never changes.
    #[must_use]
    pub const fn code(&self) -> u32 {
        match self {
            Self::Version { .. } => 1,
            Self::ZkVm { .. } => 2,
            Self::Size { .. } => 3,
            Self::System { .. } => 4,
            Self::Parameter { .. } => 5,
            Self::Commitments => 6,
            Self::Lines => 7,
            Self::Point { .. } => 8,
            Self::Scalar { .. } => 9,
            Self::Degenerate { .. } => 10,
        }
    }
}

/// Why a proof of a zkVM is refused.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ProofError {
    /// Everything is well formed, but the proof does not show the claim.
    #[error("the proof does not hold for these public values")]
    Equation,
    /// The program exited with another code than 0.
    #[error("the program did not exit with code 0")]
    ExitCode,
    /// The key is refused.
    #[error("the verifying key is refused: {0}")]
    Key(#[from] KeyError),
    /// The key names no offset of a statement, so only values can be shown under it.
    #[error("the key names no offset of a statement, so its program shows public values only")]
    NoStatements,
    /// A point is not encoded canonically, is the point at infinity, or lies off the curve or its
    /// prime-order group.
    #[error(
        "{part} of the proof is not a canonical, finite point of the prime-order group of bn254"
    )]
    Point {
        /// The point.
        part: &'static str,
    },
    /// The proof was made for another verifying key.
    #[error("the proof is for the verifying key {got:02x?}, expected {expected:02x?}")]
    Prefix {
        /// The prefix that the key asks for.
        expected: [u8; 4],
        /// The prefix of the proof.
        got: [u8; 4],
    },
    /// The proof belongs to another release of SP1.
    #[error("the proof has another root of verifying keys than the registered one")]
    Root,
    /// A number is not reduced.
    #[error("{part} of the proof is not below the order of bn254")]
    Scalar {
        /// The number.
        part: &'static str,
    },
    /// The envelope has another size.
    #[error("the proof has {got} bytes, expected {min} to {max}")]
    Size {
        /// Smallest size.
        min: u64,
        /// Largest size.
        max: u64,
        /// The size.
        got: u64,
    },
    /// The public values do not contain the statement.
    #[error("the public values do not hold the hash of the statement at byte {offset}")]
    Statement {
        /// Offset of the hash by the key.
        offset: u32,
    },
    /// The public values are longer than any that are read.
    #[error("the claim has {got} bytes of public values, above the limit {max}")]
    Values {
        /// Largest size.
        max: u64,
        /// The size.
        got: u64,
    },
    /// The version of the envelope is unknown.
    #[error("the proof has version {got}, expected {expected}")]
    Version {
        /// The version that is read.
        expected: u8,
        /// The version of the envelope.
        got: u8,
    },
}
