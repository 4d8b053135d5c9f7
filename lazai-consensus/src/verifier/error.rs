use lazai_api_types::codec::DecodeError;

use crate::{CertificateError, CommitteeError, VoteError};

/// Why a certificate does not prove a claim, or a roster is no key.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum QuorumVerifierError {
    /// The certificate is invalid.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The roster forms no committee.
    #[error(transparent)]
    Committee(#[from] CommitteeError),
    /// Key, values or proof are malformed.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The key or the proof is too long.
    #[error("the {part} has {got} bytes, expected at most {max}")]
    Size {
        /// `key` or `proof`.
        part: &'static str,
        /// Most bytes of this part.
        max: u64,
        /// Number of bytes given.
        got: u64,
    },
    /// The values are an attestation of another quorum or epoch.
    #[error(transparent)]
    Attestation(#[from] VoteError),
}

impl QuorumVerifierError {
    /// Returns the number of the reason, by which a chain names it: the code of an
    /// [`InvalidKey`](lazai_api_types::InvalidKey) of the system. It never changes.
    ///
    /// The second lowest byte is the class, the lowest the reason in it.
    #[must_use]
    pub const fn code(&self) -> u32 {
        match self {
            Self::Decode(error) => 0x100 | error.code(),
            Self::Committee(error) => 0x200 | error.code(),
            Self::Size { .. } => 0x300,
            // About a proof, never about a key.
            Self::Certificate(_) => 0x400,
            Self::Attestation(_) => 0x500,
        }
    }
}
