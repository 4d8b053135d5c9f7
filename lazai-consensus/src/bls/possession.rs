//! Proofs that the owner of a public key knows its secret.

use alloc::vec::Vec;

use alloy_primitives::{Address, B256, Keccak256};

use super::{
    POSSESSION_DST, PublicKey, SecretKey, Signature,
    batch::{Signed, verify_batch_under},
};

impl SecretKey {
    /// Proves that `owner` knows the secret of the public key. Without such proofs, keys could be
    /// made up that cancel others out, or be copied from others together with their proof.
    #[must_use]
    pub fn prove_possession(&self, owner: Address) -> Signature {
        let message = possession(&self.public_key(), owner);
        Signature(self.0.sign(message.as_slice(), POSSESSION_DST, &[]))
    }
}

impl PublicKey {
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

/// Returns `keccak256("lazvm/possession/1" ‖ owner ‖ key)`.
fn possession(key: &PublicKey, owner: Address) -> B256 {
    let mut hasher = Keccak256::new();
    hasher.update(b"lazvm/possession/1");
    hasher.update(owner);
    hasher.update(key.to_bytes());
    hasher.finalize()
}
