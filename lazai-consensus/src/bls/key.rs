use alloc::vec::Vec;
use core::fmt;

use alloy_primitives::{Address, B256, Keccak256, hex};
use blst::min_sig;
use lazai_api_types::codec::DecodeError;

use super::{
    MESSAGE_DST, POSSESSION_DST, Signature,
    batch::{Signed, verify_batch_under},
};

/// A secret key, wiped from memory when dropped.
#[derive(Clone)]
pub struct SecretKey(min_sig::SecretKey);

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

    /// Proves that `owner` knows the secret of the public key. Without such proofs, keys could be
    /// made up that cancel others out, or be copied from others together with their proof.
    #[must_use]
    pub fn prove_possession(&self, owner: Address) -> Signature {
        let message = possession(&self.public_key(), owner);
        Signature(self.0.sign(message.as_slice(), POSSESSION_DST, &[]))
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SecretKey(..)")
    }
}

/// A public key: a point of G2 that is in the right subgroup and not the identity.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct PublicKey(pub(super) min_sig::PublicKey);

impl PublicKey {
    /// Reads a compressed point.
    ///
    /// # Errors
    /// [`DecodeError::Point`] if it is none, not in the subgroup, or the identity.
    pub fn from_bytes(bytes: &[u8; PUBLIC_KEY_BYTES]) -> Result<Self, DecodeError> {
        min_sig::PublicKey::key_validate(bytes)
            .map(Self)
            .map_err(|_| DecodeError::Point { field: "public key" })
    }

    /// Returns the compressed point.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; PUBLIC_KEY_BYTES] {
        self.0.to_bytes()
    }

    /// Returns the point as EIP-2537 takes it: `x.c0 ‖ x.c1 ‖ y.c0 ‖ y.c1`, each 64 bytes
    /// big-endian.
    #[must_use]
    pub fn to_eip2537(&self) -> [u8; 256] {
        // blst writes the parts of an extension field element from the highest.
        let affine = self.0.serialize();
        let mut padded = [0; 256];
        for (place, part) in [1, 0, 3, 2].into_iter().zip(affine.as_chunks::<48>().0) {
            let (slots, _) = padded.as_chunks_mut::<64>();
            slots[place][16..].copy_from_slice(part);
        }
        padded
    }

    /// Returns whether the key is the identity, which a sum of keys can be but no key of a member.
    pub(crate) fn is_identity(&self) -> bool {
        self.to_bytes()[0] & IDENTITY_BIT != 0
    }

    /// Returns whether `proof` is what [`SecretKey::prove_possession`] makes for `owner`.
    #[must_use]
    pub fn verify_possession(&self, proof: &Signature, owner: Address) -> bool {
        proof.verify_under(possession(self, owner).as_slice(), POSSESSION_DST, self)
    }
}

/// Returns whether each proof is what [`SecretKey::prove_possession`] makes with its key for its
/// owner, in about half the time of single checks.
#[must_use]
pub fn verify_possessions(proofs: &[(Address, PublicKey, Signature)]) -> bool {
    let messages: Vec<_> = proofs.iter().map(|(owner, key, _)| possession(key, *owner)).collect();
    let signed: Vec<_> = proofs
        .iter()
        .zip(&messages)
        .map(|((_, key, signature), message)| Signed {
            message: message.as_slice(),
            key: *key,
            signature: *signature,
        })
        .collect();
    verify_batch_under(&signed, POSSESSION_DST)
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PublicKey({})", hex::encode(self.to_bytes()))
    }
}

/// Returns `keccak256("lazvm/possession/1" ‖ owner ‖ key)`.
fn possession(key: &PublicKey, owner: Address) -> B256 {
    let mut hasher = Keccak256::new();
    hasher.update(b"lazvm/possession/1");
    hasher.update(owner);
    hasher.update(key.to_bytes());
    hasher.finalize()
}

/// Bytes are no secret key: fewer than 32, zero, or not below the order.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a secret key is made from 32 bytes or more, or is a scalar between zero and the order")]
pub struct InvalidKeyMaterial;

/// Bytes of a compressed public key.
pub const PUBLIC_KEY_BYTES: usize = 96;
/// The flag of the identity in the first byte of a compressed point.
const IDENTITY_BIT: u8 = 0x40;
