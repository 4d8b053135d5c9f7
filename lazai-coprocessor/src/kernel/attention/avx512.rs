//! Attention by 512-bit vectors: `vpdpwssd` adds the products of queries and keys, `vpdpbusd` those of weights and values.
//!
//! A weight `E_t << e_t` is cut by the least exponent of all positions and then into three bytes, so that its products
//! with the 8-bit values are summed in i32: `255 * 128 * POSITIONS < 2^31`.

use super::{AttentionRow, HeadCache, vectors};
use crate::kernel::Backend;

/// Proof that this processor has AVX-512 F, BW and VNNI.
#[derive(Clone, Copy)]
pub(super) struct Avx512(());

impl Avx512 {
    /// The proof, if it is true.
    pub(super) fn detect() -> Option<Self> {
        Backend::Avx512.is_available().then_some(Self(()))
    }

    /// Computes all rows, unless they are of an unusual kind: heads of more than 256 elements, a row without a position, or
    /// exponents of values too far apart. Then nothing is written and the answer is `false`.
    pub(super) fn attend(
        self,
        head_width: usize,
        cache: &HeadCache<'_>,
        score_shift: i32,
        exp: &[u16; 1 << 16],
        rows: &mut [AttentionRow<'_>],
        scratch: &mut Scratch,
    ) -> bool {
        let positions = rows.iter().map(|row| row.positions).max().unwrap_or(0);
        let cache = cache.first(positions, head_width);
        let exponents = cache.value_exponents;
        let (Some(least), Some(most)) = (exponents.iter().min(), exponents.iter().max()) else {
            return false;
        };
        let unusual = *most > EXPONENT_MAX
            || most - least > SPREAD_MAX
            || head_width > HEAD_WIDTH_MAX
            || rows.iter().any(|row| row.positions == 0);
        if unusual {
            return false;
        }
        let head = Head { head_width, cache, score_shift, exp, least: *least };
        scratch.relative.clear();
        scratch.relative.extend(exponents.iter().map(|exponent| exponent - least));
        scratch.relative.resize(positions.next_multiple_of(vectors::KEYS), 0);
        // As many queries as the cache close to the core has room for.
        let queries = SCRATCH_BYTES / (BYTES_PER_SCORE * scratch.relative.len());
        let heads = rows.iter().map(|row| row.queries.len() / head_width).max().unwrap_or(0);
        let rows_at_once = (queries.clamp(QUERIES_MIN, QUERIES_MAX) / heads.max(1)).max(1);
        for rows in rows.chunks_mut(rows_at_once) {
            // SAFETY: `self` is the proof that the processor has the instructions.
            unsafe { block(&head, rows, scratch) };
        }
        true
    }
}

/// What all queries share.
struct Head<'a> {
    head_width: usize,
    cache: HeadCache<'a>,
    score_shift: i32,
    exp: &'a [u16; 1 << 16],
    /// The least exponent of all values.
    least: u8,
}

/// Memory that is used again.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// Exponents of the values above the least, `[positions]`, padded like all positions to whole vectors.
    relative: Vec<u8>,
    /// `[queries, padded head width]`.
    queries: Vec<i16>,
    /// Positions of each query.
    limits: Vec<usize>,
    /// `[queries, positions]`.
    scores: Vec<i32>,
    /// The low, middle and high bytes of the weights, `[queries, 3, positions]`.
    weights: Vec<u8>,
    /// Whether a weight of the query has a high byte.
    high: Vec<bool>,
    /// Sums of the weights without their exponents.
    totals: Vec<u64>,
    /// Sums of the values, `[queries, padded head width]`.
    sums: Vec<i64>,
    keys: Vec<vectors::Keys>,
    values: Vec<vectors::Values>,
}

