//! The report of a quantization: scales and errors.

use core::fmt::{self, Display, Formatter};

use crate::reference::ln;

use super::{QuantizedMatrix, gptq::OutputError};

/// The scales that a quantization chose, and the errors they cause.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QuantizeReport {
    /// Every weight matrix, in the order of the program.
    pub tensors: Vec<TensorReport>,
    /// Every activation, in the order of the program.
    pub values: Vec<ValueReport>,
}

/// The error of a weight matrix.
#[derive(Clone, Debug, PartialEq)]
pub struct TensorReport {
    /// The name of the matrix in the artifact.
    pub name: String,
    /// Outputs of the matrix.
    pub rows: usize,
    /// Inputs of the matrix.
    pub columns: usize,
    /// The fewest fraction bits of a row.
    pub fewest_bits: i8,
    /// The most fraction bits of a row.
    pub most_bits: i8,
    /// The mean squared error of a weight.
    pub mean_squared_error: f64,
    /// The largest mean squared error of a row.
    pub largest_row_error: f64,
    /// The sum of the squared weights over that of the squared errors, in decibels; infinite if
    /// there is no error.
    pub signal_to_noise_db: f64,
    /// The same of the results over the inputs of the calibration, if rounding made up for its
    /// errors.
    pub output_signal_to_noise_db: Option<f64>,
}

/// The scale of an activation.
#[derive(Clone, Debug, PartialEq)]
pub struct ValueReport {
    /// The place in the program.
    pub name: String,
    /// The largest magnitude in the calibration.
    pub largest: f64,
    /// Fraction bits of the activation.
    pub bits: i8,
}

impl TensorReport {
    pub(super) fn new(
        name: String,
        matrix: &QuantizedMatrix,
        weights: &[f32],
        output: Option<OutputError>,
    ) -> Self {
        let elements = weights.len().max(1) as f64;
        let noise: f64 = matrix.squared_error.iter().sum();
        let signal: f64 = weights.iter().map(|weight| f64::from(*weight).powi(2)).sum();
        let largest = matrix.squared_error.iter().copied().fold(0.0, f64::max);
        Self {
            name,
            rows: matrix.rows,
            columns: matrix.columns,
            fewest_bits: matrix.fewest_bits(),
            most_bits: matrix.most_bits(),
            mean_squared_error: noise / elements,
            largest_row_error: largest / matrix.columns.max(1) as f64,
            signal_to_noise_db: decibels(signal, noise),
            output_signal_to_noise_db: output.map(|error| decibels(error.signal, error.noise)),
        }
    }
}

impl Display for QuantizeReport {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        writeln!(
            formatter,
            "{:<28} {:>13}  {:>8}  {:>8}",
            "matrix", "shape", "row bits", "SNR dB"
        )?;
        for tensor in &self.tensors {
            let TensorReport { name, rows, columns, fewest_bits, most_bits, .. } = tensor;
            let (shape, bits) =
                (format!("{rows} x {columns}"), format!("{fewest_bits}..{most_bits}"));
            let ratio = tensor.signal_to_noise_db;
            write!(formatter, "{name:<28} {shape:>13}  {bits:>8}  {ratio:>8.2}")?;
            match tensor.output_signal_to_noise_db {
                Some(output) => writeln!(formatter, "  {output:>8.2} in results")?,
                None => writeln!(formatter)?,
            }
        }
        writeln!(formatter, "{:<28} {:>13}  {:>8}", "activation", "largest", "bits")?;
        for ValueReport { name, largest, bits } in &self.values {
            writeln!(formatter, "{name:<28} {largest:>13.4}  {bits:>8}")?;
        }
        Ok(())
    }
}

/// Converts a ratio of powers to decibels.
fn decibels(signal: f64, noise: f64) -> f64 {
    if noise == 0.0 {
        return f64::INFINITY;
    }
    let ratio = signal / noise;
    if ratio.is_normal() { 10.0 / core::f64::consts::LN_10 * ln(ratio) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantize::quantize_matrix;
    use lazai_coprocessor::kernel::Threads;

    #[test]
    fn errors_are_those_of_the_matrix() {
        let weights: Vec<f32> = (0..64_u8).map(|i| f32::from(i).sqrt()).collect();
        let matrix = quantize_matrix(&weights, 2, 32, 40, &Threads::single()).unwrap();
        let report = TensorReport::new("x".to_owned(), &matrix, &weights, None);
        let error = |row: usize| -> f64 {
            (0..32)
                .map(|column| {
                    (matrix.weight(row, column) - f64::from(weights[32 * row + column])).powi(2)
                })
                .sum()
        };
        let (noise, largest) = (error(0) + error(1), error(0).max(error(1)));
        assert!((report.mean_squared_error - noise / 64.0).abs() < 1e-15);
        assert!((report.largest_row_error - largest / 32.0).abs() < 1e-15);
        // The squares of the weights sum to 0 + 1 + ... + 63.
        let ratio = 10.0 * (2_016.0 / noise).log10();
        assert!((report.signal_to_noise_db - ratio).abs() < 1e-4);
    }

    #[test]
    fn ratios_have_their_limits() {
        assert_eq!(decibels(1.0, 0.0), f64::INFINITY);
        assert_eq!(decibels(0.0, 1.0), 0.0);
        assert!((decibels(1_000.0, 1.0) - 30.0).abs() < 1e-12);
    }
}
