//! Plain Rust in blocks, shaped so that the compiler vectorizes it for any target.

use core::{array, iter, ops::Range};

use super::{
    WeightMatrix,
    blocked::{Kernel, Line, N_BLOCK, Panel, TILE},
    destination::Tile,
    weight::group_exponent,
};

/// The back end without instructions of its own.
#[derive(Clone, Copy)]
pub(super) struct Portable;

impl Kernel for Portable {
    const K_BLOCK: usize = 1024;

    fn expand(self, values: &[i8], exponents: &[u8], expanded: &mut [Line]) {
        for (group, (values, line)) in iter::zip(values.chunks(Line::LANES), expanded).enumerate() {
            let exponent = group_exponent(exponents, group);
            let (filled, rest) = line.0.split_at_mut(values.len());
            for (value, expanded) in iter::zip(values, filled) {
                *expanded = i16::from(*value) << exponent;
            }
            rest.fill(0);
        }
    }

    fn panel(self, input: Panel<'_>, expanded: &[Line], sums: &mut [i64]) {
        let lines = input.columns.div_ceil(Line::LANES);
        for (row, sums) in (0..input.rows).zip(sums.chunks_mut(N_BLOCK)) {
            let x = input.row(row);
            for (weights, sums) in iter::zip(expanded.chunks(lines * TILE), sums.chunks_mut(TILE)) {
                let weights: [&[Line]; TILE] =
                    array::from_fn(|row| &weights[row * lines..][..lines]);
                for (sum, dot) in iter::zip(sums, dots(x, weights)) {
                    *sum = sum.wrapping_add(dot);
                }
            }
        }
    }

    fn dots(self, input: &[i16], weight: &WeightMatrix<'_>, rows: Range<usize>, sums: &mut [i64]) {
        for (x, sums) in iter::zip(input.chunks(weight.columns()), sums.chunks_mut(N_BLOCK)) {
            for (row, sum) in rows.clone().zip(sums) {
                *sum = stored_dot(x, weight.row_values(row), weight.row_exponents(row));
            }
        }
    }

    fn finish(self, tile: &mut Tile<'_>, row: usize, column: usize, sums: &[i64], shifts: &[u8]) {
        tile.write_sums(row, column, sums, shifts);
    }
}

/// The dot products of one row with several expanded weight rows.
fn dots(x: &[i16], weights: [&[Line]; TILE]) -> [i64; TILE] {
    let mut sums = [0_i64; TILE];
    let (groups, rest) = x.as_chunks::<{ Line::LANES }>();
    for (index, x) in groups.iter().enumerate() {
        for (sum, weights) in iter::zip(&mut sums, weights) {
            *sum = sum.wrapping_add(i64::from(group_dot(x, &weights[index].0)));
        }
    }
    if !rest.is_empty() {
        for (sum, weights) in iter::zip(&mut sums, weights) {
            *sum = sum.wrapping_add(i64::from(group_dot(rest, &weights[groups.len()].0)));
        }
    }
    sums
}

/// The dot product of one row with one weight row as it is stored.
fn stored_dot(x: &[i16], values: &[i8], exponents: &[u8]) -> i64 {
    let mut sum = 0_i64;
    let (groups, rest) = x.as_chunks::<{ Line::LANES }>();
    let (value_groups, value_rest) = values.as_chunks::<{ Line::LANES }>();
    for (group, (x, values)) in iter::zip(groups, value_groups).enumerate() {
        let dot = i64::from(group_dot(x, values)) << group_exponent(exponents, group);
        sum = sum.wrapping_add(dot);
    }
    if !rest.is_empty() {
        let dot = i64::from(group_dot(rest, value_rest)) << group_exponent(exponents, groups.len());
        sum = sum.wrapping_add(dot);
    }
    sum
}

/// The dot product of a group, at most `32·2^15·1,016 < 2^30`.
#[inline(always)]
fn group_dot<W: Copy + Into<i32>>(x: &[i16], weights: &[W]) -> i32 {
    iter::zip(x, weights)
        .fold(0, |sum: i32, (x, w)| sum.wrapping_add(i32::from(*x).wrapping_mul((*w).into())))
}