/// Computes some rows.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn block(head: &Head<'_>, rows: &mut [AttentionRow<'_>], scratch: &mut Scratch) {
    let head_width = head.head_width;
    let padded_width = head_width.next_multiple_of(vectors::GROUP);
    scratch.queries.clear();
    scratch.limits.clear();
    for row in &*rows {
        assert_eq!(row.queries.len(), row.output.len(), "a row and its output differ in length");
        for query in row.queries.chunks_exact(head_width) {
            scratch.queries.extend_from_slice(query);
            scratch.limits.push(row.positions);
            scratch.queries.resize(scratch.limits.len() * padded_width, 0);
        }
    }
    scores(head, padded_width, scratch);
    weights(head, scratch);
    mix(head, padded_width, scratch);
    let mut results = scratch.sums.chunks_exact(padded_width).zip(&scratch.totals);
    for row in rows {
        for output in row.output.chunks_exact_mut(head_width) {
            let Some((sums, total)) = results.next() else { return };
            let divisor = Divisor::new(*total);
            for (sum, y) in sums.iter().zip(output) {
                *y = divisor.divide(*sum << head.least);
            }
        }
    }
}

/// The scores of all queries.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn scores(head: &Head<'_>, padded_width: usize, scratch: &mut Scratch) {
    let positions = scratch.relative.len();
    // Every score that is read is written first.
    scratch.scores.resize(scratch.limits.len() * positions, 0);
    scratch.keys.resize(padded_width / vectors::GROUP, vectors::Keys::default());
    let last = scratch.limits.iter().max().copied().unwrap_or(0);
    for start in (0..last).step_by(vectors::KEYS) {
        let cache = &head.cache;
        let end = last.min(start + vectors::KEYS);
        vectors::expand_keys(
            &cache.keys[start * head.head_width..end * head.head_width],
            head.head_width,
            &mut scratch.keys,
        );
        let shifts = vectors::Shifts::new(head.score_shift, &cache.key_exponents[start..end]);
        let queries = scratch.queries.chunks(vectors::QUERIES * padded_width);
        let limits = scratch.limits.chunks(vectors::QUERIES);
        let scores = scratch.scores.chunks_mut(vectors::QUERIES * positions);
        for ((queries, limits), scores) in queries.zip(limits).zip(scores) {
            if limits.iter().all(|limit| *limit <= start) {
                continue;
            }
            let scores = &mut scores[start..];
            match limits.len() {
                1 => vectors::scores::<1>(queries, &scratch.keys, &shifts, scores, positions),
                2 => vectors::scores::<2>(queries, &scratch.keys, &shifts, scores, positions),
                3 => vectors::scores::<3>(queries, &scratch.keys, &shifts, scores, positions),
                _ => vectors::scores::<4>(queries, &scratch.keys, &shifts, scores, positions),
            }
        }
    }
}

/// The weights of all queries, and their sums.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn weights(head: &Head<'_>, scratch: &mut Scratch) {
    let positions = scratch.relative.len();
    scratch.weights.resize(scratch.limits.len() * BYTES * positions, 0);
    scratch.totals.clear();
    scratch.high.clear();
    let scores = scratch.scores.chunks_exact(positions);
    let weights = scratch.weights.chunks_exact_mut(BYTES * positions);
    for ((limit, scores), weights) in scratch.limits.iter().zip(scores).zip(weights) {
        let (total, high) =
            vectors::weights(&scores[..*limit], &scratch.relative, head.exp, weights);
        scratch.totals.push(total);
        scratch.high.push(high);
    }
}

