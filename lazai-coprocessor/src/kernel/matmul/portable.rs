//! Plain Rust in blocks, shaped so that the compiler vectorizes it for any target.

use core::{array, iter, ops::Range};

use super::{
    WeightMatrix,
    blocked::{Kernel, Line, N_BLOCK, Panel, Streamed, TILE, expand_rows, padded},
    destination::Tile,
    weight::group_exponent,
};

/// The back end without instructions of its own.
#[derive(Clone, Copy)]
pub(super) struct Portable;

impl Kernel for Portable {
    const STREAM_ROWS: usize = 3;
    const K_BLOCK: usize = 1024;

    fn expand(
        self,
        weight: &WeightMatrix<'_>,
        rows: Range<usize>,
        columns: Range<usize>,
        expanded: &mut [Line],
    ) {
        expand_rows(weight, rows, columns, expanded, expand);
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

    fn dots(
        self,
        input: Streamed<'_>,
        weight: &WeightMatrix<'_>,
        rows: Range<usize>,
        sums: &mut [i64],
    ) {
        let lines = weight.columns().div_ceil(Line::LANES);
        let mut expanded = vec![Line([0; Line::LANES]); lines];
        for (column, row) in rows.enumerate() {
            // Expanded to memory, because the compiler vectorizes the two loops only apart.
            expand(weight.row_values(row), weight.row_exponents(row), &mut expanded);
            for (row, sums) in (0..input.rows).zip(sums.chunks_mut(N_BLOCK)) {
                sums[column] = 0;
                for (group, w) in expanded.iter().enumerate() {
                    let dot = i64::from(group_dot(&input.line(row, group).0, &w.0));
                    sums[column] = sums[column].wrapping_add(dot);
                }
            }
        }
    }

    fn finish(
        self,
        tile: &mut Tile<'_>,
        rows: Range<usize>,
        columns: Range<usize>,
        sums: &[i64],
        shifts: &[u8],
    ) {
        for (row, sums) in rows.zip(sums.chunks(N_BLOCK)) {
            tile.write_sums(row, columns.clone(), sums, shifts);
        }
    }
}

/// Expands part of a row.
fn expand(values: &[i8], exponents: &[u8], expanded: &mut [Line]) {
    let (groups, rest) = values.as_chunks();
    for (group, (values, line)) in iter::zip(groups, &mut *expanded).enumerate() {
        *line = effective(values, group_exponent(exponents, group));
    }
    if !rest.is_empty() {
        let exponent = group_exponent(exponents, groups.len());
        expanded[groups.len()] = effective(&padded(rest), exponent);
    }
}

/// The dot products of one row with several expanded weight rows.
fn dots(x: &[i16], weights: [&[Line]; TILE]) -> [i64; TILE] {
    let mut sums = [0_i64; TILE];
    let (groups, rest) = x.as_chunks();
    for (index, x) in groups.iter().enumerate() {
        for (sum, weights) in iter::zip(&mut sums, weights) {
            *sum = sum.wrapping_add(i64::from(group_dot(x, &weights[index].0)));
        }
    }
    if !rest.is_empty() {
        for (sum, weights) in iter::zip(&mut sums, weights) {
            *sum = sum.wrapping_add(i64::from(group_dot(&padded(rest), &weights[groups.len()].0)));
        }
    }
    sums
}

/// A group of weights shifted by its exponent.
#[inline(always)]
fn effective(values: &[i8; Line::LANES], exponent: u32) -> Line {
    // A factor, because few instruction sets shift every lane by a number known only at run time.
    let factor = 1_i16.wrapping_shl(exponent);
    let mut line = Line([0; Line::LANES]);
    for (effective, value) in iter::zip(&mut line.0, values) {
        *effective = i16::from(*value).wrapping_mul(factor);
    }
    line
}

/// The dot product of a group, at most `32·2^15·1,016 < 2^30`.
#[inline(always)]
fn group_dot(x: &[i16; Line::LANES], weights: &[i16; Line::LANES]) -> i32 {
    iter::zip(x, weights)
        .fold(0, |sum: i32, (x, w)| sum.wrapping_add(i32::from(*x).wrapping_mul(i32::from(*w))))
}
