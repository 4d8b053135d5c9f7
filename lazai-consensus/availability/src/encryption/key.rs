use core::fmt;

use alloy_primitives::{Address, keccak256};
use hkdf::Hkdf;
use k256::{PublicKey, SecretKey, ecdh::diffie_hellman, elliptic_curve::sec1::ToEncodedPoint};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::GrantError;

/// The symmetric key of a sealed dataset. It is wiped from memory on drop and hidden by `Debug`.
#[derive(Clone)]
pub struct DataKey(Zeroizing<[u8; 32]>);

impl DataKey {
    /// Creates a key from `bytes`, which must come from a cryptographically secure source of
    /// randomness.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Returns the secret bytes, to be stored by the owner of the key.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey(..)")
    }
}

/// The public key of a wallet to which data keys are wrapped.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RecipientKey(PublicKey);

impl RecipientKey {
    /// Decodes a point in SEC1 form: 33 bytes compressed or 65 uncompressed.
    ///
    /// # Errors
    /// [`GrantError::Point`] if the bytes are no point of secp256k1.
    pub fn from_sec1(bytes: &[u8]) -> Result<Self, GrantError> {
        // The compact form (tag 5) is refused: it would give each point two encodings of one
        // length.
        if !matches!(bytes.first(), Some(2..=4)) {
            return Err(GrantError::Point);
        }
        PublicKey::from_sec1_bytes(bytes).map(Self).map_err(|_| GrantError::Point)
    }

    /// Encodes the point in compressed form.
    #[must_use]
    pub fn to_sec1(&self) -> [u8; 33] {
        let mut bytes = [0; 33];
        for (byte, from) in bytes.iter_mut().zip(self.0.to_encoded_point(true).as_bytes()) {
            *byte = *from;
        }
        bytes
    }

    /// Returns the address of the wallet.
    #[must_use]
    pub fn address(&self) -> Address {
        let point = self.0.to_encoded_point(false);
        Address::from_word(keccak256(point.as_bytes().get(1..).unwrap_or_default()))
    }
}

/// The secret key of a wallet that unwraps data keys. It is wiped from memory on drop and hidden by
/// `Debug`.
pub struct RecipientSecret(SecretKey);

impl RecipientSecret {
    /// Creates a secret key from its 32 bytes.
    ///
    /// # Errors
    /// [`GrantError::Secret`] if the number is 0 or not below the order of the curve.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, GrantError> {
        SecretKey::from_slice(bytes).map(Self).map_err(|_| GrantError::Secret)
    }

    /// Returns the public key.
    #[must_use]
    pub fn public_key(&self) -> RecipientKey {
        RecipientKey(self.0.public_key())
    }

    /// Derives the shared secret of a Diffie-Hellman exchange with `key`, bound to `info`.
    pub(super) fn agree(&self, key: &RecipientKey, info: &[&[u8]]) -> Zeroizing<[u8; 32]> {
        let shared = diffie_hellman(self.0.to_nonzero_scalar(), key.0.as_affine());
        derive(None, shared.raw_secret_bytes(), info)
    }
}

impl fmt::Debug for RecipientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecipientSecret(..)")
    }
}

/// Derives `N` bytes by HKDF-SHA256.
pub(super) fn derive<const N: usize>(
    salt: Option<&[u8]>,
    secret: &[u8],
    info: &[&[u8]],
) -> Zeroizing<[u8; N]> {
    const { assert!(N <= 255 * 32, "HKDF gives no more, and fails for no other reason") };
    let mut bytes = Zeroizing::new([0; N]);
    let derived = Hkdf::<Sha256>::new(salt, secret).expand_multi_info(info, bytes.as_mut());
    debug_assert!(derived.is_ok());
    bytes
}
