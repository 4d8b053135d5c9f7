use super::*;
use crate::{
    architecture::{Architecture, FeedForward, Gelu, Head, Mask, NormOrder, Pooling},
    model::synthetic_transformer,
    program::Rows,
};

/// A small network with the norms, biases and activation of BERT.
pub(super) fn encoder(pooling: Pooling) -> Architecture {
    let shape = LlamaShape {
        vocabulary: 300,
        hidden: 48,
        intermediate: 70,
        heads: 4,
        kv_heads: 4,
        head_dim: 12,
        tied: true,
    };
    Architecture { pooling, ..shape.encoder(2, 300) }
}

/// The same as a decoder with normalized heads.
pub(super) fn decoder() -> Architecture {
    Architecture {
        mask: Mask::Causal,
        norm_order: NormOrder::Pre,
        feed_forward: FeedForward::Gelu(Gelu::Tanh),
        head_norm: true,
        head: Head::Tied,
        ..encoder(Pooling::Mean)
    }
}

/// The decoder, whose tokens attend to those after them too, without scores.
pub(super) fn bidirectional(pooling: Pooling) -> Architecture {
    Architecture { mask: Mask::Bidirectional, head: Head::None, pooling, ..decoder() }
}

pub(super) fn load(architecture: &Architecture) -> Model {
    let bytes = synthetic_transformer(architecture, 5).unwrap().to_bytes().unwrap();
    let artifact = Artifact::new(ArtifactBytes::Owned(bytes)).unwrap();
    Model::load_untrusted(artifact, &Threads::single()).unwrap()
}

fn alone(model: &Model, target: Target, tokens: &[u32], backend: Backend) -> Vec<i32> {
    let threads = Threads::single();
    let mut session = Session::new(model, target, tokens.len(), 1, backend, &threads).unwrap();
    session.feed(tokens, 1).unwrap();
    let expected = model.work_rule(target).flops(tokens.len() as u64, 1).unwrap();
    assert_eq!(session.flops(), expected, "counted operations differ from the rule");
    match target {
        Target::Embedding => session.embedding().unwrap().iter().map(|x| i32::from(*x)).collect(),
        Target::Logits => session.logits().unwrap().to_vec(),
    }
}

#[test]
fn every_back_end_and_thread_count_runs_every_operator_alike() {
    let tokens = tokens(270, 3);
    for (architecture, targets) in [
        (encoder(Pooling::First), &[Target::Embedding][..]),
        (encoder(Pooling::Last), &[Target::Embedding]),
        (encoder(Pooling::Mean), &[Target::Embedding]),
        (bidirectional(Pooling::First), &[Target::Embedding]),
        (Architecture { pooling: Pooling::Last, ..decoder() }, &[Target::Embedding]),
        (
            Architecture { pooling: Pooling::First, head: Head::None, ..decoder() },
            &[Target::Embedding],
        ),
        (decoder(), &[Target::Embedding, Target::Logits]),
    ] {
        let model = load(&architecture);
        for target in targets {
            let expected = alone(&model, *target, &tokens, Backend::Scalar);
            assert!(expected.iter().any(|x| *x != expected[0]), "{target:?} is degenerate");
            for backend in Backend::available() {
                assert_eq!(alone(&model, *target, &tokens, backend), expected, "{backend}");
            }
        }
    }
}

#[test]
fn a_bidirectional_sequence_is_one_step() {
    let model = load(&encoder(Pooling::Mean));
    let threads = Threads::single();
    let mut session =
        Session::new(&model, Target::Embedding, 300, 1, Backend::Scalar, &threads).unwrap();
    session.feed(&tokens(299, 1), 1).unwrap();
    assert_eq!(session.feed(&[1], 1), Err(ExecutionError::Whole));
    // The last token changes what the first one sees.
    let (mut first, mut second) = (tokens(40, 1), tokens(40, 1));
    (first[39], second[39]) = (7, 8);
    let model = load(&encoder(Pooling::First));
    let embed = |tokens: &[u32]| alone(&model, Target::Embedding, tokens, Backend::Scalar);
    assert_ne!(embed(&first), embed(&second));
}

