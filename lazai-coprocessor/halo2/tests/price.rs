//! The dearest claims that anyone can make about a key of their own, beside what they are charged.

#![allow(clippy::unwrap_used)]

use alloy_primitives::{B256, hex};
use lazai_api_types::{Claim, InferenceStatement, ProofVerifier};
use lazai_halo2::{Halo2Verifier, VerifyingKey};

/// A key whose commitments are all the generator, with `columns` of each kind, that reads and
/// writes `integers` of 32 bits; a true statement about them; and an envelope that is read to its
/// end and refused by the last equation alone.
fn case(columns: u8, integers: u32) -> (Vec<u8>, InferenceStatement, Vec<u8>) {
    let key = key(columns, integers).unwrap();
    let numbers = vec![i32::from_le_bytes([1; 4]); integers as usize];
    let statement = key.public_inputs.statement(&numbers, &numbers, B256::ZERO);
    let mut proof = vec![1; 1 + 8 * integers as usize];
    // Points, then numbers, then two points; the generator is (1, 2), and so are the numbers.
    let words = key.proof_bytes() / 32;
    for word in (0..words - 4).chain(0..4) {
        proof.extend([0; 31]);
        proof.push(1 + (word % 2) as u8);
    }
    (key.to_bytes(), statement, proof)
}

/// `None` if the key has more commitments than any that is registered.
fn key(columns: u8, integers: u32) -> Option<VerifyingKey> {
    let mut key = vec![2];
    key.extend([7; 32]);
    // A tensor is read, and logits are written.
    key.extend([1, 1]);
    for _ in 0..2 {
        key.extend(integers.to_be_bytes());
        key.push(32);
    }
    key.extend([0; 17]);
    key.push(6);
    key.extend([columns; 5]);
    key.extend(DEVELOPMENT);
    // The abscissa of the generator is 1.
    let one: Vec<u8> = (0..32).map(|index| u8::from(index == 0)).collect();
    (0..MOST_COMMITMENTS).find_map(|_| {
        key.extend_from_slice(&one);
        VerifyingKey::from_bytes(&key).ok()
    })
}

#[test]
fn garbage_is_refused_at_every_size() {
    let verifier = Halo2Verifier::accepting_development_keys();
    for (columns, integers) in [(1, 1), (1, 1_000), (4, 10)] {
        let (key, statement, proof) = case(columns, integers);
        assert_eq!(verifier.verify(&key, Claim::Statement(&statement), &proof), Ok(false));
    }
}

/// Whoever is allowed to register a key can have proofs under it checked.
#[test]
fn the_longest_proof_of_the_longest_key_is_not_too_long() {
    let verifier = Halo2Verifier::accepting_development_keys();
    let limits = verifier.limits();
    // With more columns a key is too long.
    let key = (1..=40).rev().find_map(|columns| key(columns, 1 << 16)).unwrap();
    assert!(key.to_bytes().len() as u64 <= limits.key_bytes);
    let longest = 1 + 8 * (1 << 16) + key.proof_bytes() as u64;
    assert!(longest > 1 << 19 && longest <= limits.proof_bytes, "{longest}");
}

/// The published secret times the generator of G2.
const DEVELOPMENT: [u8; 128] = hex!(
    "16d5f409b5cefbf93a61b02d0403d173d0c012be8b286d4a056f638d479dffe1"
    "2fdc3e39101c84a1c2d2419daa7be82834a535d4080cbab49f49ffc6bee25898"
    "16a68dce1278c7ec6f6eb71b60fb580e822c3f8a8d25be8b7dbd1fd9f0d27cb5"
    "11318f261d644f804197708d4770695595b06df6f3d3dfe2ac7223cbafca8ae2"
);

/// Commitments of a key of 16 KiB.
const MOST_COMMITMENTS: usize = 505;
