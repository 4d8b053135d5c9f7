//! Turns a network and a run into constraints.

use std::collections::BTreeMap;

use super::{
    builder::{Builder, Int},
    constraints::Constraints,
    digest::Packing,
    gadget::{self, Attended, Compressed, Norm},
    table::Table,
};
use crate::{
    model::{Network, Parameters, Weights},
    program::{CacheId, Format, Operator, Program, RowCount, Target, ValueId},
};

/// What goes into a network.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// Tokens of a language model.
    Tokens(&'a [u32]),
    /// A tensor, `[rows, width]`, of a network that reads one.
    Tensor(&'a [i32]),
}

/// What a proof shows of a run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Goal {
    /// The unit vector.
    Embedding,
    /// The scores after the last token, or the whole result of a network that reads a tensor.
    Values,
    /// The best tokens after the last tokens, so many of them.
    Best(u32),
}

impl Goal {
    /// What the program has to compute.
    #[must_use]
    pub const fn target(self) -> Target {
        match self {
            Self::Embedding => Target::Embedding,
            Self::Best(_) | Self::Values => Target::Logits,
        }
    }
}

/// The network, or the run, is not one that can be proved.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CompileError {
    /// The tokens or the tensor do not fit the network.
    #[error("the network reads {expected}, but got {got}")]
    Input {
        /// What fits.
        expected: String,
        /// What came.
        got: String,
    },
    /// The program does not compute this.
    #[error("the network computes no {target:?}")]
    Target {
        /// What was asked for.
        target: Target,
    },
    /// A parameter is missing, which a checked network never makes happen.
    #[error("operator {index} has no parameters")]
    Parameters {
        /// The operator.
        index: usize,
    },
}

/// A run as constraints, with the values that satisfy them.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) constraints: Constraints,
    /// How the integers that went in are packed, and they themselves.
    pub(crate) input: (Packing, Vec<i32>),
    /// The same of the result.
    pub(crate) output: (Packing, Vec<i32>),
    /// Rows of the tables that are looked up.
    pub(crate) tables: BTreeMap<Table, Vec<u64>>,
}

/// Compiles a run of `network` on `input` that proves `goal`, for the public `statement`.
pub(crate) fn compile(
    network: &Network,
    input: Input<'_>,
    goal: Goal,
    statement: halo2_proofs::halo2curves::bn256::Fr,
    range_bits: u32,
) -> Result<Compiled, CompileError> {
    let program = network.program();
    let target = goal.target();
    let Some(result) = program.output(target) else {
        return Err(CompileError::Target { target });
    };
    let rows = check_input(network, input)?;
    let outputs = match goal {
        Goal::Best(count) => count as usize,
        Goal::Embedding | Goal::Values => 1,
    };
    if outputs == 0 || outputs > rows {
        let expected = format!("at least as many tokens as the {outputs} results, of at least one");
        return Err(CompileError::Input { expected, got: format!("{rows}") });
    }
    let mut compiler = Compiler {
        builder: Builder::new(range_bits),
        network,
        program,
        rows,
        outputs,
        values: vec![Vec::new(); program.values.len()],
        caches: BTreeMap::new(),
        input: Vec::new(),
    };
    for index in program.schedule(target) {
        let operator = &program.operators[index];
        compiler.builder.part(format!("{index} {}", operator.name()));
        compiler.operate(index, operator, input)?;
    }
    let Compiler { mut builder, values, input: read, .. } = compiler;
    builder.part("result");
    let mut written = values[result.index()].clone();
    let mut output = Packing { count: 0, bits: bits(program.values[result.index()].format) };
    if let Goal::Best(_) = goal {
        let width = program.values[result.index()].width as usize;
        written = written.chunks(width).map(|row| gadget::best(&mut builder, row)).collect();
        output.bits = 32;
    }
    output.count = written.len();
    let input_bits = match input {
        Input::Tokens(_) => 32,
        Input::Tensor(_) => program
            .operators
            .iter()
            .find_map(|operator| match operator {
                Operator::Input { output } => Some(bits(program.values[output.index()].format)),
                _ => None,
            })
            .unwrap_or(32),
    };
    let packed = Packing { count: read.len(), bits: input_bits };
    builder.part("digest");
    let digest = gadget::hash(&mut builder, (packed, &read), (output, &written));
    builder.publish(digest);
    // The statement takes part in nothing but the challenges; its cell has a place because it is multiplied by 1.
    let statement = builder.cell(statement);
    let (zero, one) = (builder.constant(0).cell(), builder.constant(1).cell());
    builder.gate(zero, statement, one, statement);
    builder.publish(statement);
    let integers = |values: &[Int]| values.iter().map(|value| value.value() as i32).collect();
    let (input, output) = ((packed, integers(&read)), (output, integers(&written)));
    let tables = tables(network, builder.tables(), range_bits);
    Ok(Compiled { constraints: builder.finish(), input, output, tables })
}

