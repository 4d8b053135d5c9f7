//! The matrix product against its own scalar form, the machine's integer peak, the f32 product of
//! the `gemm` crate, and the machine's memory bandwidth, all in one run.
//!
//! `cargo bench -p lazai-coprocessor --bench matmul` prints a table of ratios, then the criterion
//! groups. `THREADS` sets the number of threads, one per core if unset.

use core::{hint::black_box, time::Duration};

use criterion::{BenchmarkId, Criterion, Throughput};
use lazai_coprocessor::kernel::{Backend, Destination, Threads, WeightMatrix, matmul};

#[path = "matmul/machine.rs"]
mod machine;

use machine::{best, integer_peak, read_bandwidth};

fn main() {
    let count = std::env::var("THREADS").map_or(0, |count| count.parse().expect("a number"));
    let threads = Threads::new(count).expect("the threads start");
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .sample_size(20)
        .configure_from_args();
    summarize(&threads);
    products(&mut criterion, &threads);
    criterion.final_summary();
}

/// Prints what the aims are stated in: ratios to the peak, to f32 and to the memory bandwidth.
fn summarize(threads: &Threads) {
    let mut peak = integer_peak(threads);
    let mut bandwidth = read_bandwidth(threads);
    println!("threads {}", threads.count());
    println!("integer peak {:.1} Gop/s", peak / 1e9);
    println!("memory read bandwidth {:.2} GB/s", bandwidth / 1e9);

    println!(
        "\n{:>24} {:>9} {:>8} {:>8} {:>7} {:>7}",
        "m n k", "backend", "Gop/s", "f32", "/peak", "/f32"
    );
    for (m, n, k) in PREFILL {
        let product = Product::new(m, n, k);
        peak = peak.max(integer_peak(threads));
        for backend in Backend::available() {
            if backend == Backend::Scalar && m * n * k > 1 << 28 {
                continue;
            }
            let operations = 2.0 * (m * n * k) as f64;
            // In turns, so that a busy moment of the machine falls on both.
            let (mut ours, mut float) = (f64::MAX, f64::MAX);
            let mut floats = product.floats();
            let mut output = vec![0; m * n];
            for _ in 0..8 {
                ours = ours.min(best(2, || product.multiply(backend, threads, &mut output)));
                float = float.min(best(2, || floats.multiply(threads)));
            }
            let (ours, float) = (operations / ours, operations / float);
            println!(
                "{:>24} {backend:>9} {:8.1} {:8.1} {:7.2} {:7.2}",
                format!("{m} {n} {k}"),
                ours / 1e9,
                float / 1e9,
                ours / peak,
                ours / float
            );
        }
    }

    println!("\n{:>24} {:>9} {:>8} {:>10}", "m n k", "backend", "GB/s", "/bandwidth");
    for (m, n, k) in DECODE {
        let product = Product::new(m, n, k);
        let bytes = (product.values.len() + product.exponents.len()) as f64;
        for backend in Backend::available() {
            if backend == Backend::Scalar {
                continue;
            }
            let mut output = vec![0; m * n];
            bandwidth = bandwidth.max(read_bandwidth(threads));
            let rate = bytes / best(8, || product.multiply(backend, threads, &mut output));
            println!(
                "{:>24} {backend:>9} {:8.2} {:10.2}",
                format!("{m} {n} {k}"),
                rate / 1e9,
                rate / bandwidth
            );
        }
    }
    println!();
}

/// The criterion groups, one for each shape.
fn products(criterion: &mut Criterion, threads: &Threads) {
    for (m, n, k) in PREFILL.into_iter().chain(DECODE) {
        let product = Product::new(m, n, k);
        let mut group = criterion.benchmark_group("kernel::matmul");
        group.throughput(Throughput::Elements(2 * (m * n * k) as u64));
        let mut output = vec![0; m * n];
        for backend in Backend::available() {
            if backend == Backend::Scalar && m * n * k > 1 << 25 {
                continue;
            }
            let id = BenchmarkId::from_parameter(format!("backend={backend} m={m} n={n} k={k}"));
            group.bench_function(id, |bencher| {
                bencher.iter(|| product.multiply(backend, threads, &mut output));
            });
        }
        if m > 1 {
            let mut floats = product.floats();
            let id = BenchmarkId::from_parameter(format!("backend=gemm-f32 m={m} n={n} k={k}"));
            group.bench_function(id, |bencher| bencher.iter(|| floats.multiply(threads)));
        }
        group.finish();
    }
}

/// The operands of one shape.
struct Product {
    m: usize,
    n: usize,
    k: usize,
    input: Vec<i16>,
    values: Vec<i8>,
    exponents: Vec<u8>,
    shifts: Vec<u8>,
}

impl Product {
    fn new(m: usize, n: usize, k: usize) -> Self {
        let mut state = 1_u32;
        let mut next = move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 16
        };
        let mut product = Self {
            m,
            n,
            k,
            input: vec![0; m * k],
            values: vec![0; n * k],
            exponents: vec![0b11_10_01_00; n * WeightMatrix::exponent_bytes(k)],
            shifts: vec![20; n],
        };
        product.input.fill_with(|| next() as u16 as i16 / 4);
        product.values.fill_with(|| (next() % 255) as u8 as i8 / 2);
        product
    }

    fn multiply(&self, backend: Backend, threads: &Threads, output: &mut [i16]) {
        let weight = WeightMatrix::new(self.n, self.k, &self.values, &self.exponents, &self.shifts)
            .expect("the parts have the shape");
        let output = Destination::I16(black_box(output));
        matmul(backend, threads, &self.input, &weight, output).expect("the shapes match");
    }

    fn floats(&self) -> Floats {
        Floats {
            m: self.m,
            n: self.n,
            k: self.k,
            input: self.input.iter().map(|x| f32::from(*x)).collect(),
            weight: self.values.iter().map(|w| f32::from(*w)).collect(),
            output: vec![0.0; self.m * self.n],
        }
    }
}

/// The same product in f32.
struct Floats {
    m: usize,
    n: usize,
    k: usize,
    input: Vec<f32>,
    weight: Vec<f32>,
    output: Vec<f32>,
}

impl Floats {
    fn multiply(&mut self, threads: &Threads) {
        let (m, n, k) = (self.m, self.n, self.k);
        let (output, input) = (self.output.as_mut_ptr() as usize, &self.input);
        let weight = &self.weight;
        let parallelism = match threads.count() {
            1 => gemm::Parallelism::None,
            count => gemm::Parallelism::Rayon(count),
        };
        // SAFETY: the strides stay within the three matrices, whose sizes are m·k, n·k and m·n.
        threads.install(|| unsafe {
            gemm::gemm(
                m,
                n,
                k,
                output as *mut f32,
                1,
                n as isize,
                false,
                input.as_ptr(),
                1,
                k as isize,
                weight.as_ptr(),
                k as isize,
                1,
                0.0_f32,
                1.0_f32,
                false,
                false,
                false,
                parallelism,
            );
        });
        black_box(&mut self.output);
    }
}

/// Shapes bound by arithmetic.
const PREFILL: [(usize, usize, usize); 6] = [
    (16, 384, 384),
    (128, 384, 384),
    (128, 768, 768),
    (128, 2048, 2048),
    (512, 2048, 2048),
    (128, 2048, 5632),
];

/// Shapes bound by memory: half a gigabyte of weights, and a hidden layer of a small model.
const DECODE: [(usize, usize, usize); 3] =
    [(1, 262_144, 2048), (3, 262_144, 2048), (1, 5632, 2048)];
