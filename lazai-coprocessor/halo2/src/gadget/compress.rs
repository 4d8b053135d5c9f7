use lazai_coprocessor::numeric::bit_length;

use super::one_hot::OneHot;
use crate::builder::{AssignedInt, Builder};

/// Integers that are rounded to a number of bits by the smallest power of two that does.
#[derive(Clone, Debug)]
pub(crate) struct Compressed {
    /// The rounded integers, from `-2^bits` to `2^bits - 1`.
    pub(crate) values: Vec<AssignedInt>,
    /// The power of two, `2^p`.
    pub(crate) power: AssignedInt,
    pub(super) exponent: OneHot,
}

/// Computes `p = max(0, bits(max |x|) - bits)` and `min(2^bits - 1, round(x, p))` of integers of at
/// most `width` bits and a sign, the least included.
///
/// `CacheAppend` and the norms use it.
#[track_caller]
pub(crate) fn compress(
    builder: &mut Builder,
    input: &[AssignedInt],
    bits: u32,
    width: u32,
) -> Compressed {
    builder.within("compress", |builder| compressed(builder, input, bits, width))
}

fn compressed(builder: &mut Builder, input: &[AssignedInt], bits: u32, width: u32) -> Compressed {
    let largest = input.iter().map(|x| x.value().unsigned_abs()).max().unwrap_or(0);
    let max = builder.witness(largest as i128);
    // max^2 - x^2 is 0 for one x and not negative for any, so max is the largest magnitude or its
    // negative, and `over` below excludes the negative.
    let square = builder.mul(max, max);
    let mut below = Vec::with_capacity(input.len());
    for x in input {
        let minus = builder.scaled(*x, -1);
        let distance = builder.mul_add(square, *x, minus);
        builder.range_check_loose(distance, 2 * width + 1);
        below.push(distance);
    }
    builder.assert_any_zero(below);
    let most = width + 1 - bits;
    let chosen = bit_length(largest as u64).saturating_sub(bits);
    let exponent = OneHot::new(builder, chosen as usize, most as usize + 1);
    let power = exponent.select(builder, |p| 1 << p);
    let counter = exponent.select(builder, |p| 1 << (most - p as u32));
    // max < 2^bits * power, and if p is not 0, max >= 2^(bits - 1) * power.
    let room = builder.linear(-1, [(power, 1 << bits), (max, -1)]);
    builder.range_check_loose(room, width + 2);
    let first = exponent.bits()[0];
    // One bit is 1, so power >= 1 >= first, and max >= 2^(bits - 1) * (power - first) >= 0.
    let over = builder.linear(0, [(max, 1), (power, -(1 << (bits - 1))), (first, 1 << (bits - 1))]);
    builder.range_check_loose(over, width + 1);
    let double = builder.add(power, power);
    let values = input
        .iter()
        .map(|x| {
            // 2 x + power = rounded * 2 power + rest, with rest * counter < 2^(most + 1), so rest <
            // 2 power. The rest is a small integer, because all else in the equation is.
            let shifted = builder.add_scaled(power, *x, 2);
            let floor = shifted.value().div_euclid(double.value());
            let rounded = builder.witness(floor);
            let product = builder.mul(rounded, double);
            let rest = builder.sub(shifted, product);
            let scaled = builder.mul(rest, counter);
            builder.range_check(scaled, most + 1);
            // Only the largest can be rounded up to 2^bits.
            let top = floor == 1 << bits;
            let over = builder.bit(top);
            let excess = builder.shifted(rounded, -(1 << bits));
            builder.assert_product_zero(over, excess);
            let value = builder.sub(rounded, over);
            let above = builder.shifted(value, 1 << bits);
            builder.range_check(above, bits + 1);
            value
        })
        .collect();
    Compressed { values, power, exponent }
}
