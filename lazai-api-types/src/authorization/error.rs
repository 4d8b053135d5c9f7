use alloy_primitives::{Address, U256};

/// Why a request is not authorized.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AuthorizationError {
    /// The body and the headers name different values.
    #[error("the {field} of the body is not that of the headers")]
    Disagreement {
        /// The value that differs.
        field: &'static str,
    },
    /// A header appears twice.
    #[error("the header {header} appears more than once")]
    DuplicateHeader {
        /// Name of the header.
        header: &'static str,
    },
    /// The time is past the deadline.
    #[error("the authorization ended at {deadline}, and it is {now}")]
    Expired {
        /// The last second in which the authorization holds, in Unix time.
        deadline: u64,
        /// The time of the check.
        now: u64,
    },
    /// The request costs more than was allowed.
    #[error("the fee is {fee}, above the maximum {maximum}")]
    FeeAboveMaximum {
        /// The fee that was asked for, in wei.
        fee: U256,
        /// The highest fee that the user allowed.
        maximum: U256,
    },
    /// The larger of the two equivalent forms of a signature, which is refused so that each has one
    /// form.
    #[error("the signature has a high s")]
    HighS,
    /// A wallet address cannot be read.
    #[error("{field} is not an address of 20 bytes in hexadecimal")]
    InvalidAddress {
        /// The value at fault.
        field: &'static str,
    },
    /// A number cannot be read.
    #[error("{field} is not a decimal number below 2^{bits}")]
    InvalidNumber {
        /// The value at fault.
        field: &'static str,
        /// Bits that the number may have.
        bits: u32,
    },
    /// A signature has the wrong form.
    #[error("the signature is not 65 bytes in hexadecimal")]
    InvalidSignature,
    /// The last byte of a signature is wrong.
    #[error("the signature ends with {got}, but must end with 0, 1, 27 or 28")]
    InvalidSignatureParity {
        /// The last byte of the signature.
        got: u8,
    },
    /// A part of the authorization is absent.
    #[error("{field} is missing")]
    Missing {
        /// Name of the absent value.
        field: &'static str,
    },
    /// The nonce was used before, or a later one was.
    #[error("the nonce is {got}, but must be above {last}")]
    NonceTooLow {
        /// The nonce of the request.
        got: U256,
        /// The last one used.
        last: U256,
    },
    /// Another wallet signed, or something else was signed.
    #[error("the signature is that of {got}, not of {expected}")]
    SignerMismatch {
        /// The user that the request names.
        expected: Address,
        /// Who signed, if this is what was signed.
        got: Address,
    },
    /// No wallet can have made the signature.
    #[error("the signature belongs to no wallet")]
    Unrecoverable,
    /// Data ids start at 1.
    #[error("the data id is 0, but ids start at 1")]
    ZeroDatId,
}

impl AuthorizationError {
    /// Returns the code by which programs tell errors apart.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Disagreement { .. } => "headers_disagree",
            Self::DuplicateHeader { .. } => "duplicate_header",
            Self::Expired { .. } => "authorization_expired",
            Self::FeeAboveMaximum { .. } => "fee_above_maximum",
            Self::InvalidAddress { .. } => "invalid_address",
            Self::InvalidNumber { .. } => "invalid_number",
            Self::Missing { .. } => "missing_authorization",
            Self::NonceTooLow { .. } => "nonce_too_low",
            Self::HighS
            | Self::InvalidSignature
            | Self::InvalidSignatureParity { .. }
            | Self::SignerMismatch { .. }
            | Self::Unrecoverable => "invalid_signature",
            Self::ZeroDatId => "invalid_dat_id",
        }
    }
}