const fn bits(format: Format) -> u32 {
    match format {
        Format::I16 => 16,
        Format::I32 => 32,
    }
}

/// The rows of the input.
fn check_input(network: &Network, input: Input<'_>) -> Result<usize, CompileError> {
    let (manifest, program) = (network.manifest(), network.program());
    let refuse = |expected: String, got: String| Err(CompileError::Input { expected, got });
    match (input, program.input()) {
        (Input::Tokens(tokens), None) => {
            let vocabulary = manifest.vocabulary;
            if tokens.len() > manifest.context as usize {
                let got = format!("{}", tokens.len());
                return refuse(format!("at most {} tokens", manifest.context), got);
            }
            match tokens.iter().find(|token| **token >= vocabulary) {
                Some(token) => refuse(format!("tokens below {vocabulary}"), format!("{token}")),
                None => Ok(tokens.len()),
            }
        }
        (Input::Tensor(values), Some(id)) => {
            let value = program.values[id.index()];
            let width = value.width as usize;
            if values.is_empty() || values.len() % width != 0 {
                return refuse(format!("rows of {width} integers"), format!("{}", values.len()));
            }
            if values.len() / width > manifest.context as usize {
                let got = format!("{}", values.len() / width);
                return refuse(format!("at most {} rows", manifest.context), got);
            }
            let fits = |x: &&i32| value.format == Format::I32 || (-32_768..=32_639).contains(*x);
            match values.iter().find(|x| !fits(x)) {
                Some(x) => refuse("integers from -32,768 to 32,639".to_owned(), format!("{x}")),
                None => Ok(values.len() / width),
            }
        }
        (Input::Tokens(_), Some(_)) => refuse("a tensor".to_owned(), "tokens".to_owned()),
        (Input::Tensor(_), None) => refuse("tokens".to_owned(), "a tensor".to_owned()),
    }
}

/// The rows of the tables that are used.
fn tables(
    network: &Network,
    used: impl IntoIterator<Item = Table>,
    range_bits: u32,
) -> BTreeMap<Table, Vec<u64>> {
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
        let rows = (0..=u16::MAX).zip(entries).map(|(index, entry)| table.row(index, *entry));
        tables.insert(table, rows.collect());
    }
    tables
}

struct Compiler<'a> {
    builder: Builder,
    network: &'a Network,
    program: &'a Program,
    rows: usize,
    outputs: usize,
    values: Vec<Vec<Int>>,
    caches: BTreeMap<CacheId, Store>,
    input: Vec<Int>,
}

/// Keys and values of a cache: for each head, those of all positions.
#[derive(Default)]
struct Store {
    keys: Vec<Vec<Compressed>>,
    values: Vec<Vec<Vec<Int>>>,
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

    fn get(&self, id: ValueId) -> Vec<Int> {
        self.values[id.index()].clone()
    }

    /// The last rows of a value that has more than its readers want.
    fn rows_of(&self, rows: RowCount) -> usize {
        match rows {
            RowCount::One => 1,
            RowCount::Outputs => self.outputs,
            RowCount::Tokens => self.rows,
        }
    }

