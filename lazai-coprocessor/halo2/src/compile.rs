//! Compiles a run of a network to constraints.

use std::collections::BTreeMap;

use halo2_proofs::halo2curves::bn256::Fr;
use lazai_coprocessor::{
    model::{Network, Parameters, Weights},
    numeric::{ACTIVATION_BITS, CACHE_BITS, SCORE_BITS, round_shift, saturate_i32},
    program::{CacheId, Format, Operator, Program, ValueId},
    trace::{Record, Trace},
};

use crate::{
    Halo2Error, ProvedOutput,
    builder::{AssignedInt, Builder},
    constraints::Constraints,
    digest::Packing,
    gadget::{self, Attended, Compressed, Norm},
    table::Table,
};

/// A run as constraints, with the values that satisfy them and the integers that it read and wrote.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) constraints: Constraints,
    /// The integers read, and how they are packed for the digest.
    pub(crate) input: (Packing, Vec<i32>),
    /// The integers written, and how they are packed for the digest.
    pub(crate) output: (Packing, Vec<i32>),
    /// The rows of every table in which something is looked up.
    pub(crate) tables: BTreeMap<Table, Vec<u32>>,
}

impl Compiled {
    /// Replaces the public input for the statement, on which no other value depends.
    pub(crate) fn set_statement(&mut self, statement: Fr) {
        if let Some(cell) = self.constraints.instance.last() {
            self.constraints.values[cell.index()] = statement;
        }
    }
}

/// Compiles the run of `network` that `trace` recorded, with `proved_output` and `statement` as
/// public inputs.
pub(crate) fn compile(
    network: &Network,
    trace: &Trace,
    proved_output: ProvedOutput,
    statement: Fr,
    range_bits: u32,
) -> Result<Compiled, Halo2Error> {
    let program = network.program();
    let rows = trace.rows.tokens as usize;
    let mut compiler = Compiler {
        builder: Builder::new(range_bits),
        network,
        program,
        rows,
        trace,
        values: vec![Vec::new(); program.values.len()],
        caches: BTreeMap::new(),
        input: Vec::new(),
    };
    for record in &trace.records {
        let operator = &program.operators[record.operator];
        compiler.builder.part(format!("{} {}", record.operator, operator.name()));
        compiler.operate(record, operator)?;
        compiler.compare(record)?;
    }
    let Compiler { mut builder, values, input: read, .. } = compiler;
    let result = trace.output();
    let mut written = values[result.value.index()].clone();
    let mut output = Packing { count: 0, bits: bits(program.values[result.value.index()].format) };
    if let ProvedOutput::GreedyTokens(_) = proved_output {
        builder.part("best tokens");
        written = written.chunks(result.width).map(|row| gadget::best(&mut builder, row)).collect();
        output.bits = 32;
    }
    output.count = written.len();
    let input_bits = program.input().map_or(32, |id| bits(program.values[id.index()].format));
    let input = Packing { count: read.len(), bits: input_bits };
    builder.part("digest");
    let digest = gadget::hash(&mut builder, (input, &read), (output, &written));
    builder.publish(digest);
    // The statement only has to enter the challenges. Multiplied by 1, it is placed in a column.
    let statement = builder.cell(statement);
    let (zero, one) = (builder.constant(0).cell(), builder.constant(1).cell());
    builder.gate(zero, statement, one, statement);
    builder.publish(statement);
    let integers =
        |values: &[AssignedInt]| values.iter().map(|value| value.value() as i32).collect();
    let (input, output) = ((input, integers(&read)), (output, integers(&written)));
    let tables = tables(network, builder.tables(), range_bits);
    Ok(Compiled { constraints: builder.finish(), input, output, tables })
}

const fn bits(format: Format) -> u32 {
    match format {
        Format::I16 => 16,
        Format::I32 => 32,
    }
}

