//! The specification: one sum at a time, in the halves that a GPU and a proof compute.

use super::{WeightMatrix, destination::Tile};

/// Computes one rectangle of the output.
pub(super) fn run(input: &[i16], weight: &WeightMatrix<'_>, mut tile: Tile<'_>) {
    let k = weight.columns();
    for row in tile.rows() {
        let x = &input[row * k..][..k];
        for column in tile.columns() {
            let y = element(x, weight, column);
            tile.write(row, column, y);
        }
    }
}

/// One result before it is clamped; the module's docs show that nothing wraps.
fn element(x: &[i16], weight: &WeightMatrix<'_>, row: usize) -> i32 {
    let (mut high, mut low) = (0_i32, 0_i32);
    for (column, x) in x.iter().enumerate() {
        let w = i32::from(weight.effective(row, column));
        let h = (i32::from(*x) + 128) >> 8;
        let l = i32::from(*x) - 256 * h;
        high = high.wrapping_add(h * w);
        low = low.wrapping_add(l * w);
    }
    let shift = u32::from(weight.shifts()[row]);
    let low = low.wrapping_add(1 << (shift - 1));
    if shift < 8 {
        (high << (8 - shift)).wrapping_add(low >> shift)
    } else {
        high.wrapping_add(low >> 8) >> (shift - 8)
    }
}
