use halo2_proofs::halo2curves::bn256::Fr;

use super::super::{
    compile::{Goal, Input, compile},
    digest::digest,
};
use super::support::{model, run, violation};
use crate::{
    architecture::{
        Architecture, Biases, FeedForward, Gelu, Head, Mask, Norm, NormOrder, Pooling, Positions,
        Rotary,
    },
    program::{LlamaShape, Target},
};

fn llama() -> Architecture {
    let shape = LlamaShape {
        vocabulary: 258,
        hidden: 16,
        intermediate: 24,
        heads: 4,
        kv_heads: 2,
        head_width: 4,
        tied: false,
    };
    shape.architecture(1, 8)
}

fn holds(architecture: &Architecture, goal: Goal) {
    let model = model(architecture);
    let tokens = [72, 101, 108, 111];
    let outputs = match goal {
        Goal::Best(count) => count as usize,
        _ => 1,
    };
    let expected = run(&model, &tokens, goal.target(), outputs);
    let compiled = compile(model.network(), Input::Tokens(&tokens), goal, Fr::from(5), 16).unwrap();
    println!("{:?}", compiled.constraints.count());
    if let Goal::Best(_) = goal {
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
    assert_eq!(violation(&compiled), None);
    let digest =
        digest((compiled.input.0, &compiled.input.1), (compiled.output.0, &compiled.output.1));
    let public =
        compiled.constraints.instance.iter().map(|cell| compiled.constraints.values[cell.index()]);
    assert_eq!(public.collect::<Vec<_>>(), [digest, Fr::from(5)]);
}

#[test]
fn a_llama_block_gives_the_interpreters_integers() {
    holds(&llama(), Goal::Values);
    holds(&llama(), Goal::Embedding);
    holds(&llama(), Goal::Best(2));
}
