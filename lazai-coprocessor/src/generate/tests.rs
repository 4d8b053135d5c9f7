use std::sync::OnceLock;

use lazai_api_types::{
    Coprocessor, Generation, Job, Output, PortError, Prompt, Rejection, Sampling,
    SamplingParameter, Task, TokenId, Work,
};
use proptest::prelude::*;

use crate::{
    Cpu,
    artifact::{Artifact, ArtifactBytes},
    kernel::{Backend, Threads},
    model::{Model, synthetic},
    program::{LlamaShape, Target},
    tokenizer::ENCODINGS,
};

fn model_bytes() -> Vec<u8> {
    let shape = LlamaShape {
        vocabulary: 258,
        hidden: 64,
        intermediate: 96,
        heads: 4,
        kv_heads: 2,
        head_dim: 16,
        tied: false,
    };
    synthetic(&shape, 2, 64, 11).unwrap().to_bytes().unwrap()
}

fn cpu(backend: Backend, threads: usize) -> Cpu {
    let artifact = Artifact::new(ArtifactBytes::Owned(model_bytes())).unwrap();
    let model = Model::load_untrusted(artifact, &Threads::single()).unwrap();
    Cpu::builder()
        .model(model)
        .backend(backend)
        .threads(Threads::new(threads).unwrap())
        .build()
        .unwrap()
}

fn shared() -> &'static Cpu {
    static CPU: OnceLock<Cpu> = OnceLock::new();
    CPU.get_or_init(|| cpu(Backend::detect(), 2))
}

fn generation(prompt: &str, max_tokens: u32, sampling: Sampling) -> Generation {
    Generation { prompt: Prompt::Text(prompt.to_owned()), max_tokens, sampling, stop: Vec::new() }
}

fn job(task: Task) -> Job {
    Job { model: shared().models().next().unwrap(), task }
}

fn rejection(task: Task) -> Rejection {
    let job = job(task);
    let error = shared().quote(&job).unwrap_err();
    assert_eq!(shared().run(&job).unwrap_err(), error, "run and quote disagree");
    match error {
        PortError::Rejected(rejection) => rejection,
        PortError::Fault(fault) => panic!("{fault}"),
    }
}

const WARM: Sampling = Sampling { temperature_milli: 900, top_k: 0, top_p_milli: 0, seed: 3 };

#[test]
fn the_same_request_gives_the_same_answer_everywhere() {
    for sampling in [Sampling::default(), WARM, Sampling { top_k: 9, top_p_milli: 700, ..WARM }] {
        let job = job(Task::Generate(generation("Once upon a time", 40, sampling)));
        let expected = shared().run(&job).unwrap();
        for backend in Backend::available() {
            for threads in 1..3 {
                assert_eq!(
                    cpu(backend, threads).run(&job).unwrap(),
                    expected,
                    "{backend} {threads}"
                );
            }
        }
    }
}

#[test]
fn seeds_choose_among_answers() {
    let text = |seed| {
        let sampling = Sampling { seed, ..WARM };
        let Output::Generated { tokens, .. } =
            shared().run(&job(Task::Generate(generation("Hello", 20, sampling)))).unwrap().output
        else {
            panic!("not a generation")
        };
        tokens
    };
    assert_eq!(text(1), text(1));
    assert_ne!(text(1), text(2));
}

#[test]
fn a_quote_is_what_a_full_run_costs() {
    let job = job(Task::Generate(generation("abc", 9, WARM)));
    let quote = shared().quote(&job).unwrap();
    let (outcome, usage) = shared().run_observed(&job, &mut |_| {}).unwrap();
    assert_eq!(outcome.usage.completion_tokens, 9, "the test needs a run that uses all tokens");
    assert_eq!((outcome.work, outcome.usage), (quote.work, quote.usage));
    assert_eq!(usage.flops_done, quote.work.flops, "operations counted as they ran");
    assert!(quote.work.flops > job.intrinsic_work().flops);
    assert!(usage.resident_bytes.is_none_or(|bytes| bytes > quote.work.peak_bytes));
}

