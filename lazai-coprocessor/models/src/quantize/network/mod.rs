//! The integer form of a small network that reads rows of numbers.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use lazai_coprocessor::{
    artifact::{ArtifactBuilder, Manifest, SPEC_VERSION},
    kernel::{Threads, WeightMatrix},
    numeric::ACTIVATION_MAX,
    program::{Cache, CacheId, Format, Operator, Program, RowCount, Value, ValueId},
    table,
};

use super::{
    QuantizeError, QuantizedMatrix,
    calibration::activation_bits,
    collector::{
        EPSILON_BITS, MAX_SCORE_BITS, RESIDUAL_MAGNITUDE_BITS, SCORE_MAGNITUDE_BITS,
        most_output_bits, most_row_bits,
    },
    matrix::{MAX_BITS, quantize_matrix},
    scale::power_of_two,
};
use crate::reference::{Block, Dense, FloatNetwork, Layers, Place};

/// Quantizes a network, with scales from its samples and room for `2^headroom_bits` times as much.
///
/// The artifact has no tokenizer: [`Network::load`](lazai_coprocessor::model::Network::load) reads
/// it. Its program has one output, the scores, with a row for each row of the input.
/// [`to_integers`](crate::quantize::to_integers) gives the integers of its input.
///
/// # Errors
/// [`QuantizeError`] if the numbers do not fit the integers.
pub fn quantize_network(
    network: &FloatNetwork,
    headroom_bits: u8,
    threads: &Threads,
) -> Result<ArtifactBuilder, QuantizeError> {
    let mut quantizer = NetworkQuantizer {
        threads,
        headroom_bits,
        largest: largest(network, threads)?,
        values: Vec::new(),
        operators: Vec::new(),
        matrices: Vec::new(),
        biases: Vec::new(),
        gain: Vec::new(),
        caches: Vec::new(),
    };
    let product = match network.layers() {
        Layers::Block(block) => quantizer.block(block)?,
        Layers::Perceptron(layers) => quantizer.perceptron(layers)?,
    };
    let output = quantizer.last_rows(product);
    let NetworkQuantizer { values, operators, matrices, biases, gain, caches, .. } = quantizer;
    let logits = Some(output);
    let program = Program { values, caches, operators, logits, embedding: None };
    program.check()?;
    let manifest = Manifest {
        spec: SPEC_VERSION,
        name: network.name().to_owned(),
        context: size(network.rows()),
        vocabulary: 0,
        end_tokens: Vec::new(),
        program,
    };
    let mut artifact = ArtifactBuilder::network(manifest);
    for (name, matrix) in matrices {
        let (rows, columns) = (matrix.rows as u64, matrix.columns as u64);
        let exponent_bytes = WeightMatrix::exponent_bytes(matrix.columns) as u64;
        artifact.add_i8(format!("{name}.values"), vec![rows, columns], &matrix.values);
        artifact.add_u8(format!("{name}.exponents"), vec![rows, exponent_bytes], matrix.exponents);
        artifact.add_i8(format!("{name}.row_bits"), vec![rows], &matrix.row_bits);
    }
    for (name, bias) in biases {
        artifact.add_i32(name, vec![bias.len() as u64], &bias);
    }
    if !gain.is_empty() {
        artifact.add_i16(GAIN, vec![gain.len() as u64], &gain);
        for (name, table) in [("exp", table::exp()), ("rsqrt", table::reciprocal_sqrt())] {
            artifact.add_u16(format!("table.{name}"), vec![table.len() as u64], &table);
        }
    }
    Ok(artifact)
}

/// Measures the largest magnitude at each place, over all samples.
fn largest(
    network: &FloatNetwork,
    threads: &Threads,
) -> Result<BTreeMap<Place, f64>, QuantizeError> {
    let mut largest: BTreeMap<Place, f64> = BTreeMap::new();
    for sample in network.inputs() {
        let mut infinite = None;
        let mut observer = |place, values: &[f32]| {
            let most = largest.entry(place).or_default();
            for value in values {
                *most = most.max(f64::from(value.abs()));
                if !value.is_finite() {
                    infinite = infinite.or(Some(place));
                }
            }
        };
        // A sample has the length that the network reads, so that it can only compute what is not
        // finite.
        let ran = network.observe(sample, threads, &mut observer).is_ok();
        if let Some(place) = infinite.or(if ran { None } else { Some(Place::Input) }) {
            return Err(QuantizeError::NotFinite { point: format!("{place:?}") });
        }
    }
    Ok(largest)
}

struct NetworkQuantizer<'a> {
    threads: &'a Threads,
    headroom_bits: u8,
    largest: BTreeMap<Place, f64>,
    values: Vec<Value>,
    operators: Vec<Operator>,
    matrices: Vec<(String, QuantizedMatrix)>,
    biases: Vec<(String, Vec<i32>)>,
    /// The gain of every norm; none if there are none.
    gain: Vec<i16>,
    caches: Vec<Cache>,
}