    fn matrix(&self, index: usize) -> Result<Weights<'a>, CompileError> {
        match self.network.parameters(index) {
            Parameters::Matrix(weights) => Ok(weights),
            _ => Err(CompileError::Parameters { index }),
        }
    }

    fn norm(
        &self,
        index: usize,
        gain_bits: i8,
        epsilon: u64,
        output: ValueId,
    ) -> Result<Norm<'a>, CompileError> {
        let Parameters::Norm { gain, rsqrt } = self.network.parameters(index) else {
            return Err(CompileError::Parameters { index });
        };
        let (gain_bits, output_bits) = (i32::from(gain_bits), self.bits(output));
        Ok(Norm { gain, gain_bits, epsilon, output_bits, rsqrt, wide: self.wide(output) })
    }

    fn operate(
        &mut self,
        index: usize,
        operator: &Operator,
        input: Input<'_>,
    ) -> Result<(), CompileError> {
        let tables = self.network.tables();
        match operator {
            Operator::AddBias { value, .. } => {
                let Parameters::Bias(bias) = self.network.parameters(index) else {
                    return Err(CompileError::Parameters { index });
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
                let head_width = shape.head_width as usize;
                let width = self.width(*query);
                let shared = width / head_width / shape.heads as usize;
                let score_shift = self.bits(*query) + i32::from(shape.key_bits) - 12;
                let query = self.get(*query);
                let Some(store) = self.caches.get(cache) else {
                    return Err(CompileError::Parameters { index });
                };
                let mut mixed = Vec::with_capacity(query.len());
                for (position, row) in query.chunks(width).enumerate() {
                    let seen = if *bidirectional { self.rows } else { position + 1 };
                    for (head, query) in row.chunks(head_width).enumerate() {
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
                let head_width = self.program.caches[cache.index()].head_width as usize;
                let heads = self.program.caches[cache.index()].heads as usize;
                let mut store = Store::default();
                store.keys.resize_with(heads, Vec::new);
                store.values.resize_with(heads, Vec::new);
                let (keys, values) = (self.get(*key), self.get(*value));
                for (vector, key) in keys.chunks(head_width).enumerate() {
                    let key = gadget::compress(&mut self.builder, key, 7, 15);
                    store.keys[vector % heads].push(key);
                }
                for (vector, value) in values.chunks(head_width).enumerate() {
                    let value = gadget::compress(&mut self.builder, value, 7, 15);
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
                let Input::Tokens(tokens) = input else {
                    return Err(CompileError::Parameters { index });
                };
                let rows: Vec<_> =
                    (0..weights.rows()).map(|token| embedding(&weights, token)).collect();
                let (names, rows) = gadget::gather(&mut self.builder, tokens, &rows);
                self.input = names;
                self.values[output.index()] = rows;
            }
            Operator::Gelu { input, form, output } => {
                let (input_bits, output_bits) = (self.bits(*input), self.bits(*output));
                let table = match form {
                    crate::architecture::Gelu::Exact => Table::Gelu,
                    crate::architecture::Gelu::Tanh => Table::GeluTanh,
                };
                let table = (table, tables.gelu(*form));
                let activated = self
                    .get(*input)
                    .into_iter()
                    .map(|x| gadget::gelu(&mut self.builder, table, x, input_bits, output_bits));
                self.values[output.index()] = activated.collect();
            }
            Operator::HeadNorm { input, gain_bits, epsilon, head_width, output, .. } => {
                let norm = self.norm(index, *gain_bits, *epsilon, *output)?;
                let rows = self.get(*input);
                let rows = rows.chunks(*head_width as usize);
                let normal =
                    rows.flat_map(|row| gadget::rms_norm(&mut self.builder, row, &norm, 15));
                self.values[output.index()] = normal.collect();
            }
            Operator::Input { output } => {
                let Input::Tensor(values) = input else {
                    return Err(CompileError::Parameters { index });
                };
                let wide = self.wide(*output);
                let take = if wide { gadget::take_i32 } else { gadget::take_i16 };
                self.input = values.iter().map(|x| take(&mut self.builder, *x)).collect();
                self.values[output.index()].clone_from(&self.input);
            }
            Operator::LastRows { input, output } => {
                let (width, rows) = (self.width(*output), self.get(*input));
                let count = self.rows_of(self.program.values[output.index()].rows);
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
            Operator::Rope { value, head_width } => {
                let head_width = *head_width as usize;
                let width = self.width(*value);
                for (position, row) in self.values[value.index()].chunks_mut(width).enumerate() {
                    let rotations = &tables.rope[position * head_width..][..head_width];
                    for head in row.chunks_mut(head_width) {
                        gadget::rope(&mut self.builder, head, rotations);
                    }
                }
            }
        }
        Ok(())
    }
}

/// A row of an embedding as it enters the residual stream.
fn embedding(weights: &Weights<'_>, row: usize) -> Vec<i32> {
    use crate::numeric::{round_shift, saturate_i32};
    let shift = weights.shift(row);
    weights.row(row).map(|w| saturate_i32(round_shift(i64::from(w), shift))).collect()
}
