//! GPTQ: rounding that compensates the errors it has made, over the inputs of the calibration.

use lazai_coprocessor::kernel::{Threads, WeightMatrix};

use super::{QuantizedMatrix, moments::CholeskyFactor, scale::power_of_two};

/// The error that rounding causes in the results of a matrix, over the inputs of the calibration.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct OutputError {
    /// The sum of the squared results.
    pub(super) signal: f64,
    /// The sum of their squared errors.
    pub(super) noise: f64,
}

/// Rounds the weights again, column by column from the last, each to the integer that makes the
/// error of the results least, given the errors that the columns behind it have made.
///
/// Scales and exponents stay as they are. A row whose norm would exceed the bound keeps its nearest
/// integers.
///
/// # Source
/// Babai's nearest plane, which is GPTQ (Frantar et al. 2022) in another order: Chen et al. 2025,
/// arXiv 2507.18553.
pub(super) fn round_columns(
    matrix: &mut QuantizedMatrix,
    weights: &[f32],
    root: &CholeskyFactor,
    threads: &Threads,
) -> OutputError {
    let columns = matrix.columns;
    if columns == 0 || root.width() != columns {
        return OutputError::default();
    }
    let exponent_bytes = WeightMatrix::exponent_bytes(columns);
    let mut errors = vec![OutputError::default(); matrix.rows];
    let work: Vec<_> = matrix
        .values
        .chunks_exact_mut(columns)
        .zip(matrix.exponents.chunks_exact(exponent_bytes))
        .zip(weights.chunks_exact(columns))
        .zip(matrix.row_bits.iter().zip(&mut matrix.norms))
        .zip(matrix.squared_error.iter_mut().zip(&mut errors))
        .map(|((((values, exponents), weights), (bits, norm)), (squared_error, error))| {
            let row = Row { weights, exponents, unit: power_of_two(i32::from(*bits)), root };
            (row, values, norm, squared_error, error)
        })
        .collect();
    threads.for_each(work, |(row, values, norm, squared_error, error)| {
        let (integers, sum) = row.round();
        if sum <= WeightMatrix::NORM_MAX {
            values.copy_from_slice(&integers);
            *norm = sum;
        }
        (*squared_error, *error) = row.error(values);
    });
    errors.into_iter().fold(OutputError::default(), |sum, row| OutputError {
        signal: sum.signal + row.signal,
        noise: sum.noise + row.noise,
    })
}

/// Computes the error of the results for an input, here the mean of all: what a bias can make up
/// for. Nothing if there is no input.
pub(super) fn mean_errors(matrix: &QuantizedMatrix, weights: &[f32], input: &[f64]) -> Vec<f64> {
    if input.len() != matrix.columns || input.is_empty() {
        return Vec::new();
    }
    let error = |(row, weights): (usize, &[f32])| -> f64 {
        let terms = weights.iter().zip(input).enumerate();
        terms.map(|(column, (w, x))| (matrix.weight(row, column) - f64::from(*w)) * x).sum()
    };
    weights.chunks_exact(input.len()).enumerate().map(error).collect()
}

struct Row<'a> {
    weights: &'a [f32],
    exponents: &'a [u8],
    /// Two to the row's fraction bits.
    unit: f64,
    root: &'a CholeskyFactor,
}

