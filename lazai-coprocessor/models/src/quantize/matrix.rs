//! Weight matrices as 8-bit integers.

use lazai_coprocessor::kernel::{Threads, WeightMatrix};

use super::scale::{largest_bits, power_of_two};

/// A weight matrix as the artifact stores it, and how far it is from the real one.
///
/// The real weight is near `(values[row, column] << exponent) * 2^-row_bits[row]`.
#[derive(Clone, Debug, PartialEq)]
pub struct QuantizedMatrix {
    /// Rows, one for each output.
    pub rows: usize,
    /// Columns, one for each input.
    pub columns: usize,
    /// Integers from -127 to 127, `[rows, columns]`.
    pub values: Vec<i8>,
    /// Exponents of groups of 32 columns, two bits each, `[rows, exponent_bytes(columns)]`.
    pub exponents: Vec<u8>,
    /// Fraction bits, `[rows]`.
    pub row_bits: Vec<i8>,
    /// The sum of the magnitudes of each row's effective weights.
    pub norms: Vec<u64>,
    /// The squared error of each row.
    pub squared_error: Vec<f64>,
}

/// A row that cannot be quantized: its largest weight is above 2^34, or not a number.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RowOutOfRange {
    /// The number of the row.
    pub row: usize,
}

/// Quantizes a `[rows, columns]` matrix of finite weights, row by row.
///
/// Each row takes the fraction bits, and each of its groups the exponent, that make the squared
/// error least; of equal errors the fewer bits and the smaller exponent. The candidates for the
/// bits are the most with which no weight is clipped, and up to two more. No row gets more than
/// `max_bits`, nor so many that its sum breaks [`WeightMatrix::NORM_MAX`]. All in 64-bit basic
/// operations of fixed order: the same weights give the same integers on every machine.
///
/// A row of zeros takes the bits of the row that has the fewest.
///
/// # Errors
/// [`RowOutOfRange`] if a weight is too large.
///
/// # Panics
/// If `weights` does not have `rows * columns` elements.
pub fn quantize_matrix(
    weights: &[f32],
    rows: usize,
    columns: usize,
    max_bits: i8,
    threads: &Threads,
) -> Result<QuantizedMatrix, RowOutOfRange> {
    assert_eq!(weights.len(), rows * columns, "weights must fill the matrix");
    let exponent_bytes = WeightMatrix::exponent_bytes(columns);
    let mut matrix = QuantizedMatrix {
        rows,
        columns,
        values: vec![0; rows * columns],
        exponents: vec![0; rows * exponent_bytes],
        row_bits: vec![0; rows],
        norms: vec![0; rows],
        squared_error: vec![0.0; rows],
    };
    if columns == 0 {
        return Ok(matrix);
    }
    let mut found: Vec<Row> = vec![Row::Zero; rows];
    let work: Vec<_> = weights
        .chunks_exact(columns)
        .zip(matrix.values.chunks_exact_mut(columns))
        .zip(matrix.exponents.chunks_exact_mut(exponent_bytes))
        .zip(&mut found)
        .map(|(((weights, values), exponents), found)| (weights, values, exponents, found))
        .collect();
    threads.for_each(work, |(weights, values, exponents, found)| {
        *found = quantize_row(weights, max_bits, values, exponents);
    });

    let fewest = |row: &Row| if let Row::Found { bits, .. } = row { Some(*bits) } else { None };
    let zero_bits = found.iter().filter_map(fewest).min().unwrap_or(ZERO_MATRIX_BITS.min(max_bits));
    for (row, found) in found.into_iter().enumerate() {
        (matrix.row_bits[row], matrix.norms[row], matrix.squared_error[row]) = match found {
            Row::Found { bits, norm, squared_error } => (bits, norm, squared_error),
            Row::OutOfRange => return Err(RowOutOfRange { row }),
            Row::Zero => (zero_bits, 0, 0.0),
        };
    }
    Ok(matrix)
}

impl QuantizedMatrix {
    /// Returns the fewest fraction bits of a row; 0 if there are no rows.
    #[must_use]
    pub fn fewest_bits(&self) -> i8 {
        self.row_bits.iter().copied().min().unwrap_or(0)
    }

