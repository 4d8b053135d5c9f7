use crate::numeric::{CACHE_BITS, bit_length};

use super::vectorized::vectorized;

vectorized! {
    /// Compresses vectors to i8, each with the smallest exponent that holds its largest magnitude.
    ///
    /// Shapes: `input` is `[vectors, width]` i16, `values` the same in i8, `exponents` is
    /// `[vectors]`.
    /// Arithmetic: `e = max(0, bits(max |x|) - 7)`, `q = min(127, (x + half) >> e)`; the value is
    /// `q * 2^e`.
    /// Bounds: `e <= 9`.
    pub fn compress(input: &[i16], width: usize, values: &mut [i8], exponents: &mut [u8])
        = compress_body;
}

#[inline(always)]
fn compress_body(input: &[i16], width: usize, values: &mut [i8], exponents: &mut [u8]) {
    if width == 0 {
        return;
    }
    let rows = input.chunks_exact(width).zip(values.chunks_exact_mut(width));
    for ((input, values), exponent) in rows.zip(exponents) {
        let largest = input.iter().fold(0_u16, |largest, x| largest.max(x.unsigned_abs()));
        let shift = bit_length(u64::from(largest)).saturating_sub(CACHE_BITS);
        let half = if shift > 0 { 1_i32 << (shift - 1) } else { 0 };
        for (x, q) in input.iter().zip(values) {
            *q = ((i32::from(*x) + half) >> shift).min((1 << CACHE_BITS) - 1) as i8;
        }
        *exponent = shift as u8;
    }
}
