use std::sync::Arc;

use alloy_primitives::B256;
use lazai_api_types::{
    Claim, Coprocessor, InferenceStatement, Job, PortError, Prompt, ProofSystem, ProofVerifier,
    Task, TokenId,
};
use lazai_coprocessor::trace::Input;
use lazai_coprocessor::{Cpu, program::Target};

use super::{
    programs::{encoder, llama},
    support::{model, run},
};
use crate::{Halo2, Halo2Verifier, ProvedOutput, ProvingKey, Srs, SrsFn};

fn proves(
    architecture: &lazai_coprocessor::architecture::Architecture,
    proved_output: ProvedOutput,
) {
    let model = model(architecture);
    let mut tokens = vec![72, 101, 108];
    if let ProvedOutput::GreedyTokens(_) = proved_output {
        tokens.push(best(&model, &tokens));
    }
    let network = model.network();
    let mut string = None;
    let key = ProvingKey::new(
        network,
        proved_output,
        Input::Tokens(&vec![1; tokens.len()]),
        None,
        |k| {
            let srs = Srs::development_with_known_secret(k)?;
            string = Some(srs.clone());
            Ok(srs)
        },
        &mut |_| {},
    )
    .unwrap();
    let srs = string.unwrap();
    let context = B256::repeat_byte(3);
    let proof = key.prove(network, Input::Tokens(&tokens), context, &srs, &mut |_| {}).unwrap();
    let verifying = key.verifying().to_bytes();
    let verifier = Halo2Verifier::accepting_development_keys();
    verifier.admit(&verifying).unwrap();
    let claim = Claim::Statement(&proof.statement);
    assert!(verifier.verify(&verifying, claim, &proof.bytes).unwrap());
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

fn best(model: &lazai_coprocessor::model::Model, tokens: &[u32]) -> u32 {
    let scores = run(model, tokens, Target::Logits, 1);
    let largest = scores.iter().max();
    scores.iter().position(|score| Some(score) == largest).unwrap() as u32
}

#[test]
fn a_llama_block_is_proved() {
    proves(&llama(), ProvedOutput::GreedyTokens(2));
}

#[test]
fn a_job_of_an_encoder_block_is_proved_as_it_ran() {
    let model = model(&encoder());
    let tokens = |tokens: &[u32]| Prompt::Tokens(tokens.iter().copied().map(TokenId).collect());
    let job = Job { model: model.id(), task: Task::Embed { prompt: tokens(&[72, 105, 33]) } };
    let device = Arc::new(Cpu::builder().model(model).build().unwrap());
    let outcome = device.run(&job).unwrap();
    let verifier = Halo2Verifier::accepting_development_keys();
    let source = SrsFn(Srs::development_with_known_secret);
    let system = Halo2::new(Arc::clone(&device), source, verifier);
    // Keys depend on how many tokens there are, not on which.
    let other = Job { task: Task::Embed { prompt: tokens(&[1, 1, 1]) }, ..job };
    let prepared = system.prepare(&other).unwrap();
    let statement = InferenceStatement {
        model: job.model,
        input: job.hash(),
        output: outcome.output.hash(),
        work: outcome.work,
        context: B256::repeat_byte(8),
    };
    let proof = system.prove(&prepared, &job, &statement).unwrap();
    let key = system.key(&prepared);
    assert!(system.verify(key, Claim::Statement(&statement), &proof).unwrap());
    let false_statement = InferenceStatement { output: B256::ZERO, ..statement };
    assert!(!system.verify(key, Claim::Statement(&false_statement), &proof).unwrap());
    assert!(system.prove(&prepared, &job, &false_statement).is_err());
    let text = Job { task: Task::Embed { prompt: Prompt::Text("Hi".to_owned()) }, ..job };
    assert!(matches!(system.prepare(&text), Err(PortError::Rejected(_))));
}

#[test]
fn keys_are_canonical_and_hostile_ones_are_refused() {
    let network = super::support::perceptron();
    let input = vec![5; 40];
    let source = Srs::development_with_known_secret;
    let key = ProvingKey::new(
        &network,
        ProvedOutput::Logits,
        Input::Tensor(&input),
        None,
        source,
        &mut |_| {},
    )
    .unwrap();
    let bytes = key.verifying().to_bytes();
    let read = crate::VerifyingKey::from_bytes(&bytes).unwrap();
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
    let key =
        ProvingKey::new(&network, ProvedOutput::Logits, tensor, None, source, &mut |_| {}).unwrap();
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
