//! Attention by 512-bit vectors: `vpdpwssd` adds the products of queries and keys, `vpdpbusd` those
//! of weights and values.
//!
//! A weight `E_t << e_t` is cut by the least exponent of all positions and then into three bytes,
//! so that its products with the 8-bit values are summed in i32: `255 * 128 * POSITIONS < 2^31`.

use super::{AttentionRow, HeadCache, divisor::Divisor, mixing, scoring};
use crate::kernel::Backend;

/// Proof that this processor has AVX-512 F, BW and VNNI.
#[derive(Clone, Copy)]
pub(super) struct Avx512(());

impl Avx512 {
    /// Returns the proof that this processor has the instructions, if it has.
    pub(super) fn detect() -> Option<Self> {
        Backend::Avx512.is_available().then_some(Self(()))
    }

    /// Computes all rows, unless they are of an unusual kind: heads of more than 256 elements, a
    /// row without a position, or exponents of values too far apart. Then nothing is written and
    /// the answer is `false`.
    pub(super) fn attend(
        self,
        head_dim: usize,
        cache: &HeadCache<'_>,
        score_shift: i32,
        exp: &[u16; 1 << 16],
        rows: &mut [AttentionRow<'_>],
        scratch: &mut Scratch,
    ) -> bool {
        let positions = rows.iter().map(|row| row.positions).max().unwrap_or(0);
        let cache = cache.first(positions, head_dim);
        let exponents = cache.value_exponents;
        let (Some(least), Some(most)) = (exponents.iter().min(), exponents.iter().max()) else {
            return false;
        };
        let unusual = *most > EXPONENT_MAX
            || most - least > SPREAD_MAX
            || head_dim > scoring::HEAD_WIDTH_MAX
            || rows.iter().any(|row| row.positions == 0);
        if unusual {
            return false;
        }
        let head = Head { head_dim, cache, score_shift, exp, least: *least };
        scratch.relative.clear();
        scratch.relative.extend(exponents.iter().map(|exponent| exponent - least));
        scratch.relative.resize(positions.next_multiple_of(scoring::KEYS), 0);
        // As many queries as the cache close to the core has room for.
        let queries = SCRATCH_BYTES / (BYTES_PER_SCORE * scratch.relative.len());
        let heads = rows.iter().map(|row| row.queries.len() / head_dim).max().unwrap_or(0);
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
    head_dim: usize,
    cache: HeadCache<'a>,
    score_shift: i32,
    exp: &'a [u16; 1 << 16],
    /// The least exponent of all values.
    least: u8,
}

/// Memory that is used again.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// Exponents of the values above the least, `[positions]`, padded like all positions to whole
    /// vectors.
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
    keys: Vec<scoring::Keys>,
    values: Vec<mixing::Values>,
}

/// Computes some rows.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn block(head: &Head<'_>, rows: &mut [AttentionRow<'_>], scratch: &mut Scratch) {
    let head_dim = head.head_dim;
    let padded_width = head_dim.next_multiple_of(scoring::GROUP);
    scratch.queries.clear();
    scratch.limits.clear();
    for row in &*rows {
        assert_eq!(row.queries.len(), row.output.len(), "a row and its output differ in length");
        for query in row.queries.chunks_exact(head_dim) {
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
        for output in row.output.chunks_exact_mut(head_dim) {
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
    let Scratch { queries, limits, scores, keys: expanded, .. } = scratch;
    // Every score that is read is written first.
    scores.resize(limits.len() * positions, 0);
    expanded.resize(padded_width / scoring::GROUP, scoring::Keys::default());
    let last = limits.iter().max().copied().unwrap_or(0);
    let mut buffer = [0; scoring::KEYS * scoring::HEAD_WIDTH_MAX];
    for start in (0..last).step_by(scoring::KEYS) {
        let end = last.min(start + scoring::KEYS);
        let keys = &head.cache.keys[start * head.head_dim..end * head.head_dim];
        let keys = scoring::padded_keys(keys, head.head_dim, padded_width, &mut buffer);
        let shifts = scoring::Shifts::new(head.score_shift, &head.cache.key_exponents[start..end]);
        if limits.len() > scoring::QUERIES {
            scoring::expand(keys, expanded);
        }
        let queries = queries.chunks(scoring::QUERIES * padded_width);
        let scores = scores.chunks_mut(scoring::QUERIES * positions);
        let few = limits.len() <= scoring::QUERIES;
        for ((queries, limits), scores) in queries.zip(limits.chunks(scoring::QUERIES)).zip(scores)
        {
            let scores = &mut scores[start..];
            match (few, limits.len()) {
                (false, _) if limits.iter().all(|limit| *limit <= start) => {}
                (true, 1) => scoring::stream::<1>(queries, keys, &shifts, scores, positions),
                (true, 2) => scoring::stream::<2>(queries, keys, &shifts, scores, positions),
                (true, 3) => scoring::stream::<3>(queries, keys, &shifts, scores, positions),
                (true, _) => scoring::stream::<4>(queries, keys, &shifts, scores, positions),
                (_, 1) => scoring::tile::<1>(queries, expanded, &shifts, scores, positions),
                (_, 2) => scoring::tile::<2>(queries, expanded, &shifts, scores, positions),
                (_, 3) => scoring::tile::<3>(queries, expanded, &shifts, scores, positions),
                (_, _) => scoring::tile::<4>(queries, expanded, &shifts, scores, positions),
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
            mixing::weights(&scores[..*limit], &scratch.relative, head.exp, weights);
        scratch.totals.push(total);
        scratch.high.push(high);
    }
}

/// The sums of the values of all queries.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn mix(head: &Head<'_>, padded_width: usize, scratch: &mut Scratch) {
    let head_dim = head.head_dim;
    let positions = scratch.relative.len();
    let lines = padded_width / mixing::COLUMNS;
    scratch.sums.clear();
    scratch.sums.resize(scratch.limits.len() * padded_width, 0);
    let last = scratch.limits.iter().max().copied().unwrap_or(0);
    for start in (0..last).step_by(POSITIONS) {
        let end = last.min(start + POSITIONS);
        let values = &head.cache.values[start * head_dim..end * head_dim];
        let quads = (end - start).div_ceil(mixing::QUAD);
        scratch.values.resize(quads * lines, mixing::Values::default());
        mixing::interleave(values, head_dim, padded_width, &mut scratch.values);
        for (query, limit) in scratch.limits.iter().enumerate() {
            if *limit <= start {
                continue;
            }
            let quads = (end.min(*limit) - start).div_ceil(mixing::QUAD);
            let weights = &scratch.weights[query * BYTES * positions..][..BYTES * positions];
            let part = |byte: usize| &weights[byte * positions + start..][..quads * mixing::QUAD];
            let high = if scratch.high[query] { part(2) } else { &[] };
            let weights = [part(0), part(1), high];
            let sums = &mut scratch.sums[query * padded_width..][..padded_width];
            mixing::mix(weights, &scratch.values[..quads * lines], lines, sums);
        }
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

/// A score and its weight.
const BYTES_PER_SCORE: usize = 4 + BYTES;

/// Memory for scores and weights, where it holds enough queries.
const SCRATCH_BYTES: usize = 1 << 18;

const QUERIES_MIN: usize = 8;

const QUERIES_MAX: usize = 64;
