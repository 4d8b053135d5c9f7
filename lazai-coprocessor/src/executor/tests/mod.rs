mod batch;
mod trace;

use std::sync::OnceLock;

use proptest::prelude::*;

use super::{reserve::reserve, *};
use crate::{
    artifact::{Artifact, ArtifactBytes},
    kernel::{Backend, Threads},
    model::{Model, synthetic},
    program::{LlamaShape, Target},
};

fn model() -> &'static Model {
    static MODEL: OnceLock<Model> = OnceLock::new();
    MODEL.get_or_init(|| {
        let shape = LlamaShape {
            vocabulary: 300,
            hidden: 72,
            intermediate: 100,
            heads: 6,
            kv_heads: 2,
            head_dim: 10,
            tied: false,
        };
        let bytes = synthetic(&shape, 3, 400, 7).unwrap().to_bytes().unwrap();
        let artifact = Artifact::new(ArtifactBytes::Owned(bytes)).unwrap();
        Model::load_untrusted(artifact, &Threads::single()).unwrap()
    })
}

fn tokens(count: usize, seed: u32) -> Vec<u32> {
    (0..count as u32).map(|index| (index * 37 + seed * 101 + index * index) % 300).collect()
}

fn logits(
    tokens: &[u32],
    splits: &[usize],
    outputs: usize,
    backend: Backend,
    threads: usize,
) -> Vec<i32> {
    let threads = Threads::new(threads).unwrap();
    let mut session =
        Session::new(model(), Target::Logits, tokens.len(), outputs, backend, &threads).unwrap();
    let mut rest = tokens;
    for split in splits {
        let (head, tail) = rest.split_at((*split).min(rest.len().saturating_sub(outputs)));
        session.feed(head, 0).unwrap();
        rest = tail;
    }
    session.feed(rest, outputs).unwrap();
    assert_eq!(session.position(), tokens.len());
    let rule = model().work_rule(Target::Logits);
    let expected = rule.flops(tokens.len() as u64, outputs as u64).unwrap();
    assert_eq!(session.flops(), expected, "counted operations differ from the rule");
    session.logits().unwrap().to_vec()
}

#[test]
fn scores_are_not_degenerate() {
    let scores = logits(&tokens(40, 1), &[], 1, Backend::Scalar, 1);
    let distinct: std::collections::BTreeSet<_> = scores.iter().collect();
    assert!(distinct.len() > 100, "only {} distinct scores", distinct.len());
    let other = logits(&tokens(40, 2), &[], 1, Backend::Scalar, 1);
    assert_ne!(scores, other);
}

