//! The order in which vector back ends walk through a product.
//!
//! With many rows of input, a block of weight rows is expanded to its effective i16 once, and
//! serves every row of the input from cache. With few, the product is as fast as the weights arrive
//! from memory: they are read once, in the order in which they are stored, and expanded in
//! registers.

use core::ops::Range;

use super::{WeightMatrix, destination::Tile};

/// The steps of a product that a back end writes in its own instructions.
///
/// Sums are exact as long as the weights are valid.
pub(super) trait Kernel: Copy {
    /// Most rows of input for which [`dots`](Self::dots) is faster than [`panel`](Self::panel).
    const STREAM_ROWS: usize;

    /// Columns of a block: what is expanded at a time, a multiple of [`EXPONENT_BYTE`].
    const K_BLOCK: usize;

    /// Writes the effective weights of part of some weight rows, in the order in which
    /// [`panel`](Self::panel) reads them.
    ///
    /// Shapes: at most [`N_BLOCK`] weight rows, and at most `K_BLOCK` columns from a multiple of
    /// [`EXPONENT_BYTE`] on; `expanded` has `columns.len().div_ceil(Line::LANES)` lines for each
    /// row, as many rows as the next multiple of [`COLUMNS`]. What is beyond the block is 0.
    fn expand(
        self,
        weight: &WeightMatrix<'_>,
        rows: Range<usize>,
        columns: Range<usize>,
        expanded: &mut [Line],
    );

    /// Adds the dot products of up to [`TILE`] input rows with expanded weight rows.
    ///
    /// Shapes: `input` holds `rows` rows of `columns <= K_BLOCK`, `stride` apart; `expanded` is of
    /// as many columns; `sums` is `[rows, N_BLOCK]`.
    fn panel(self, input: Panel<'_>, expanded: &[Line], sums: &mut [i64]);

    /// Computes the dot products of some input rows with some weight rows.
    ///
    /// Shapes: `input` is `[k.div_ceil(EXPONENT_BYTE), m, GROUPS]` lines, padded with zeros, with m
    /// of 1 to `STREAM_ROWS` and k above 0; `sums` is `[m, N_BLOCK]`, of which `rows.len()` columns
    /// are written.
    fn dots(
        self,
        input: Streamed<'_>,
        weight: &WeightMatrix<'_>,
        rows: Range<usize>,
        sums: &mut [i64],
    );

    /// Rounds and writes the sums of some rows, as [`Tile::write_sums`] does.
    ///
    /// Shapes: `sums` is `[rows, N_BLOCK]`, `shifts` is that of the columns.
    fn finish(
        self,
        tile: &mut Tile<'_>,
        rows: Range<usize>,
        columns: Range<usize>,
        sums: &[i64],
        shifts: &[u8],
    );

    /// Asks for the weights that are expanded next.
    fn fetch(self, weight: &WeightMatrix<'_>, rows: Range<usize>, columns: Range<usize>) {
        let _ = (weight, rows, columns);
    }
}

/// Some rows of the input, cut to some of their columns.
#[derive(Clone, Copy)]
pub(super) struct Panel<'a> {
    /// From the first element used to the last.
    pub(super) values: &'a [i16],
    /// From a row to the next.
    pub(super) stride: usize,
    /// Rows, 1 to [`TILE`].
    pub(super) rows: usize,
    /// Columns used of each row.
    pub(super) columns: usize,
}

impl<'a> Panel<'a> {
    /// Returns the used columns of a row.
    pub(super) fn row(&self, row: usize) -> &'a [i16] {
        &self.values[row * self.stride..][..self.columns]
    }
}

/// All rows of the input, in the order in which they are used with weights as they are stored.
#[derive(Clone, Copy)]
pub(super) struct Streamed<'a> {
    /// For each byte of exponents, the columns that share it: `GROUPS` lines of each row.
    pub(super) lines: &'a [Line],
    /// Rows, 1 to [`Kernel::STREAM_ROWS`].
    pub(super) rows: usize,
}

impl<'a> Streamed<'a> {
    /// Returns a group of columns of a row.
    pub(super) fn line(&self, row: usize, group: usize) -> &'a Line {
        &self.lines[Self::place(self.rows, row, group)]
    }

    /// Where a group of a row is among the lines of so many rows.
    const fn place(rows: usize, row: usize, group: usize) -> usize {
        (group / GROUPS * rows + row) * GROUPS + group % GROUPS
    }
}

/// A group of input or of effective weights, aligned to a cache line.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(super) struct Line(pub(super) [i16; Self::LANES]);

impl Line {
    pub(super) const LANES: usize = WeightMatrix::GROUP;
}

/// Computes one rectangle of the output.
pub(super) fn run<K: Kernel>(
    kernel: K,
    input: &[i16],
    weight: &WeightMatrix<'_>,
    mut tile: Tile<'_>,
) {
    if tile.rows().len() <= K::STREAM_ROWS {
        stream(kernel, input, weight, &mut tile);
    } else {
        block(kernel, input, weight, &mut tile);
    }
}

