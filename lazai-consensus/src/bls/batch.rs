use alloc::vec::Vec;

use alloy_primitives::Keccak256;
use blst::{BLST_ERROR, blst_scalar, min_sig};

use super::{MESSAGE_DST, PublicKey, Signature};

/// A message with the key and the signature that are said to belong to it.
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a> {
    /// The message that was signed.
    pub message: &'a [u8],
    /// The public key of the claimed signer.
    pub key: PublicKey,
    /// The signature to verify.
    pub signature: Signature,
}

/// Returns whether each signature is that of its key for its message, in about half the time of
/// single checks; `true` if there are none.
///
/// The messages may differ. All equations are checked as one sum with weights of 128 bits, so that
/// one wrong signature passes with a probability of 2^-127 only. The weights are a hash of all
/// messages, keys and signatures: the answer is the same on every machine, and signers cannot fit
/// their signatures to the weights.
#[must_use]
pub fn verify_batch(signed: &[Signed<'_>]) -> bool {
    verify_batch_under(signed, MESSAGE_DST)
}

pub(super) fn verify_batch_under(signed: &[Signed<'_>], domain: &[u8]) -> bool {
    if signed.is_empty() {
        return true;
    }
    let weights = weights(signed);
    let messages: Vec<_> = signed.iter().map(|signed| signed.message).collect();
    let keys: Vec<_> = signed.iter().map(|signed| &signed.key.0).collect();
    let signatures: Vec<_> = signed.iter().map(|signed| &signed.signature.0).collect();
    // All points were checked when they were read.
    let verdict = min_sig::Signature::verify_multiple_aggregate_signatures(
        &messages,
        domain,
        &keys,
        false,
        &signatures,
        false,
        &weights,
        WEIGHT_BITS,
    );
    verdict == BLST_ERROR::BLST_SUCCESS
}

fn weights(signed: &[Signed<'_>]) -> Vec<blst_scalar> {
    let mut seed = Keccak256::new();
    seed.update(b"lazvm/batch/1");
    for Signed { message, key, signature } in signed {
        seed.update((message.len() as u64).to_be_bytes());
        seed.update(message);
        seed.update(key.to_bytes());
        seed.update(signature.to_bytes());
    }
    let seed = seed.finalize();
    let weight = |index: u64| {
        let mut hasher = Keccak256::new();
        hasher.update(seed);
        hasher.update(index.to_be_bytes());
        let mut scalar = blst_scalar::default();
        scalar.b[..WEIGHT_BITS / 8].copy_from_slice(&hasher.finalize()[..WEIGHT_BITS / 8]);
        // Never zero.
        scalar.b[0] |= 1;
        scalar
    };
    (0..signed.len() as u64).map(weight).collect()
}

const WEIGHT_BITS: usize = 128;

#[cfg(test)]
mod tests {
    use alloy_primitives::B256;

    use super::*;
    use crate::bls::SecretKey;

    #[test]
    fn one_wrong_signature_spoils_a_batch() {
        let secrets: Vec<_> =
            (0..5).map(|byte| SecretKey::from_seed(&[byte; 32]).unwrap()).collect();
        let messages: Vec<_> = (0..5).map(B256::repeat_byte).collect();
        let signed: Vec<_> = secrets
            .iter()
            .zip(&messages)
            .map(|(secret, message)| Signed {
                message: message.as_slice(),
                key: secret.public_key(),
                signature: secret.sign(message.as_slice()),
            })
            .collect();
        for count in 0..=5 {
            assert!(verify_batch(&signed[..count]), "{count}");
        }
        assert!(!verify_batch_under(&signed, crate::bls::POSSESSION_DST));
        for at in 0..5 {
            let mut wrong = signed.clone();
            wrong[at].signature = secrets[at].sign(b"another");
            assert!(!verify_batch(&wrong), "{at}");
            let mut wrong = signed.clone();
            wrong[at].message = b"another";
            assert!(!verify_batch(&wrong), "{at}");
        }
        // Errors that cancel out in a plain sum do not in one with weights.
        let mut swapped = signed;
        let (first, second) = (swapped[0].signature, swapped[1].signature);
        (swapped[0].signature, swapped[1].signature) = (second, first);
        assert!(!verify_batch(&swapped));
        for signed in &mut swapped {
            signed.message = b"the same";
        }
        for (signed, secret) in swapped.iter_mut().zip(&secrets) {
            signed.signature = secret.sign(b"the same");
        }
        assert!(verify_batch(&swapped));
        let (first, second) = (swapped[0].signature, swapped[1].signature);
        (swapped[0].signature, swapped[1].signature) = (second, first);
        let keys = crate::bls::AggregateKey::of(swapped.iter().map(|signed| &signed.key)).unwrap();
        let sum = Signature::aggregate(swapped.iter().map(|signed| &signed.signature)).unwrap();
        assert!(sum.verify_aggregate(b"the same", &keys), "a plain sum takes it");
        assert!(!verify_batch(&swapped));
    }
}