#[test]
fn every_back_end_and_thread_count_gives_the_same_scores() {
    let tokens = tokens(300, 3);
    let expected = logits(&tokens, &[], 5, Backend::Scalar, 1);
    for backend in Backend::available() {
        for threads in [1, 2, 3] {
            assert_eq!(logits(&tokens, &[], 5, backend, threads), expected, "{backend} {threads}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn steps_do_not_change_the_scores(
        count in 1_usize..90,
        splits in proptest::collection::vec(0_usize..40, 0..4),
        seed in 0_u32..100,
    ) {
        let tokens = tokens(count, seed);
        let whole = logits(&tokens, &[], 1, Backend::Scalar, 1);
        prop_assert_eq!(logits(&tokens, &splits, 1, Backend::detect(), 2), whole);
    }

    #[test]
    fn embeddings_do_not_depend_on_steps_or_back_end(count in 1_usize..90, split in 0_usize..90) {
        let tokens = tokens(count, 5);
        let embed = |backend, split: usize| {
            let threads = Threads::single();
            let mut session =
                Session::new(model(), Target::Embedding, count, 1, backend, &threads).unwrap();
            session.feed(&tokens[..split], 0).unwrap();
            session.feed(&tokens[split..], 1).unwrap();
            session.embedding().unwrap().to_vec()
        };
        let expected = embed(Backend::Scalar, 0);
        let norm: i64 = expected.iter().map(|x| i64::from(*x) * i64::from(*x)).sum();
        let one = 1_i64 << 28;
        prop_assert!((norm - one).abs() < one / 100, "squared norm {norm}");
        prop_assert_eq!(embed(Backend::detect(), split.min(count - 1)), expected);
    }
}

#[test]
fn later_tokens_do_not_change_earlier_scores() {
    let tokens = tokens(60, 9);
    let all = logits(&tokens, &[], 60, Backend::detect(), 1);
    for (row, scores) in all.chunks_exact(300).enumerate() {
        let prefix = logits(&tokens[..=row], &[], 1, Backend::detect(), 1);
        assert_eq!(scores, prefix, "row {row}");
    }
}

#[test]
fn impossible_steps_are_refused() {
    let threads = Threads::single();
    let session = |capacity, outputs| {
        Session::new(model(), Target::Logits, capacity, outputs, Backend::Scalar, &threads)
    };
    assert!(matches!(session(401, 1), Err(ExecutionError::Capacity { got: 401, max: 400 })));
    let mut session = session(4, 2).unwrap();
    assert_eq!(session.feed(&[1; 5], 1), Err(ExecutionError::Capacity { got: 5, max: 4 }));
    assert_eq!(session.feed(&[1; 4], 3), Err(ExecutionError::Outputs { got: 3, max: 2 }));
    let token = ExecutionError::Token { token: 300, index: 1, vocabulary: 300 };
    assert_eq!(session.feed(&[1, 300], 1), Err(token));
    assert_eq!(session.position(), 0);
    session.feed(&[1, 2, 3, 4], 2).unwrap();
    assert!(session.embedding().is_err());
}

#[test]
fn memory_that_no_machine_has_is_an_error() {
    let error = reserve::<u64>(1 << 58).unwrap_err();
    assert_eq!(error, ExecutionError::Memory { bytes: 1 << 61 });
    assert!(matches!(reserve::<u64>(usize::MAX), Err(ExecutionError::Memory { .. })));
    let wide = crate::program::Cache { heads: 1 << 20, head_dim: 256, key_bits: 0, value_bits: 0 };
    let error = cache::KvCache::new(&wide, 1 << 30).unwrap_err();
    assert_eq!(error, ExecutionError::Memory { bytes: 1 << 58 });
    assert_eq!(reserve::<i8>(5).unwrap(), [0; 5]);
}

/// The longest context that is tested: the same scores however it is cut, in the memory that was
/// planned.
#[test]
fn eight_thousand_positions_slow() {
    let shape = LlamaShape {
        vocabulary: 300,
        hidden: 32,
        intermediate: 48,
        heads: 2,
        kv_heads: 1,
        head_dim: 16,
        tied: true,
    };
    let bytes = synthetic(&shape, 2, 8_192, 3).unwrap().to_bytes().unwrap();
    let artifact = Artifact::new(ArtifactBytes::Owned(bytes)).unwrap();
    let model = Model::load_untrusted(artifact, &Threads::single()).unwrap();
    let tokens: Vec<u32> = (0..8_192_u32).map(|i| (i * i * 7 + i / 9) % 300).collect();
    let scores = |backend, threads, cut: usize| {
        let threads = Threads::new(threads).unwrap();
        let mut session =
            Session::new(&model, Target::Logits, 8_192, 1, backend, &threads).unwrap();
        session.feed(&tokens[..cut], 0).unwrap();
        session.feed(&tokens[cut..], 1).unwrap();
        let expected = model.work_rule(Target::Logits).flops(8_192, 1).unwrap();
        assert_eq!(session.flops(), expected);
        assert_eq!(session.feed(&[1], 1), Err(ExecutionError::Capacity { got: 8_193, max: 8_192 }));
        session.logits().unwrap().to_vec()
    };
    let expected = scores(Backend::Portable, 1, 0);
    for backend in Backend::available().into_iter().filter(|backend| *backend != Backend::Scalar) {
        assert_eq!(scores(backend, 2, 5_000), expected, "{backend}");
    }
    let peak = |positions| model.peak_bytes(Target::Logits, positions).unwrap();
    // A position more is an i8 for each element of key and value, and an exponent for each.
    assert_eq!(peak(8_192) - peak(8_191), 2 * 2 * (16 + 1));
    assert!(peak(8_192) < 1 << 20);
}