impl Row<'_> {
    /// Rounds the row; returns the integers, and the sum of the magnitudes of their effective
    /// weights.
    fn round(&self) -> (Vec<i8>, u64) {
        let mut integers = vec![0_i8; self.weights.len()];
        // What the errors of the columns behind add to each column.
        let mut carried = vec![0.0; self.weights.len()];
        let mut norm = 0;
        for column in (0..integers.len()).rev() {
            let factors = self.root.row(column);
            let weight = f64::from(self.weights[column]) * self.unit;
            let exponent = self.exponent(column);
            let step = power_of_two(exponent);
            let target = (weight + carried[column] / factors[column]) / step;
            #[expect(clippy::cast_possible_truncation, reason = "clamped to 127")]
            let integer = target.clamp(-127.0, 127.0).round_ties_even() as i8;
            integers[column] = integer;
            norm += u64::from(integer.unsigned_abs()) << exponent;
            let error = weight - f64::from(integer) * step;
            for (carried, factor) in carried.iter_mut().zip(&factors[..column]) {
                *carried += error * factor;
            }
        }
        (integers, norm)
    }

    /// Computes the squared error of the weights, and that of their results.
    fn error(&self, integers: &[i8]) -> (f64, OutputError) {
        let mut signal = vec![0.0; integers.len()];
        let mut noise = vec![0.0; integers.len()];
        let mut squared_error = 0.0;
        for (column, integer) in integers.iter().enumerate() {
            let weight = f64::from(self.weights[column]);
            let step = power_of_two(self.exponent(column)) / self.unit;
            let error = weight - f64::from(*integer) * step;
            squared_error += error * error;
            let sums = signal.iter_mut().zip(&mut noise);
            for ((signal, noise), factor) in sums.zip(self.root.row(column)) {
                *signal += weight * factor;
                *noise += error * factor;
            }
        }
        let squares = |sums: Vec<f64>| sums.iter().map(|sum| sum * sum).sum();
        (squared_error, OutputError { signal: squares(signal), noise: squares(noise) })
    }

    fn exponent(&self, column: usize) -> i32 {
        let group = column / WeightMatrix::GROUP;
        i32::from(self.exponents[group / 4] >> (2 * (group % 4)) & 3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantize::{moments::Moments, quantize_matrix};

    /// Inputs whose columns go together, and weights of several sizes.
    fn case(rows: usize, columns: usize) -> (Vec<f32>, Vec<f32>) {
        let wave = |i: usize, step: f32| (i as f32 * step).sin();
        let inputs = (0..300 * columns)
            .map(|i| {
                let (row, column) = (i / columns, i % columns);
                wave(row, 0.7) * wave(column, 0.3) + 0.3 * wave(row * 31 + column * 17, 1.1) + 0.5
            })
            .collect();
        let weights = (0..rows * columns).map(|i| wave(i * i % 1_009, 0.91) / 8.0).collect();
        (weights, inputs)
    }

    #[test]
    fn results_come_nearer() {
        let (rows, columns) = (12, 70);
        let (weights, inputs) = case(rows, columns);
        let threads = Threads::new(2).unwrap();
        let mut moments = Moments::new(columns);
        moments.add(&inputs, &threads);
        let root = moments.into_cholesky();
        let plain = quantize_matrix(&weights, rows, columns, 40, &threads).unwrap();
        let mut matrix = plain.clone();
        let error = round_columns(&mut matrix, &weights, &root, &threads);
        let output_error = |matrix: &QuantizedMatrix| -> f64 {
            let mut sum = 0.0;
            for input in inputs.chunks(columns) {
                for row in 0..rows {
                    let error: f64 = (0..columns)
                        .map(|column| {
                            let weight = f64::from(weights[row * columns + column]);
                            (matrix.weight(row, column) - weight) * f64::from(input[column])
                        })
                        .sum();
                    sum += error * error;
                }
            }
            sum
        };
        let (before, after) = (output_error(&plain), output_error(&matrix));
        assert!(after < before / 2.0, "{after} is not far below {before}");
        // The reported error counts the damping too.
        assert!(after <= error.noise && error.noise < error.signal / 1e4, "{after} {error:?}");
        assert_eq!((&matrix.row_bits, &matrix.exponents), (&plain.row_bits, &plain.exponents));
        let shifts = vec![8; rows];
        let view =
            WeightMatrix::new(rows, columns, &matrix.values, &matrix.exponents, &shifts).unwrap();
        assert_eq!(view.validate(), Ok(()));
        for row in 0..rows {
            let norm: u64 = (0..columns)
                .map(|column| u64::from(view.effective(row, column).unsigned_abs()))
                .sum();
            assert_eq!(matrix.norms[row], norm);
        }
        let mut again = plain;
        round_columns(&mut again, &weights, &root, &Threads::single());
        assert_eq!(again, matrix, "threads change a byte");
    }

    #[test]
    fn errors_of_the_mean_are_those_of_the_mean_result() {
        let (rows, columns) = (6, 40);
        let (weights, inputs) = case(rows, columns);
        let threads = Threads::single();
        let mut moments = Moments::new(columns);
        moments.add(&inputs, &threads);
        let root = moments.into_centered_cholesky();
        let mut matrix = quantize_matrix(&weights, rows, columns, 40, &threads).unwrap();
        round_columns(&mut matrix, &weights, &root, &threads);
        let errors = mean_errors(&matrix, &weights, root.mean());
        for (row, error) in errors.iter().enumerate() {
            let result = |input: &[f32], weight: &dyn Fn(usize) -> f64| -> f64 {
                input.iter().enumerate().map(|(column, x)| weight(column) * f64::from(*x)).sum()
            };
            let (integer, real) = (
                |column| matrix.weight(row, column),
                |column| f64::from(weights[row * columns + column]),
            );
            let errors = inputs.chunks(columns).map(|x| result(x, &integer) - result(x, &real));
            let mean = errors.sum::<f64>() / (inputs.len() / columns) as f64;
            assert!((mean - error).abs() < 1e-9, "row {row}: {mean} {error}");
        }
        assert!(mean_errors(&matrix, &weights, &[]).is_empty());
    }

    #[test]
    fn uncorrelated_inputs_change_nothing() {
        let (rows, columns) = (3, 40);
        let (weights, _) = case(rows, columns);
        let inputs: Vec<f32> = (0..columns * columns)
            .map(|i| f32::from(u8::from(i / columns == i % columns)))
            .collect();
        let threads = Threads::single();
        let mut moments = Moments::new(columns);
        moments.add(&inputs, &threads);
        let plain = quantize_matrix(&weights, rows, columns, 40, &threads).unwrap();
        let mut matrix = plain.clone();
        round_columns(&mut matrix, &weights, &moments.into_cholesky(), &threads);
        assert_eq!(matrix.values, plain.values);
    }
}
