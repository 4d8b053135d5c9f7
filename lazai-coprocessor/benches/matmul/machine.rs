//! What the machine can do at best.

use core::{hint::black_box, iter};
use std::time::Instant;

use lazai_coprocessor::kernel::Threads;

/// Operations in a second of this processor's widest integer multiply-add, on registers alone: a
/// multiplication and an addition for each pair of i16, as matrix products are counted.
pub(super) fn integer_peak(threads: &Threads) -> f64 {
    // Short, so that one of the runs is not interrupted.
    const ROUNDS: usize = 200_000;

    let count = threads.count();
    let seconds = best(60, || {
        threads.for_each((0..count).collect(), |_| multiply_add(ROUNDS));
    });
    (count * ROUNDS * CHAINS * 2 * lanes()) as f64 / seconds
}

/// Bytes in a second that all threads together read from memory that no cache holds.
pub(super) fn read_bandwidth(threads: &Threads) -> f64 {
    const WORDS: usize = 1 << 26;

    let mut data = vec![1_u64; WORDS];
    let part = WORDS / (threads.count() * 8);
    let seconds = best(5, || {
        threads.for_each_chunk(&mut data, part, |_, words| {
            black_box(sum(words));
        });
    });
    (WORDS * size_of::<u64>()) as f64 / seconds
}

/// Independent sums, enough to hide the latency of an addition.
const CHAINS: usize = 12;

/// Pairs of i16 that one instruction multiplies.
fn lanes() -> usize {
    #[cfg(target_arch = "x86_64")]
    if x86::has_vnni() {
        return 32;
    }
    16
}

/// Adds products in `CHAINS` registers, `rounds` times.
fn multiply_add(rounds: usize) {
    #[cfg(target_arch = "x86_64")]
    {
        if x86::has_vnni() {
            // SAFETY: the processor has the instructions.
            return unsafe { x86::multiply_add_vnni(rounds) };
        }
        if std::arch::is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has the instructions.
            return unsafe { x86::multiply_add_avx2(rounds) };
        }
    }
    let (x, w) = (black_box([3_i16; 16]), black_box([5_i16; 16]));
    let mut sums = [[0_i32; 16]; CHAINS];
    for _ in 0..rounds {
        for sums in &mut sums {
            for (sum, (x, w)) in iter::zip(sums, iter::zip(x, w)) {
                *sum = sum.wrapping_add(i32::from(x).wrapping_mul(w.into()));
            }
        }
        black_box(&mut sums);
    }
}

/// The sum of all words, with the widest loads.
fn sum(words: &[u64]) -> i64 {
    #[cfg(target_arch = "x86_64")]
    if x86::has_vnni() {
        // SAFETY: the processor has the instructions.
        return unsafe { x86::sum_avx512(words) };
    }
    words.iter().fold(0, |sum, word| sum.wrapping_add(word.cast_signed()))
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use core::{
        arch::{
            asm,
            x86_64::{
                _MM_HINT_T0, _mm_prefetch, _mm256_add_epi32, _mm256_madd_epi16, _mm256_set1_epi16,
                _mm256_setzero_si256, _mm512_add_epi64, _mm512_dpwssd_epi32, _mm512_loadu_si512,
                _mm512_reduce_add_epi64, _mm512_set1_epi16, _mm512_setzero_si512,
            },
        },
        hint::black_box,
        iter,
    };

    use super::CHAINS;

    pub(super) fn has_vnni() -> bool {
        std::arch::is_x86_feature_detected!("avx512f")
            && std::arch::is_x86_feature_detected!("avx512bw")
            && std::arch::is_x86_feature_detected!("avx512vnni")
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    pub(super) fn multiply_add_vnni(rounds: usize) {
        let (mut x, w) = (_mm512_set1_epi16(black_box(3)), _mm512_set1_epi16(black_box(5)));
        let mut sums = [_mm512_setzero_si512(); CHAINS];
        for _ in 0..rounds {
            // SAFETY: no instruction; the compiler may only not assume that `x` is what it was, so
            // that it computes every product.
            unsafe {
                asm!("/* {0} */", inout(zmm_reg) x, options(nomem, nostack, preserves_flags));
            };
            for sum in &mut sums {
                *sum = _mm512_dpwssd_epi32(*sum, x, w);
            }
        }
        black_box(sums);
    }

    #[target_feature(enable = "avx2")]
    pub(super) fn multiply_add_avx2(rounds: usize) {
        let (mut x, w) = (_mm256_set1_epi16(black_box(3)), _mm256_set1_epi16(black_box(5)));
        let mut sums = [_mm256_setzero_si256(); CHAINS];
        for _ in 0..rounds {
            // SAFETY: no instruction; the compiler may only not assume that `x` is what it was, so
            // that it computes every product.
            unsafe {
                asm!("/* {0} */", inout(ymm_reg) x, options(nomem, nostack, preserves_flags));
            };
            for sum in &mut sums {
                // Not shared between the sums: each product is computed on its own.
                let mut factor = x;
                // SAFETY: no instruction, as above.
                unsafe {
                    asm!("/* {0} */", inout(ymm_reg) factor, options(nomem, nostack, preserves_flags));
                }
                *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(factor, w));
            }
        }
        black_box(sums);
    }

    /// The sum of the words, fetched far enough ahead to keep the memory busy.
    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    pub(super) fn sum_avx512(words: &[u64]) -> i64 {
        let mut sums = [_mm512_setzero_si512(); 4];
        let (chunks, _) = words.as_chunks::<32>();
        for chunk in chunks {
            let (lines, _) = chunk.as_chunks::<8>();
            for (sum, line) in iter::zip(&mut sums, lines) {
                _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().wrapping_add(1024).cast());
                // SAFETY: the 64 bytes that are read are those of the array.
                let line = unsafe { _mm512_loadu_si512(line.as_ptr().cast()) };
                *sum = _mm512_add_epi64(*sum, line);
            }
        }
        let [a, b, c, d] = sums;
        _mm512_reduce_add_epi64(_mm512_add_epi64(_mm512_add_epi64(a, b), _mm512_add_epi64(c, d)))
    }
}

/// The shortest of several runs, in seconds.
pub(super) fn best(runs: usize, mut run: impl FnMut()) -> f64 {
    let time = |_| {
        let start = Instant::now();
        run();
        start.elapsed().as_secs_f64()
    };
    (0..runs).map(time).fold(f64::MAX, f64::min)
}