#[test]
fn a_prepared_job_is_tokenized_once() {
    let cpu = shared();
    let job = job(Task::Generate(generation("Once", 4, Sampling::default())));
    let before = ENCODINGS.get();
    let prepared = cpu.prepare(&job).unwrap();
    let quote = prepared.quote();
    let outcome = prepared.run().unwrap();
    assert_eq!(ENCODINGS.get() - before, 1);
    assert_eq!(quote, cpu.quote(&job).unwrap());
    assert_eq!(outcome, cpu.run(&job).unwrap());
}

#[test]
fn a_stop_text_ends_the_answer_and_gives_work_back() {
    let mut generation = generation("abc", 30, WARM);
    let full = shared().run(&job(Task::Generate(generation.clone()))).unwrap();
    let Output::Generated { text, .. } = &full.output else { panic!("not a generation") };
    let (at, stop) = text.char_indices().nth(5).unwrap();
    generation.stop = vec!["never appears".to_owned(), stop.to_string()];
    let cut = shared().run(&job(Task::Generate(generation))).unwrap();
    let Output::Generated { text: short, finish, .. } = &cut.output else {
        panic!("not a generation")
    };
    assert_eq!(*finish, lazai_api_types::FinishReason::Stop);
    assert!(text.starts_with(short.as_str()) && short.len() <= at && !short.contains(stop));
    assert!(cut.work.flops < full.work.flops);
    assert_eq!(cut.work.peak_bytes, full.work.peak_bytes);
}

#[test]
fn a_prompt_by_tokens_is_the_prompt_by_text() {
    let text = "The fox and the owl.";
    let Output::Tokens(tokens) =
        shared().run(&job(Task::Encode { text: text.to_owned() })).unwrap().output
    else {
        panic!("not tokens")
    };
    assert_eq!(tokens[0], TokenId(0), "the template starts a text");
    let count = shared().run(&job(Task::Count { text: text.to_owned() })).unwrap().output;
    assert_eq!(count, Output::Count(tokens.len() as u32));
    let decoded = shared().run(&job(Task::Decode { tokens: tokens.clone() })).unwrap().output;
    assert_eq!(decoded, Output::Text(text.to_owned()));
    let by_text = generation(text, 8, WARM);
    let by_tokens = Generation { prompt: Prompt::Tokens(tokens.clone()), ..by_text.clone() };
    let run = |generation| shared().run(&job(Task::Generate(generation))).unwrap().output;
    assert_eq!(run(by_text), run(by_tokens));
    let embed = |prompt| shared().run(&job(Task::Embed { prompt })).unwrap().output;
    assert_eq!(embed(Prompt::Text(text.to_owned())), embed(Prompt::Tokens(tokens)));
}

#[test]
fn a_quote_tells_how_long_a_vector_will_be() {
    let prompt = || Prompt::Text("abc".to_owned());
    for task in [
        Task::Count { text: "abc".to_owned() },
        Task::Embed { prompt: prompt() },
        Task::Generate(generation("abc", 4, WARM)),
        Task::Logits { prompt: prompt() },
    ] {
        let job = job(task);
        let quoted = shared().quote(&job).unwrap().output_values as usize;
        match shared().run(&job).unwrap().output {
            Output::Embedding { values, .. } => assert_eq!(values.len(), quoted),
            Output::Logits { values, .. } => assert_eq!(values.len(), quoted),
            _ => assert_eq!(quoted, 0),
        }
    }
}

