use crate::numeric::{round_shift, saturate_i16};

use super::vectorized;

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
    pub fn gated_silu(gate: &[i16], up: &[i16], scales: &Gate<'_>, output: &mut [i16]) = gated_silu_body;
}

#[inline(always)]
fn gated_silu_body(gate: &[i16], up: &[i16], scales: &Gate<'_>, output: &mut [i16]) {
    let index_shift = scales.gate_bits - 11;
    let shift = 16 + scales.gate_bits + scales.up_bits - scales.output_bits;
    for ((g, u), y) in gate.iter().zip(up).zip(output) {
        let g = i64::from(*g);
        let index = round_shift(g, index_shift).clamp(-32_768, 32_767) + 32_768;
        let product =
            g.wrapping_mul(i64::from(scales.sigmoid[index as usize])).wrapping_mul(i64::from(*u));
        *y = saturate_i16(round_shift(product, shift));
    }
}
