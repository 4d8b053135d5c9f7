//! Circuits of whole runs, operator by operator.

use lazai_coprocessor::{
    artifact::{Artifact, ArtifactBytes},
    kernel::Threads,
    model::{Network, synthetic_perceptron, synthetic_transformer, synthetic_two_readers},
    program::LlamaShape,
    trace::Input,
};
use lazai_determinism::check_run;
use lazai_halo2::{PlacedCircuit, ProvedOutput};

fn network(bytes: Vec<u8>) -> Network {
    let artifact = Artifact::new(ArtifactBytes::Owned(bytes)).unwrap();
    Network::load_untrusted(artifact, &Threads::single()).unwrap()
}

fn is_determined(network: &Network, proved_output: ProvedOutput, input: Input<'_>) {
    let circuit = PlacedCircuit::run(network, proved_output, input).unwrap();
    let parts = check_run(&circuit).unwrap();
    for part in &parts {
        println!("{}: {} constraints, {}", part.name, part.constraints, part.verdict);
    }
    let constraints: usize = parts.iter().map(|part| part.constraints).sum();
    println!("{} parts, {constraints} constraints", parts.len());
    assert!(parts.iter().all(|part| part.unique));
}

const SHAPE: LlamaShape = LlamaShape {
    vocabulary: 258,
    hidden: 8,
    intermediate: 12,
    heads: 2,
    kv_heads: 1,
    head_dim: 4,
    tied: false,
};

#[test]
fn a_perceptron_is_determined_operator_by_operator() {
    let network = network(synthetic_perceptron().to_bytes().unwrap());
    let input: Vec<i32> = (0..40).map(|index| (index * 997) % 4_001 - 2_000).collect();
    is_determined(&network, ProvedOutput::Logits, Input::Tensor(&input));
}

/// Both readers read the tokens that the digest binds.
#[test]
fn two_readers_of_tokens_are_determined_operator_by_operator() {
    let network = network(synthetic_two_readers().to_bytes().unwrap());
    is_determined(&network, ProvedOutput::Logits, Input::Tokens(&[0, 1]));
}

#[test]
fn a_llama_block_is_determined_operator_by_operator() {
    let model = synthetic_transformer(&SHAPE.architecture(1, 8), 7).unwrap();
    let network = network(model.to_bytes().unwrap());
    is_determined(&network, ProvedOutput::Logits, Input::Tokens(&[72, 105]));
}

#[test]
fn an_encoder_block_is_determined_operator_by_operator() {
    let model = synthetic_transformer(&SHAPE.encoder(1, 8), 7).unwrap();
    let network = network(model.to_bytes().unwrap());
    is_determined(&network, ProvedOutput::Embedding, Input::Tokens(&[72, 105]));
}