    /// Returns the most fraction bits of a row; 0 if there are no rows.
    #[must_use]
    pub fn most_bits(&self) -> i8 {
        self.row_bits.iter().copied().max().unwrap_or(0)
    }

    /// Returns the real weight that the integers stand for.
    ///
    /// # Panics
    /// If the place is outside the matrix.
    #[must_use]
    pub fn weight(&self, row: usize, column: usize) -> f64 {
        let group = column / WeightMatrix::GROUP;
        let byte = self.exponents[row * WeightMatrix::exponent_bytes(self.columns) + group / 4];
        let exponent = i32::from(byte >> (2 * (group % 4)) & 3);
        let value = f64::from(self.values[row * self.columns + column]);
        value * power_of_two(exponent - i32::from(self.row_bits[row]))
    }
}

/// The quantized form of a row.
#[derive(Clone, Copy, Debug)]
enum Row {
    Found { bits: i8, norm: u64, squared_error: f64 },
    OutOfRange,
    Zero,
}

/// Quantizes one row into `values` and `exponents`.
fn quantize_row(weights: &[f32], max_bits: i8, values: &mut [i8], exponents: &mut [u8]) -> Row {
    let largest = weights.iter().fold(0.0, |largest: f64, weight| {
        let weight = f64::from(weight.abs());
        if weight > largest || weight.is_nan() { weight } else { largest }
    });
    if largest == 0.0 {
        values.fill(0);
        exponents.fill(0);
        return Row::Zero;
    }
    let Some(unclipped) = largest_bits(largest, LARGEST_EFFECTIVE, MIN_BITS..=MAX_BITS) else {
        return Row::OutOfRange;
    };
    let mut trial = Trial::new(weights.len());
    let mut best = Trial::new(weights.len());
    // From the fewest bits up, so that equal errors keep the fewer.
    for bits in unclipped..=unclipped.saturating_add(CLIPPING_BITS) {
        if bits <= max_bits.max(MIN_BITS) {
            trial.run(weights, bits);
            if trial.norm <= WeightMatrix::NORM_MAX && trial.squared_error < best.squared_error {
                core::mem::swap(&mut trial, &mut best);
            }
        }
    }
    // Long or capped rows: fewer bits than would hold the largest weight.
    let mut bits = unclipped.min(max_bits.saturating_add(1));
    while best.squared_error == f64::INFINITY {
        if bits <= MIN_BITS {
            return Row::OutOfRange;
        }
        bits -= 1;
        trial.run(weights, bits);
        if trial.norm <= WeightMatrix::NORM_MAX {
            core::mem::swap(&mut trial, &mut best);
        }
    }
    values.copy_from_slice(&best.values);
    exponents.copy_from_slice(&best.exponents);
    Row::Found { bits: best.bits, norm: best.norm, squared_error: best.squared_error }
}

/// A row at some number of fraction bits.
struct Trial {
    bits: i8,
    values: Vec<i8>,
    exponents: Vec<u8>,
    /// Sum of the magnitudes of the effective weights.
    norm: u64,
    squared_error: f64,
}

impl Trial {
    fn new(columns: usize) -> Self {
        Self {
            bits: 0,
            values: vec![0; columns],
            exponents: vec![0; WeightMatrix::exponent_bytes(columns)],
            norm: 0,
            squared_error: f64::INFINITY,
        }
    }

    fn run(&mut self, weights: &[f32], bits: i8) {
        let unit = power_of_two(i32::from(bits));
        self.bits = bits;
        self.exponents.fill(0);
        (self.norm, self.squared_error) = (0, 0.0);
        let groups = weights.chunks(WeightMatrix::GROUP);
        let values = self.values.chunks_mut(WeightMatrix::GROUP);
        for (group, (weights, values)) in groups.zip(values).enumerate() {
            let mut scaled = [0.0; WeightMatrix::GROUP];
            for (scaled, weight) in scaled.iter_mut().zip(weights) {
                *scaled = f64::from(*weight) * unit;
            }
            let mut best = (0, group_error(&scaled, 0));
            for exponent in 1..=3 {
                let error = group_error(&scaled, exponent);
                if error < best.1 {
                    best = (exponent, error);
                }
            }
            let exponent = best.0;
            let step = power_of_two(-i32::from(exponent));
            for (value, scaled) in values.iter_mut().zip(scaled) {
                #[expect(clippy::cast_possible_truncation, reason = "clamped to 127")]
                let rounded = nearest(scaled * step) as i8;
                *value = rounded;
                self.norm += u64::from(rounded.unsigned_abs()) << exponent;
            }
            self.exponents[group / 4] |= exponent << (2 * (group % 4));
            self.squared_error += best.1;
        }
        self.squared_error /= unit * unit;
    }
}