/// Returns the rows of the tables that are used.
fn tables(
    network: &Network,
    used: impl IntoIterator<Item = Table>,
    range_bits: u32,
) -> BTreeMap<Table, Vec<u32>> {
    let entries = network.tables();
    let mut tables = BTreeMap::from([(Table::Range, (0..1 << range_bits).collect())]);
    for table in used {
        let entries = match table {
            Table::Range => continue,
            Table::Exp => entries.exp,
            Table::Sigmoid => entries.sigmoid,
            Table::Gelu => entries.gelu,
            Table::GeluTanh => entries.gelu_tanh,
            Table::Rsqrt => entries.rsqrt,
        };
        let rows = (0..=u16::MAX).zip(entries).map(|(index, entry)| Table::row(index, *entry));
        tables.insert(table, rows.collect());
    }
    tables
}

struct Compiler<'a> {
    builder: Builder,
    network: &'a Network,
    program: &'a Program,
    rows: usize,
    trace: &'a Trace,
    values: Vec<Vec<AssignedInt>>,
    caches: BTreeMap<CacheId, Store>,
    input: Vec<AssignedInt>,
}

/// The keys and values in a cache: for each head, those of all positions.
#[derive(Default)]
struct Store {
    keys: Vec<Vec<Compressed>>,
    values: Vec<Vec<Vec<AssignedInt>>>,
}

impl<'a> Compiler<'a> {
    fn bits(&self, id: ValueId) -> i32 {
        i32::from(self.program.values[id.index()].bits)
    }

    fn width(&self, id: ValueId) -> usize {
        self.program.values[id.index()].width as usize
    }

    fn wide(&self, id: ValueId) -> bool {
        self.program.values[id.index()].format == Format::I32
    }

    fn get(&self, id: ValueId) -> Vec<AssignedInt> {
        self.values[id.index()].clone()
    }

