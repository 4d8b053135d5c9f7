use core::fmt;

use alloy_primitives::hex;
use blst::{BLST_ERROR, min_sig};
use lazai_api_types::codec::DecodeError;

use super::{MESSAGE_DST, PublicKey};

/// A signature, or the sum of many: a point of G1 in the right subgroup.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Signature(pub(super) min_sig::Signature);

impl Signature {
    /// Reads a compressed point.
    ///
    /// # Errors
    /// [`DecodeError::Point`] if it is none, not in the subgroup, or the identity.
    pub fn from_bytes(bytes: &[u8; SIGNATURE_BYTES]) -> Result<Self, DecodeError> {
        min_sig::Signature::sig_validate(bytes, true)
            .map(Self)
            .map_err(|_| DecodeError::Point { field: "signature" })
    }

    /// Returns the compressed point.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; SIGNATURE_BYTES] {
        self.0.to_bytes()
    }

    /// Returns the point as EIP-2537 takes it: `x ‖ y`, each 64 bytes big-endian.
    #[must_use]
    pub fn to_eip2537(&self) -> [u8; 128] {
        let affine = self.0.serialize();
        let mut padded = [0; 128];
        padded[16..64].copy_from_slice(&affine[..48]);
        padded[80..].copy_from_slice(&affine[48..]);
        padded
    }

    /// Returns whether the owner of `key` signed `message`.
    #[must_use]
    pub fn verify(&self, message: &[u8], key: &PublicKey) -> bool {
        self.verify_under(message, MESSAGE_DST, key)
    }

    /// Returns whether the owners of all keys in `keys` signed `message`. Each of them must have
    /// proved possession.
    #[must_use]
    pub fn verify_aggregate(&self, message: &[u8], keys: &AggregateKey) -> bool {
        self.verify(message, &PublicKey(keys.0.to_public_key()))
    }

    /// Adds up signatures; `None` if there are none.
    #[must_use]
    pub fn aggregate<'a>(signatures: impl IntoIterator<Item = &'a Self>) -> Option<Self> {
        let mut signatures = signatures.into_iter();
        let mut sum = min_sig::AggregateSignature::from_signature(&signatures.next()?.0);
        for signature in signatures {
            // It was checked when it was read.
            sum.add_signature(&signature.0, false).ok()?;
        }
        Some(Self(sum.to_signature()))
    }

    pub(super) fn verify_under(&self, message: &[u8], domain: &[u8], key: &PublicKey) -> bool {
        // Both points were checked when they were read.
        self.0.verify(false, message, domain, &[], &key.0, false) == BLST_ERROR::BLST_SUCCESS
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Signature({})", hex::encode(self.to_bytes()))
    }
}

/// The sum of public keys.
#[derive(Clone, Copy)]
pub struct AggregateKey(min_sig::AggregatePublicKey);

impl AggregateKey {
    /// Adds up `keys`; `None` if there are none.
    #[must_use]
    pub fn of<'a>(keys: impl IntoIterator<Item = &'a PublicKey>) -> Option<Self> {
        let mut keys = keys.into_iter();
        let mut sum = min_sig::AggregatePublicKey::from_public_key(&keys.next()?.0);
        for key in keys {
            sum.add_public_key(&key.0, false).ok()?;
        }
        Some(Self(sum))
    }

    /// Returns the sum as one key.
    #[must_use]
    pub fn to_public_key(&self) -> PublicKey {
        PublicKey(self.0.to_public_key())
    }
}

impl fmt::Debug for AggregateKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "AggregateKey({:?})", self.to_public_key())
    }
}

/// Bytes of a compressed signature.
pub const SIGNATURE_BYTES: usize = 48;
