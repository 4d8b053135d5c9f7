use alloy_primitives::B256;
use lazai_api_types::{
    FinishReason, GasCost, Generation, InferenceStatement, Job, ModelId, Output, Prompt, Sampling,
    Task, TokenId, Work, WorkOverflow,
};
use proptest::prelude::*;

const fn job(task: Task) -> Job {
    Job { model: ModelId(B256::repeat_byte(7)), task }
}

fn text(text: &str) -> Prompt {
    Prompt::Text(text.into())
}

fn tokens(tokens: &[u32]) -> Vec<TokenId> {
    tokens.iter().copied().map(TokenId).collect()
}

fn generation() -> Generation {
    Generation {
        prompt: text("Once"),
        max_tokens: 8,
        sampling: Sampling { temperature_milli: 1, top_k: 2, top_p_milli: 3, seed: 4 },
        stop: vec!["\n".into()],
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

#[track_caller]
fn assert_distinct(hashes: Vec<B256>) {
    for (index, hash) in hashes.iter().enumerate() {
        assert_ne!(*hash, B256::ZERO);
        let earlier = hashes[..index].iter().position(|earlier| earlier == hash);
        assert_eq!(earlier, None, "item {index} has the hash of an earlier one");
    }
}

#[test]
fn different_jobs_have_different_hashes() {
    let generate = |generation| Task::Generate(generation);
    let sampled = |sampling| Task::Generate(Generation { sampling, ..generation() });
    let sampling = generation().sampling;
    let stop = |stop: &[&str]| {
        let stop = stop.iter().map(|&stop| stop.into()).collect();
        Task::Generate(Generation { stop, ..generation() })
    };
    let tasks = [
        Task::Count { text: "a".into() },
        Task::Encode { text: "a".into() },
        Task::Encode { text: String::new() },
        Task::Embed { prompt: text("a") },
        Task::Logits { prompt: text("a") },
        Task::Logits { prompt: text("") },
        Task::Logits { prompt: Prompt::Tokens(vec![]) },
        Task::Logits { prompt: Prompt::Tokens(tokens(&[0])) },
        Task::Logits { prompt: Prompt::Tokens(tokens(&[0, 0])) },
        Task::Decode { tokens: tokens(&[0]) },
        Task::GreedyTokens { tokens: tokens(&[0]), count: 1 },
        Task::GreedyTokens { tokens: tokens(&[0]), count: 2 },
        Task::GreedyTokens { tokens: tokens(&[0, 0]), count: 1 },
        generate(generation()),
        generate(Generation { prompt: text("Once "), ..generation() }),
        generate(Generation { max_tokens: 9, ..generation() }),
        sampled(Sampling { temperature_milli: 2, ..sampling }),
        sampled(Sampling { top_k: 3, ..sampling }),
        sampled(Sampling { top_p_milli: 4, ..sampling }),
        sampled(Sampling { seed: 5, ..sampling }),
        stop(&[]),
        stop(&[""]),
        stop(&["ab"]),
        stop(&["a", "b"]),
        stop(&["b", "a"]),
    ];
    let mut hashes: Vec<_> = tasks.into_iter().map(|task| job(task).hash()).collect();
    let other = Job { model: ModelId::default(), ..job(Task::Count { text: "a".into() }) };
    hashes.push(other.hash());
    assert_distinct(hashes);
}

#[test]
fn different_outputs_have_different_hashes() {
    let generated = |tokens: &[u32], text: &str, finish| Output::Generated {
        tokens: self::tokens(tokens),
        text: text.into(),
        finish,
    };
    let outputs = [
        Output::Count(1),
        Output::Count(2),
        Output::Embedding { values: vec![1], fraction_bits: 15 },
        Output::Embedding { values: vec![1], fraction_bits: 14 },
        Output::Embedding { values: vec![1, 0], fraction_bits: 15 },
        Output::Logits { values: vec![1], fraction_bits: 15 },
        Output::Logits { values: vec![-1], fraction_bits: 15 },
        generated(&[1], "a", FinishReason::Length),
        generated(&[1], "a", FinishReason::Stop),
        generated(&[2], "a", FinishReason::Stop),
        generated(&[1], "b", FinishReason::Stop),
        Output::Text("a".into()),
        Output::Text(String::new()),
        Output::Tokens(tokens(&[])),
        Output::Tokens(tokens(&[1])),
    ];
    assert_distinct(outputs.iter().map(Output::hash).collect());
}

#[test]
fn different_statements_have_different_hashes() {
    let original = statement();
    let other = B256::repeat_byte(9);
    let statements = [
        original,
        InferenceStatement { model: ModelId(other), ..original },
        InferenceStatement { input: other, ..original },
        InferenceStatement { output: other, ..original },
        InferenceStatement { work: Work { flops: 5, peak_bytes: 5 }, ..original },
        InferenceStatement { work: Work { flops: 5, peak_bytes: 4 }, ..original },
        InferenceStatement { context: other, ..original },
        InferenceStatement { input: original.output, output: original.input, ..original },
    ];
    assert_distinct(statements.iter().map(InferenceStatement::hash).collect());
}

/// A changed value here is a change of consensus.
#[test]
fn hashes_are_golden() {
    let golden = [
        job(Task::Generate(generation())).hash(),
        Output::Generated {
            tokens: tokens(&[1, 2]),
            text: "ab".into(),
            finish: FinishReason::Stop,
        }
        .hash(),
        statement().hash(),
        job(Task::GreedyTokens { tokens: tokens(&[1, 2]), count: 3 }).hash(),
        Output::Tokens(tokens(&[4, 5, 6])).hash(),
    ];
    let golden = golden.map(|hash| hash.to_string());
    assert_eq!(golden, GOLDEN);
}

/// Computed apart from this crate, from the encoding that the types document.
const GOLDEN: [&str; 5] = [
    "0x7514a79b896aef7b5997ae22d6e2f2caf538404156e41968ed70680a979cf9df",
    "0x8d0dca021ffb4100551bce5019fa40df3464e241959c12331ff1e1882653d9de",
    "0x5650ad408f24b08f5631ce5244e82b0f8feaa5b8e404e3971d746666b9cc89c2",
    "0xc080dd88c3f1ae2215b7d9a9cfc7d626d6dcc7c05651541caa04d10d28650559",
    "0x98fbcddb7cf02d90b586c4880fd587f22358ce21da2ea0dbce784a7a39df7ce0",
];

#[test]
fn intrinsic_work_grows_with_the_input() {
    let intrinsic = |task: Task| job(task).intrinsic_work().flops;
    let prompt = intrinsic(Task::Logits { prompt: text("Once") });
    assert_eq!(prompt, 4 * lazai_api_types::INTRINSIC_FLOPS_PER_BYTE);
    assert_eq!(intrinsic(Task::Logits { prompt: Prompt::Tokens(tokens(&[1])) }), prompt);
    let with_stop = intrinsic(Task::Generate(generation()));
    assert_eq!(with_stop, 5 * lazai_api_types::INTRINSIC_FLOPS_PER_BYTE);
}

#[test]
fn work_overflow_is_an_error() {
    let work = |flops, peak_bytes| Work { flops, peak_bytes };
    assert_eq!(work(1, 7).then(work(2, 3)), Ok(work(3, 7)));
    assert_eq!(work(u64::MAX, 0).then(work(1, 0)), Err(WorkOverflow));
    assert_eq!(work(u64::MAX, 1).then(work(0, u64::MAX)), Ok(work(u64::MAX, u64::MAX)));
    assert_eq!(GasCost { gas_ai: u64::MAX, gas_inference: 1 }.total(), Err(WorkOverflow));
    assert_eq!(GasCost { gas_ai: 2, gas_inference: 1 }.total(), Ok(3));
}

proptest! {
    #[test]
    fn steps_may_be_grouped_in_any_way(
        steps in proptest::array::uniform3((0..=u64::MAX / 2, any::<u64>())),
    ) {
        let [a, b, c] = steps.map(|(flops, peak_bytes)| Work { flops, peak_bytes });
        let left = a.then(b).and_then(|work| work.then(c));
        let right = b.then(c).and_then(|work| a.then(work));
        prop_assert_eq!(left, right);
        prop_assert_eq!(a.then(b), b.then(a));
        prop_assert_eq!(a.then(Work::default()), Ok(a));
    }

    #[test]
    fn texts_never_run_into_each_other(a in ".{0,8}", b in ".{0,8}", c in ".{0,8}", d in ".{0,8}") {
        let hash = |first: &str, second: &str| {
            let stop = vec![first.into(), second.into()];
            job(Task::Generate(Generation { stop, ..generation() })).hash()
        };
        prop_assert_eq!(hash(&a, &b) == hash(&c, &d), (a, b) == (c, d));
    }
}
