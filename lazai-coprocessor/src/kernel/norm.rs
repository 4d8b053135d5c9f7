use crate::numeric::{bit_length, round_shift, saturate_i16};

use super::vectorized;

/// The constants of one root-mean-square normalization.
#[derive(Clone, Copy, Debug)]
pub struct Norm<'a> {
    /// `gain * sqrt(width)` as integers, `[width]`.
    pub gain: &'a [i16],
    /// Fraction bits of `gain`.
    pub gain_bits: i32,
    /// `epsilon * width` in units of the square of an input integer.
    pub epsilon: u64,
    /// Fraction bits of the output.
    pub output_bits: i32,
    /// Reciprocal square roots, `RSQRT[m - 16,384] = round(2^22 / sqrt(m))`, 49,152 entries.
    pub rsqrt: &'a [u16],
}

vectorized! {
    /// Divides each row by its root mean square and multiplies it by the gain.
    ///
    /// Shapes: `input` is `[rows, width]` i32 at any scale, `output` the same shape in i16, `width = norm.gain.len()`.
    /// Arithmetic, for each row: `p = max(0, bits(max |x|) - 15)`; `z = min(32767, (x + half) >> p)`;
    /// `S = max(1, sum z^2 + (epsilon >> 2p))`; `e = (bits(S) - 15) >> 1`; `m = S / 4^e`, in `[2^14, 2^16)`;
    /// `y = sat16((z * RSQRT[m] * gain + half) >> (22 + e + gain_bits - output_bits))`.
    /// Bounds: `|z| <= 2^15`, so `S < 2^51` for `width <= 2^20`; the product stays below `2^45`.
    ///
    /// # Source
    /// Zhang and Sennrich 2019, with a table for the reciprocal root (see docs/numerics.md, "`RmsNorm`").
    pub fn rms_norm(input: &[i32], norm: &Norm<'_>, output: &mut [i16]) = rms_norm_body;
}

#[inline(always)]
fn rms_norm_body(input: &[i32], norm: &Norm<'_>, output: &mut [i16]) {
    let width = norm.gain.len();
    if width == 0 {
        return;
    }
    for (input, output) in input.chunks_exact(width).zip(output.chunks_exact_mut(width)) {
        let largest = input.iter().fold(0_u32, |largest, x| largest.max(x.unsigned_abs()));
        let prescale = bit_length(u64::from(largest)).saturating_sub(15) as i32;
        let mut sum = 0_u64;
        for x in input {
            let z = prescaled(*x, prescale);
            sum = sum.wrapping_add((z as i64).wrapping_mul(z as i64) as u64);
        }
        let sum =
            sum.wrapping_add(norm.epsilon.checked_shr(2 * prescale as u32).unwrap_or(0)).max(1);
        let exponent = (bit_length(sum) as i32 - 15) >> 1;
        let mantissa =
            if exponent >= 0 { sum >> (2 * exponent) } else { sum << (-2 * exponent) } as usize;
        let reciprocal = i64::from(norm.rsqrt[mantissa - (1 << 14)]);
        let shift = 22 + exponent + norm.gain_bits - norm.output_bits;
        for ((x, gain), y) in input.iter().zip(norm.gain).zip(output) {
            let z = i64::from(prescaled(*x, prescale));
            let product = z.wrapping_mul(reciprocal).wrapping_mul(i64::from(*gain));
            *y = saturate_i16(round_shift(product, shift));
        }
    }
}

/// Brings the largest of a row to 15 bits.
#[inline(always)]
fn prescaled(x: i32, prescale: i32) -> i32 {
    let half = if prescale > 0 { 1_i64 << (prescale - 1) } else { 0 };
    ((i64::from(x) + half) >> prescale).min(i64::from(i16::MAX)) as i32
}
