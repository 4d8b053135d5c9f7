use crate::numeric::{FACTOR_BITS, LOOKUP_BITS, round_shift, saturate_i16};

use super::{
    lookup::{BLOCK, look_up},
    vectorized::vectorized,
};

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
    let index_shift = scales.input_bits - LOOKUP_BITS;
    let shift = FACTOR_BITS + scales.input_bits - scales.output_bits;
    let mut factors = [0; BLOCK];
    for (input, output) in input.chunks(BLOCK).zip(output.chunks_mut(BLOCK)) {
        look_up(input, index_shift, scales.table, &mut factors);
        let products =
            input.iter().zip(&factors).map(|(x, factor)| i32::from(*x).wrapping_mul(*factor));
        if let 1..=31 = shift {
            products.zip(output).for_each(|(product, y)| {
                // Half is added after all bits but one are gone, so that the sum fits in 32 bits.
                *y = saturate_i16(i64::from(((product >> (shift - 1)) + 1) >> 1));
            });
        } else {
            products.zip(output).for_each(|(product, y)| {
                *y = saturate_i16(round_shift(i64::from(product), shift));
            });
        }
    }
}
