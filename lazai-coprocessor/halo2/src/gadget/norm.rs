use lazai_coprocessor::numeric::{ACTIVATION_BITS, RSQRT_BITS, bit_length};

use super::{activation::bits_after, compress, one_hot::OneHot};
use crate::{
    builder::{AssignedInt, Builder},
    table::Table,
};

/// The parameters of a norm.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Norm<'a> {
    pub(crate) gain: &'a [i16],
    pub(crate) gain_bits: i32,
    pub(crate) epsilon: u64,
    pub(crate) output_bits: i32,
    pub(crate) rsqrt: &'a [u16],
    /// Whether the output saturates at 32 bits, and not at 16.
    pub(crate) wide: bool,
}

/// Computes `RmsNorm` and `HeadNorm` of one row of integers of at most `width` bits and a sign.
pub(crate) fn rms_norm(
    builder: &mut Builder,
    row: &[AssignedInt],
    norm: &Norm<'_>,
    width: u32,
) -> Vec<AssignedInt> {
    let compressed = compress(builder, row, ACTIVATION_BITS, width);
    let z = compressed.values;
    let epsilon = compressed
        .exponent
        .select(builder, |p| i128::from(norm.epsilon.checked_shr(2 * p as u32).unwrap_or(0)));
    let mut sum = epsilon;
    for z in &z {
        sum = builder.mul_add(sum, *z, *z);
    }
    let is_zero = builder.is_zero(sum);
    let sum = builder.add(sum, is_zero);
    // 4^7 sum = m * 4^j + rest, j = q + 7, 2^14 <= m < 2^16: floor(sum / 4^q) for negative q too.
    let chosen = ((bit_length(sum.value() as u64) as i32 - 15) >> 1) + EXPONENT_OFFSET;
    let exponent = OneHot::new(builder, chosen as usize, EXPONENTS);
    let power = exponent.select(builder, |j| 1 << (2 * j));
    let counter = exponent.select(builder, |j| 1 << (2 * (EXPONENTS - 1 - j)));
    let raised = builder.scaled(sum, 1 << 14);
    let mantissa = builder.witness(raised.value().div_euclid(power.value()));
    let product = builder.mul(mantissa, power);
    let rest = builder.sub(raised, product);
    let scaled = builder.mul(rest, counter);
    builder.range_check(scaled, 2 * (EXPONENTS as u32 - 1));
    let index = builder.shifted(mantissa, -(1 << 14));
    builder.range_check(index, 16);
    let reciprocal = builder.entry(Table::Rsqrt, index, norm.rsqrt);
    // round(v, s + j) with v = z * reciprocal * gain, as floor((v * 2^a + D / 2) / D) with D = 2^(s
    // + a + j), s + a >= 1.
    let shift = RSQRT_BITS - EXPONENT_OFFSET + norm.gain_bits - norm.output_bits;
    let raise = (1 - shift).max(0);
    let least = (shift + raise) as u32;
    let half = exponent.select(builder, |j| 1 << (least - 1 + j as u32));
    let divisor = builder.add(half, half);
    let counter = exponent.select(builder, |j| 1 << (EXPONENTS - 1 - j));
    z.iter()
        .zip(norm.gain)
        .map(|(z, gain)| {
            let scaled = builder.mul(*z, reciprocal);
            let shifted = builder.add_scaled(half, scaled, i128::from(*gain) << raise);
            let rounded = builder.witness(shifted.value().div_euclid(divisor.value()));
            let product = builder.mul(rounded, divisor);
            let rest = builder.sub(shifted, product);
            // rest < D, as rest * 2^(25 - j) < 2^(s + a + 25).
            let below = builder.mul(rest, counter);
            builder.range_check(below, least + EXPONENTS as u32 - 1);
            let bits = bits_after(45, shift);
            if norm.wide { builder.sat32(rounded, bits) } else { builder.sat16(rounded, bits) }
        })
        .collect()
}

/// Computes `LayerNorm` of one row of 32-bit integers. `|x - mean| < 2^32`.
pub(crate) fn layer_norm(
    builder: &mut Builder,
    row: &[AssignedInt],
    norm: &Norm<'_>,
) -> Vec<AssignedInt> {
    let count = row.len() as i128;
    // rdiv(sum, d) = floor((2 sum + d) / 2 d)
    let doubled = builder.linear(count, row.iter().map(|x| (*x, 2)));
    let mean = builder.divided(doubled, 2 * count);
    builder.range_check_signed(mean, 32);
    let centered: Vec<_> = row.iter().map(|x| builder.sub(*x, mean)).collect();
    rms_norm(builder, &centered, norm, 32)
}

/// Number of exponents `q`: from -7, for a sum of 1, to 18, for one of 52 bits.
const EXPONENTS: usize = 26;
/// What is added to an exponent to make it an index.
const EXPONENT_OFFSET: i32 = 7;
