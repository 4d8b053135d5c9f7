//! A proof shows the statement of a run: what every other system certifies of the same job.

use std::sync::Arc;

use alloy_primitives::B256;
use lazai_api_types::{
    Claim, Coprocessor, FinishReason, Generation, InferenceStatement, Job, Output, PortError,
    Prompt, ProofSystem, ProofVerifier, Rejection, Sampling, Task, TaskKind, TokenId,
};
use lazai_coprocessor::{
    Cpu,
    architecture::{Architecture, Head, Mask},
    trace::{Input, Trace},
};

use super::{
    programs::{encoder, llama},
    support::model,
};
use crate::{Halo2, Halo2Error, Halo2Verifier, ProvedOutput, ProvingKey, Srs, SrsFn};

fn verifier() -> Halo2Verifier {
    Halo2Verifier::accepting_development_keys()
}

fn device(architecture: &Architecture) -> Arc<Cpu> {
    Arc::new(Cpu::builder().model(model(architecture)).build().unwrap())
}

fn tokens(tokens: &[u32]) -> Vec<TokenId> {
    tokens.iter().copied().map(TokenId).collect()
}

fn prompt(prompt: &[u32]) -> Prompt {
    Prompt::Tokens(tokens(prompt))
}

fn job(device: &Cpu, task: Task) -> Job {
    Job { model: device.models().next().unwrap(), task }
}

/// Runs a job, proves the run under a key that was made for `other`, and returns what a verifier is
/// given. The statement is made of the outcome alone.
fn prove(device: &Arc<Cpu>, job: &Job, other: &Job) -> (Vec<u8>, InferenceStatement, Vec<u8>) {
    let outcome = device.run(job).unwrap();
    let statement = InferenceStatement::of_run(job, &outcome, B256::repeat_byte(8));
    let source = SrsFn(Srs::development_with_known_secret);
    let system = Halo2::new(Arc::clone(device), source, verifier());
    let prepared = system.prepare(other).unwrap();
    let key = system.key(&prepared).to_vec();
    let proof = system.prove(&prepared, job, &statement).unwrap();
    assert!(system.verify(&key, Claim::Statement(&statement), &proof).unwrap());
    let mut heavier = statement;
    heavier.work.flops += 1;
    for false_statement in [InferenceStatement { output: B256::ZERO, ..statement }, heavier] {
        assert!(!system.verify(&key, Claim::Statement(&false_statement), &proof).unwrap());
        assert!(system.prove(&prepared, job, &false_statement).is_err());
    }
    (key, statement, proof)
}

#[test]
fn proved_vectors_have_the_statement_of_the_run() {
    let (read, other) = ([72, 105, 33], [1, 0, 1]);
    let embed = |read: &[u32]| Task::Embed { prompt: prompt(read) };
    let logits = |read: &[u32]| Task::Logits { prompt: prompt(read) };
    // Keys depend on how many tokens there are, not on which.
    let decoder = device(&llama());
    prove(&decoder, &job(&decoder, logits(&read)), &job(&decoder, logits(&other)));
    let encoder = device(&encoder());
    prove(&encoder, &job(&encoder, embed(&read)), &job(&encoder, embed(&other)));
}

/// Checks that the verifier takes the proof, which reads four tokens, of its key and claim alone.
fn check_altered(key: &[u8], statement: InferenceStatement, proof: &[u8]) {
    verifier().admit(key).unwrap();
    let claim = Claim::Statement(&statement);
    assert!(verifier().verify(key, claim, proof).unwrap());
    assert!(Halo2Verifier::new().admit(key).is_err());
    assert!(!Halo2Verifier::new().verify(key, claim, proof).unwrap());
    let other = InferenceStatement { context: B256::ZERO, ..statement };
    assert!(!verifier().verify(key, Claim::Statement(&other), proof).unwrap());
    assert!(!verifier().verify(key, Claim::Values(b""), proof).unwrap());
    // The version, the first token, the first chosen token, the end.
    for at in [0, 1, 4 * 4 + 1, proof.len() - 1] {
        let mut altered = proof.to_vec();
        altered[at] ^= 1;
        assert!(!verifier().verify(key, claim, &altered).unwrap(), "byte {at}");
    }
}

