//! Verifiers behind their guard, and the registry of keys.

use std::sync::Arc;

use alloy_primitives::{B256, b256, keccak256};
use lazai_api_types::{
    Claim, DuplicateVerifier, Fault, FaultKind, GuardedVerifier, InferenceStatement, InvalidKey,
    ModelId, PortError, ProofLimits, ProofRegistry, ProofSystemId, ProofVerifier, RegistryError,
    Rejection, Work, key_hash,
};
use proptest::prelude::*;

const SYSTEM: ProofSystemId = ProofSystemId(1_000);

/// A proof is the hash of key and claim; a key is one byte repeated. What a key starts with chooses
/// how it goes wrong.
#[derive(Debug)]
struct Hashes;

impl Hashes {
    fn prove(key: &[u8], claim: Claim<'_>) -> B256 {
        let claim = match claim {
            Claim::Statement(statement) => statement.hash(),
            Claim::Values(values) => keccak256(values),
        };
        keccak256([key, claim.as_slice()].concat())
    }
}

impl ProofVerifier for Hashes {
    fn id(&self) -> ProofSystemId {
        SYSTEM
    }

    fn limits(&self) -> ProofLimits {
        ProofLimits { key_bytes: 8, proof_bytes: 32 }
    }

    fn work(&self, key_bytes: u64, proof_bytes: u64) -> Work {
        assert!(key_bytes != 7, "seven bytes have no price");
        Work { flops: key_bytes + proof_bytes, peak_bytes: 0 }
    }

    fn admit(&self, key: &[u8]) -> Result<(), InvalidKey> {
        match key {
            [0xff, ..] => panic!("a bug in the verifier"),
            [first, rest @ ..] if rest.iter().all(|byte| byte == first) => Ok(()),
            _ => Err(InvalidKey::new(7, &"expected one byte repeated")),
        }
    }

    fn verify(&self, key: &[u8], claim: Claim<'_>, proof: &[u8]) -> Result<bool, PortError> {
        assert!(key.len() <= 8 && proof.len() <= 32, "the guard lets nothing longer through");
        match (key.first(), proof.first()) {
            (_, Some(0xff)) => panic!("a bug in the verifier"),
            (Some(1), _) => Err(Fault { kind: FaultKind::Device, message: String::new() }.into()),
            (Some(2), _) => Err(Rejection::InvalidText.into()),
            _ => Ok(proof == Self::prove(key, claim)),
        }
    }
}

const fn statement() -> InferenceStatement {
    InferenceStatement {
        model: ModelId(B256::repeat_byte(1)),
        input: B256::repeat_byte(2),
        output: B256::repeat_byte(3),
        work: Work { flops: 4, peak_bytes: 5 },
        context: B256::repeat_byte(6),
    }
}

fn registry() -> ProofRegistry {
    let mut registry = ProofRegistry::default();
    registry.register_verifier(Arc::new(Hashes)).unwrap();
    registry
}

#[test]
fn the_hash_of_a_key_is_what_the_documentation_says() {
    let preimage = [b"lazvm/verifying-key/1".as_slice(), &1_000_u32.to_be_bytes(), b"key"].concat();
    assert_eq!(key_hash(SYSTEM, b"key"), keccak256(preimage));
    let expected = b256!("8feb7082e0ff20eea1c9bd3ea00827cba116f246b836a1892a977ded4985dee7");
    assert_eq!(key_hash(SYSTEM, b"key"), expected);
    assert_ne!(key_hash(SYSTEM, b"key"), key_hash(ProofSystemId(1_001), b"key"));
}

