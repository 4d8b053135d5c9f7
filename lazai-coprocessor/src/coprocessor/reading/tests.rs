//! What reading a job costs, and that nothing is read before that is known.

use lazai_api_types::{
    Coprocessor, Generation, Job, PortError, Prompt, Rejection, Sampling, Task, TokenId, Work,
};
use serde_json::Value;

use super::stop_flops;
use crate::{
    Cpu,
    artifact::{Artifact, ArtifactBytes},
    kernel::Threads,
    model::{Model, synthetic},
    program::LlamaShape,
    tokenizer::{
        DECODE_FLOPS_PER_BYTE, DECODE_FLOPS_PER_TOKEN, DECODE_MEMORY_PER_BYTE,
        DECODE_MEMORY_PER_TOKEN, ENCODINGS, MEMORY_PER_BYTE, TokenizerKind, fixtures,
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

#[test]
fn what_a_normalizer_adds_is_paid_for() {
    let cpu = cpu(&fixtures::unigram());
    // Three bytes become 33.
    let text = format!("\u{fdfa}{}", "a".repeat(20));
    let job = job(&cpu, Task::Count { text });
    let reading = cpu.reading_work(&job).unwrap();
    let quote = cpu.quote(&job).unwrap();
    let more = 30 * TokenizerKind::Unigram.flops_per_byte();
    assert_eq!(quote.work.flops - reading.flops, more);
    assert_eq!(quote.work.peak_bytes, 53 * MEMORY_PER_BYTE);
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
    let flops = DECODE_FLOPS_PER_TOKEN * count + DECODE_FLOPS_PER_BYTE * bytes;
    assert_eq!(reading.flops - job.intrinsic_work().flops, flops);
    let peak_bytes = DECODE_MEMORY_PER_TOKEN * count + DECODE_MEMORY_PER_BYTE * bytes;
    assert_eq!(reading.peak_bytes, peak_bytes);
    assert_eq!(cpu.quote(&job).unwrap().work, reading);
    let wrong = Task::Decode { tokens: vec![TokenId(3), TokenId(fixtures::VOCABULARY)] };
    let rejection = Rejection::UnknownToken { token: 1_000, index: 1, vocabulary: 1_000 };
    assert_eq!(cpu.reading_work(&self::job(&cpu, wrong)), Err(rejection.into()));
}

#[test]
fn looking_for_stop_texts_is_paid_by_the_window() {
    let steps = |tokens: u64| (1..=tokens).map(|step| step.min(512)).sum::<u64>();
    for tokens in [0, 1, 511, 512, 513, 2_000] {
        assert_eq!(stop_flops(tokens), Some(DECODE_FLOPS_PER_TOKEN * steps(tokens)));
    }
    assert_eq!(stop_flops(u64::MAX), None);
    let cpu = cpu(&fixtures::byte_level());
    let mut generation = generation(Prompt::Tokens(vec![TokenId(3)]));
    let plain = cpu.quote(&job(&cpu, Task::Generate(generation.clone()))).unwrap();
    generation.stop = vec!["x".to_owned()];
    let stopped = job(&cpu, Task::Generate(generation));
    let more = cpu.quote(&stopped).unwrap().work.flops - plain.work.flops;
    // The stop text is a byte of input and its length.
    assert!(more >= DECODE_FLOPS_PER_TOKEN * 10, "{more}");
}

#[test]
fn the_price_of_each_kind_is_pinned() {
    let kinds = [
        TokenizerKind::ByteLevelBpe,
        TokenizerKind::SentencePieceBpe,
        TokenizerKind::Unigram,
        TokenizerKind::WordPiece,
    ];
    assert_eq!(kinds.map(TokenizerKind::flops_per_byte), [300_000; 4]);
    assert_eq!((DECODE_FLOPS_PER_TOKEN, DECODE_FLOPS_PER_BYTE), (50_000, 5_000));
}
