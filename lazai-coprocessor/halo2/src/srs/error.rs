use std::io;

use alloy_primitives::B256;
use lazai_api_types::IoError;

/// Why a structured reference string was refused.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SrsError {
    /// The secret is the published one; see [`is_development`](super::SrsVerifier::is_development).
    #[error(
        "the secret of this string is published for development, so anybody can forge proofs: load the file of a ceremony"
    )]
    DevelopmentSecret,
    /// The file is of another curve.
    #[error("the points are not on bn256 (bn254, alt_bn128)")]
    Field,
    /// The first point of a group is not its usual generator.
    #[error("the first point of {group} is not the generator")]
    Generator {
        /// `G1` or `G2`.
        group: &'static str,
    },
    /// The file cannot be read.
    #[error("the file cannot be read or written: {}", source.kind())]
    Io {
        /// The error of the file system.
        source: IoError,
    },
    /// The Lagrange basis is not the one that follows from the powers.
    #[error("the Lagrange basis does not belong to the powers")]
    Lagrange,
    /// The file is longer or shorter than its header says.
    #[error("the file has {got} bytes, its header asks for {expected}")]
    Length {
        /// Length by the header.
        expected: u64,
        /// Length of the file.
        got: u64,
    },
    /// A section of the file is missing.
    #[error("section {section} is missing")]
    MissingSection {
        /// Number of the section.
        section: u32,
    },
    /// The points are not the powers of one secret.
    #[error("the points are not consecutive powers of one secret")]
    NotPowers,
    /// Bytes are not the encoding of a point that is allowed there.
    #[error("point {index} of {what} is not on the curve, not canonical, or infinite")]
    Point {
        /// The list of points.
        what: &'static str,
        /// Index in the list.
        index: u64,
    },
    /// The number of powers is outside the range that files have.
    #[error("2^{got} powers are asked for, which is not from 2 to 2^{max}")]
    Power {
        /// Binary logarithm of the powers.
        got: u32,
        /// Largest binary logarithm.
        max: u32,
    },
    /// A section occurs twice.
    #[error("section {section} is there twice")]
    RepeatedSection {
        /// Number of the section.
        section: u32,
    },
    /// A section has another size than the powers need.
    #[error("section {section} has {got} bytes, not {expected}")]
    SectionSize {
        /// Number of the section.
        section: u32,
        /// Length by the header.
        expected: u64,
        /// Length of the section.
        got: u64,
    },
    /// The file has too few powers.
    #[error("the file has 2^{got} powers, 2^{expected} are needed: take one of a larger power")]
    TooSmall {
        /// Binary logarithm of the powers needed.
        expected: u32,
        /// Binary logarithm of the powers in the file.
        got: u32,
    },
    /// The string is of no ceremony that the verifier knows.
    #[error("no ceremony with the digest {digest} is known here")]
    Unknown {
        /// The digest of the string.
        digest: B256,
    },
    /// The secret is one that anybody can guess.
    #[error("the secret is 0, 1 or a root of unity")]
    Trivial,
    /// The file has an unknown version of its format.
    #[error("version {got} of the format is not known, only {expected}")]
    Version {
        /// Version that is read.
        expected: u32,
        /// Version of the file.
        got: u32,
    },
}

impl SrsError {
    /// Returns the number of the reason among those for which a key is refused, from 1 to 255, and
    /// 0 for those about files; it never changes.
    pub(crate) const fn code(&self) -> u32 {
        match self {
            Self::DevelopmentSecret => 1,
            Self::Trivial => 2,
            Self::Point { .. } => 3,
            Self::Unknown { .. } => 4,
            Self::Field
            | Self::Generator { .. }
            | Self::Io { .. }
            | Self::Lagrange
            | Self::Length { .. }
            | Self::MissingSection { .. }
            | Self::NotPowers
            | Self::Power { .. }
            | Self::RepeatedSection { .. }
            | Self::SectionSize { .. }
            | Self::TooSmall { .. }
            | Self::Version { .. } => 0,
        }
    }
}

impl From<io::Error> for SrsError {
    fn from(error: io::Error) -> Self {
        Self::Io { source: error.into() }
    }
}