/// The sums of the values of all queries.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn mix(head: &Head<'_>, padded_width: usize, scratch: &mut Scratch) {
    let head_width = head.head_width;
    let positions = scratch.relative.len();
    let columns = padded_width / vectors::COLUMNS;
    scratch.sums.clear();
    scratch.sums.resize(scratch.limits.len() * padded_width, 0);
    let last = scratch.limits.iter().max().copied().unwrap_or(0);
    for start in (0..last).step_by(POSITIONS) {
        let end = last.min(start + POSITIONS);
        let values = &head.cache.values[start * head_width..end * head_width];
        let quads = (end - start).div_ceil(vectors::QUAD);
        scratch.values.resize(quads * columns, vectors::Values::default());
        vectors::interleave_values(values, head_width, columns, &mut scratch.values);
        for (query, limit) in scratch.limits.iter().enumerate() {
            if *limit <= start {
                continue;
            }
            let quads = (end.min(*limit) - start).div_ceil(vectors::QUAD);
            let weights = &scratch.weights[query * BYTES * positions..][..BYTES * positions];
            let part = |byte: usize| &weights[byte * positions + start..][..quads * vectors::QUAD];
            let high = if scratch.high[query] { part(2) } else { &[] };
            let weights = [part(0), part(1), high];
            let sums = &mut scratch.sums[query * padded_width..][..padded_width];
            let values = &scratch.values[..quads * columns];
            for first in (0..columns).step_by(vectors::COLUMN_LINES) {
                let sums = &mut sums[first * vectors::COLUMNS..];
                match columns - first {
                    1 => vectors::mix::<1>(weights, values, columns, first, sums),
                    2 => vectors::mix::<2>(weights, values, columns, first, sums),
                    3 => vectors::mix::<3>(weights, values, columns, first, sums),
                    _ => vectors::mix::<4>(weights, values, columns, first, sums),
                }
            }
        }
    }
}

/// A divisor with its reciprocal.
#[derive(Clone, Copy)]
struct Divisor {
    total: u64,
    /// `2^64 / (2 * total)`, or up to 2 less.
    reciprocal: u64,
}

impl Divisor {
    const fn new(total: u64) -> Self {
        let total = if total == 0 { 1 } else { total };
        Self { total, reciprocal: u64::MAX / (2 * total) }
    }

    /// `sat16(round_div(sum, total))`, for a total up to `2^33` and a quotient from `-2^17` to `2^17`.
    fn divide(self, sum: i64) -> i16 {
        let divisor = 2 * self.total;
        // Not negative, and below 2^53: the quotient by the reciprocal is right or 1 too small.
        let numerator = (2 * sum) as u64;
        let numerator = numerator.wrapping_add(self.total).wrapping_add(divisor << OFFSET_BITS);
        let product = u128::from(numerator) * u128::from(self.reciprocal);
        let quotient = (product >> 64) as u64;
        let rest = numerator.wrapping_sub(quotient.wrapping_mul(divisor));
        let quotient = quotient + u64::from(rest >= divisor);
        let quotient = quotient as i64 - (1 << OFFSET_BITS);
        crate::numeric::saturate_i16(quotient)
    }
}

/// Bytes of a weight.
const BYTES: usize = 3;

/// Positions whose values are mixed at a time.
const POSITIONS: usize = 256;

/// The largest exponent that compression makes.
const EXPONENT_MAX: u8 = 9;

/// How far exponents may be apart: `2^16 * 2^8` is three bytes.
const SPREAD_MAX: u8 = 8;

const HEAD_WIDTH_MAX: usize = 256;

/// A score and its weight.
const BYTES_PER_SCORE: usize = 4 + BYTES;

/// Memory for scores and weights, where it holds enough queries.
const SCRATCH_BYTES: usize = 1 << 18;

const QUERIES_MIN: usize = 8;

const QUERIES_MAX: usize = 64;

/// Added to quotients, so that they are not negative.
const OFFSET_BITS: u32 = 17;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::numeric::{round_div, saturate_i16};

    proptest! {
        #[test]
        fn division_is_exact(total in 0_u64..=1 << 32, quotient in -(1_i64 << 16)..1 << 16, rest: u32) {
            let divisor = total.max(1).cast_signed();
            let sum = quotient * divisor + i64::from(rest) % divisor;
            let expected = saturate_i16(round_div(sum, divisor));
            prop_assert_eq!(Divisor::new(total).divide(sum), expected);
        }
    }
}
