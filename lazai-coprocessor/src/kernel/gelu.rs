use crate::numeric::{round_shift, saturate_i16};

use super::vectorized;

/// The scales of one Gaussian error linear unit.
#[derive(Clone, Copy, Debug)]
pub struct GeluScales<'a> {
    /// Fraction bits of the input.
    pub input_bits: i32,
    /// Fraction bits of the output.
    pub output_bits: i32,
    /// `GELU[x + 32,768] = min(65535, round(2^16 * P(X <= x / 2048)))`, 65,536 entries.
    pub table: &'a [u16],
}

vectorized! {
    /// Multiplies each element by the probability that a normal variable is below it.
    ///
    /// Shapes: both are of one length, i16.
    /// Arithmetic: `i = clamp((x + half) >> (input_bits - 11), -32768, 32767)`;
    /// `y = sat16((x * GELU[i] + half) >> (16 + input_bits - output_bits))`.
    /// Bounds: the product stays within `2^31`.
    ///
    /// # Source
    /// Hendrycks and Gimpel 2016 (see docs/numerics.md, "Gelu").
    pub fn gelu(input: &[i16], scales: &GeluScales<'_>, output: &mut [i16]) = gelu_body;
}

#[inline(always)]
fn gelu_body(input: &[i16], scales: &GeluScales<'_>, output: &mut [i16]) {
    let index_shift = scales.input_bits - 11;
    let shift = 16 + scales.input_bits - scales.output_bits;
    for (x, y) in input.iter().zip(output) {
        let x = i64::from(*x);
        let index = round_shift(x, index_shift).clamp(-32_768, 32_767) + 32_768;
        let product = x.wrapping_mul(i64::from(scales.table[index as usize]));
        *y = saturate_i16(round_shift(product, shift));
    }
}
