//! Where results go, and how the output is cut into rectangles that threads fill.

use core::{iter, ops::Range};

use crate::numeric::{ACTIVATION_MAX, ACTIVATION_MIN};

/// Where the results of a matrix product go, and as what.
#[derive(Debug)]
pub enum Destination<'a> {
    /// Added to what is there, as saturating i32: the residual stream.
    Accumulate(&'a mut [i32]),
    /// Written as i16, clamped to the range of activations, -32,768 to 32,639.
    I16(&'a mut [i16]),
    /// Written as i32, which every result fits.
    I32(&'a mut [i32]),
}

impl<'a> Destination<'a> {
    /// Returns how many elements there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self {
            Self::Accumulate(output) | Self::I32(output) => output.len(),
            Self::I16(output) => output.len(),
        }
    }

    /// Returns whether there are no elements.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Cuts an output with `n` columns into a rectangle for each pair of ranges, each of which
    /// follow one another and cover everything.
    pub(super) fn split(
        self,
        n: usize,
        rows: &[Range<usize>],
        columns: &[Range<usize>],
    ) -> Vec<Tile<'a>> {
        match self {
            Self::Accumulate(output) => split(output, n, rows, columns, Lines::Accumulate),
            Self::I16(output) => split(output, n, rows, columns, Lines::I16),
            Self::I32(output) => split(output, n, rows, columns, Lines::I32),
        }
    }
}

/// A rectangle of the output, which one thread fills.
pub(super) struct Tile<'a> {
    rows: Range<usize>,
    columns: Range<usize>,
    lines: Lines<'a>,
}

/// The part of each row of the output that lies in a rectangle.
enum Lines<'a> {
    Accumulate(Vec<&'a mut [i32]>),
    I16(Vec<&'a mut [i16]>),
    I32(Vec<&'a mut [i32]>),
}

impl Tile<'_> {
    /// Returns the rows of the output in this rectangle.
    pub(super) fn rows(&self) -> Range<usize> {
        self.rows.clone()
    }

    /// Returns the columns of the output in this rectangle.
    pub(super) fn columns(&self) -> Range<usize> {
        self.columns.clone()
    }

    /// Writes one result.
    pub(super) fn write(&mut self, row: usize, column: usize, y: i32) {
        let (row, column) = (row - self.rows.start, column - self.columns.start);
        match &mut self.lines {
            Lines::Accumulate(lines) => accumulate(&mut lines[row][column], y),
            Lines::I16(lines) => lines[row][column] = activation(y),
            Lines::I32(lines) => lines[row][column] = y,
        }
    }

    /// Borrows some columns of a row.
    #[inline(always)]
    pub(super) fn part(&mut self, row: usize, columns: Range<usize>) -> Destination<'_> {
        let row = row - self.rows.start;
        let columns = columns.start - self.columns.start..columns.end - self.columns.start;
        match &mut self.lines {
            Lines::Accumulate(lines) => Destination::Accumulate(&mut lines[row][columns]),
            Lines::I16(lines) => Destination::I16(&mut lines[row][columns]),
            Lines::I32(lines) => Destination::I32(&mut lines[row][columns]),
        }
    }

    /// Rounds and writes the results of some columns of a row, given their sums.
    ///
    /// Inlined, so that it is vectorized with the instructions of the caller.
    #[inline(always)]
    pub(super) fn write_sums(
        &mut self,
        row: usize,
        columns: Range<usize>,
        sums: &[i64],
        shifts: &[u8],
    ) {
        let results = iter::zip(sums, shifts).map(|(sum, shift)| round(*sum, *shift));
        match self.part(row, columns) {
            Destination::Accumulate(output) => {
                iter::zip(output, results).for_each(|(old, y)| accumulate(old, y));
            }
            Destination::I16(output) => {
                iter::zip(output, results).for_each(|(old, y)| *old = activation(y));
            }
            Destination::I32(output) => {
                iter::zip(output, results).for_each(|(old, y)| *old = y);
            }
        }
    }
}

/// Cuts a matrix with `n` columns into rectangles.
fn split<'a, T>(
    output: &'a mut [T],
    n: usize,
    rows: &[Range<usize>],
    columns: &[Range<usize>],
    lines: impl Fn(Vec<&'a mut [T]>) -> Lines<'a>,
) -> Vec<Tile<'a>> {
    let mut tiles = Vec::with_capacity(rows.len() * columns.len());
    let mut all = output.chunks_mut(n);
    for rows in rows {
        let mut parts: Vec<_> =
            columns.iter().map(|_| Vec::with_capacity(rows.end - rows.start)).collect();
        for mut line in all.by_ref().take(rows.len()) {
            for (columns, part) in iter::zip(columns, &mut parts) {
                let (head, tail) = line.split_at_mut(columns.len());
                part.push(head);
                line = tail;
            }
        }
        tiles.extend(iter::zip(columns, parts).map(|(columns, part)| Tile {
            rows: rows.clone(),
            columns: columns.clone(),
            lines: lines(part),
        }));
    }
    tiles
}

/// The sum over `2^shift`, rounded half up.
#[inline(always)]
fn round(sum: i64, shift: u8) -> i32 {
    let shift = u32::from(shift);
    let y = sum.wrapping_add(1_i64.wrapping_shl(shift.wrapping_sub(1))).wrapping_shr(shift);
    #[expect(clippy::cast_possible_truncation, reason = "clamped to i32")]
    let y = y.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32;
    y
}

/// A result as an activation: clamped to what splits into two signed bytes.
#[inline(always)]
fn activation(y: i32) -> i16 {
    #[expect(clippy::cast_possible_truncation, reason = "clamped to i16")]
    let y = y.clamp(ACTIVATION_MIN.into(), ACTIVATION_MAX.into()) as i16;
    y
}

/// Adds a result to the residual stream.
#[inline(always)]
const fn accumulate(old: &mut i32, y: i32) {
    *old = old.saturating_add(y);
}