/// Returns the squared error of a group at an exponent, in units of the row's last bit.
fn group_error(scaled: &[f64; WeightMatrix::GROUP], exponent: u8) -> f64 {
    let (step, back) = (power_of_two(-i32::from(exponent)), power_of_two(i32::from(exponent)));
    // Four sums, then a tree: a fixed order that processors can follow four at a time.
    let mut sums = [0.0; 4];
    for scaled in scaled.as_chunks::<4>().0 {
        for lane in 0..4 {
            let error = scaled[lane] - nearest(scaled[lane] * step) * back;
            sums[lane] += error * error;
        }
    }
    (sums[0] + sums[2]) + (sums[1] + sums[3])
}

/// Returns the nearest integer from -127 to 127, ties to even.
fn nearest(x: f64) -> f64 {
    // Adding 1.5 * 2^52 leaves no bit for a fraction, so the sum is rounded to an integer.
    const SHIFTER: f64 = 6_755_399_441_055_744.0;
    let clamped = x.clamp(-127.0, 127.0);
    (clamped + SHIFTER) - SHIFTER
}

/// Candidates beyond the bits that clip nothing.
const CLIPPING_BITS: i8 = 2;

/// Magnitude of the largest effective weight.
const LARGEST_EFFECTIVE: f64 = (127 << 3) as f64;

/// Bounds of a row's fraction bits.
const MIN_BITS: i8 = -24;
pub(super) const MAX_BITS: i8 = 40;

