//! Tokens per second of whole models, and what share of the memory bandwidth decoding reaches.
//!
//! `cargo bench -p lazai-coprocessor --bench model` prints a table, then the criterion groups.
//! `THREADS` sets the number of threads, one per core if unset; `SHAPES=110M` leaves the large
//! model out.

use core::time::Duration;
use std::{path::PathBuf, time::Instant};

use criterion::{BenchmarkId, Criterion, Throughput};
use lazai_coprocessor::{
    Session,
    artifact::Artifact,
    kernel::{Backend, Threads},
    model::{Model, synthetic},
    program::{LlamaShape, Target},
};

#[path = "matmul/machine.rs"]
#[allow(dead_code, reason = "the matrix bench measures the integer peak too")]
mod machine;

fn main() {
    let count = std::env::var("THREADS").map_or(0, |count| count.parse().expect("a number"));
    let threads = Threads::new(count).expect("the threads start");
    let shapes = std::env::var("SHAPES").unwrap_or_else(|_| "110M,1.1B".to_owned());
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(5))
        .sample_size(10)
        .configure_from_args();
    println!("threads {}, {}", threads.count(), Backend::detect());
    for (name, shape, layers) in SHAPES {
        if shapes.split(',').any(|wanted| wanted == name) {
            let folder = Folder::new(name);
            let model = folder.model(&shape, layers, &threads);
            summarize(name, &model, &threads);
            measure(&mut criterion, name, &model, &threads);
        }
    }
    criterion.final_summary();
}

/// Prints tokens per second and the share of the bandwidth, in turns with the measured bandwidth.
fn summarize(name: &str, model: &Model, threads: &Threads) {
    let weights = decode_bytes(model);
    let (mut bandwidth, mut prefill, mut decode) = (0_f64, f64::MAX, f64::MAX);
    for _ in 0..3 {
        bandwidth = bandwidth.max(machine::read_bandwidth(threads));
        prefill = prefill.min(seconds(|| drop(prompt(model, threads, PROMPT))));
        let mut session = prompt(model, threads, 16);
        decode = decode.min(seconds(|| continue_by(&mut session, NEW)) / NEW as f64);
    }
    let achieved = weights as f64 / decode;
    println!("{name}: prefill of {PROMPT} tokens {:.1} tokens/s", PROMPT as f64 / prefill);
    println!(
        "{name}: decode {:.2} tokens/s, {:.2} of {:.2} GB/s = {:.0} % of the bandwidth",
        1.0 / decode,
        achieved / 1e9,
        bandwidth / 1e9,
        100.0 * achieved / bandwidth
    );
}

fn measure(criterion: &mut Criterion, name: &str, model: &Model, threads: &Threads) {
    let mut group = criterion.benchmark_group("model::prefill");
    group.throughput(Throughput::Elements(PROMPT as u64));
    group.bench_function(
        BenchmarkId::from_parameter(format!("shape={name} tokens={PROMPT}")),
        |b| {
            b.iter(|| prompt(model, threads, PROMPT));
        },
    );
    group.finish();
    let mut group = criterion.benchmark_group("model::decode");
    group.throughput(Throughput::Elements(NEW as u64));
    group.bench_function(BenchmarkId::from_parameter(format!("shape={name} tokens={NEW}")), |b| {
        b.iter_batched(
            || prompt(model, threads, 16),
            |mut session| continue_by(&mut session, NEW),
            criterion::BatchSize::PerIteration,
        );
    });
    group.finish();
}

fn prompt<'m>(model: &'m Model, threads: &Threads, tokens: usize) -> Session<'m> {
    let backend = Backend::detect();
    let mut session =
        Session::new(model, Target::Logits, tokens + NEW, 1, backend, threads).expect("it fits");
    let tokens: Vec<u32> = (0..tokens as u32).map(|token| 2 + token % 256).collect();
    session.feed(&tokens, 1).expect("it fits");
    session
}

fn continue_by(session: &mut Session<'_>, tokens: usize) {
    for token in 0..tokens as u32 {
        session.feed(&[2 + token % 256], 1).expect("it fits");
    }
}

fn seconds(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64()
}

/// Bytes of the weights that one token reads: every matrix but the embedding, of which it reads a
/// row.
fn decode_bytes(model: &Model) -> u64 {
    let tensors = model.artifact().tensors().iter();
    let matrices = tensors.filter(|(name, _)| {
        (name.starts_with("layers.") || name.starts_with("head."))
            && (name.ends_with(".values") || name.ends_with(".exponents"))
    });
    matrices.map(|(_, info)| info.range().len() as u64).sum()
}

/// A folder for the artifact, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("lazvm-bench-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a temporary folder");
        Self(path)
    }

    fn model(&self, shape: &LlamaShape, layers: usize, threads: &Threads) -> Model {
        let path = self.0.join("model.safetensors");
        synthetic(shape, layers, 1_024, 1)
            .and_then(|built| built.write(&path))
            .expect("it is written");
        let start = Instant::now();
        let artifact = Artifact::open(&path).expect("it opens");
        let opened = start.elapsed();
        let bytes = artifact.bytes().len();
        let id = artifact.id(threads);
        let start = Instant::now();
        let model = Model::load(artifact, id, threads).expect("it loads");
        let loaded = start.elapsed();
        let again = Artifact::open(&path).expect("it opens");
        let start = Instant::now();
        drop(Model::load_verified(again, id).expect("it loads"));
        println!(
            "\n{} MiB: opened in {opened:.2?}, verified and loaded in {loaded:.2?}, loaded again in {:.2?}",
            bytes >> 20,
            start.elapsed()
        );
        model
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const SHAPES: [(&str, LlamaShape, usize); 2] = [
    (
        "110M",
        LlamaShape {
            vocabulary: 32_000,
            hidden: 768,
            intermediate: 2_048,
            heads: 12,
            kv_heads: 12,
            head_dim: 64,
            tied: false,
        },
        12,
    ),
    (
        "1.1B",
        LlamaShape {
            vocabulary: 32_000,
            hidden: 2_048,
            intermediate: 5_632,
            heads: 32,
            kv_heads: 4,
            head_dim: 64,
            tied: false,
        },
        22,
    ),
];

const PROMPT: usize = 256;
const NEW: usize = 32;
