use core::fmt;

use blst::min_sig;

use super::{MESSAGE_DST, PublicKey, Signature};

/// A secret key, wiped from memory when dropped.
#[derive(Clone)]
pub struct SecretKey(pub(super) min_sig::SecretKey);

impl SecretKey {
    /// Derives a key from secret random bytes, at least 32 of them (`KeyGen` of the draft).
    ///
    /// # Errors
    /// [`InvalidKeyMaterial`] if there are fewer.
    pub fn from_seed(seed: &[u8]) -> Result<Self, InvalidKeyMaterial> {
        min_sig::SecretKey::key_gen(seed, &[]).map(Self).map_err(|_| InvalidKeyMaterial)
    }

    /// Reads a big-endian scalar.
    ///
    /// # Errors
    /// [`InvalidKeyMaterial`] if it is zero or not below the order of the groups.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, InvalidKeyMaterial> {
        min_sig::SecretKey::from_bytes(bytes).map(Self).map_err(|_| InvalidKeyMaterial)
    }

    /// Returns the big-endian scalar, that is the secret itself.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// Returns the public key that belongs to the secret.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        PublicKey(self.0.sk_to_pk())
    }

    /// Signs a message.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Signature {
        Signature(self.0.sign(message, MESSAGE_DST, &[]))
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SecretKey(..)")
    }
}

/// Bytes are no secret key: fewer than 32, zero, or not below the order.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a secret key is made from 32 bytes or more, or is a scalar between zero and the order")]
pub struct InvalidKeyMaterial;
