//! The constraints of each operator of a program: one function for each.

use lazai_coprocessor::{
    architecture::Gelu,
    model::Weights,
    numeric::{ACTIVATION_BITS, CACHE_BITS, SCORE_BITS, round_shift, saturate_i32},
    program::{CacheId, Operator, ValueId},
    trace::Record,
};

use super::{Cache, Compiler};
use crate::{
    Halo2Error,
    builder::{AssignedInt, Builder},
    gadget::{self, Attended, Norm, Tokens},
    table::Table,
};

impl Compiler<'_> {
    /// Adds the constraints of an operator, and assigns what it writes.
    pub(super) fn operate(
        &mut self,
        record: &Record,
        operator: &Operator,
    ) -> Result<(), Halo2Error> {
        let index = record.operator;
        match *operator {
            Operator::AddBias { value, .. } => self.add_bias(index, value)?,
            Operator::AddPositions { residual, .. } => self.add_positions(index, residual)?,
            Operator::Attention { query, cache, output, bidirectional } => {
                self.attention(index, query, cache, output, bidirectional)?;
            }
            Operator::CacheAppend { key, value, cache } => self.cache_append(key, value, cache),
            Operator::FirstRow { input, output } => self.first_row(input, output),
            Operator::GatedSilu { gate, up, output } => self.gated_silu(gate, up, output),
            Operator::Gather { output, .. } => self.gather(index, output)?,
            Operator::Gelu { input, form, output } => self.gelu(input, form, output),
            Operator::HeadNorm { input, gain_bits, epsilon, head_dim, output, .. } => {
                let norm = self.norm(index, gain_bits, epsilon, output)?;
                self.rms_norm(input, head_dim as usize, ACTIVATION_BITS, &norm, output);
            }
            Operator::Input { output } => self.input(record, output)?,
            Operator::LastRows { input, output } => self.last_rows(input, output),
            Operator::LayerNorm { input, gain_bits, epsilon, output, .. } => {
                let norm = self.norm(index, gain_bits, epsilon, output)?;
                self.layer_norm(input, &norm, output);
            }
            Operator::MatMul { input, output, .. } => self.mat_mul(index, input, output)?,
            Operator::MatMulAdd { input, residual, .. } => {
                self.mat_mul_add(index, input, residual)?;
            }
            Operator::MeanPool { input, output } => self.mean_pool(input, output),
            Operator::Narrow { input, output } => self.each(input, output, gadget::narrow),
            Operator::Relu { input, output } => self.each(input, output, gadget::relu),
            Operator::RmsNorm { input, gain_bits, epsilon, output, .. } => {
                let norm = self.norm(index, gain_bits, epsilon, output)?;
                self.rms_norm(input, self.width(input), RESIDUAL_BITS, &norm, output);
            }
            Operator::Rope { value, head_dim } => self.rope(value, head_dim as usize),
        }
        Ok(())
    }

    fn add_bias(&mut self, index: usize, value: ValueId) -> Result<(), Halo2Error> {
        let bias = self.bias(index)?;
        let (wide, width) = (self.wide(value), self.width(value));
        for row in self.values[value.index()].chunks_mut(width) {
            let bias = bias.iter().map(|added| i64::from(*added));
            gadget::add_row(&mut self.builder, row, bias, wide);
        }
        Ok(())
    }

    fn add_positions(&mut self, index: usize, residual: ValueId) -> Result<(), Halo2Error> {
        let weights = self.matrix(index)?;
        let width = self.width(residual);
        for (position, row) in self.values[residual.index()].chunks_mut(width).enumerate() {
            gadget::add_row(&mut self.builder, row, embedding(&weights, position), true);
        }
        Ok(())
    }

    fn attention(
        &mut self,
        index: usize,
        query: ValueId,
        cache: CacheId,
        output: ValueId,
        bidirectional: bool,
    ) -> Result<(), Halo2Error> {
        let shape = self.program.caches[cache.index()];
        let head_dim = shape.head_dim as usize;
        let width = self.width(query);
        let shared = width / head_dim / shape.heads as usize;
        let score_shift = self.bits(query) + i32::from(shape.key_bits) - SCORE_BITS;
        let query = self.get(query);
        let exp = self.network.tables().exp;
        let Some(cache) = self.caches.get(&cache) else {
            return Err(Halo2Error::Operator { index });
        };
        let mut mixed = Vec::with_capacity(query.len());
        for (position, row) in query.chunks(width).enumerate() {
            let seen = if bidirectional { self.rows } else { position + 1 };
            for (head, query) in row.chunks(head_dim).enumerate() {
                let head = head / shared;
                let (keys, values) = (&cache.keys[head][..seen], &cache.values[head][..seen]);
                let attended = Attended { keys, values, score_shift, exp };
                mixed.extend(gadget::attend(&mut self.builder, query, &attended));
            }
        }
        self.values[output.index()] = mixed;
        Ok(())
    }

    fn cache_append(&mut self, key: ValueId, value: ValueId, id: CacheId) {
        let shape = self.program.caches[id.index()];
        let (head_dim, heads) = (shape.head_dim as usize, shape.heads as usize);
        let mut cache = Cache::default();
        cache.keys.resize_with(heads, Vec::new);
        cache.values.resize_with(heads, Vec::new);
        let (keys, values) = (self.get(key), self.get(value));
        for (vector, key) in keys.chunks(head_dim).enumerate() {
            let key = gadget::compress(&mut self.builder, key, CACHE_BITS, ACTIVATION_BITS);
            cache.keys[vector % heads].push(key);
        }
        for (vector, value) in values.chunks(head_dim).enumerate() {
            let value = gadget::compress(&mut self.builder, value, CACHE_BITS, ACTIVATION_BITS);
            let power = value.power;
            let values = value.values.iter().map(|v| self.builder.mul(*v, power));
            cache.values[vector % heads].push(values.collect());
        }
        self.caches.insert(id, cache);
    }

    fn first_row(&mut self, input: ValueId, output: ValueId) {
        let width = self.width(output);
        self.values[output.index()] = self.get(input)[..width].to_vec();
    }

    fn gated_silu(&mut self, gate: ValueId, up: ValueId, output: ValueId) {
        let (gate_bits, up_bits) = (self.bits(gate), self.bits(up));
        let output_bits = self.bits(output);
        let sigmoid = self.network.tables().sigmoid;
        let pairs = self.get(gate).into_iter().zip(self.get(up));
        let gated = pairs.map(|(gate, up)| {
            let (gate, up) = ((gate, gate_bits), (up, up_bits));
            gadget::gated(&mut self.builder, sigmoid, gate, up, output_bits)
        });
        self.values[output.index()] = gated.collect();
    }

    fn gather(&mut self, index: usize, output: ValueId) -> Result<(), Halo2Error> {
        let weights = self.matrix(index)?;
        let row = |token| embedding(&weights, token).map(saturate_i32).collect();
        let rows: Vec<Vec<_>> = (0..weights.rows()).map(row).collect();
        // Every reader of tokens reads those that the digest binds.
        let tokens = self
            .tokens
            .get_or_insert_with(|| Tokens::new(&mut self.builder, &self.trace.tokens, rows.len()));
        self.input.clone_from(&tokens.numbers);
        self.values[output.index()] = gadget::gather(&mut self.builder, tokens, &rows);
        Ok(())
    }

    fn gelu(&mut self, input: ValueId, form: Gelu, output: ValueId) {
        let (input_bits, output_bits) = (self.bits(input), self.bits(output));
        let table = match form {
            Gelu::Exact => Table::Gelu,
            Gelu::Tanh => Table::GeluTanh,
        };
        let table = (table, self.network.tables().gelu(form));
        let rows = self.get(input).into_iter();
        self.values[output.index()] = rows
            .map(|x| gadget::gelu(&mut self.builder, table, x, input_bits, output_bits))
            .collect();
    }

    fn input(&mut self, record: &Record, output: ValueId) -> Result<(), Halo2Error> {
        let Some(tensor) = &record.write else {
            return Err(Halo2Error::Operator { index: record.operator });
        };
        let take = if self.wide(output) { gadget::take_i32 } else { gadget::take_i16 };
        self.input = tensor.integers.iter().map(|x| take(&mut self.builder, *x)).collect();
        self.values[output.index()].clone_from(&self.input);
        Ok(())
    }

    fn last_rows(&mut self, input: ValueId, output: ValueId) {
        let (width, rows) = (self.width(output), self.get(input));
        let count = self.trace.rows.outputs as usize;
        self.values[output.index()] = rows[rows.len() - count * width..].to_vec();
    }

    fn layer_norm(&mut self, input: ValueId, norm: &Norm<'_>, output: ValueId) {
        let (width, rows) = (self.width(input), self.get(input));
        let rows = rows.chunks(width);
        let normal = rows.flat_map(|row| gadget::layer_norm(&mut self.builder, row, norm));
        self.values[output.index()] = normal.collect();
    }

    fn mat_mul(&mut self, index: usize, input: ValueId, output: ValueId) -> Result<(), Halo2Error> {
        let (weights, wide) = (self.matrix(index)?, self.wide(output));
        let input = self.get(input);
        self.values[output.index()] = gadget::product(&mut self.builder, &input, &weights, wide);
        Ok(())
    }

    fn mat_mul_add(
        &mut self,
        index: usize,
        input: ValueId,
        residual: ValueId,
    ) -> Result<(), Halo2Error> {
        let (weights, input) = (self.matrix(index)?, self.get(input));
        let residual = &mut self.values[residual.index()];
        gadget::product_add(&mut self.builder, &input, &weights, residual);
        Ok(())
    }

    fn mean_pool(&mut self, input: ValueId, output: ValueId) {
        let (width, rows) = (self.width(input), self.get(input));
        self.values[output.index()] = gadget::mean_pool(&mut self.builder, &rows, width);
    }

    /// Adds the constraints of `Narrow` and `Relu`: one element at a time, shifted to the output's
    /// scale.
    fn each(
        &mut self,
        input: ValueId,
        output: ValueId,
        gadget: fn(&mut Builder, AssignedInt, i32) -> AssignedInt,
    ) {
        let shift = self.bits(input) - self.bits(output);
        let rows = self.get(input).into_iter();
        self.values[output.index()] = rows.map(|x| gadget(&mut self.builder, x, shift)).collect();
    }

    /// Adds the constraints of `RmsNorm` and `HeadNorm`: rows of `width` integers, each of at most
    /// `bits` bits and a sign.
    fn rms_norm(
        &mut self,
        input: ValueId,
        width: usize,
        bits: u32,
        norm: &Norm<'_>,
        output: ValueId,
    ) {
        let rows = self.get(input);
        let rows = rows.chunks(width);
        let normal = rows.flat_map(|row| gadget::rms_norm(&mut self.builder, row, norm, bits));
        self.values[output.index()] = normal.collect();
    }

    fn rope(&mut self, value: ValueId, head_dim: usize) {
        let width = self.width(value);
        let table = self.network.tables().rope;
        for (position, row) in self.values[value.index()].chunks_mut(width).enumerate() {
            let rotations = &table[position * head_dim..][..head_dim];
            for head in row.chunks_mut(head_dim) {
                gadget::rope(&mut self.builder, head, rotations);
            }
        }
    }
}

/// Returns a row of an embedding at the scale of the residual stream, within `2^62`.
fn embedding(weights: &Weights<'_>, row: usize) -> impl Iterator<Item = i64> {
    let shift = weights.shift(row);
    weights.row(row).map(move |w| round_shift(i64::from(w), shift))
}

/// Bits of the magnitude of an element of the residual stream.
const RESIDUAL_BITS: u32 = 31;