/// Few rows of input: weights go from memory to registers.
fn stream<K: Kernel>(kernel: K, input: &[i16], weight: &WeightMatrix<'_>, tile: &mut Tile<'_>) {
    let (rows, columns, k) = (tile.rows(), tile.columns(), weight.columns());
    let mut lines = vec![Line([0; Line::LANES]); k.div_ceil(EXPONENT_BYTE) * rows.len() * GROUPS];
    for (row, input) in input[rows.start * k..rows.end * k].chunks(k.max(1)).enumerate() {
        for (group, values) in input.chunks(Line::LANES).enumerate() {
            lines[Streamed::place(rows.len(), row, group)] = Line(padded(values));
        }
    }
    let input = Streamed { lines: &lines, rows: rows.len() };
    let mut sums = vec![0; rows.len() * N_BLOCK];
    for start in columns.clone().step_by(N_BLOCK) {
        let end = columns.end.min(start + N_BLOCK);
        if k > 0 {
            kernel.dots(input, weight, start..end, &mut sums);
        }
        kernel.finish(tile, rows.clone(), start..end, &sums, &weight.shifts()[start..end]);
    }
}

/// Many rows of input: expanded weights serve all of them.
fn block<K: Kernel>(kernel: K, input: &[i16], weight: &WeightMatrix<'_>, tile: &mut Tile<'_>) {
    let k = weight.columns();
    let lines = k.min(K::K_BLOCK).div_ceil(Line::LANES);
    let n_block = tile.columns().len().min(N_BLOCK).next_multiple_of(COLUMNS);
    let m_block = tile.rows().len().min(M_BLOCK);
    let mut expanded = vec![Line([0; Line::LANES]); lines * n_block];
    let mut sums = vec![0; m_block * N_BLOCK];

    for row_start in tile.rows().step_by(M_BLOCK) {
        let row_end = tile.rows().end.min(row_start + M_BLOCK);
        for start in tile.columns().step_by(N_BLOCK) {
            let end = tile.columns().end.min(start + N_BLOCK);
            sums.fill(0);
            for k_start in (0..k).step_by(K::K_BLOCK) {
                let k_range = k_start..k.min(k_start + K::K_BLOCK);
                let lines = k_range.len().div_ceil(Line::LANES);
                let expanded = &mut expanded[..lines * (end - start).next_multiple_of(COLUMNS)];
                kernel.expand(weight, start..end, k_range.clone(), expanded);
                let (next_rows, next_columns) = if k_range.end < k {
                    (start..end, k_range.end..k.min(k_range.end + K::K_BLOCK))
                } else {
                    (end..tile.columns().end.min(end + N_BLOCK), 0..k.min(K::K_BLOCK))
                };
                let panels = (row_end - row_start).div_ceil(TILE);
                for (index, sums) in sums.chunks_mut(TILE * N_BLOCK).enumerate().take(panels) {
                    // A few at a time, so that they come while the sums are computed.
                    let place = |index| next_rows.start + index * next_rows.len() / panels;
                    let rows = place(index)..place(index + 1);
                    kernel.fetch(weight, rows, next_columns.clone());
                    let first = row_start + index * TILE;
                    let rows = (row_end - first).min(TILE);
                    let values = &input[first * k + k_start..][..(rows - 1) * k + k_range.len()];
                    let panel = Panel { values, stride: k, rows, columns: k_range.len() };
                    kernel.panel(panel, expanded, sums);
                }
            }
            let shifts = &weight.shifts()[start..end];
            kernel.finish(tile, row_start..row_end, start..end, &sums, shifts);
        }
    }
}

/// Expands weight rows one after the other with a function that expands part of a row from its
/// values and exponents, and fills its last line up with zeros.
pub(super) fn expand_rows(
    weight: &WeightMatrix<'_>,
    rows: Range<usize>,
    columns: Range<usize>,
    expanded: &mut [Line],
    expand: impl Fn(&[i8], &[u8], &mut [Line]),
) {
    let lines = columns.len().div_ceil(Line::LANES);
    let (filled, rest) = expanded.split_at_mut(lines * rows.len());
    rest.fill(Line([0; Line::LANES]));
    for (row, expanded) in rows.zip(filled.chunks_mut(lines)) {
        let values = &weight.row_values(row)[columns.clone()];
        let exponents = &weight.row_exponents(row)[columns.start / EXPONENT_BYTE..];
        expand(values, exponents, expanded);
    }
}

/// Returns the start of an array whose rest is zero.
pub(super) fn padded<T: Copy + Default, const N: usize>(values: &[T]) -> [T; N] {
    let mut array = [T::default(); N];
    array[..values.len()].copy_from_slice(values);
    array
}

/// Rows of input whose products are summed in registers at a time.
pub(super) const TILE: usize = 4;

/// Weight rows whose products are summed in registers at a time, at most.
pub(super) const COLUMNS: usize = 16;

/// Weight rows in a block: with [`Kernel::K_BLOCK`] columns, 64 KiB at most.
pub(super) const N_BLOCK: usize = 32;

/// Input rows whose sums are kept at a time: 64 KiB.
const M_BLOCK: usize = 256;

/// Groups whose exponents share a byte.
pub(super) const GROUPS: usize = 4;

/// Columns whose exponents share a byte.
pub(super) const EXPONENT_BYTE: usize = GROUPS * Line::LANES;

/// How far ahead of their use the stored weights are fetched, in bytes.
#[cfg(target_arch = "x86_64")]
pub(super) const FETCH_AHEAD: usize = 8192;
