use alloy_primitives::B256;
use halo2_proofs::halo2curves::{
    bn256::{Fr, G2Affine},
    group::Curve,
};
use lazai_api_types::ProofVerifier;
use lazai_coprocessor::trace::Input;

use crate::{Halo2Error, Halo2Verifier, KeyField, ProvedOutput, ProvingKey, Srs, SrsVerifier};

#[test]
fn keys_are_canonical_and_hostile_ones_are_refused() {
    let network = super::support::perceptron();
    let input = vec![5; 40];
    let source = Srs::development_with_known_secret;
    let key =
        ProvingKey::new(&network, ProvedOutput::Logits, Input::Tensor(&input), source, &mut |_| {})
            .unwrap();
    let bytes = key.verifying().to_bytes();
    let read = crate::VerifyingKey::from_bytes(&bytes).unwrap();
    assert_eq!(read.to_bytes(), bytes);
    // What halo2 itself made of the circuit, its gates and domain included.
    let (ours, theirs) = (read.halo2.transcript_repr(), key.verifying().halo2.transcript_repr());
    assert_eq!(ours, theirs);
    let refused = |verifier: &Halo2Verifier| verifier.admit(&bytes).unwrap_err().code;
    assert_eq!(refused(&Halo2Verifier::new()), 0x201);
    assert_eq!(refused(&Halo2Verifier::accepting(&[])), 0x201);
    let development = Halo2Verifier::accepting(&[SrsVerifier::DEVELOPMENT]);
    assert_eq!(development.admit(&bytes), Ok(()));
    let verifier = Halo2Verifier::accepting_development_keys();
    assert_eq!(verifier.admit(&bytes), Ok(()));
    // The same key under a string with the secret 5, which no one listed.
    let five = (G2Affine::generator() * Fr::from(5)).to_affine();
    let mut other = bytes.clone();
    other[SRS..SRS + 128].copy_from_slice(&SrsVerifier::new(five).unwrap().to_bytes());
    assert_eq!(verifier.admit(&other).unwrap_err().code, 0x204);
    for length in 0..bytes.len() {
        assert!(verifier.admit(&bytes[..length]).is_err(), "{length} bytes");
    }
    assert!(verifier.admit(&[&bytes[..], &[0]].concat()).is_err());
    let mut admitted = 0;
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut altered = bytes.clone();
            altered[at] ^= 1 << bit;
            admitted += usize::from(verifier.admit(&altered).is_ok());
        }
    }
    // Another model, another count, another point on the curve: well formed, and another key.
    assert!(admitted > 0);
}

#[test]
fn keys_of_results_that_no_run_has_are_refused() {
    let network = super::support::perceptron();
    let input = vec![5; 40];
    let (source, tensor) = (Srs::development_with_known_secret, Input::Tensor(&input));
    let key = ProvingKey::new(&network, ProvedOutput::Logits, tensor, source, &mut |_| {}).unwrap();
    let bytes = key.verifying().to_bytes();
    let field = |changes: &[(usize, u8)]| {
        let mut altered = bytes.clone();
        for (at, byte) in changes {
            altered[*at] = *byte;
        }
        match crate::VerifyingKey::from_bytes(&altered) {
            Ok(_) => None,
            Err(Halo2Error::Key { field, .. }) => Some(field),
            Err(error) => panic!("{error}"),
        }
    };
    assert_eq!(field(&[]), None);
    // Two embeddings of 32 bits have one hash, since a run has 16.
    assert_eq!(field(&[(OUTPUT, 0)]), Some(KeyField::EmbeddingBits));
    assert_eq!(field(&[(OUTPUT, 0), (OUTPUT_BITS, 16)]), None);
    assert_eq!(field(&[(OUTPUT_BITS, 16)]), Some(KeyField::LogitBits));
    assert_eq!(field(&[(INPUT, 0)]), Some(KeyField::TokenBits));
    assert_eq!(field(&[(INPUT, 0), (INPUT_BITS, 32)]), None);
    assert_eq!(field(&[(OUTPUT, 2)]), Some(KeyField::TokenReaders));
    let greedy = [(INPUT, 0), (INPUT_BITS, 32), (OUTPUT, 2)];
    assert_eq!(field(&greedy), None);
    let prompt_of_none = [greedy[0], greedy[1], greedy[2], (OUTPUT_COUNT + 3, 41)];
    assert_eq!(field(&prompt_of_none), Some(KeyField::TokensRead));
}

/// Places of fields in the bytes of a key.
const INPUT: usize = 33;
const OUTPUT: usize = 34;
const INPUT_BITS: usize = 39;
const OUTPUT_COUNT: usize = 40;
const OUTPUT_BITS: usize = 44;
const SRS: usize = 68;

#[test]
fn a_saved_key_proves_as_before_and_a_damaged_one_is_refused() {
    let network = super::support::perceptron();
    let input: Vec<i32> = (0..40).map(|index| index * 31 - 600).collect();
    let tensor = Input::Tensor(&input);
    let plan = ProvingKey::plan(&network, ProvedOutput::Logits, tensor).unwrap();
    let srs = Srs::development_with_known_secret(plan.k).unwrap();
    let source = |k| {
        assert_eq!(k, plan.k);
        Ok(srs.clone())
    };
    let key = ProvingKey::new(&network, ProvedOutput::Logits, tensor, source, &mut |_| {}).unwrap();
    assert_eq!(key.report(), plan);
    assert_eq!(plan.column_count(), key.verifying().columns());
    assert!(plan.svg().contains("</svg>"));
    let path = std::env::temp_dir().join(format!("lazvm-proving-key-{}", std::process::id()));
    key.save(&path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let size = bytes.len() as u64;
    assert!(size.abs_diff(plan.key_bytes) < size / 20, "{size} bytes, expected {plan:?}");
    let read = ProvingKey::open(&path).unwrap();
    assert_eq!(read.report(), plan);
    let proof = read.prove(&network, tensor, B256::ZERO, &srs, &mut |_| {}).unwrap();
    assert!(key.verifying().verify(&proof.statement, &proof.bytes));
    for at in [0, 20, bytes.len() / 2, bytes.len() - 1] {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        std::fs::write(&path, &damaged).unwrap();
        assert!(ProvingKey::open(&path).is_err(), "byte {at}");
    }
    std::fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
    assert!(ProvingKey::open(&path).is_err());
    std::fs::remove_file(&path).unwrap();
}
