use halo2_proofs::halo2curves::bn256::Fr;
use lazai_coprocessor::{
    architecture::{Architecture, FeedForward, Gelu, Head, Mask, NormOrder, Pooling},
    program::{LlamaShape, Target},
    trace::{Input, Trace},
};

use super::support::{model, run, two_readers, violation};
use crate::{ProvedOutput, compile::compile, digest::digest};

const SHAPE: LlamaShape = LlamaShape {
    vocabulary: 258,
    hidden: 16,
    intermediate: 24,
    heads: 4,
    kv_heads: 2,
    head_dim: 4,
    tied: false,
};

pub(super) const fn llama() -> Architecture {
    SHAPE.architecture(1, 8)
}

/// As `MiniLM`: all positions, norms behind, learned positions, the mean of all rows.
pub(super) const fn encoder() -> Architecture {
    SHAPE.encoder(1, 8)
}

fn holds(architecture: &Architecture, proved_output: ProvedOutput) {
    let model = model(architecture);
    let tokens = [72, 101, 108, 111];
    let outputs = match proved_output {
        ProvedOutput::GreedyTokens(count) => count as usize,
        _ => 1,
    };
    let expected = run(&model, &tokens, proved_output.target(), outputs);
    let trace =
        Trace::record(model.network(), proved_output.target(), Input::Tokens(&tokens), outputs)
            .unwrap();
    let compiled = compile(model.network(), &trace, proved_output, Fr::from(5), 16).unwrap();
    if let ProvedOutput::GreedyTokens(_) = proved_output {
        let width = model.manifest().vocabulary as usize;
        let best = expected.chunks(width).map(|row| {
            let max = row.iter().max().unwrap();
            row.iter().position(|x| x == max).unwrap() as i32
        });
        assert_eq!(compiled.output.1, best.collect::<Vec<_>>());
    } else {
        assert_eq!(compiled.output.1, expected);
    }
    assert_eq!(compiled.input.1, tokens.map(|token| token as i32));
    assert_eq!(violation(&compiled.constraints, &compiled.tables), None);
    let digest =
        digest((compiled.input.0, &compiled.input.1), (compiled.output.0, &compiled.output.1));
    let public =
        compiled.constraints.instance.iter().map(|cell| compiled.constraints.values[cell.index()]);
    assert_eq!(public.collect::<Vec<_>>(), [digest, Fr::from(5)]);
}

#[test]
fn a_llama_block_gives_the_interpreters_integers() {
    holds(&llama(), ProvedOutput::Logits);
    holds(&llama(), ProvedOutput::Embedding);
    holds(&llama(), ProvedOutput::GreedyTokens(2));
}

/// A row of positions beyond 32 bits is not saturated before it is added.
#[test]
fn positions_of_any_scale_give_the_interpreters_integers() {
    let network = two_readers();
    let trace = Trace::record(&network, Target::Logits, Input::Tokens(&[0, 0]), 1).unwrap();
    let compiled = compile(&network, &trace, ProvedOutput::Logits, Fr::from(5), 16).unwrap();
    assert_eq!(compiled.output.1[1], i32::MAX);
    assert_eq!(violation(&compiled.constraints, &compiled.tables), None);
}

#[test]
fn an_encoder_block_gives_the_interpreters_integers() {
    holds(&encoder(), ProvedOutput::Embedding);
    for pooling in [Pooling::First, Pooling::Last] {
        holds(&Architecture { pooling, ..encoder() }, ProvedOutput::Embedding);
    }
}

#[test]
fn a_decoder_embeds_one_row_as_the_interpreter_does() {
    let last = Architecture { pooling: Pooling::Last, ..llama() };
    holds(&last, ProvedOutput::Embedding);
    // Scores do not depend on the pooling.
    holds(&last, ProvedOutput::Logits);
    let first = Architecture { pooling: Pooling::First, head: Head::None, ..llama() };
    holds(&first, ProvedOutput::Embedding);
    holds(&Architecture { mask: Mask::Bidirectional, ..first }, ProvedOutput::Embedding);
}

#[test]
fn a_gpt_block_with_normalized_heads_gives_the_interpreters_integers() {
    let gpt = Architecture {
        mask: Mask::Causal,
        norm_order: NormOrder::Pre,
        feed_forward: FeedForward::Gelu(Gelu::Tanh),
        head_norm: true,
        head: Head::Tied,
        ..encoder()
    };
    holds(&gpt, ProvedOutput::Logits);
    holds(&gpt, ProvedOutput::GreedyTokens(1));
}
