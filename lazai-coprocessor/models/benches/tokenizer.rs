//! What a byte of text costs each kind of tokenizer at worst, beside what is charged for it.
//!
//! `cargo bench -p lazai-models --bench tokenizer -- [--behind FORM] FILE..` reads vocabularies as
//! `tokenizer.json` or GGUF; without one it reads the small ones of the tests. `--behind` brings
//! texts to a form, such as NFKC, before the vocabulary's own normalizer sees them. Each is tried
//! with listed texts and with texts that a search finds, by the processor time of the thread. A
//! price is good if the least gas a second is above that of Ethereum's slowest precompile, about 20
//! million.

use core::hint;
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::ExitCode,
    thread,
    time::Instant,
};

use lazai_coprocessor::{Tokenizer, tokenizer_json};
use lazai_models::{gguf::Gguf, tokenizer::with_integer_scores};

type Failure = Box<dyn core::error::Error>;

fn main() -> ExitCode {
    let mut words = env::args().skip(1).filter(|word| word != "--bench");
    let (mut files, mut form) = (Vec::new(), None);
    while let Some(word) = words.next() {
        if word == "--behind" { form = words.next() } else { files.push(PathBuf::from(word)) }
    }
    if files.is_empty() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/tokenizers");
        let names = ["byte_level.json", "sentencepiece.json", "unigram.json", "wordpiece.json"];
        files.extend(names.map(|name| folder.join(name)));
    }
    println!("vocabulary, kind, operations a byte; ns a byte, Mgas/s, text");
    let mut code = ExitCode::SUCCESS;
    for file in files {
        if let Err(error) = measure(&file, form.as_deref()) {
            eprintln!("{}: {error}", file.display());
            code = ExitCode::FAILURE;
        }
    }
    code
}

fn measure(file: &Path, form: Option<&str>) -> Result<(), Failure> {
    let mut json = if file.extension().is_some_and(|extension| extension == "gguf") {
        Gguf::open(file)?.tokenizer_json()?
    } else {
        with_integer_scores(&fs::read(file)?)?.into_owned()
    };
    if let Some(form) = form {
        let own = serde_json::from_slice(&json)?;
        json = serde_json::to_vec(&tokenizer_json::behind(form, own))?;
    }
    let tokenizer = Tokenizer::new(&json, 1 << 20)?;
    let paid = tokenizer.paid_bytes(1).ok_or("a byte is paid as one or more")?;
    let price = tokenizer.flops_per_byte() * paid;
    let name = file.file_name().unwrap_or_default().display();
    println!("{name} {}, {:?}, {price}", form.unwrap_or_default(), tokenizer.kind());
    let mut worst: Vec<(f64, String)> = Vec::new();
    for pattern in PATTERNS.map(str::to_owned).into_iter().chain(words(&tokenizer)) {
        worst.push((cost(&tokenizer, &pattern), pattern));
    }
    worst.sort_by(|left, right| right.0.total_cmp(&left.0));
    // From the worst, change by change.
    let mut random = Random(1);
    let (mut best, mut pattern) = worst[0].clone();
    for _ in 0..ROUNDS {
        let mut other: Vec<char> = pattern.chars().collect();
        let source: Vec<char> = worst[random.below(worst.len().min(12))].1.chars().collect();
        let place = random.below(other.len() + 1);
        match random.below(3) {
            0 if other.len() > 1 => drop(other.remove(place.min(other.len() - 1))),
            1 => other.insert(place, source[random.below(source.len())]),
            _ => other.splice(place..place, source).for_each(drop),
        }
        other.truncate(64);
        let other: String = other.into_iter().collect();
        let cost = cost(&tokenizer, &other);
        if cost > best {
            (best, pattern) = (cost, other);
        }
    }
    worst.insert(0, (best, pattern));
    for (cost, pattern) in worst.iter().take(4).chain(worst.iter().find(|(_, p)| p == ENGLISH)) {
        // 3/10,000 gas for an operation.
        let gas = price as f64 * 3e-4;
        println!("{cost:10.0} {:8.1} {:?}", gas / cost * 1e3, pattern);
    }
    Ok(())
}

/// Nanoseconds of this thread for a byte of the pattern, again and again, or of what its
/// normalization makes of it; the least of some runs.
fn cost(tokenizer: &Tokenizer, pattern: &str) -> f64 {
    let text = pattern.repeat(TEXT_BYTES / pattern.len().max(1));
    let time = || {
        let start = clock();
        // A refusal takes time too.
        let _ = hint::black_box(tokenizer.encode(hint::black_box(&text)));
        clock() - start
    };
    (0..3).map(|_| time()).fold(f64::INFINITY, f64::min) / text.len().max(1) as f64
}

/// Processor time of this thread in nanoseconds, or time if the system does not tell.
fn clock() -> f64 {
    thread_local!(static START: Instant = Instant::now());
    // The system adds up when a thread gives way.
    thread::yield_now();
    let stat = fs::read_to_string("/proc/thread-self/schedstat").ok();
    let spent = stat.and_then(|stat| stat.split_whitespace().next()?.parse().ok());
    spent.unwrap_or_else(|| START.with(|start| start.elapsed().as_nanos() as f64))
}

/// Patterns of the vocabulary's own longest and some other tokens, with and without spaces.
fn words(tokenizer: &Tokenizer) -> Vec<String> {
    let texts = (0..1 << 20).step_by(997).filter_map(|token| tokenizer.decode(&[token]).ok());
    let texts: Vec<String> = texts.filter(|text| (1..64).contains(&text.len())).take(64).collect();
    texts.iter().flat_map(|text| [text.clone(), format!(" {text}"), format!("{text}\t")]).collect()
}

struct Random(u64);

impl Random {
    const fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) as usize % bound
    }
}

const TEXT_BYTES: usize = 1 << 14;

const ROUNDS: usize = 300;

const ENGLISH: &str =
    "The price of a call is known before it runs, and every machine agrees on it. ";

const PATTERNS: [&str; 48] = [
    ENGLISH,
    "a",
    " a",
    " ",
    "\n",
    "\t\tx",
    "\tx",
    "e\u{301}",
    ".,;!",
    "'s",
    "1",
    "1a",
    " 1",
    "\u{4f60}\u{597d}",
    "\u{1f600}",
    "\u{fdfa}",
    "\u{fdfa}aaaaaaaa",
    "\u{fdfa}aaa",
    "<",
    "< ",
    " \n",
    "\u{ac01}",
    "\u{ac01} ",
    "\u{e9}",
    "\u{e9} ",
    "\u{130}",
    "\u{1e9e}\u{fb03}",
    "\u{2581}",
    "a\u{2581}",
    "qzqz",
    "zq xj ",
    "a.",
    "A",
    "aA ",
    "\u{0}",
    "\u{301}",
    "\u{1d15e}",
    "\u{1d160}",
    "\u{958}",
    "\u{fb2c}",
    "\u{3316}",
    "\u{390}",
    "\u{fdfa}aeioubcdfghjklmnpqrstvwxyzaeioubcdfghjklmnpqrstvwxyzaeiou",
    "\u{1d160}aeioubcdfghjklmnpqrstvwxyzae",
    "\u{958}aeioubcdf",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa ",
    "qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq ",
    "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}",
];
