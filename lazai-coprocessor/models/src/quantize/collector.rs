//! Chooses scales that the kernels accept, and collects the tensors of the artifact.

use std::collections::BTreeMap;

use lazai_coprocessor::{
    artifact::{ArtifactBuilder, Manifest},
    kernel::WeightMatrix,
    numeric::ACTIVATION_MAX,
    program::NormScales,
};

use super::{
    Progress, QuantizeError, QuantizeOptions, QuantizeReport, QuantizedMatrix, Stage, TensorReport,
    ValueReport,
    calibration::{Calibration, activation_bits},
    gptq::{mean_errors, round_columns},
    inputs::Input,
    matrix::{MAX_BITS, quantize_matrix},
    moments::CholeskyFactor,
    scale::power_of_two,
};
use crate::reference::{Checkpoint, Point};

/// Quantizes tensors of a checkpoint one by one.
pub(super) struct Collector<'a> {
    checkpoint: &'a Checkpoint,
    calibration: &'a Calibration,
    options: &'a QuantizeOptions,
    progress: &'a mut dyn FnMut(Progress),
    /// Matrices that there will be.
    total: usize,
    matrices: Vec<Matrix>,
    gains: Vec<(String, Vec<i16>)>,
    biases: Vec<(String, Vec<i32>)>,
    values: Vec<ValueReport>,
    /// The Cholesky factors of the inputs of the current layer, if rounding asks for them.
    inputs: BTreeMap<Input, CholeskyFactor>,
    /// Factors of the rows of some tensors, from SmoothQuant.
    row_factors: BTreeMap<String, Vec<f64>>,
    /// Factors of the columns at some points, from SmoothQuant.
    column_factors: BTreeMap<Point, Vec<f64>>,
}

/// A weight matrix of a checkpoint.
#[derive(Clone, Debug)]
pub(super) struct MatrixSource {
    /// The name in [`Architecture::tensors`](lazai_coprocessor::architecture::Architecture).
    pub(super) name: String,
    /// Outputs of the matrix.
    pub(super) rows: u32,
    /// Inputs of the matrix.
    pub(super) columns: u32,
    /// The factor of all weights.
    pub(super) factor: f64,
    /// The input of the matrix, if it is in a layer.
    pub(super) input: Option<Input>,
}

/// A norm of a checkpoint.
#[derive(Clone, Debug)]
pub(super) struct NormSource<'a> {
    /// The name of its gain.
    pub(super) name: String,
    /// The factor of the gain.
    pub(super) factor: f64,
    /// The points at which its results are observed.
    pub(super) points: &'a [Point],
    /// The factor of the results behind those points.
    pub(super) point_factor: f64,
    /// Whether a bias at the scale of the results follows.
    pub(super) biased: bool,
}

struct Matrix {
    source: MatrixSource,
    quantized: QuantizedMatrix,
    report: TensorReport,
    /// The mean error of each result, which a bias makes up for; empty if none should.
    mean_errors: Vec<f64>,
}

/// A product that is added to the residual stream, whose scale is found last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Branch {
    /// Index of its matrix.
    matrix: usize,
    input_bits: i8,
}

impl<'a> Collector<'a> {
    pub(super) fn new(
        checkpoint: &'a Checkpoint,
        calibration: &'a Calibration,
        options: &'a QuantizeOptions,
        progress: &'a mut dyn FnMut(Progress),
        total: usize,
    ) -> Self {
        progress(Progress { stage: Stage::Quantize, done: 0, total });
        Self {
            checkpoint,
            calibration,
            options,
            progress,
            total,
            matrices: Vec::new(),
            gains: Vec::new(),
            biases: Vec::new(),
            values: Vec::new(),
            inputs: BTreeMap::new(),
            row_factors: BTreeMap::new(),
            column_factors: BTreeMap::new(),
        }
    }

    /// Enters the next layer, which reads inputs of these moments.
    pub(super) fn read(&mut self, inputs: BTreeMap<Input, CholeskyFactor>) {
        self.inputs = inputs;
    }

    /// Multiplies the rows of a tensor, and of its bias, by powers of two.
    pub(super) fn scale_rows(&mut self, name: &str, factors: &[f64]) {
        self.row_factors.insert(name.to_owned(), factors.to_vec());
        self.row_factors.insert(format!("{name}.bias"), factors.to_vec());
    }

    /// Multiplies the columns of what was seen at a point by powers of two.
    pub(super) fn scale_columns(&mut self, point: Point, factors: &[f64]) {
        self.column_factors.insert(point, factors.to_vec());
    }

