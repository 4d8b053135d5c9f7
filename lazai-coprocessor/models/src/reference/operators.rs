//! The operators of a layer, in 32-bit floating point and fixed order.

use lazai_coprocessor::architecture::{Architecture, Gelu, Mask};
use lazai_coprocessor::kernel::Threads;

use super::arithmetic::{dot, exp, narrow, normal_distribution, sigmoid};

/// Computes `input * weight^T`: `[m, k]` and `[n, k]` give `[m, n]`.
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

/// Subtracts the mean of each row, divides it by its root mean square and multiplies it by the
/// gain.
pub(super) fn layer_norm(input: &[f32], gain: &[f32], epsilon: f64) -> Vec<f32> {
    let width = gain.len() as f64;
    let mut output = Vec::with_capacity(input.len());
    for row in input.chunks_exact(gain.len()) {
        let mean = row.iter().map(|x| f64::from(*x)).sum::<f64>() / width;
        let square = |x: &f32| (f64::from(*x) - mean) * (f64::from(*x) - mean);
        let variance = row.iter().map(square).sum::<f64>() / width;
        let reciprocal = 1.0 / (variance + epsilon).sqrt();
        let normed = |(x, gain): (&f32, &f32)| narrow((f64::from(*x) - mean) * reciprocal) * gain;
        output.extend(row.iter().zip(gain).map(normed));
    }
    output
}

/// Adds a row to each row.
pub(super) fn add_bias(values: &mut [f32], bias: &[f32]) {
    for row in values.chunks_exact_mut(bias.len()) {
        add(row, bias);
    }
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

/// Mixes values by the match of queries and keys; several query heads share each key and value
/// head.
pub(super) fn attention(
    threads: &Threads,
    architecture: &Architecture,
    queries: &[f32],
    keys: &[f32],
    values: &[f32],
) -> Vec<f32> {
    let head_dim = architecture.head_dim as usize;
    let (heads, kv_heads) = (architecture.heads as usize, architecture.kv_heads as usize);
    let (width, kv_width) = (heads * head_dim, kv_heads * head_dim);
    let scale = 1.0 / narrow(f64::from(architecture.head_dim)).sqrt();
    let mut output = vec![0.0; queries.len()];
    let positions = queries.len() / width;
    threads.for_each_chunk(&mut output, width, |position, output| {
        let seen = match architecture.mask {
            Mask::Bidirectional => positions,
            Mask::Causal => position + 1,
        };
        let mut weights = Vec::with_capacity(seen);
        for (head, output) in output.chunks_exact_mut(head_dim).enumerate() {
            let query = &queries[position * width + head * head_dim..][..head_dim];
            let first = head / (heads / kv_heads) * head_dim;
            let past = |data: &'_ [f32], index: usize| -> core::ops::Range<usize> {
                let start = index * kv_width + first;
                debug_assert!(start + head_dim <= data.len());
                start..start + head_dim
            };
            weights.clear();
            weights.extend((0..seen).map(|t| dot(query, &keys[past(keys, t)]) * scale));
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

/// Computes `SiLU(gate) * up`.
pub(super) fn gated(gate: &[f32], up: &[f32]) -> Vec<f32> {
    gate.iter().zip(up).map(|(gate, up)| gate * sigmoid(*gate) * up).collect()
}

/// Computes the Gaussian error linear unit.
pub(super) fn gelu(input: &[f32], form: Gelu) -> Vec<f32> {
    let share = |x: f64| match form {
        Gelu::Exact => normal_distribution(x),
        // (1 + tanh a) / 2 is the logistic function of 2a.
        Gelu::Tanh => 1.0 / (1.0 + exp(-TWICE_ROOT_OF_TWO_OVER_PI * (x + 0.044_715 * x * x * x))),
    };
    input.iter().map(|x| narrow(f64::from(*x) * share(f64::from(*x)))).collect()
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

const TWICE_ROOT_OF_TWO_OVER_PI: f64 = 1.595_769_121_605_730_7;

const ROWS_PER_BLOCK: usize = 16;