/// If positions see those after them, each fixed point of the network would be a result of the job.
#[test]
fn a_job_has_one_proved_result() {
    let architecture = Architecture { mask: Mask::Bidirectional, head: Head::Own, ..llama() };
    let device = device(&architecture);
    let greedy = |count| job(&device, Task::GreedyTokens { tokens: tokens(&[11]), count });
    let refused = PortError::from(Rejection::Unsupported { task: TaskKind::GreedyTokens });
    for count in [1, 2] {
        let job = greedy(count);
        assert_eq!(device.quote(&job).unwrap_err(), refused);
        assert_eq!(device.run(&job).unwrap_err(), refused);
        let model = device.model(job.model).unwrap();
        let source = Srs::development_with_known_secret;
        let error = ProvingKey::for_job(model, &job, source, &mut |_| {}).unwrap_err();
        assert_eq!(PortError::from(error), refused);
        let (output, read) = (ProvedOutput::GreedyTokens(count), [11, 4]);
        let input = Input::Tokens(&read[..count as usize]);
        let error = ProvingKey::plan(model.network(), output, input).unwrap_err();
        assert_eq!(error, Halo2Error::NoGreedyTokens);
        let trace =
            Trace::record(model.network(), output.target(), input, output.outputs()).unwrap();
        let statement = halo2_proofs::halo2curves::bn256::Fr::zero();
        let compiled = crate::compile::compile(model.network(), &trace, output, statement, 16);
        assert_eq!(compiled.unwrap_err(), Halo2Error::NoGreedyTokens);
    }
    let (sampling, stop) = (Sampling::default(), Vec::new());
    let task = Task::Generate(Generation { prompt: prompt(&[11]), max_tokens: 2, sampling, stop });
    let refused = PortError::from(Rejection::Unsupported { task: TaskKind::Generate });
    assert_eq!(device.run(&job(&device, task)).unwrap_err(), refused);
}

/// A generation ends at an end token, and tokens that go on behind it are another job's result.
#[test]
fn no_proof_shows_a_generation_that_no_machine_gives() {
    let device = device(&llama());
    let generate = |read: &[u32]| {
        let (sampling, stop) = (Sampling::default(), Vec::new());
        let generation = Generation { prompt: prompt(read), max_tokens: 3, sampling, stop };
        job(&device, Task::Generate(generation))
    };
    let ended =
        Output::Generated { tokens: Vec::new(), text: String::new(), finish: FinishReason::Stop };
    let read = (0..258).map(|token| [1, token]);
    let read = read.into_iter().find(|read| device.run(&generate(read)).unwrap().output == ended);
    let read = read.expect("a prompt after which the best token is the end token");
    let greedy = |read: &[u32]| job(&device, Task::GreedyTokens { tokens: tokens(read), count: 3 });
    let (greedy, other) = (greedy(&read), greedy(&[0, 0]));
    let Output::Tokens(chosen) = device.run(&greedy).unwrap().output else { panic!("no tokens") };
    assert_eq!((chosen.len(), chosen[0]), (3, TokenId(1)));
    let (key, statement, proof) = prove(&device, &greedy, &other);
    assert_eq!(statement.input, greedy.hash());
    check_altered(&key, statement, &proof);
    let generation = generate(&read);
    let outcome = device.run(&generation).unwrap();
    let run = InferenceStatement::of_run(&generation, &outcome, statement.context);
    let renamed = InferenceStatement { input: run.input, ..statement };
    for claimed in [run, renamed] {
        assert!(!verifier().verify(&key, Claim::Statement(&claimed), &proof).unwrap());
    }
}

#[test]
fn a_prompt_of_text_is_not_proved() {
    let device = device(&encoder());
    let source = SrsFn(Srs::development_with_known_secret);
    let system = Halo2::new(Arc::clone(&device), source, verifier());
    let text = Task::Embed { prompt: Prompt::Text("Hi".to_owned()) };
    let refused = system.prepare(&job(&device, text)).unwrap_err();
    assert!(matches!(refused, PortError::Rejected(Rejection::Unprovable { .. })), "{refused}");
}
