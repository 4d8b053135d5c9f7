use std::io;

/// Why a structured reference string was refused.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SrsError {
    /// The secret is the published one, see [`is_development`](super::SrsVerifier::is_development).
    #[error(
        "the secret of this string is published for development, so anybody can forge proofs: load the file of a ceremony"
    )]
    DevelopmentSecret,
    /// The file is of another curve.
    #[error("the points are not on bn256 (bn254, alt_bn128)")]
    Field,
    /// A group's first element is not its usual generator.
    #[error("the first point of {group} is not the generator")]
    Generator {
        /// `G1` or `G2`.
        group: &'static str,
    },
    /// The file cannot be read.
    #[error("the file cannot be read or written: {kind}")]
    Io {
        /// What went wrong.
        kind: io::ErrorKind,
    },
    /// The points for values are not those that the powers determine.
    #[error("the Lagrange basis does not belong to the powers")]
    Lagrange,
    /// The file is longer or shorter than its header says.
    #[error("the file has {got} bytes, its header asks for {expected}")]
    Length {
        /// Bytes by the header.
        expected: u64,
        /// Bytes of the file.
        got: u64,
    },
    /// A part of the file is missing.
    #[error("section {section} is missing")]
    MissingSection {
        /// Its number.
        section: u32,
    },
    /// The points are not the powers of one secret.
    #[error("the points are not consecutive powers of one secret")]
    NotPowers,
    /// Bytes are not those of a point that may stand there.
    #[error("point {index} of {what} is not on the curve, not canonical, or infinite")]
    Point {
        /// In which list.
        what: &'static str,
        /// The place in the list.
        index: u64,
    },
    /// More or less powers than any file has.
    #[error("2^{got} powers are asked for, which is not from 2 to 2^{max}")]
    Power {
        /// Logarithm of the powers.
        got: u32,
        /// Largest logarithm.
        max: u32,
    },
    /// A part of the file is there twice.
    #[error("section {section} is there twice")]
    RepeatedSection {
        /// Its number.
        section: u32,
    },
    /// A part of the file has another size than the powers need.
    #[error("section {section} has {got} bytes, not {expected}")]
    SectionSize {
        /// Its number.
        section: u32,
        /// Bytes by the header.
        expected: u64,
        /// Bytes of the section.
        got: u64,
    },
    /// The file has too few powers.
    #[error("the file has 2^{got} powers, 2^{expected} are needed: take one of a larger power")]
    TooSmall {
        /// Logarithm of the powers needed.
        expected: u32,
        /// Logarithm of the powers in the file.
        got: u32,
    },
    /// The secret is one that anybody guesses.
    #[error("the secret is 0, 1 or a root of unity")]
    Trivial,
    /// The file is in an unknown version of its format.
    #[error("version {got} of the format is not known, only {expected}")]
    Version {
        /// Version that is read.
        expected: u32,
        /// Version of the file.
        got: u32,
    },
}

impl From<io::Error> for SrsError {
    fn from(error: io::Error) -> Self {
        Self::Io { kind: error.kind() }
    }
}