#[test]
fn a_registered_key_checks_proofs_of_both_claims() {
    let mut registry = registry();
    let hash = registry.register_key(SYSTEM, &[9, 9]).unwrap();
    assert_eq!(hash, key_hash(SYSTEM, &[9, 9]));
    assert_eq!(registry.register_key(SYSTEM, &[9, 9]), Ok(hash));
    assert_eq!(registry.key(SYSTEM, hash), Some([9, 9].as_slice()));
    let statement = statement();
    let claims = [Claim::Statement(&statement), Claim::Values(b"values")];
    for (claim, other) in [(claims[0], claims[1]), (claims[1], claims[0])] {
        let proof = Hashes::prove(&[9, 9], claim);
        assert_eq!(registry.verify(SYSTEM, hash, claim, proof.as_slice()), Ok(true));
        assert_eq!(registry.verify(SYSTEM, hash, other, proof.as_slice()), Ok(false));
        assert_eq!(registry.verify(SYSTEM, hash, claim, &proof[..31]), Ok(false));
    }
}

#[test]
fn what_is_not_registered_is_unknown() {
    let mut registry = registry();
    let (system, key_hash) = (ProofSystemId(7), B256::ZERO);
    let claim = Claim::Values(b"");
    let unknown = RegistryError::UnknownSystem { system };
    assert_eq!(registry.register_key(system, &[1]), Err(unknown.clone()));
    assert_eq!(registry.verify(system, key_hash, claim, b""), Err(unknown));
    let unknown = RegistryError::UnknownKey { system: SYSTEM, key_hash };
    assert_eq!(registry.verify(SYSTEM, key_hash, claim, b""), Err(unknown));
    assert_eq!(registry.key(SYSTEM, key_hash), None);
}

#[test]
fn refused_keys_are_not_kept() {
    let mut registry = registry();
    for (key, code, reason) in [
        ([1, 2].as_slice(), 7, "expected one byte repeated"),
        (&[0xff], 0, "the verifier panicked"),
    ] {
        let refused = RegistryError::InvalidKey(InvalidKey::new(code, &reason));
        assert_eq!(registry.register_key(SYSTEM, key), Err(refused));
        assert_eq!(registry.key(SYSTEM, key_hash(SYSTEM, key)), None);
    }
    let refused = registry.register_key(SYSTEM, &[3; 9]);
    assert_eq!(refused, Err(RegistryError::KeyTooLong { got: 9, max: 8 }));
}

#[test]
fn one_system_has_one_verifier() {
    let mut registry = registry();
    let refused = registry.register_verifier(Arc::new(Hashes));
    assert_eq!(refused, Err(DuplicateVerifier { system: SYSTEM }));
}

#[test]
fn a_panic_refuses_and_changes_no_later_answer() {
    let guard = GuardedVerifier::new(&Hashes);
    let (key, claim) = ([9], Claim::Values(b"values"));
    let proof = Hashes::prove(&key, claim);
    assert_eq!(guard.verify(&key, claim, &[0xff]), Ok(false));
    assert_eq!(guard.verify(&key, claim, proof.as_slice()), Ok(true));
    let unpayable = Work { flops: u64::MAX, peak_bytes: u64::MAX };
    assert_eq!(guard.work(7, 0), Ok(unpayable));
    assert_eq!(guard.work(6, 1), Ok(Work { flops: 7, peak_bytes: 0 }));
}

#[test]
fn faults_of_this_machine_stay_faults() {
    let guard = GuardedVerifier::new(&Hashes);
    let fault = guard.verify(&[1], Claim::Values(b""), b"").unwrap_err();
    assert_eq!(fault.kind, FaultKind::Device);
    assert_eq!(guard.verify(&[2], Claim::Values(b""), b""), Ok(false));
}

proptest! {
    #[test]
    fn lengths_are_bounded_before_the_verifier_sees_them(
        key in prop::collection::vec(any::<u8>(), 0..20),
        proof in prop::collection::vec(any::<u8>(), 0..70),
        sizes: (u64, u64),
    ) {
        let guard = GuardedVerifier::new(&Hashes);
        if key.first() != Some(&1) {
            prop_assert_eq!(guard.verify(&key, Claim::Values(b"values"), &proof), Ok(false));
        }
        let admitted = guard.admit(&key).is_ok();
        prop_assert!(!admitted || (1..=8).contains(&key.len()));
        let priced = guard.work(sizes.0, sizes.1);
        prop_assert_eq!(priced.is_ok(), sizes.0 <= 8 && sizes.1 <= 32);
    }
}
