use crate::numeric::{FACTOR_BITS, LOOKUP_BITS, round_shift, saturate_i16};

use super::{
    lookup::{BLOCK, look_up},
    vectorized::vectorized,
};

/// The scales of one gated unit.
#[derive(Clone, Copy, Debug)]
pub struct Gate<'a> {
    /// Fraction bits of the gate.
    pub gate_bits: i32,
    /// Fraction bits of the other factor.
    pub up_bits: i32,
    /// Fraction bits of the output.
    pub output_bits: i32,
    /// `SIGMOID[x + 32,768] = min(65535, round(2^16 / (1 + exp(-x / 2048))))`, 65,536 entries.
    pub sigmoid: &'a [u16],
}

vectorized! {
    /// Multiplies `up` by `SiLU(gate) = gate * sigmoid(gate)`.
    ///
    /// Shapes: all are of one length, i16.
    /// Arithmetic: `i = clamp((g + half) >> (gate_bits - 11), -32768, 32767)`;
    /// `y = sat16((g * SIGMOID[i] * u + half) >> (16 + gate_bits + up_bits - output_bits))`.
    /// Bounds: the product stays within `2^46`.
    ///
    /// # Source
    /// Shazeer 2020, SwiGLU (see docs/numerics.md, "`GatedSilu`").
    pub fn gated_silu(gate: &[i16], up: &[i16], scales: &Gate<'_>, output: &mut [i16])
        = gated_silu_body;
}

#[inline(always)]
fn gated_silu_body(gate: &[i16], up: &[i16], scales: &Gate<'_>, output: &mut [i16]) {
    let index_shift = scales.gate_bits - LOOKUP_BITS;
    let shift = FACTOR_BITS + scales.gate_bits + scales.up_bits - scales.output_bits;
    let mut factors = [0; BLOCK];
    let blocks = gate.chunks(BLOCK).zip(up.chunks(BLOCK)).zip(output.chunks_mut(BLOCK));
    for ((gate, up), output) in blocks {
        look_up(gate, index_shift, scales.sigmoid, &mut factors);
        let factors = gate.iter().zip(up).zip(&factors).zip(output);
        if let 1..=62 = shift {
            let half = 1_i64 << (shift - 1);
            factors.for_each(|(((g, u), factor), y)| {
                *y = saturate_i16(product(*g, *u, *factor).wrapping_add(half) >> shift);
            });
        } else {
            factors.for_each(|(((g, u), factor), y)| {
                *y = saturate_i16(round_shift(product(*g, *u, *factor), shift));
            });
        }
    }
}

/// The product of all three; that of two of them fits in 32 bits, which makes the other a
/// multiplication of 32 by 32 bits.
#[inline(always)]
fn product(g: i16, u: i16, factor: i32) -> i64 {
    i64::from(i32::from(g).wrapping_mul(factor)) * i64::from(i32::from(u))
}
