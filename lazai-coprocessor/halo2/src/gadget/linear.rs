use lazai_coprocessor::{
    model::Weights,
    numeric::{ACTIVATION_MAX, ACTIVATION_MIN},
};

use crate::builder::{AssignedInt, Builder};

/// Assigns an activation of the input tensor, within the range of activations.
pub(crate) fn take_i16(builder: &mut Builder, value: i32) -> AssignedInt {
    let value = builder.witness(i128::from(value));
    builder.range_check_between(value, ACTIVATION_MIN.into(), ACTIVATION_MAX.into());
    value
}

/// Assigns an integer of the input tensor, within 32 bits.
pub(crate) fn take_i32(builder: &mut Builder, value: i32) -> AssignedInt {
    let value = builder.witness(i128::from(value));
    builder.range_check_between(value, i32::MIN.into(), i32::MAX.into());
    value
}

/// Computes `MatMul`.
pub(crate) fn product(
    builder: &mut Builder,
    input: &[AssignedInt],
    weights: &Weights<'_>,
    wide: bool,
) -> Vec<AssignedInt> {
    let sums = builder.product(input, entries(weights), weights.columns());
    rounded_product(builder, sums, |index| weights.shift(index % weights.rows()), wide)
}

/// Rounds the sums of `MatMul`. `|sum| < 2^38`, and after rounding it is at most `2^30`.
pub(crate) fn rounded_product(
    builder: &mut Builder,
    sums: Vec<AssignedInt>,
    shift: impl Fn(usize) -> i32,
    wide: bool,
) -> Vec<AssignedInt> {
    let rounded = sums.into_iter().enumerate().map(|(index, sum)| {
        let rounded = builder.rounded(sum, shift(index));
        if wide {
            // No saturation: the result is within 30 bits.
            builder.range_check_signed(rounded, 31);
            rounded
        } else {
            builder.sat16(rounded, 30)
        }
    });
    rounded.collect()
}

/// Computes `MatMulAdd`.
pub(crate) fn product_add(
    builder: &mut Builder,
    input: &[AssignedInt],
    weights: &Weights<'_>,
    residual: &mut [AssignedInt],
) {
    let sums = builder.product(input, entries(weights), weights.columns());
    rounded_product_add(builder, sums, |index| weights.shift(index % weights.rows()), residual);
}

/// Rounds the sums of `MatMulAdd`, and adds them.
pub(crate) fn rounded_product_add(
    builder: &mut Builder,
    sums: Vec<AssignedInt>,
    shift: impl Fn(usize) -> i32,
    residual: &mut [AssignedInt],
) {
    for (index, (sum, residual)) in sums.into_iter().zip(residual).enumerate() {
        let rounded = builder.rounded(sum, shift(index));
        let added = builder.add(*residual, rounded);
        *residual = builder.sat32(added, 31);
    }
}

/// Computes `AddBias`, and `AddPositions` with the row of the position, whose entries are within
/// `2^62`: nothing but the sum is saturated.
pub(crate) fn add_row(
    builder: &mut Builder,
    values: &mut [AssignedInt],
    row: impl IntoIterator<Item = i64>,
    wide: bool,
) {
    for (value, added) in values.iter_mut().zip(row) {
        let sum = builder.shifted(*value, i128::from(added));
        let bits = if i32::try_from(added).is_ok() { 32 } else { 63 };
        *value = if wide { builder.sat32(sum, bits) } else { builder.sat16(sum, bits) };
    }
}

/// Computes `MeanPool`. With 2^17 tokens `256 * sum` stays within `2^40`, and the mean within
/// `2^24`.
pub(crate) fn mean_pool(
    builder: &mut Builder,
    input: &[AssignedInt],
    width: usize,
) -> Vec<AssignedInt> {
    let rows = (input.len() / width) as i128;
    let mut means = Vec::with_capacity(width);
    for column in 0..width {
        let terms = input.iter().skip(column).step_by(width).map(|value| (*value, 512));
        // rdiv(256 sum, rows) = floor((512 sum + rows) / 2 rows)
        let doubled = builder.linear(rows, terms);
        let mean = builder.divided(doubled, 2 * rows);
        builder.range_check_signed(mean, 24);
        means.push(mean);
    }
    means
}

fn entries(weights: &Weights<'_>) -> Vec<i32> {
    (0..weights.rows()).flat_map(|row| weights.row(row)).collect()
}
