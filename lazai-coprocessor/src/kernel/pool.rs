use crate::numeric::{POOL_BITS, round_div, saturate_i32};

/// Adds rows to running sums and writes the mean of all rows so far, with 8 more fraction bits.
///
/// Shapes: `input` is `[rows, width]` i16, `sums` and `output` are `[width]`; `count` counts the
/// rows of `sums`.
/// Arithmetic: `y = round(256 * sum / count)`. Bounds: 2^17 rows keep `256 * sum` within `2^40`.
pub fn mean_pool(input: &[i16], sums: &mut [i64], count: &mut u64, output: &mut [i32]) {
    let width = sums.len();
    if width == 0 {
        return;
    }
    for row in input.chunks_exact(width) {
        *count += 1;
        for (x, sum) in row.iter().zip(sums.iter_mut()) {
            *sum = sum.wrapping_add(i64::from(*x));
        }
    }
    for (sum, y) in sums.iter().zip(output) {
        *y = saturate_i32(round_div(*sum << POOL_BITS, (*count).max(1) as i64));
    }
}
