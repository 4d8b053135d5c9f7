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
