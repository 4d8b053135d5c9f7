//! Benchmarks of encoding and verification, beside the bare erasure code and the bare hash.
//!
//! `cargo bench -p lazai-availability --bench availability`
//!
//! Throughput is in bytes of data, for `verify` in bytes of shards. Each benchmark uses one thread.
//! On Linux its processor time is measured, so that other work on the machine has little effect.

#![allow(clippy::unwrap_used)]

use core::{hint::black_box, time::Duration};
use std::{collections::BTreeMap, fs, io, sync::LazyLock, time::Instant};

use criterion::{
    BatchSize, Criterion, Throughput, criterion_group, criterion_main,
    measurement::{Measurement, ValueFormatter, WallTime},
};
use lazai_availability::{
    Coding, LEAF_BYTES, Manifest, Shard, ShardSink, decode, encode, verify_opening,
};
use lazai_consensus::merkle;
use reed_solomon_simd::{ReedSolomonDecoder, ReedSolomonEncoder};

/// Two stripes.
const DATA_BYTES: usize = 32 << 20;
const MEMBERS: [u16; 4] = [4, 13, 31, 100];

type Shards = BTreeMap<(u32, u16), Shard<'static>>;

/// Measures the processor time of this thread, or the wall clock on systems that do not report it.
struct ThreadTime;

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

fn now() -> Duration {
    let told = fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = told.and_then(|text| text.split(' ').next()?.parse().ok());
    nanoseconds.map_or_else(|| START.elapsed(), Duration::from_nanos)
}

impl Measurement for ThreadTime {
    type Intermediate = Duration;
    type Value = Duration;

    fn start(&self) -> Duration {
        now()
    }

    fn end(&self, start: Duration) -> Duration {
        now().saturating_sub(start)
    }

    fn add(&self, first: &Duration, second: &Duration) -> Duration {
        *first + *second
    }

    fn zero(&self) -> Duration {
        Duration::ZERO
    }

    fn to_f64(&self, value: &Duration) -> f64 {
        WallTime.to_f64(value)
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        WallTime.formatter()
    }
}

/// A sink that drops all shards.
struct NullSink;

impl ShardSink for NullSink {
    type Error = io::Error;

    fn put(&mut self, shard: Shard<'_>) -> io::Result<()> {
        black_box(shard.bytes);
        Ok(())
    }
}

fn data() -> Vec<u8> {
    let mut state = 1_u64;
    let mut data = Vec::with_capacity(DATA_BYTES);
    while data.len() < DATA_BYTES {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        data.extend(state.to_le_bytes());
    }
    data
}

fn published(data: &[u8], n: u16) -> (Manifest, Shards) {
    let mut shards = Vec::new();
    let manifest = encode(data, Coding::new(n).unwrap(), &mut shards).unwrap();
    (manifest, shards.into_iter().map(|shard| ((shard.stripe, shard.index), shard)).collect())
}

/// Runs the erasure code alone.
fn encode_raw(k: usize, n: usize, originals: &[&[u8]]) {
    let mut encoder = ReedSolomonEncoder::new(k, n - k, originals[0].len()).unwrap();
    for stripe in originals.chunks(k) {
        for shard in stripe {
            encoder.add_original_shard(shard).unwrap();
        }
        black_box(encoder.encode().unwrap().recovery(0));
    }
}

/// Runs the hash alone: computes the roots of `shards`.
fn hash_raw<'a>(shards: impl Iterator<Item = &'a Shard<'static>>) {
    for shard in shards {
        let leaves: Vec<_> = shard.bytes.chunks(LEAF_BYTES).map(merkle::leaf).collect();
        black_box(merkle::root(&leaves));
    }
}

fn encoding(criterion: &mut Criterion<ThreadTime>) {
    let data = data();
    for n in MEMBERS {
        let (manifest, shards) = published(&data, n);
        let coding = manifest.commitment().coding();
        let (k, count) = (usize::from(coding.k()), usize::from(n));
        let is_original = |shard: &&Shard<'_>| shard.index < coding.k();
        let originals: Vec<&[u8]> =
            shards.values().filter(is_original).map(|shard| &*shard.bytes).collect();
        let mut group = criterion.benchmark_group(format!("availability::encode/n={n} k={k}"));
        group.sample_size(10).throughput(Throughput::Bytes(DATA_BYTES as u64));
        group.bench_function("encode", |bencher| {
            bencher.iter(|| encode(black_box(data.as_slice()), coding, &mut NullSink).unwrap());
        });
        group.bench_function("reed-solomon-simd alone", |bencher| {
            bencher.iter(|| encode_raw(k, count, black_box(&originals)));
        });
        group.bench_function("hash alone", |bencher| bencher.iter(|| hash_raw(shards.values())));
        group.finish();
    }
}

fn decoding(criterion: &mut Criterion<ThreadTime>) {
    let data = data();
    for n in MEMBERS {
        let (manifest, shards) = published(&data, n);
        let k = manifest.commitment().coding().k();
        // All data shards are lost: the most expensive case.
        let mut code = shards.clone();
        code.retain(|(_, index), _| (k..k + k).contains(index));
        let mut group = criterion.benchmark_group(format!("availability::decode/n={n} k={k}"));
        group.sample_size(10).throughput(Throughput::Bytes(DATA_BYTES as u64));
        for (name, mut had) in [("data shards", shards.clone()), ("code shards", code.clone())] {
            group.bench_function(name, |bencher| {
                bencher.iter(|| decode(&manifest, &mut had, &mut io::sink()).unwrap());
            });
        }
        group.bench_function("reed-solomon-simd alone, code shards", |bencher| {
            let (k, recovery) = (usize::from(k), usize::from(n - k));
            let shard_bytes = manifest.commitment().shard_bytes(0);
            bencher.iter(|| {
                let mut decoder = ReedSolomonDecoder::new(k, recovery, shard_bytes).unwrap();
                for stripe in 0..2 {
                    for ((_, index), shard) in code.range((stripe, 0)..(stripe + 1, 0)) {
                        decoder.add_recovery_shard(usize::from(*index) - k, &*shard.bytes).unwrap();
                    }
                    black_box(decoder.decode().unwrap().restored_original(0));
                }
            });
        });
        group.finish();
    }
}

fn verifying(criterion: &mut Criterion<ThreadTime>) {
    let data = data();
    for n in MEMBERS {
        let (manifest, shards) = published(&data, n);
        let shard = &shards[&(0, n - 1)];
        let mut group = criterion.benchmark_group(format!("availability::verify/n={n}"));
        group.sample_size(10).throughput(Throughput::Bytes(shard.bytes.len() as u64));
        group.bench_function("shard", |bencher| {
            bencher.iter_batched(
                || shard.borrowed(),
                |shard| shard.verify(&manifest).unwrap().root(),
                BatchSize::SmallInput,
            );
        });
        let opening = shard.borrowed().verify(&manifest).unwrap().open(&manifest, 7).unwrap();
        group.throughput(Throughput::Elements(1));
        group.bench_function("opening", |bencher| {
            bencher.iter(|| verify_opening(manifest.commitment(), black_box(&opening)).unwrap());
        });
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().with_measurement(ThreadTime);
    targets = encoding, decoding, verifying
}
criterion_main!(benches);
