use alloy_primitives::Address;

/// A data key cannot be wrapped or unwrapped.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum GrantError {
    /// The grant fails authentication.
    #[error("the grant is not what was wrapped")]
    Damaged,
    /// The grant has expired.
    #[error("the grant expired at {expires_at}, and it is {now}")]
    Expired {
        /// The last second of the grant, in Unix time.
        expires_at: u64,
        /// The time of the attempt.
        now: u64,
    },
    /// The length of the encoding is wrong.
    #[error("a grant has {expected} bytes, got {got}")]
    Length {
        /// Bytes of every grant.
        expected: u64,
        /// Bytes given.
        got: u64,
    },
    /// The key does not belong to the holder.
    #[error("the grant is for {holder}, but the key is that of {got}")]
    NotRecipient {
        /// The holder.
        holder: Address,
        /// The address of the key.
        got: Address,
    },
    /// The bytes are not a point of secp256k1.
    #[error("the public key is no point of secp256k1")]
    Point,
    /// The bytes are not a secret key of secp256k1.
    #[error("the secret is 0, or not below the order of secp256k1")]
    Secret,
    /// The version of the format is unknown.
    #[error("version {got} is not read, only version {expected}")]
    Version {
        /// The supported version.
        expected: u8,
        /// The version of the bytes.
        got: u8,
    },
    /// The token is 0, which stands for no data.
    #[error("no data has the id 0")]
    ZeroDatId,
}
