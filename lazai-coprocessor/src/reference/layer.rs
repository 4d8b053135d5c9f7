//! The operators of a layer, in 32-bit floating point and fixed order.

use crate::kernel::Threads;

use super::{
    LlamaConfig,
    arithmetic::{dot, exp, narrow, sigmoid},
};

/// `input * weight^T`: `[m, k]` and `[n, k]` give `[m, n]`.
///
/// Each element is one inner product in the order of [`dot`], whatever the number of threads.
pub(super) fn matmul(threads: &Threads, input: &[f32], weight: &[f32], k: usize) -> Vec<f32> {
    let (m, n) = (input.len() / k, weight.len() / k);
    let mut output = vec![0.0; m * n];
    // A block of rows shares each row of the weight while it is in the cache.
    threads.for_each_chunk(&mut output, ROWS_PER_BLOCK * n, |block, output| {
        let input = &input[block * ROWS_PER_BLOCK * k..];
        for (column, weight) in weight.chunks_exact(k).enumerate() {
            for (row, input) in input.chunks_exact(k).take(output.len() / n).enumerate() {
                output[row * n + column] = dot(input, weight);
            }
        }
    });
    output
}

/// Divides each row by its root mean square and multiplies it by the gain.
pub(super) fn rms_norm(input: &[f32], gain: &[f32], epsilon: f64) -> Vec<f32> {
    let width = narrow(gain.len() as f64);
    let epsilon = narrow(epsilon);
    let mut output = Vec::with_capacity(input.len());
    for row in input.chunks_exact(gain.len()) {
        let reciprocal = 1.0 / (dot(row, row) / width + epsilon).sqrt();
        output.extend(row.iter().zip(gain).map(|(x, gain)| x * reciprocal * gain));
    }
    output
}

/// Rotates pairs `(i, i + head_dim / 2)` of each head by their angle.
///
/// `angles` holds cosine and sine for each position and pair.
pub(super) fn rotate(values: &mut [f32], width: usize, head_dim: usize, angles: &[(f32, f32)]) {
    let half = head_dim / 2;
    for (row, angles) in values.chunks_exact_mut(width).zip(angles.chunks_exact(half)) {
        for head in row.chunks_exact_mut(head_dim) {
            let (low, high) = head.split_at_mut(half);
            for ((a, b), (cosine, sine)) in low.iter_mut().zip(high).zip(angles) {
                (*a, *b) = (*a * cosine - *b * sine, *b * cosine + *a * sine);
            }
        }
    }
}

/// Mixes values causally by the match of rotated queries and keys; several query heads share each
/// key and value head.
pub(super) fn attention(
    threads: &Threads,
    config: &LlamaConfig,
    queries: &[f32],
    keys: &[f32],
    values: &[f32],
) -> Vec<f32> {
    let head_dim = config.head_dim as usize;
    let (heads, kv_heads) = (config.heads as usize, config.kv_heads as usize);
    let (width, kv_width) = (heads * head_dim, kv_heads * head_dim);
    let scale = 1.0 / narrow(f64::from(config.head_dim)).sqrt();
    let mut output = vec![0.0; queries.len()];
    threads.for_each_chunk(&mut output, width, |position, output| {
        let mut weights = Vec::with_capacity(position + 1);
        for (head, output) in output.chunks_exact_mut(head_dim).enumerate() {
            let query = &queries[position * width + head * head_dim..][..head_dim];
            let first = head / (heads / kv_heads) * head_dim;
            let past = |data: &'_ [f32], index: usize| -> core::ops::Range<usize> {
                let start = index * kv_width + first;
                debug_assert!(start + head_dim <= data.len());
                start..start + head_dim
            };
            weights.clear();
            weights.extend((0..=position).map(|t| dot(query, &keys[past(keys, t)]) * scale));
            softmax(&mut weights);
            for (t, weight) in weights.iter().enumerate() {
                for (y, v) in output.iter_mut().zip(&values[past(values, t)]) {
                    *y += weight * v;
                }
            }
        }
    });
    output
}

/// `SiLU(gate) * up`.
pub(super) fn gated(gate: &[f32], up: &[f32]) -> Vec<f32> {
    gate.iter().zip(up).map(|(gate, up)| gate * sigmoid(*gate) * up).collect()
}

/// Adds to the residual stream.
pub(super) fn add(residual: &mut [f32], delta: &[f32]) {
    for (x, delta) in residual.iter_mut().zip(delta) {
        *x += delta;
    }
}

/// Turns scores into weights that sum to one.
fn softmax(scores: &mut [f32]) {
    let best = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for score in scores.iter_mut() {
        let weight = exp(f64::from(*score - best));
        sum += weight;
        *score = narrow(weight);
    }
    let reciprocal = narrow(1.0 / sum);
    for score in scores {
        *score *= reciprocal;
    }
}

const ROWS_PER_BLOCK: usize = 16;