impl NetworkQuantizer<'_> {
    fn perceptron(&mut self, layers: &[Dense]) -> Result<ValueId, QuantizeError> {
        let width = layers.first().map_or(0, |layer| layer.inputs);
        let bits = self.bits(Place::Input, 1.0, ACTIVATION_MAX.into())?;
        let mut x = self.value(width, Format::I16, bits);
        self.operators.push(Operator::Input { output: x });
        for (index, layer) in layers.iter().enumerate() {
            let name = format!("layers.{index}");
            let last = index + 1 == layers.len();
            let place = Place::Product(index);
            let bits = if last {
                self.bits(place, 1.0, power_of_two(SCORE_MAGNITUDE_BITS))?.min(MAX_SCORE_BITS)
            } else {
                self.bits(place, 1.0, ACTIVATION_MAX.into())?
            };
            let format = if last { Format::I32 } else { Format::I16 };
            let product = self.product(&name, x, layer, 1.0, bits, format)?;
            if let Some(bias) = &layer.bias {
                let unit = power_of_two(self.values[product.index()].bits.into());
                #[expect(clippy::cast_possible_truncation, reason = "saturates, as the sum would")]
                let integers = bias.iter().map(|bias| (f64::from(*bias) * unit).round() as i32);
                let name = format!("{name}.bias");
                self.biases.push((name.clone(), integers.collect()));
                self.operators.push(Operator::AddBias { value: product, bias: name });
            }
            x = if last { product } else { self.relu(product) };
        }
        Ok(x)
    }

    fn block(&mut self, block: &Block) -> Result<ValueId, QuantizeError> {
        let activation = f64::from(ACTIVATION_MAX);
        let head_dim = block.width / block.heads;
        // The scale of the residual stream is known when all that is added to it is.
        let residual = self.value(block.width, Format::I32, 0);
        self.operators.push(Operator::Input { output: residual });

        let bits = self.bits(Place::AttentionNorm, 1.0, activation)?;
        let x = self.norm(residual, bits)?;
        let root = 1.0 / (head_dim as f64).sqrt();
        let mut product = |name: &str, place, layer, factor| {
            let bits = self.bits(place, factor, activation)?;
            self.product(name, x, layer, factor, bits, Format::I16)
        };
        let query = product("query", Place::Query, &block.query, root)?;
        let key = product("key", Place::Key, &block.key, 1.0)?;
        let value = product("value", Place::Value, &block.value, 1.0)?;
        let (key_bits, value_bits) =
            (self.values[key.index()].bits, self.values[value.index()].bits);
        let cache = CacheId(0);
        self.operators.push(Operator::CacheAppend { key, value, cache });
        let mixed = self.value(block.width, Format::I16, value_bits);
        let bidirectional = true;
        self.operators.push(Operator::Attention { query, cache, output: mixed, bidirectional });
        let out = self.branch("out", mixed, residual, &block.out)?;

        let bits = self.bits(Place::FeedForwardNorm, 1.0, activation)?;
        let x = self.norm(residual, bits)?;
        let bits = self.bits(Place::Up, 1.0, activation)?;
        let up = self.product("up", x, &block.up, 1.0, bits, Format::I16)?;
        let up = self.relu(up);
        let down = self.branch("down", up, residual, &block.down)?;

        let epsilon = block.epsilon * block.width as f64;
        self.residual(residual, epsilon, &[(out, mixed, &block.out), (down, up, &block.down)])?;
        let [heads, head_dim] = [block.heads, head_dim].map(size);
        self.caches.push(Cache { heads, head_dim, key_bits, value_bits });
        Ok(residual)
    }

    /// Finds the fraction bits of the residual stream by its magnitude, by what is added to it and
    /// by the epsilon of its norms.
    fn residual(
        &mut self,
        residual: ValueId,
        epsilon: f64,
        branches: &[(usize, ValueId, &Dense)],
    ) -> Result<(), QuantizeError> {
        let mut bits = self.bits(Place::Residual, 1.0, power_of_two(RESIDUAL_MAGNITUDE_BITS))?;
        for (matrix, input, _) in branches {
            let input_bits = self.values[input.index()].bits;
            bits = bits.min(most_output_bits(input_bits, &self.matrices[*matrix].1));
        }
        let units = |bits: i8| epsilon * power_of_two(2 * i32::from(bits));
        while units(bits) > power_of_two(EPSILON_BITS) {
            bits -= 1;
        }
        for (matrix, input, layer) in branches {
            let max_bits = most_row_bits(self.values[input.index()].bits, bits);
            let (name, quantized) = &self.matrices[*matrix];
            if quantized.most_bits() > max_bits {
                self.matrices[*matrix].1 = self.quantize(name, layer, 1.0, max_bits)?;
            }
        }
        self.values[residual.index()].bits = bits;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "to 2^51")]
        let units = units(bits).round() as u64;
        for operator in &mut self.operators {
            if let Operator::LayerNorm { epsilon, .. } = operator {
                *epsilon = units;
            }
        }
        Ok(())
    }

    /// Normalizes rows; the gain is `sqrt(width)` everywhere.
    fn norm(&mut self, input: ValueId, bits: i8) -> Result<ValueId, QuantizeError> {
        let width = self.values[input.index()].width as usize;
        let root = (width as f64).sqrt();
        let gain_bits = activation_bits(GAIN, root, 0, f64::from(i16::MAX))?;
        #[expect(clippy::cast_possible_truncation, reason = "the bits keep it within i16")]
        let integer = (root * power_of_two(gain_bits.into())).round() as i16;
        let output = self.value(width, Format::I16, bits);
        let (gain, epsilon) = (GAIN.to_owned(), 0);
        self.operators.push(Operator::LayerNorm { input, gain, gain_bits, epsilon, output });
        self.gain = vec![integer; width];
        Ok(output)
    }

    /// Adds a product with results of `bits` fraction bits, or as many as the shifts allow.
    fn product(
        &mut self,
        name: &str,
        input: ValueId,
        layer: &Dense,
        factor: f64,
        bits: i8,
        format: Format,
    ) -> Result<ValueId, QuantizeError> {
        let input_bits = self.values[input.index()].bits;
        let mut matrix = self.quantize(name, layer, factor, MAX_BITS)?;
        let bits = bits.min(most_output_bits(input_bits, &matrix));
        let max_bits = most_row_bits(input_bits, bits);
        if matrix.most_bits() > max_bits {
            matrix = self.quantize(name, layer, factor, max_bits)?;
        }
        self.matrices.push((name.to_owned(), matrix));
        let output = self.value(layer.outputs, format, bits);
        self.operators.push(Operator::MatMul { input, weight: name.to_owned(), output });
        Ok(output)
    }

    /// Adds a product to the residual stream; returns the index of its matrix.
    fn branch(
        &mut self,
        name: &str,
        input: ValueId,
        residual: ValueId,
        layer: &Dense,
    ) -> Result<usize, QuantizeError> {
        let matrix = self.quantize(name, layer, 1.0, MAX_BITS)?;
        self.matrices.push((name.to_owned(), matrix));
        self.operators.push(Operator::MatMulAdd { input, weight: name.to_owned(), residual });
        Ok(self.matrices.len() - 1)
    }

    /// Clamps at the same scale, so that nothing is rounded.
    fn relu(&mut self, input: ValueId) -> ValueId {
        let Value { width, bits, .. } = self.values[input.index()];
        let output = self.value(width as usize, Format::I16, bits);
        self.operators.push(Operator::Relu { input, output });
        output
    }

    fn last_rows(&mut self, input: ValueId) -> ValueId {
        let output = ValueId(size(self.values.len()));
        self.values.push(Value { rows: RowCount::Outputs, ..self.values[input.index()] });
        self.operators.push(Operator::LastRows { input, output });
        output
    }

    fn quantize(
        &self,
        name: &str,
        layer: &Dense,
        factor: f64,
        max_bits: i8,
    ) -> Result<QuantizedMatrix, QuantizeError> {
        #[expect(clippy::cast_possible_truncation, reason = "rounds to the nearest f32")]
        let scaled = layer.weight.iter().map(|weight| (f64::from(*weight) * factor) as f32);
        let weights: Vec<f32> = scaled.collect();
        let (rows, columns) = (layer.outputs, layer.inputs);
        quantize_matrix(&weights, rows, columns, max_bits, self.threads)
            .map_err(|row| QuantizeError::WeightRange { tensor: name.to_owned(), row: row.row })
    }

    /// Returns the most fraction bits that hold what was seen at a place times `factor`.
    fn bits(&self, place: Place, factor: f64, limit: f64) -> Result<i8, QuantizeError> {
        let largest = self.largest.get(&place).copied().unwrap_or(0.0) * factor;
        activation_bits(&format!("{place:?}"), largest, self.headroom_bits, limit)
    }

    fn value(&mut self, width: usize, format: Format, bits: i8) -> ValueId {
        let id = ValueId(size(self.values.len()));
        self.values.push(Value { rows: RowCount::Tokens, width: size(width), format, bits });
        id
    }
}

/// Converts a size; the file of a network bounds each below 2^16, and the check of the program
/// refuses what is not.
fn size(size: usize) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}

/// Name of the gain of every norm.
const GAIN: &str = "norm";