    fn matrix(&self, index: usize) -> Result<Weights<'a>, Halo2Error> {
        match self.network.parameters(index) {
            Parameters::Matrix(weights) => Ok(weights),
            _ => Err(Halo2Error::Operator { index }),
        }
    }

    fn norm(
        &self,
        index: usize,
        gain_bits: i8,
        epsilon: u64,
        output: ValueId,
    ) -> Result<Norm<'a>, Halo2Error> {
        let Parameters::Norm { gain, rsqrt } = self.network.parameters(index) else {
            return Err(Halo2Error::Operator { index });
        };
        let (gain_bits, output_bits) = (i32::from(gain_bits), self.bits(output));
        Ok(Norm { gain, gain_bits, epsilon, output_bits, rsqrt, wide: self.wide(output) })
    }

    /// Compares the integers of a gadget with those of the interpreter.
    fn compare(&self, record: &Record) -> Result<(), Halo2Error> {
        let Some(tensor) = &record.write else { return Ok(()) };
        let values = self.values[tensor.value.index()].iter().map(|value| value.value());
        if values.eq(tensor.integers.iter().map(|integer| i128::from(*integer))) {
            return Ok(());
        }
        Err(Halo2Error::Operator { index: record.operator })
    }

    fn operate(&mut self, record: &Record, operator: &Operator) -> Result<(), Halo2Error> {
        let index = record.operator;
        let tables = self.network.tables();
        match operator {
            Operator::AddBias { value, .. } => {
                let Parameters::Bias(bias) = self.network.parameters(index) else {
                    return Err(Halo2Error::Operator { index });
                };
                let (wide, width) = (self.wide(*value), self.width(*value));
                for row in self.values[value.index()].chunks_mut(width) {
                    gadget::add_row(&mut self.builder, row, bias, wide);
                }
            }
            Operator::AddPositions { residual, .. } => {
                let weights = self.matrix(index)?;
                let width = self.width(*residual);
                for (position, row) in self.values[residual.index()].chunks_mut(width).enumerate() {
                    let added = embedding(&weights, position);
                    gadget::add_row(&mut self.builder, row, &added, true);
                }
            }
            Operator::Attention { query, cache, output, bidirectional } => {
                let shape = self.program.caches[cache.index()];
                let head_dim = shape.head_dim as usize;
                let width = self.width(*query);
                let shared = width / head_dim / shape.heads as usize;
                let score_shift = self.bits(*query) + i32::from(shape.key_bits) - SCORE_BITS;
                let query = self.get(*query);
                let Some(store) = self.caches.get(cache) else {
                    return Err(Halo2Error::Operator { index });
                };
                let mut mixed = Vec::with_capacity(query.len());
                for (position, row) in query.chunks(width).enumerate() {
                    let seen = if *bidirectional { self.rows } else { position + 1 };
                    for (head, query) in row.chunks(head_dim).enumerate() {
                        let head = head / shared;
                        let attended = Attended {
                            keys: &store.keys[head][..seen],
                            values: &store.values[head][..seen],
                            score_shift,
                            exp: tables.exp,
                        };
                        mixed.extend(gadget::attend(&mut self.builder, query, &attended));
                    }
                }
                self.values[output.index()] = mixed;
            }
            Operator::CacheAppend { key, value, cache } => {
                let head_dim = self.program.caches[cache.index()].head_dim as usize;
                let heads = self.program.caches[cache.index()].heads as usize;
                let mut store = Store::default();
                store.keys.resize_with(heads, Vec::new);
                store.values.resize_with(heads, Vec::new);
                let (keys, values) = (self.get(*key), self.get(*value));
                for (vector, key) in keys.chunks(head_dim).enumerate() {
                    let key = gadget::compress(&mut self.builder, key, CACHE_BITS, ACTIVATION_BITS);
                    store.keys[vector % heads].push(key);
                }
                for (vector, value) in values.chunks(head_dim).enumerate() {
                    let value =
                        gadget::compress(&mut self.builder, value, CACHE_BITS, ACTIVATION_BITS);
                    let power = value.power;
                    let values = value.values.iter().map(|v| self.builder.mul(*v, power));
                    store.values[vector % heads].push(values.collect());
                }
                self.caches.insert(*cache, store);
            }
            Operator::FirstRow { input, output } => {
                let width = self.width(*output);
                self.values[output.index()] = self.get(*input)[..width].to_vec();
            }
            Operator::GatedSilu { gate, up, output } => {
                let (gate_bits, up_bits) = (self.bits(*gate), self.bits(*up));
                let output_bits = self.bits(*output);
                let pairs = self.get(*gate).into_iter().zip(self.get(*up));
                let gated = pairs.map(|(gate, up)| {
                    let (gate, up) = ((gate, gate_bits), (up, up_bits));
                    gadget::gated(&mut self.builder, tables.sigmoid, gate, up, output_bits)
                });
                self.values[output.index()] = gated.collect();
            }
            Operator::Gather { output, .. } => {
                let weights = self.matrix(index)?;
                let rows: Vec<_> =
                    (0..weights.rows()).map(|token| embedding(&weights, token)).collect();
                let (names, rows) = gadget::gather(&mut self.builder, &self.trace.tokens, &rows);
                self.input = names;
                self.values[output.index()] = rows;
            }
            Operator::Gelu { input, form, output } => {
                let (input_bits, output_bits) = (self.bits(*input), self.bits(*output));
                let table = match form {
                    lazai_coprocessor::architecture::Gelu::Exact => Table::Gelu,
                    lazai_coprocessor::architecture::Gelu::Tanh => Table::GeluTanh,
                };
                let table = (table, tables.gelu(*form));
                let activated = self
                    .get(*input)
                    .into_iter()
                    .map(|x| gadget::gelu(&mut self.builder, table, x, input_bits, output_bits));
                self.values[output.index()] = activated.collect();
            }
            Operator::HeadNorm { input, gain_bits, epsilon, head_dim, output, .. } => {
                let norm = self.norm(index, *gain_bits, *epsilon, *output)?;
                let rows = self.get(*input);
                let rows = rows.chunks(*head_dim as usize);
                let normal = rows.flat_map(|row| {
                    gadget::rms_norm(&mut self.builder, row, &norm, ACTIVATION_BITS)
                });
                self.values[output.index()] = normal.collect();
            }
            Operator::Input { output } => {
                let Some(tensor) = &record.write else {
                    return Err(Halo2Error::Operator { index });
                };
                let wide = self.wide(*output);
                let take = if wide { gadget::take_i32 } else { gadget::take_i16 };
                self.input = tensor.integers.iter().map(|x| take(&mut self.builder, *x)).collect();
                self.values[output.index()].clone_from(&self.input);
            }
            Operator::LastRows { input, output } => {
                let (width, rows) = (self.width(*output), self.get(*input));
                let count = self.trace.rows.outputs as usize;
                self.values[output.index()] = rows[rows.len() - count * width..].to_vec();
            }
            Operator::LayerNorm { input, gain_bits, epsilon, output, .. } => {
                let norm = self.norm(index, *gain_bits, *epsilon, *output)?;
                let (width, rows) = (self.width(*input), self.get(*input));
                let rows = rows.chunks(width);
                let normal = rows.flat_map(|row| gadget::layer_norm(&mut self.builder, row, &norm));
                self.values[output.index()] = normal.collect();
            }
            Operator::MatMul { input, output, .. } => {
                let (weights, wide) = (self.matrix(index)?, self.wide(*output));
                let input = self.get(*input);
                self.values[output.index()] =
                    gadget::product(&mut self.builder, &input, &weights, wide);
            }
            Operator::MatMulAdd { input, residual, .. } => {
                let (weights, input) = (self.matrix(index)?, self.get(*input));
                let residual = &mut self.values[residual.index()];
                gadget::product_add(&mut self.builder, &input, &weights, residual);
            }
            Operator::MeanPool { input, output } => {
                let (width, rows) = (self.width(*input), self.get(*input));
                self.values[output.index()] = gadget::mean_pool(&mut self.builder, &rows, width);
            }
            Operator::Narrow { input, output } => {
                let shift = self.bits(*input) - self.bits(*output);
                let rows = self.get(*input).into_iter();
                self.values[output.index()] =
                    rows.map(|x| gadget::narrow(&mut self.builder, x, shift)).collect();
            }
            Operator::Relu { input, output } => {
                let shift = self.bits(*input) - self.bits(*output);
                let rows = self.get(*input).into_iter();
                self.values[output.index()] =
                    rows.map(|x| gadget::relu(&mut self.builder, x, shift)).collect();
            }
            Operator::RmsNorm { input, gain_bits, epsilon, output, .. } => {
                let norm = self.norm(index, *gain_bits, *epsilon, *output)?;
                let (width, rows) = (self.width(*input), self.get(*input));
                let rows = rows.chunks(width);
                let normal =
                    rows.flat_map(|row| gadget::rms_norm(&mut self.builder, row, &norm, 31));
                self.values[output.index()] = normal.collect();
            }
            Operator::Rope { value, head_dim } => {
                let head_dim = *head_dim as usize;
                let width = self.width(*value);
                for (position, row) in self.values[value.index()].chunks_mut(width).enumerate() {
                    let rotations = &tables.rope[position * head_dim..][..head_dim];
                    for head in row.chunks_mut(head_dim) {
                        gadget::rope(&mut self.builder, head, rotations);
                    }
                }
            }
        }
        Ok(())
    }
}

/// Returns a row of an embedding as it enters the residual stream.
fn embedding(weights: &Weights<'_>, row: usize) -> Vec<i32> {
    let shift = weights.shift(row);
    weights.row(row).map(|w| saturate_i32(round_shift(i64::from(w), shift))).collect()
}
