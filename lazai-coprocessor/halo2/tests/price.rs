//! The dearest claims that anyone can make about a key of their own, beside what they are charged.

#![allow(clippy::unwrap_used)]

use lazai_api_types::{Claim, ProofVerifier};
use lazai_halo2::{Halo2Verifier, hostile};

#[test]
fn garbage_is_refused_at_every_size() {
    let verifier = Halo2Verifier::accepting_development_keys();
    for (columns, integers) in [(1, 1), (1, 1_000), (4, 10)] {
        let key = hostile::key([columns; 5], integers).unwrap();
        let (statement, proof) = hostile::claim(&key, integers);
        assert_eq!(
            verifier.verify(&key.to_bytes(), Claim::Statement(&statement), &proof),
            Ok(false)
        );
    }
}

/// Whoever is allowed to register a key can have proofs under it checked.
#[test]
fn the_longest_proof_of_the_longest_key_is_not_too_long() {
    let verifier = Halo2Verifier::accepting_development_keys();
    let limits = verifier.limits();
    // With more columns a key is too long.
    let key = (1..=40).rev().find_map(|columns| hostile::key([columns; 5], 1 << 16)).unwrap();
    assert!(key.to_bytes().len() as u64 <= limits.key_bytes);
    let longest = 1 + 8 * (1 << 16) + key.proof_bytes() as u64;
    assert!(longest > 1 << 19 && longest <= limits.proof_bytes, "{longest}");
}