#[test]
fn a_text_in_parts_is_embedded_as_a_whole() {
    let threads = Threads::single();
    let text = tokens(90, 4);
    for pooling in [Pooling::Last, Pooling::Mean] {
        let model = load(&Architecture { pooling, ..decoder() });
        let expected = alone(&model, Target::Embedding, &text, Backend::Scalar);
        let mut session =
            Session::new(&model, Target::Embedding, 90, 1, Backend::Scalar, &threads).unwrap();
        // The vector of each part is asked for too.
        for part in text.chunks(40) {
            session.feed(part, 1).unwrap();
            let got: Vec<i32> =
                session.embedding().unwrap().iter().map(|x| i32::from(*x)).collect();
            let so_far = &text[..session.position()];
            assert_eq!(
                got,
                alone(&model, Target::Embedding, so_far, Backend::Scalar),
                "{pooling:?}"
            );
        }
        let last: Vec<i32> = session.embedding().unwrap().iter().map(|x| i32::from(*x)).collect();
        assert_eq!(last, expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Sequences that come, go and are cut at random get the scores that they get alone.
    #[test]
    fn company_changes_no_score(
        lengths in proptest::collection::vec(1_usize..40, 1..6),
        cuts in proptest::collection::vec(1_usize..30, 1..40),
        learned in any::<bool>(),
    ) {
        static DECODER: OnceLock<Model> = OnceLock::new();
        let model = if learned { DECODER.get_or_init(|| load(&decoder())) } else { model() };
        let max = Rows { tokens: 200, outputs: 8, sequences: 8 };
        let threads = Threads::single();
        let mut batch =
            Batch::new(model, Target::Logits, max, Backend::detect(), &threads).unwrap();
        // Each waits for its turn, reads a random number of tokens a step, and leaves its place to
        // another.
        let mut waiting: Vec<(usize, Vec<u32>)> =
            lengths
                .iter()
                .enumerate()
                .map(|(index, n)| (index, tokens(*n, index as u32)))
                .collect();
        let mut open: Vec<(usize, usize, Vec<u32>)> = Vec::new();
        let mut cuts = cuts.iter().cycle();
        let mut flops = 0;
        while !(waiting.is_empty() && open.is_empty()) {
            if open.len() < 3 && let Some((index, tokens)) = waiting.pop() {
                open.push((batch.open(tokens.len()).unwrap(), index, tokens));
            }
            let counts: Vec<usize> = open
                .iter()
                .map(|(name, _, tokens)| {
                    let rest = tokens.len() - batch.position(*name).unwrap();
                    rest.min(*cuts.next().unwrap())
                })
                .collect();
            let feeds: Vec<Feed<'_>> = open
                .iter()
                .zip(&counts)
                .map(|((sequence, _, tokens), count)| {
                    let start = batch.position(*sequence).unwrap();
                    let outputs = usize::from(start + count == tokens.len());
                    Feed { sequence: *sequence, tokens: &tokens[start..start + count], outputs }
                })
                .collect();
            batch.step(&feeds).unwrap();
            for (name, index, tokens) in &open {
                if batch.position(*name) == Some(tokens.len()) {
                    let expected = alone(model, Target::Logits, tokens, Backend::Scalar);
                    prop_assert_eq!(batch.logits(*name).unwrap(), expected, "sequence {}", index);
                    flops += model.work_rule(Target::Logits).flops(tokens.len() as u64, 1).unwrap();
                    batch.close(*name);
                }
            }
            open.retain(|(name, _, _)| batch.position(*name).is_some());
        }
        prop_assert_eq!(batch.flops(), flops);
    }

    /// Texts that are embedded together get the vectors that they get alone.
    #[test]
    fn company_changes_no_embedding(
        lengths in proptest::collection::vec(1_usize..40, 1..6),
        pooling in 0_usize..3,
    ) {
        static ENCODERS: OnceLock<[Model; 3]> = OnceLock::new();
        let models = ENCODERS.get_or_init(|| {
            [Pooling::First, Pooling::Last, Pooling::Mean].map(|pooling| load(&encoder(pooling)))
        });
        let texts: Vec<Vec<u32>> =
            lengths.iter().enumerate().map(|(index, n)| tokens(*n, index as u32)).collect();
        for model in [&models[pooling], model()] {
            let max = Rows { tokens: 200, outputs: 5, sequences: 5 };
            let threads = Threads::single();
            let mut batch =
                Batch::new(model, Target::Embedding, max, Backend::detect(), &threads).unwrap();
            let feeds: Vec<Feed<'_>> = texts
                .iter()
                .map(|tokens| {
                    let sequence = batch.open(tokens.len()).unwrap();
                    Feed { sequence, tokens, outputs: 1 }
                })
                .collect();
            batch.step(&feeds).unwrap();
            for (feed, tokens) in feeds.iter().zip(&texts) {
                let got: Vec<i32> =
                    batch.embedding(feed.sequence).unwrap().iter().map(|x| i32::from(*x)).collect();
                prop_assert_eq!(got, alone(model, Target::Embedding, tokens, Backend::Scalar));
            }
        }
    }
}

#[test]
fn impossible_feeds_change_nothing() {
    let threads = Threads::single();
    let max = Rows { tokens: 4, outputs: 1, sequences: 1 };
    let mut batch = Batch::new(model(), Target::Logits, max, Backend::Scalar, &threads).unwrap();
    let [a, b] = [0; 2].map(|_| batch.open(8).unwrap());
    let feed = |sequence, tokens, outputs| Feed { sequence, tokens, outputs };
    for (feeds, error) in [
        (vec![feed(a, &[1][..], 0), feed(a, &[2], 0)], ExecutionError::Sequence { sequence: a }),
        (vec![feed(9, &[1], 0)], ExecutionError::Sequence { sequence: 9 }),
        (
            vec![feed(a, &[1, 2, 3], 0), feed(b, &[4, 5], 0)],
            ExecutionError::Step { what: "tokens", got: 5, max: 4 },
        ),
        (
            vec![feed(a, &[1], 1), feed(b, &[4], 1)],
            ExecutionError::Step { what: "rows of scores", got: 2, max: 1 },
        ),
        (vec![feed(a, &[1], 2)], ExecutionError::Outputs { got: 2, max: 1 }),
        (vec![feed(a, &[1; 9], 0)], ExecutionError::Capacity { got: 9, max: 8 }),
        (
            vec![feed(b, &[1], 0), feed(a, &[1, 300], 0)],
            ExecutionError::Token { token: 300, index: 1, vocabulary: 300 },
        ),
    ] {
        assert_eq!(batch.step(&feeds), Err(error));
        assert_eq!((batch.position(a), batch.position(b)), (Some(0), Some(0)));
    }
    batch.close(a);
    assert_eq!(batch.position(a), None);
    assert_eq!(batch.open(3), Ok(a));
    assert!(batch.logits(b).unwrap().is_empty());
}