    /// Returns the measurements behind the scales.
    pub(super) const fn calibration(&self) -> &'a Calibration {
        self.calibration
    }

    /// Returns the artifact of `manifest` with the tensors so far, and the report.
    pub(super) fn finish(
        self,
        manifest: Manifest,
        tokenizer: &[u8],
    ) -> (ArtifactBuilder, QuantizeReport) {
        let mut artifact = ArtifactBuilder::new(manifest, tokenizer.to_vec());
        let mut tensors = Vec::with_capacity(self.matrices.len());
        for Matrix { source: MatrixSource { name, .. }, quantized, report, .. } in self.matrices {
            let (rows, columns) = (quantized.rows as u64, quantized.columns as u64);
            let exponent_bytes = WeightMatrix::exponent_bytes(quantized.columns) as u64;
            artifact.add_i8(format!("{name}.values"), vec![rows, columns], &quantized.values);
            let exponents = quantized.exponents;
            artifact.add_u8(format!("{name}.exponents"), vec![rows, exponent_bytes], exponents);
            artifact.add_i8(format!("{name}.row_bits"), vec![rows], &quantized.row_bits);
            tensors.push(report);
        }
        for (name, gain) in self.gains {
            artifact.add_i16(name, vec![gain.len() as u64], &gain);
        }
        for (name, bias) in self.biases {
            artifact.add_i32(name, vec![bias.len() as u64], &bias);
        }
        (artifact, QuantizeReport { tensors, values: self.values })
    }

    /// Stores a gain, and finds the scale of the norm's output; the epsilon is left to the caller.
    pub(super) fn norm(&mut self, source: NormSource<'_>) -> Result<NormScales, QuantizeError> {
        let NormSource { name, factor, points, point_factor, biased } = source;
        let gain = self.tensor(&name)?;
        let largest = gain.iter().map(|gain| f64::from(gain.abs()) * factor).fold(0.0, f64::max);
        let gain_bits = activation_bits(&name, largest, 0, f64::from(i16::MAX))?;
        let unit = power_of_two(gain_bits.into());
        #[expect(clippy::cast_possible_truncation, reason = "the bits keep it within i16")]
        let integers = gain.iter().map(|gain| (f64::from(*gain) * factor * unit).round() as i16);
        let integers = integers.collect();
        let output = self.activation(&name, points, point_factor)?;
        if biased {
            self.bias(&name, output, 1.0)?;
        }
        self.gains.push((name, integers));
        Ok(NormScales { gain: gain_bits, epsilon: 0, output })
    }

    /// Stores the bias of what is named, times `factor`, with `bits` fraction bits, less the mean
    /// error of the matrix of that name.
    pub(super) fn bias(&mut self, name: &str, bits: i8, factor: f64) -> Result<(), QuantizeError> {
        let matrix = self.matrices.iter().find(|matrix| matrix.source.name == name);
        let errors = matrix.map_or(&[][..], |matrix| &matrix.mean_errors);
        let name = format!("{name}.bias");
        let unit = power_of_two(bits.into());
        #[expect(clippy::cast_possible_truncation, reason = "saturates, as the sum would")]
        let integer = |(row, bias): (usize, &f32)| {
            let error = errors.get(row).copied().unwrap_or(0.0);
            (f64::from(*bias) * (unit * factor) - error * unit).round() as i32
        };
        let bias = self.tensor(&name)?.iter().enumerate().map(integer).collect();
        self.biases.push((name, bias));
        Ok(())
    }

    /// Converts an epsilon times a width to units of the square of an input of `bits` fraction
    /// bits.
    pub(super) fn epsilon(&self, epsilon: f64, bits: i8) -> Result<u64, QuantizeError> {
        let units = epsilon * power_of_two(2 * i32::from(bits));
        let max = power_of_two(EPSILON_BITS);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "to 2^51")]
        let integer = units.round() as u64;
        if units > max {
            let what = "the epsilon of a head's norm".to_owned();
            return Err(QuantizeError::TooLarge { what, got: integer, max: 1 << EPSILON_BITS });
        }
        Ok(integer)
    }

    /// Stores a gain as it is.
    pub(super) fn integer_gain(&mut self, name: &str, gain: Vec<i16>) {
        self.gains.push((name.to_owned(), gain));
    }

    /// Returns the most fraction bits that hold in i16 what was seen at `points` times `factor`.
    pub(super) fn activation(
        &mut self,
        name: &str,
        points: &[Point],
        factor: f64,
    ) -> Result<i8, QuantizeError> {
        self.measure(name, points, factor, f64::from(ACTIVATION_MAX))
    }

    /// Quantizes a matrix that no product reads.
    pub(super) fn table(&mut self, source: MatrixSource) -> Result<(), QuantizeError> {
        let matrix = self.quantize(source, MAX_BITS)?;
        self.keep(matrix);
        Ok(())
    }

    /// Quantizes a matrix that no product reads as the sum of two: the second, `NAME.rest`, holds
    /// what the first leaves.
    pub(super) fn split_table(&mut self, source: &MatrixSource) -> Result<(), QuantizeError> {
        let weights = self.weights(source)?;
        let first = self.round(source.clone(), &weights, MAX_BITS)?;
        let columns = (source.columns as usize).max(1);
        let rest: Vec<f32> = weights
            .iter()
            .enumerate()
            .map(|(index, weight)| {
                let rounded = first.quantized.weight(index / columns, index % columns);
                #[expect(clippy::cast_possible_truncation, reason = "rounds to the nearest f32")]
                let rest = (f64::from(*weight) - rounded) as f32;
                rest
            })
            .collect();
        let name = format!("{}.rest", source.name);
        let mut second = self.round(MatrixSource { name, ..source.clone() }, &rest, MAX_BITS)?;
        // What both together lose of the weights.
        let name = second.report.name.clone();
        second.report = TensorReport::new(name, &second.quantized, &weights, None);
        self.keep(first);
        self.keep(second);
        Ok(())
    }

    /// Quantizes the matrix of a product with i16 results, and its bias; returns the fraction bits
    /// of the results.
    pub(super) fn product(
        &mut self,
        source: MatrixSource,
        input_bits: i8,
        points: &[Point],
        biased: bool,
    ) -> Result<i8, QuantizeError> {
        let (name, factor) = (source.name.clone(), source.factor);
        let bits = self.activation(&name, points, factor)?;
        let bits = self.fit(source, input_bits, bits)?;
        if biased {
            self.bias(&name, bits, factor)?;
        }
        Ok(bits)
    }

    /// Quantizes the matrix of the scores, whose results are i32; returns their fraction bits.
    pub(super) fn scores(
        &mut self,
        source: MatrixSource,
        input_bits: i8,
    ) -> Result<i8, QuantizeError> {
        let limit = power_of_two(SCORE_MAGNITUDE_BITS);
        let bits = self.measure("logits", &[Point::Logits], 1.0, limit)?;
        self.fit(source, input_bits, bits.min(MAX_SCORE_BITS))
    }

    /// Quantizes the matrix of a product that is added to the residual stream.
    pub(super) fn branch(
        &mut self,
        source: MatrixSource,
        input_bits: i8,
    ) -> Result<Branch, QuantizeError> {
        let matrix = self.quantize(source, MAX_BITS)?;
        self.keep(matrix);
        Ok(Branch { matrix: self.matrices.len() - 1, input_bits })
    }

    /// Finds the fraction bits of the residual stream, by what was seen at `points`, by the
    /// matrices that add to it, and by `epsilon`, which the norms count in units of its square.
    ///
    /// Returns the bits, and the epsilon in those units.
    pub(super) fn residual(
        &mut self,
        points: &[Point],
        branches: &[Branch],
        epsilon: f64,
    ) -> Result<(i8, u64), QuantizeError> {
        let limit = power_of_two(RESIDUAL_MAGNITUDE_BITS);
        let mut bits = self.measure("residual", points, 1.0, limit)?;
        for branch in branches {
            let matrix = &self.matrices[branch.matrix].quantized;
            bits = bits.min(most_output_bits(branch.input_bits, matrix));
        }
        let units = |bits: i8| epsilon * power_of_two(2 * i32::from(bits));
        while units(bits) > power_of_two(EPSILON_BITS) {
            bits -= 1;
        }
        self.note_bits(bits);
        for branch in branches {
            let max_bits = most_row_bits(branch.input_bits, bits);
            if self.matrices[branch.matrix].quantized.most_bits() > max_bits {
                let source = self.matrices[branch.matrix].source.clone();
                self.matrices[branch.matrix] = self.quantize(source, max_bits)?;
            }
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "to 2^51")]
        let units = units(bits).round() as u64;
        Ok((bits, units))
    }

    /// Quantizes the matrix of a product with results of `bits` fraction bits, or as many as the
    /// shifts allow.
    fn fit(&mut self, source: MatrixSource, input_bits: i8, bits: i8) -> Result<i8, QuantizeError> {
        let mut matrix = self.quantize(source, MAX_BITS)?;
        let bits = bits.min(most_output_bits(input_bits, &matrix.quantized));
        let max_bits = most_row_bits(input_bits, bits);
        if matrix.quantized.most_bits() > max_bits {
            matrix = self.quantize(matrix.source, max_bits)?;
        }
        self.note_bits(bits);
        self.keep(matrix);
        Ok(bits)
    }

    fn measure(
        &mut self,
        name: &str,
        points: &[Point],
        factor: f64,
        limit: f64,
    ) -> Result<i8, QuantizeError> {
        let mut largest = 0.0_f64;
        for point in points {
            let whole = self.calibration.largest(&[*point])?;
            let scaled = self.column_factors.get(point).map(|factors| {
                let columns = self.calibration.columns(*point).iter().zip(factors);
                columns.map(|(column, factor)| f64::from(*column) * factor).fold(0.0, f64::max)
            });
            largest = largest.max(scaled.unwrap_or(whole));
        }
        let largest = largest * factor;
        let bits = activation_bits(name, largest, self.options.headroom_bits, limit)?;
        self.values.push(ValueReport { name: name.to_owned(), largest, bits });
        Ok(bits)
    }

    /// Corrects the bits that the report shows for what was measured last.
    fn note_bits(&mut self, bits: i8) {
        if let Some(value) = self.values.last_mut() {
            value.bits = bits;
        }
    }

    fn quantize(&self, source: MatrixSource, max_bits: i8) -> Result<Matrix, QuantizeError> {
        let weights = self.weights(&source)?;
        self.round(source, &weights, max_bits)
    }

    /// Reads the weights of a matrix, times its factor.
    fn weights(&self, source: &MatrixSource) -> Result<Vec<f32>, QuantizeError> {
        let mut weights = self.tensor(&source.name)?;
        if source.factor != 1.0 {
            for weight in &mut weights {
                #[expect(clippy::cast_possible_truncation, reason = "rounds to the nearest f32")]
                let scaled = (f64::from(*weight) * source.factor) as f32;
                *weight = scaled;
            }
        }
        // A shorter context needs fewer rows of positions.
        weights.truncate(source.rows as usize * source.columns as usize);
        Ok(weights)
    }

    fn round(
        &self,
        source: MatrixSource,
        weights: &[f32],
        max_bits: i8,
    ) -> Result<Matrix, QuantizeError> {
        let [rows, columns] = [source.rows, source.columns].map(|size| size as usize);
        let threads = &self.options.threads;
        let mut quantized =
            quantize_matrix(weights, rows, columns, max_bits, threads).map_err(|refused| {
                QuantizeError::WeightRange { tensor: source.name.clone(), row: refused.row }
            })?;
        let root = source.input.and_then(|input| self.inputs.get(&input));
        let output = root.map(|root| round_columns(&mut quantized, weights, root, threads));
        let mean = root.map_or(&[][..], CholeskyFactor::mean);
        let mean_errors = mean_errors(&quantized, weights, mean);
        let report = TensorReport::new(source.name.clone(), &quantized, weights, output);
        Ok(Matrix { source, quantized, report, mean_errors })
    }

    /// Reads a tensor, with its rows multiplied as they should be.
    fn tensor(&self, name: &str) -> Result<Vec<f32>, QuantizeError> {
        let mut values = self.checkpoint.tensor(name)?;
        let factors = self.row_factors.get(name).map_or(&[][..], Vec::as_slice);
        let width = values.len() / factors.len().max(1);
        for (row, factor) in values.chunks_exact_mut(width.max(1)).zip(factors) {
            for value in row {
                #[expect(clippy::cast_possible_truncation, reason = "a power of two")]
                let scaled = (f64::from(*value) * factor) as f32;
                *value = scaled;
            }
        }
        Ok(values)
    }

    fn keep(&mut self, matrix: Matrix) {
        self.matrices.push(matrix);
        let (done, total) = (self.matrices.len(), self.total);
        (self.progress)(Progress { stage: Stage::Quantize, done, total });
    }
}