/// Each new token is read in a step of its own, which reads all weights.
#[test]
fn a_new_token_costs_more_than_a_token_of_the_prompt() {
    let flops = |prompt: usize, max_tokens| {
        let prompt = Prompt::Tokens(vec![TokenId(5); prompt]);
        let generation = Generation { prompt, ..generation("", max_tokens, Sampling::default()) };
        shared().quote(&job(Task::Generate(generation))).unwrap().work.flops
    };
    let id = shared().models().next().unwrap();
    let rule = *shared().model(id).unwrap().work_rule(Target::Logits);
    let (base, read, written) = (flops(10, 1), flops(11, 1), flops(10, 2));
    assert!(read - base < rule.time_per_step);
    assert!(written - base > rule.time_per_step + rule.time_per_ending_step);
}

/// Sorting a vocabulary is not free.
#[test]
fn choosing_is_paid_by_what_it_does() {
    let flops = |sampling| {
        let generation = generation("abc", 20, sampling);
        shared().quote(&job(Task::Generate(generation))).unwrap().work.flops
    };
    let warm = Sampling { temperature_milli: 1_000, ..Sampling::default() };
    let cut = Sampling { top_p_milli: 900, ..warm };
    let (greedy, warm, cut) = (flops(Sampling::default()), flops(warm), flops(cut));
    assert_eq!(warm - greedy, 20 * 258 * 400);
    assert_eq!(cut - warm, 20 * 258 * 1_400);
}

#[test]
fn greedy_takes_the_best_score() {
    let prompt = Prompt::Text("abc".to_owned());
    let Output::Logits { values, .. } =
        shared().run(&job(Task::Logits { prompt: prompt.clone() })).unwrap().output
    else {
        panic!("not logits")
    };
    let best = values.iter().max().unwrap();
    let best = values.iter().position(|value| value == best).unwrap() as u32;
    let generation =
        Generation { prompt, max_tokens: 1, sampling: Sampling::default(), stop: vec![] };
    let mut seen = Vec::new();
    shared().run_observed(&job(Task::Generate(generation)), &mut |token| seen.push(token)).unwrap();
    assert_eq!(seen, [TokenId(best)]);
}

