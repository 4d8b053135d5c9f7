//! What reading a job costs, and that nothing is read before that is known.

use lazai_api_types::{
    Coprocessor, Generation, Job, PortError, Prompt, Rejection, Sampling, Task, TokenId, Work,
};
use serde_json::{Value, json};

use super::stop_flops;
use crate::{
    Cpu,
    artifact::{Artifact, ArtifactBytes},
    kernel::Threads,
    model::{Model, synthetic},
    program::LlamaShape,
    tokenizer::{
        DECODE_MEMORY_PER_BYTE, DECODE_MEMORY_PER_TOKEN, ENCODINGS, MEMORY_PER_BYTE, TokenizerKind,
        fixtures,
    },
};

const CONTEXT: u32 = 32;

/// A small model with a tokenizer of the tests.
fn cpu(tokenizer: &Value) -> Cpu {
    let shape = LlamaShape { vocabulary: fixtures::VOCABULARY, tied: false, ..LlamaShape::small() };
    let mut artifact = synthetic(&shape, 1, CONTEXT, 7).unwrap();
    let json = tokenizer.to_string().into_bytes();
    artifact.add_u8("tokenizer.json", vec![json.len() as u64], json);
    let artifact = Artifact::new(ArtifactBytes::Owned(artifact.to_bytes().unwrap())).unwrap();
    let model = Model::load_untrusted(artifact, &Threads::single()).unwrap();
    Cpu::builder().model(model).build().unwrap()
}

fn job(cpu: &Cpu, task: Task) -> Job {
    Job { model: cpu.models().next().unwrap(), task }
}

fn texts(text: &str) -> [Task; 4] {
    let (text, prompt) = (text.to_owned(), Prompt::Text(text.to_owned()));
    [
        Task::Count { text: text.clone() },
        Task::Encode { text },
        Task::Generate(generation(prompt.clone())),
        Task::Logits { prompt },
    ]
}

fn generation(prompt: Prompt) -> Generation {
    Generation { prompt, max_tokens: 4, sampling: Sampling::default(), stop: Vec::new() }
}

#[test]
fn a_text_longer_than_a_context_of_longest_tokens_is_refused_unread() {
    let cpu = cpu(&fixtures::byte_level());
    let model = cpu.model(cpu.models().next().unwrap()).unwrap();
    let max = u64::from(CONTEXT) * model.tokenizer().longest_token() as u64;
    assert!((128..1_024).contains(&max), "{max}");
    let (fits, too_long) = ("a".repeat(max as usize), "a".repeat(max as usize + 1));
    for task in texts(&too_long) {
        let job = job(&cpu, task);
        let before = ENCODINGS.get();
        let rejection = PortError::Rejected(Rejection::InputTooLong { got: max + 1, max });
        assert_eq!(cpu.reading_work(&job), Err(rejection.clone()));
        assert_eq!(cpu.quote(&job), Err(rejection.clone()));
        assert_eq!(cpu.run(&job), Err(rejection));
        assert_eq!(ENCODINGS.get(), before);
    }
    for task in texts(&fits) {
        let job = job(&cpu, task);
        let before = ENCODINGS.get();
        cpu.reading_work(&job).unwrap();
        assert_eq!(ENCODINGS.get(), before, "lengths alone decide");
    }
}

#[test]
fn a_byte_of_text_costs_what_its_kind_says() {
    let kinds = [
        (fixtures::byte_level(), TokenizerKind::ByteLevelBpe),
        (fixtures::llama(), TokenizerKind::ByteLevelBpe),
        (fixtures::pattern(), TokenizerKind::PatternBpe),
        (fixtures::sentence_piece(), TokenizerKind::SentencePieceBpe),
        (fixtures::unigram(), TokenizerKind::Unigram),
        (fixtures::word_piece(), TokenizerKind::WordPiece),
    ];
    for (json, kind) in kinds {
        let cpu = cpu(&json);
        let job = job(&cpu, Task::Count { text: "hello hello".to_owned() });
        let reading = cpu.reading_work(&job).unwrap();
        let flops = job.intrinsic_work().flops + 11 * kind.flops_per_byte();
        assert_eq!(reading, Work { flops, peak_bytes: 11 * MEMORY_PER_BYTE }, "{kind:?}");
        assert_eq!(cpu.model(job.model).unwrap().reading_work(&job), Ok(reading));
        let quote = cpu.quote(&job).unwrap();
        assert!(quote.work.flops >= flops && quote.work.peak_bytes >= reading.peak_bytes);
        assert_eq!(cpu.run(&job).unwrap().work, quote.work);
    }
}

/// A quote and a refusal cost what reading does, so nothing may be added afterwards.
#[test]
fn what_a_normalizer_adds_is_paid_for_before_it_does() {
    let cpu = cpu(&fixtures::unigram());
    // Three bytes become 33.
    let text = format!("\u{fdfa}{}", "a".repeat(20));
    let job = job(&cpu, Task::Count { text });
    let reading = cpu.reading_work(&job).unwrap();
    let flops = job.intrinsic_work().flops + 23 * TokenizerKind::Unigram.flops_per_byte();
    assert_eq!(reading, Work { flops, peak_bytes: 23 * MEMORY_PER_BYTE });
    assert_eq!(cpu.quote(&job).unwrap().work, reading);
    assert_eq!(cpu.run(&job).unwrap().work, reading);
}

