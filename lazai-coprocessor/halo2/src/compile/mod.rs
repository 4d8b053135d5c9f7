//! Compiles a run of a network to constraints.

mod operators;

use std::collections::BTreeMap;

use halo2_proofs::halo2curves::bn256::Fr;
use lazai_coprocessor::{
    model::{Network, Parameters, Weights},
    program::{CacheId, Format, Program, ValueId},
    trace::{Record, Trace},
};

use crate::{
    Halo2Error, ProvedOutput,
    builder::{AssignedInt, Builder},
    constraints::{Cell, Constraints},
    digest::Packing,
    gadget::{self, Compressed, Norm, Tokens},
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
    /// The cells of the integers read.
    #[cfg_attr(not(feature = "circuits"), expect(dead_code, reason = "only checkers ask for it"))]
    pub(crate) read: Vec<Cell>,
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
    if let ProvedOutput::GreedyTokens(_) = proved_output
        && (program.is_bidirectional() || program.input().is_some())
    {
        // What is read at once would have to be what is read token by token.
        return Err(Halo2Error::NoGreedyTokens);
    }
    let rows = trace.rows.tokens as usize;
    let mut compiler = Compiler {
        builder: Builder::new(range_bits),
        network,
        program,
        rows,
        trace,
        values: vec![Vec::new(); program.values.len()],
        caches: BTreeMap::new(),
        tokens: None,
        input: Vec::new(),
    };
    for record in &trace.records {
        let operator = &program.operators[record.operator];
        compiler.builder.part(format!("{} {}", record.operator, operator.name()));
        compiler.operate(record, operator)?;
        compiler.compare(record)?;
    }
    compiler.builder.check_shifts()?;
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
    let cells = read.iter().map(|value| value.cell()).collect();
    let (input, output) = ((input, integers(&read)), (output, integers(&written)));
    let tables = tables(network, builder.tables(), range_bits);
    Ok(Compiled { constraints: builder.finish(), input, output, read: cells, tables })
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
    caches: BTreeMap<CacheId, Cache>,
    /// The tokens of the run, if it reads tokens.
    tokens: Option<Tokens>,
    input: Vec<AssignedInt>,
}

/// The keys and values in a cache: for each head, those of all positions.
#[derive(Default)]
struct Cache {
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

    fn bias(&self, index: usize) -> Result<&'a [i32], Halo2Error> {
        match self.network.parameters(index) {
            Parameters::Bias(bias) => Ok(bias),
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
}