/// Returns the most fraction bits of an output with which every row may have its shift.
pub(super) fn most_output_bits(input_bits: i8, matrix: &QuantizedMatrix) -> i8 {
    let rows = matrix.row_bits.iter().zip(&matrix.norms);
    let most = rows.map(|(bits, norm)| bits.saturating_sub_unsigned(least_shift(*norm))).min();
    input_bits.saturating_add(most.unwrap_or(0))
}

/// Returns the smallest shift that a row of this norm may have.
fn least_shift(norm: u64) -> u8 {
    let fits = |shift: &u8| norm <= WeightMatrix::norm_max(*shift);
    (WeightMatrix::SHIFT_MIN..WeightMatrix::SHIFT_FULL)
        .find(fits)
        .unwrap_or(WeightMatrix::SHIFT_FULL)
}

/// Returns the most fraction bits of a row with which it is not shifted by more than the kernel
/// can.
pub(super) const fn most_row_bits(input_bits: i8, output_bits: i8) -> i8 {
    output_bits.saturating_sub(input_bits).saturating_add_unsigned(WeightMatrix::SHIFT_MAX)
}

/// A norm adds its epsilon to a sum of squares below 2^51.
pub(super) const EPSILON_BITS: i32 = 51;

/// Scores keep no more fraction bits: they choose between tokens, and finer ones tell nothing.
pub(super) const MAX_SCORE_BITS: i8 = 16;

pub(super) const RESIDUAL_MAGNITUDE_BITS: i32 = 30;
pub(super) const SCORE_MAGNITUDE_BITS: i32 = 29;