/// A syllable of Korean has three bytes, and nine when it is taken apart.
#[test]
fn a_text_that_is_taken_apart_for_a_model_of_bytes_is_paid_three_times() {
    for (form, times) in [("NFC", 1), ("NFD", 3), ("NFKC", 1), ("NFKD", 3)] {
        let mut json = fixtures::byte_level();
        json["normalizer"] = json!({"type": form});
        let cpu = cpu(&json);
        let job = job(&cpu, Task::Count { text: "\u{d55c}".repeat(7) });
        let reading = cpu.reading_work(&job).unwrap();
        let flops = job.intrinsic_work().flops + times * 21 * 40_000;
        assert_eq!(reading, Work { flops, peak_bytes: times * 21 * MEMORY_PER_BYTE }, "{form}");
        assert_eq!(cpu.run(&job).unwrap().work, reading);
    }
}

#[test]
fn decoding_costs_tokens_and_the_bytes_that_they_spell() {
    let cpu = cpu(&fixtures::byte_level());
    let tokenizer = cpu.model(cpu.models().next().unwrap()).unwrap().tokenizer();
    let tokens: Vec<TokenId> =
        tokenizer.encode("hello model \u{4f60}").unwrap().into_iter().map(TokenId).collect();
    let (count, bytes) = (tokens.len() as u64, 15);
    assert!(count < bytes);
    let job = job(&cpu, Task::Decode { tokens });
    let reading = cpu.reading_work(&job).unwrap();
    let flops = 30_000 * count + 1_000 * bytes;
    assert_eq!(reading.flops - job.intrinsic_work().flops, flops);
    let peak_bytes = DECODE_MEMORY_PER_TOKEN * count + DECODE_MEMORY_PER_BYTE * bytes;
    assert_eq!(reading.peak_bytes, peak_bytes);
    assert_eq!(cpu.quote(&job).unwrap().work, reading);
    let wrong = Task::Decode { tokens: vec![TokenId(3), TokenId(fixtures::VOCABULARY)] };
    let rejection = Rejection::UnknownToken { token: 1_000, index: 1, vocabulary: 1_000 };
    assert_eq!(cpu.reading_work(&self::job(&cpu, wrong)), Err(rejection.into()));
}

/// A step that looks for spaces to take away copies each token many times.
#[test]
fn a_decoder_that_cleans_up_costs_half_as_much_again() {
    let decoder = |cleanup: bool| json!({"type": "WordPiece", "prefix": "##", "cleanup": cleanup});
    let nested = json!({"type": "Sequence", "decoders": [{"type": "Fuse"}, decoder(true)]});
    for (decoder, flops) in [(decoder(false), 30_000), (decoder(true), 45_000), (nested, 45_000)] {
        let mut json = fixtures::word_piece();
        json["decoder"] = decoder.clone();
        let cpu = cpu(&json);
        let decode = |count: usize| {
            let job = job(&cpu, Task::Decode { tokens: vec![TokenId(5); count] });
            cpu.reading_work(&job).unwrap().flops - job.intrinsic_work().flops
        };
        let text = "hello".len() as u64 * 1_000;
        assert_eq!(decode(1_000), 1_000 * (flops + text), "{decoder}");
    }
}

#[test]
fn looking_for_stop_texts_is_paid_by_token_and_by_their_bytes() {
    let cpu = cpu(&fixtures::byte_level());
    let model = cpu.model(cpu.models().next().unwrap()).unwrap();
    let longest = model.tokenizer().longest_token() as u64;
    let flops = |max_tokens, stop: &[String]| {
        let prompt = Prompt::Tokens(vec![TokenId(3)]);
        let generation = Generation { max_tokens, stop: stop.to_vec(), ..generation(prompt) };
        let job = job(&cpu, Task::Generate(generation));
        cpu.quote(&job).unwrap().work.flops - job.intrinsic_work().flops
    };
    for (stop, bytes) in [
        (vec!["x".to_owned()], 1),
        (vec!["x".repeat(256)], 256),
        (vec!["x".to_owned(), "x".repeat(256), "xy".to_owned()], 3 * 256),
    ] {
        for tokens in [1, 4, 31] {
            let decoded = 30_000 + longest * 1_000;
            let expected = u64::from(tokens) * (32 * decoded + 2_000 * bytes);
            assert_eq!(flops(tokens, &stop) - flops(tokens, &[]), expected);
        }
    }
    assert_eq!(stop_flops(model, &["x".to_owned()], u64::MAX), None);
}

/// A quote plans a run, so it is paid for by the operators, whoever asks and whatever comes of it.
#[test]
fn planning_is_paid_before_anything_is_quoted() {
    let cpu = cpu(&fixtures::byte_level());
    let model = cpu.model(cpu.models().next().unwrap()).unwrap();
    let operators = model.manifest().program.operators.len() as u64;
    assert!(operators > 10);
    let prompt = || Prompt::Tokens(vec![TokenId(3)]);
    for task in [
        Task::Embed { prompt: prompt() },
        Task::Generate(generation(prompt())),
        Task::GreedyTokens { tokens: vec![TokenId(3)], count: 1 },
        Task::Logits { prompt: prompt() },
    ] {
        let job = job(&cpu, task);
        let reading = cpu.reading_work(&job).unwrap();
        assert_eq!(reading.flops - job.intrinsic_work().flops, 5_000 * operators);
        assert!(cpu.quote(&job).unwrap().work.flops > reading.flops);
    }
}

#[test]
fn the_price_of_each_kind_is_pinned() {
    let kinds = [
        TokenizerKind::ByteLevelBpe,
        TokenizerKind::PatternBpe,
        TokenizerKind::SentencePieceBpe,
        TokenizerKind::Unigram,
        TokenizerKind::WordPiece,
    ];
    let prices = [40_000, 80_000, 60_000, 150_000, 60_000];
    assert_eq!(kinds.map(TokenizerKind::flops_per_byte), prices);
}
