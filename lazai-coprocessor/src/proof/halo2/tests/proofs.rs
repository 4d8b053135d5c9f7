use alloy_primitives::B256;
use lazai_api_types::{Claim, ProofVerifier};

use super::{
    super::{Goal, Halo2Verifier, ProvingKey, Srs},
    programs::{encoder, llama},
    support::{model, run},
};
use crate::program::Target;
use crate::trace::Input;

fn proves(architecture: &crate::architecture::Architecture, goal: Goal) {
    let model = model(architecture);
    let mut tokens = vec![72, 101, 108];
    if let Goal::Best(_) = goal {
        tokens.push(best(&model, &tokens));
    }
    let network = model.network();
    let start = std::time::Instant::now();
    let mut string = None;
    let key = ProvingKey::new(
        network,
        goal,
        Input::Tokens(&vec![1; tokens.len()]),
        None,
        |k| {
            let srs = Srs::development_with_known_secret(k)?;
            string = Some(srs.clone());
            Ok(srs)
        },
        &mut |stage| println!("{stage:?} {:?}", start.elapsed()),
    )
    .unwrap();
    let srs = string.unwrap();
    let context = B256::repeat_byte(3);
    let proof = key
        .prove(network, Input::Tokens(&tokens), context, &srs, &mut |stage| {
            println!("{stage:?} {:?}", start.elapsed())
        })
        .unwrap();
    println!(
        "proved {:?}, k {}, {} bytes",
        start.elapsed(),
        key.verifying().k(),
        proof.bytes.len()
    );
    let verifying = key.verifying().to_bytes();
    println!("{} bytes of key", verifying.len());
    let verifier = Halo2Verifier::accepting_development_keys();
    verifier.admit(&verifying).unwrap();
    let start = std::time::Instant::now();
    let claim = Claim::Statement(&proof.statement);
    assert!(verifier.verify(&verifying, claim, &proof.bytes).unwrap());
    println!("verified {:?}", start.elapsed());
    assert!(Halo2Verifier::new().admit(&verifying).is_err());
    assert!(!Halo2Verifier::new().verify(&verifying, claim, &proof.bytes).unwrap());
    let mut other = proof.statement;
    other.context = B256::ZERO;
    assert!(!verifier.verify(&verifying, Claim::Statement(&other), &proof.bytes).unwrap());
    assert!(!verifier.verify(&verifying, Claim::Values(b""), &proof.bytes).unwrap());
    for at in [0, 1, 4 * tokens.len() + 1, proof.bytes.len() - 1] {
        let mut bytes = proof.bytes.clone();
        bytes[at] ^= 1;
        assert!(!verifier.verify(&verifying, claim, &bytes).unwrap(), "byte {at}");
    }
}

fn best(model: &crate::model::Model, tokens: &[u32]) -> u32 {
    let scores = run(model, tokens, Target::Logits, 1);
    let largest = scores.iter().max();
    scores.iter().position(|score| Some(score) == largest).unwrap() as u32
}

#[test]
fn a_llama_block_is_proved() {
    proves(&llama(), Goal::Best(2));
}

#[test]
fn an_encoder_block_is_proved() {
    proves(&encoder(), Goal::Embedding);
}

#[test]
fn keys_are_canonical_and_hostile_ones_are_refused() {
    let network = super::support::perceptron();
    let input = vec![5; 40];
    let source = Srs::development_with_known_secret;
    let key =
        ProvingKey::new(&network, Goal::Values, Input::Tensor(&input), None, source, &mut |_| {})
            .unwrap();
    let bytes = key.verifying().to_bytes();
    let read = super::super::VerifyingKey::from_bytes(&bytes).unwrap();
    assert_eq!(read.to_bytes(), bytes);
    // What halo2 itself made of the circuit, its gates and domain included.
    let (ours, theirs) = (read.halo2.transcript_repr(), key.verifying().halo2.transcript_repr());
    assert_eq!(ours, theirs);
    let verifier = Halo2Verifier::accepting_development_keys();
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
