use crate::numeric::{
    ACTIVATION_BITS, RSQRT_BITS, RSQRT_START, bit_length, round_div, round_shift, saturate_i16,
    saturate_i32,
};

use super::vectorized::vectorized;

/// The constants of one normalization.
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

impl Norm<'_> {
    /// The reciprocal root of a sum of squares, and the shift that brings its products to the
    /// output's scale.
    #[inline(always)]
    fn reciprocal(&self, sum: u64, prescale: i32) -> (i64, i32) {
        let epsilon = self.epsilon.checked_shr(2 * prescale as u32).unwrap_or(0);
        let sum = sum.wrapping_add(epsilon).max(1);
        let exponent = (bit_length(sum) as i32 - ACTIVATION_BITS as i32) >> 1;
        let mantissa =
            if exponent >= 0 { sum >> (2 * exponent) } else { sum << (-2 * exponent) } as usize;
        let shift = RSQRT_BITS + exponent + self.gain_bits - self.output_bits;
        (i64::from(self.rsqrt[mantissa - RSQRT_START]), shift)
    }
}

vectorized! {
    /// Divides each row by its root mean square and multiplies it by the gain.
    ///
    /// Shapes: `input` is `[rows, width]` i32 at any scale, `output` the same shape in i16,
    /// `width = norm.gain.len()`.
    /// Arithmetic, for each row: `p = max(0, bits(max |x|) - 15)`;
    /// `z = min(32767, (x + half) >> p)`; `S = max(1, sum z^2 + (epsilon >> 2p))`;
    /// `e = (bits(S) - 15) >> 1`; `m = S / 4^e`, in `[2^14, 2^16)`;
    /// `y = sat16((z * RSQRT[m] * gain + half) >> (22 + e + gain_bits - output_bits))`.
    /// Bounds: `|z| <= 2^15`, so `S < 2^51` for `width <= 2^20`; the product stays below `2^45`.
    ///
    /// # Source
    /// Zhang and Sennrich 2019, with a table for the reciprocal root (see docs/numerics.md,
    /// "`RmsNorm`").
    pub fn rms_norm(input: &[i32], norm: &Norm<'_>, output: &mut [i16]) = rms_norm_body;
}

vectorized! {
    /// Divides each head by its root mean square and multiplies it by the gain.
    ///
    /// Shapes: `input` is `[rows, heads, width]` i16, `output` the same shape,
    /// `width = norm.gain.len()`.
    /// Arithmetic and bounds: those of [`rms_norm`], of each head (see docs/numerics.md,
    /// "`HeadNorm`").
    pub fn head_norm(input: &[i16], norm: &Norm<'_>, output: &mut [i16]) = rms_norm_body;
}

vectorized! {
    /// Subtracts the mean of each row, then as [`rms_norm`].
    ///
    /// Shapes: as [`rms_norm`].
    /// Arithmetic: `c = x - (2 * sum x + width) / (2 * width)`, rounded down; then [`rms_norm`] of
    /// `c`.
    /// Bounds: `|c| < 2^32`, so `p <= 18`; the rest as [`rms_norm`].
    ///
    /// # Source
    /// Ba, Kiros and Hinton 2016 (see docs/numerics.md, "`LayerNorm`").
    pub fn layer_norm_i16(input: &[i32], norm: &Norm<'_>, output: &mut [i16]) = layer_norm_i16_body;
}

vectorized! {
    /// As [`layer_norm_i16`], with an output that saturates at 32 bits.
    pub fn layer_norm_i32(input: &[i32], norm: &Norm<'_>, output: &mut [i32]) = layer_norm_i32_body;
}

#[inline(always)]
fn rms_norm_body<T: Copy + Into<i32>>(input: &[T], norm: &Norm<'_>, output: &mut [i16]) {
    let width = norm.gain.len();
    if width == 0 {
        return;
    }
    for (input, output) in input.chunks_exact(width).zip(output.chunks_exact_mut(width)) {
        let largest = input.iter().fold(0_u32, |largest, x| {
            let x: i32 = (*x).into();
            largest.max(x.unsigned_abs())
        });
        let prescale = bit_length(u64::from(largest)).saturating_sub(ACTIVATION_BITS) as i32;
        let mut sum = 0_u64;
        for x in input {
            let z = i64::from(prescaled((*x).into(), prescale));
            sum = sum.wrapping_add(z.wrapping_mul(z) as u64);
        }
        let (reciprocal, shift) = norm.reciprocal(sum, prescale);
        for ((x, gain), y) in input.iter().zip(norm.gain).zip(output) {
            let z = i64::from(prescaled((*x).into(), prescale));
            let product = z.wrapping_mul(reciprocal).wrapping_mul(i64::from(*gain));
            *y = saturate_i16(round_shift(product, shift));
        }
    }
}

#[inline(always)]
fn layer_norm_i16_body(input: &[i32], norm: &Norm<'_>, output: &mut [i16]) {
    layer_norm(input, norm, output, saturate_i16);
}

#[inline(always)]
fn layer_norm_i32_body(input: &[i32], norm: &Norm<'_>, output: &mut [i32]) {
    layer_norm(input, norm, output, saturate_i32);
}

#[inline(always)]
fn layer_norm<T>(input: &[i32], norm: &Norm<'_>, output: &mut [T], saturate: impl Fn(i64) -> T) {
    let width = norm.gain.len();
    if width == 0 {
        return;
    }
    for (input, output) in input.chunks_exact(width).zip(output.chunks_exact_mut(width)) {
        let sum = input.iter().fold(0_i64, |sum, x| sum.wrapping_add(i64::from(*x)));
        let mean = round_div(sum, width as i64);
        let largest = input
            .iter()
            .fold(0_u64, |largest, x| largest.max(i64::from(*x).wrapping_sub(mean).unsigned_abs()));
        let prescale = bit_length(largest).saturating_sub(ACTIVATION_BITS) as i32;
        let mut sum = 0_u64;
        for x in input {
            let z = centered(*x, mean, prescale);
            sum = sum.wrapping_add(z.wrapping_mul(z) as u64);
        }
        let (reciprocal, shift) = norm.reciprocal(sum, prescale);
        for ((x, gain), y) in input.iter().zip(norm.gain).zip(output) {
            let z = centered(*x, mean, prescale);
            let product = z.wrapping_mul(reciprocal).wrapping_mul(i64::from(*gain));
            *y = saturate(round_shift(product, shift));
        }
    }
}

/// Brings the largest of a row to 15 bits.
#[inline(always)]
fn prescaled(x: i32, prescale: i32) -> i32 {
    let half = if prescale > 0 { 1_i64 << (prescale - 1) } else { 0 };
    ((i64::from(x) + half) >> prescale).min(i64::from(i16::MAX)) as i32
}

/// As [`prescaled`], of the distance from the mean.
#[inline(always)]
fn centered(x: i32, mean: i64, prescale: i32) -> i64 {
    let half = if prescale > 0 { 1_i64 << (prescale - 1) } else { 0 };
    (i64::from(x).wrapping_sub(mean).wrapping_add(half) >> prescale).min(i64::from(i16::MAX))
}