#[test]
fn bad_input_is_refused_by_name() {
    let unknown = Job { model: Default::default(), task: Task::Count { text: String::new() } };
    assert!(matches!(
        shared().quote(&unknown),
        Err(PortError::Rejected(Rejection::UnknownModel { .. }))
    ));
    let generate = |prompt: &str, max| Task::Generate(generation(prompt, max, Sampling::default()));
    assert_eq!(rejection(generate("abc", 0)), Rejection::MaxTokens { got: 0, max: 60 });
    let got = u64::from(u32::MAX);
    assert_eq!(rejection(generate("abc", u32::MAX)), Rejection::MaxTokens { got, max: 60 });
    assert_eq!(
        rejection(generate(&"x".repeat(64), 1)),
        Rejection::PromptTooLong { got: 65, max: 64 }
    );
    assert_eq!(
        rejection(generate("so </s> it ends", 1)),
        Rejection::SpecialToken { token: 1, offset: 3 }
    );
    let long = "x".repeat((1 << 20) + 1);
    assert_eq!(
        rejection(Task::Count { text: long }),
        Rejection::InputTooLong { got: (1 << 20) + 1, max: 64 * 4 }
    );
    let prompt = Prompt::Tokens(vec![TokenId(5), TokenId(258)]);
    assert_eq!(
        rejection(Task::Logits { prompt }),
        Rejection::UnknownToken { token: 258, index: 1, vocabulary: 258 }
    );
    assert_eq!(rejection(Task::Embed { prompt: Prompt::Tokens(vec![]) }), Rejection::EmptyPrompt);
    let hot = Sampling { temperature_milli: 10_001, ..WARM };
    assert!(matches!(
        rejection(Task::Generate(generation("a", 1, hot))),
        Rejection::InvalidSampling {
            parameter: SamplingParameter::Temperature,
            got: 10_001,
            max: 10_000
        }
    ));
    for stop in [vec![String::new()], vec!["x".repeat(257)], vec!["x".to_owned(); 5]] {
        let generation = Generation { stop, ..generation("a", 1, WARM) };
        assert!(matches!(rejection(Task::Generate(generation)), Rejection::StopList { .. }));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn an_outcome_never_costs_more_than_its_quote(
        prompt in "[a-z ]{1,30}", max in 1_u32..34, seed in any::<u64>(), temperature in 0_u32..2_000,
        top_k in 0_u32..300, top_p in 0_u32..=1_000,
    ) {
        let sampling = Sampling { temperature_milli: temperature, top_k, top_p_milli: top_p, seed };
        let job = job(Task::Generate(generation(&prompt, max, sampling)));
        let quote = shared().quote(&job).unwrap();
        let (outcome, usage) = shared().run_observed(&job, &mut |_| {}).unwrap();
        prop_assert!(outcome.work.flops <= quote.work.flops);
        prop_assert_eq!(outcome.work.peak_bytes, quote.work.peak_bytes);
        prop_assert_eq!(usage.flops_done, outcome.work.flops);
        prop_assert!(outcome.usage.completion_tokens <= max);
    }

    #[test]
    fn a_longer_prompt_never_costs_less(prompt in "[a-z ]{1,20}", more in "[a-z ]{1,20}", max in 1_u32..20) {
        let work = |text: &str, max| {
            shared().quote(&job(Task::Generate(generation(text, max, WARM)))).unwrap().work
        };
        let (short, long) = (work(&prompt, max), work(&format!("{prompt}{more}"), max));
        prop_assert!(short.flops < long.flops && short.peak_bytes <= long.peak_bytes);
        let later = work(&prompt, max + 1);
        prop_assert!(short.flops < later.flops && short.peak_bytes <= later.peak_bytes);
    }
}

#[test]
fn greedy_tokens_are_those_of_a_generation_until_it_ends_and_then_go_on() {
    let prompt: Vec<TokenId> = [72, 101, 108].map(TokenId).to_vec();
    let generate = |max_tokens| {
        let (prompt, sampling) = (Prompt::Tokens(prompt.clone()), Sampling::default());
        job(Task::Generate(Generation { prompt, max_tokens, sampling, stop: Vec::new() }))
    };
    let greedy = |count| job(Task::GreedyTokens { tokens: prompt.clone(), count });
    let most = 64 - prompt.len() as u32;
    let outcome = shared().run(&greedy(most)).unwrap();
    assert_eq!(outcome.work, shared().quote(&greedy(most)).unwrap().work);
    // Only a generation makes a text of its tokens, none of them longer than a character.
    let text = u64::from(most) * (30_000 + 4 * 1_000);
    let Work { flops, peak_bytes } = outcome.work;
    let generation = Work { flops: flops + text, peak_bytes };
    assert_eq!(shared().quote(&generate(most)).unwrap().work, generation);
    let Output::Tokens(tokens) = outcome.output else { panic!("no tokens") };
    assert_eq!((tokens.len(), outcome.usage.completion_tokens), (most as usize, most));
    let Output::Generated { tokens: generated, .. } = shared().run(&generate(most)).unwrap().output
    else {
        panic!("no generation")
    };
    assert_eq!(tokens[..generated.len()], generated);
    // However many are asked for, they begin with the same ones.
    let Output::Tokens(few) = shared().run(&greedy(5)).unwrap().output else { panic!("no tokens") };
    assert_eq!(few, tokens[..5]);
    let reject = |tokens, count| rejection(Task::GreedyTokens { tokens, count });
    assert_eq!(reject(prompt.clone(), 0), Rejection::MaxTokens { got: 0, max: 61 });
    assert_eq!(reject(prompt.clone(), 62), Rejection::MaxTokens { got: 62, max: 61 });
    assert_eq!(reject(vec![], 1), Rejection::EmptyPrompt);
    let unknown = Rejection::UnknownToken { token: 258, index: 0, vocabulary: 258 };
    assert_eq!(reject(vec![TokenId(258)], 1), unknown);
}