/// Bits of a matrix of zeros.
const ZERO_MATRIX_BITS: i8 = 12;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn quantize(weights: &[f32], rows: usize, columns: usize) -> QuantizedMatrix {
        quantize_matrix(weights, rows, columns, MAX_BITS, &Threads::single()).unwrap()
    }

    /// Checks that the kernel accepts the matrix, and that the reported errors are the errors.
    fn check(matrix: &QuantizedMatrix, weights: &[f32]) {
        let shifts = vec![8; matrix.rows];
        WeightMatrix::new(matrix.rows, matrix.columns, &matrix.values, &matrix.exponents, &shifts)
            .and_then(|matrix| matrix.validate())
            .unwrap();
        for row in 0..matrix.rows {
            let error: f64 = (0..matrix.columns)
                .map(|column| {
                    let weight = f64::from(weights[row * matrix.columns + column]);
                    (matrix.weight(row, column) - weight).powi(2)
                })
                .sum();
            let reported = matrix.squared_error[row];
            assert!((error - reported).abs() <= 1e-12 * error.max(1e-30), "{error} {reported}");
        }
    }

    #[test]
    fn eight_bit_rows_are_exact() {
        // 127 with the others far below: 127 << 3 would need e = 3 at three more bits.
        let weights: Vec<f32> = (-127_i8..=127).map(|w| f32::from(w) / 16.0).collect();
        let matrix = quantize(&weights, 1, 255);
        assert_eq!(matrix.squared_error, [0.0]);
        check(&matrix, &weights);
    }

    #[test]
    fn groups_of_different_size_share_a_row() {
        // Groups 2^0, 2^1, 2^2 and 2^3 times 100 units, each exact at its own exponent.
        let weights: Vec<f32> = (0..4_u16)
            .flat_map(|group| (0..32_u16).map(move |i| f32::from((69 + i) << group) / 1_024.0))
            .collect();
        let matrix = quantize(&weights, 1, 128);
        assert_eq!((matrix.row_bits[0], matrix.squared_error[0]), (10, 0.0));
        assert_eq!(matrix.exponents, [0b11_10_01_00]);
    }

    #[test]
    fn clipping_one_outlier_can_cost_less_than_coarser_steps() {
        // One weight a little above the limit of the finer step, and a group of odd integers.
        let weight = |i: u16| if i < 32 { 127.1 * 8.0 } else { f32::from(2 * i - 63) };
        let weights: Vec<f32> = (0..64).map(|i| weight(i) / 1_024.0).collect();
        let matrix = quantize(&weights[31..], 1, 33);
        check(&matrix, &weights[31..]);
        assert_eq!((matrix.row_bits[0], matrix.values[0]), (10, 127));
    }

    #[test]
    fn long_rows_lose_bits_until_their_sum_fits() {
        let weights: Vec<f32> = (0..20_000_u16)
            .map(|i| if i % 2 == 0 { 1.0 } else { -0.99 } * (1.0 - f32::from(i) / 1e6))
            .collect();
        let matrix = quantize(&weights, 1, 20_000);
        check(&matrix, &weights);
        // Each effective weight may be 2^23 / 20,000 = 419 on average: 8 bits, not 9.
        assert_eq!(matrix.row_bits, [8]);
    }

    #[test]
    fn bits_are_capped_and_zero_rows_follow_the_others() {
        let threads = Threads::single();
        let weights = [0.0, 0.0, 1e-6, -2e-6, 0.5, 0.25];
        let matrix = quantize_matrix(&weights, 3, 2, 12, &threads).unwrap();
        assert_eq!(matrix.row_bits, [10, 12, 10]);
        assert_eq!(matrix.values[..4], [0, 0, 0, 0]);
        check(&matrix, &weights);
        let matrix = quantize_matrix(&[0.0; 6], 3, 2, 40, &threads).unwrap();
        assert_eq!(matrix.row_bits, [ZERO_MATRIX_BITS; 3]);
    }

    #[test]
    fn weights_out_of_range_are_refused() {
        for weight in [1e12, f32::MAX, f32::INFINITY, f32::NAN] {
            let refused = quantize_matrix(&[1.0, weight], 2, 1, 40, &Threads::single());
            assert_eq!(refused, Err(RowOutOfRange { row: 1 }));
        }
        assert!(quantize(&[], 0, 5).values.is_empty());
        assert_eq!(quantize(&[], 3, 0).row_bits, [0; 3]);
        // The smallest positive number is as good as zero.
        assert_eq!(quantize(&[f32::from_bits(1)], 1, 1).values, [0]);
    }

    proptest! {
        #[test]
        fn no_choice_of_exponents_is_better(
            weights in prop::collection::vec(-1.0_f32..1.0, 1..100),
            spread in prop::collection::vec(0_i32..6, 4),
        ) {
            let weights: Vec<f32> = weights
                .iter()
                .enumerate()
                .map(|(index, weight)| weight * 2_f32.powi(-spread[index / 32]))
                .collect();
            let matrix = quantize(&weights, 1, weights.len());
            check(&matrix, &weights);
            // Every other number of bits and every exponent, by brute force.
            for bits in 0..20 {
                let mut row_error = 0.0;
                for group in weights.chunks(32) {
                    row_error += (0..4)
                        .map(|exponent| {
                            let unit = 2_f64.powi(exponent - bits);
                            let error = |weight: &f32| {
                                let value = (f64::from(*weight) / unit).round().clamp(-127.0, 127.0);
                                (f64::from(*weight) - value * unit).powi(2)
                            };
                            group.iter().map(error).sum::<f64>()
                        })
                        .fold(f64::INFINITY, f64::min);
                }
                prop_assert!(matrix.squared_error[0] <= row_error * (1.0 + 1e-9), "{bits} bits");
            }
        }

        #[test]
        fn threads_do_not_change_a_byte(weights in prop::collection::vec(-1.0_f32..1.0, 70 * 9)) {
            let threads = Threads::new(3).unwrap();
            let matrix = quantize_matrix(&weights, 9, 70, MAX_BITS, &threads).unwrap();
            prop_assert_eq!(matrix, quantize(&weights, 9, 70));
        }
    }
}
