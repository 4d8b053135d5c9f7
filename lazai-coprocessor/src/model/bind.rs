use core::ops::Range;
use std::collections::BTreeSet;

use crate::{
    architecture::Gelu,
    artifact::{Artifact, ArtifactError, Element, MANIFEST, TOKENIZER},
    kernel::{Embedding, KernelError, WeightMatrix},
    numeric::{EXP_ONE, ROTATION_BITS, RSQRT_START},
    program::{GainWidth, ParameterSpec, RowsOf, TableKind, ValueId},
};

/// The tensors of one operator.
#[derive(Debug, Default)]
pub(super) struct Binding {
    /// The weight or embedding matrix.
    pub(super) matrix: Option<Matrix>,
    /// The gain of a norm.
    pub(super) gain: Range<usize>,
    /// Byte range of the added row.
    pub(super) bias: Range<usize>,
}

/// A matrix in the artifact.
#[derive(Debug)]
pub(super) struct Matrix {
    pub(super) name: String,
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) values: Range<usize>,
    pub(super) exponents: Range<usize>,
    pub(super) row_bits: Range<usize>,
    /// The shift of each row: input bits plus row bits minus output bits. For an embedding, which
    /// has none, one that any row may have.
    pub(super) shifts: Vec<u8>,
}

impl Matrix {
    pub(super) fn weight<'a>(&'a self, bytes: &'a [u8]) -> Result<WeightMatrix<'a>, KernelError> {
        WeightMatrix::new(
            self.rows,
            self.columns,
            bytemuck::cast_slice(&bytes[self.values.clone()]),
            &bytes[self.exponents.clone()],
            &self.shifts,
        )
    }

    pub(super) fn embedding<'a>(&'a self, bytes: &'a [u8]) -> Embedding<'a> {
        Embedding {
            width: self.columns,
            values: bytemuck::cast_slice(&bytes[self.values.clone()]),
            exponents: &bytes[self.exponents.clone()],
            row_bits: bytemuck::cast_slice(&bytes[self.row_bits.clone()]),
        }
    }
}

/// The tables of the nonlinear operators, as byte ranges; empty if the program needs none.
#[derive(Debug, Default)]
pub(super) struct Tables {
    pub(super) exp: Range<usize>,
    pub(super) gelu: Range<usize>,
    pub(super) gelu_tanh: Range<usize>,
    pub(super) rope: Range<usize>,
    pub(super) rsqrt: Range<usize>,
    pub(super) sigmoid: Range<usize>,
}

/// Finds the tensors of every operator; refuses missing, misshapen and unused ones.
pub(super) fn bind(artifact: &Artifact) -> Result<(Vec<Binding>, Tables), ArtifactError> {
    let manifest = artifact.manifest();
    let program = &manifest.program;
    let reads_tokens = program.input().is_none();
    let mut binder = Binder { artifact, used: BTreeSet::from([MANIFEST]), rows: 0 };
    if reads_tokens {
        binder.used.insert(TOKENIZER);
    }
    let mut tables = Tables::default();
    let mut bindings = Vec::with_capacity(program.operators.len());
    for operator in &program.operators {
        let mut binding = Binding::default();
        let width = |id: ValueId| program.values[id.index()].width;
        match operator.signature().parameters {
            ParameterSpec::Bias { name, value } => {
                binding.bias = binder.tensor(name, Element::I32, &[u64::from(width(value))])?;
            }
            ParameterSpec::None => {}
            ParameterSpec::Norm { gain, width: of } => {
                let width = match of {
                    GainWidth::Head(head_dim) => head_dim,
                    GainWidth::Row(value) => width(value),
                };
                binding.gain = binder.tensor(gain, Element::I16, &[u64::from(width)])?;
                binder.rsqrt(&mut tables)?;
            }
            ParameterSpec::Product { name, input, output } => {
                let matrix = binder.matrix(name, width(output), input, Some(output))?;
                binding.matrix = Some(matrix);
            }
            ParameterSpec::Rotations { head_dim } => {
                let shape = [u64::from(manifest.context), u64::from(head_dim / 2), 2];
                binder.rope(&mut tables, &shape)?;
            }
            ParameterSpec::Rows { name, count, output } => {
                let rows = match count {
                    RowsOf::Context => manifest.context,
                    RowsOf::Vocabulary => manifest.vocabulary,
                };
                binding.matrix = Some(binder.matrix(name, rows, output, None)?);
            }
            ParameterSpec::Table(TableKind::Exp) => binder.exp(&mut tables)?,
            ParameterSpec::Table(TableKind::Gelu(Gelu::Exact)) => {
                tables.gelu = binder.tensor("table.gelu", Element::U16, &[1 << 16])?;
            }
            ParameterSpec::Table(TableKind::Gelu(Gelu::Tanh)) => {
                tables.gelu_tanh = binder.tensor("table.gelu_tanh", Element::U16, &[1 << 16])?;
            }
            ParameterSpec::Table(TableKind::Sigmoid) => {
                tables.sigmoid = binder.tensor("table.sigmoid", Element::U16, &[1 << 16])?;
            }
        }
        bindings.push(binding);
    }
    // Tokens are drawn from the scores of tokens.
    if let Some(id) = program.logits.filter(|_| reads_tokens) {
        binder.exp(&mut tables)?;
        let got = u64::from(program.values[id.index()].width);
        let vocabulary = u64::from(manifest.vocabulary);
        if got != vocabulary {
            let (min, max) = (got, got);
            return Err(ArtifactError::Field { field: "vocabulary", got: vocabulary, min, max });
        }
    }
    match artifact.tensors().keys().find(|name| !binder.used.contains(name.as_str())) {
        Some(name) => Err(ArtifactError::UnusedTensor { name: name.clone() }),
        None => Ok((bindings, tables)),
    }
}

struct Binder<'a> {
    artifact: &'a Artifact,
    used: BTreeSet<&'a str>,
    /// Rows of the matrices so far, each of which has a shift in memory for each of its uses.
    rows: u64,
}

impl Binder<'_> {
    fn tensor(
        &mut self,
        name: &str,
        element: Element,
        shape: &[u64],
    ) -> Result<Range<usize>, ArtifactError> {
        let Some((name, info)) = self.artifact.tensors().get_key_value(name) else {
            return Err(ArtifactError::MissingTensor { name: name.to_owned() });
        };
        if info.element != element || info.shape != shape {
            return Err(ArtifactError::Tensor {
                name: name.clone(),
                expected: format!("{element:?} {shape:?}"),
                got: info.to_string(),
            });
        }
        self.used.insert(name);
        let range = info.range();
        let aligned = match element {
            Element::I32 => bytemuck::try_cast_slice::<u8, i32>(self.bytes(&range)).is_ok(),
            Element::I16 => bytemuck::try_cast_slice::<u8, i16>(self.bytes(&range)).is_ok(),
            Element::U16 => bytemuck::try_cast_slice::<u8, u16>(self.bytes(&range)).is_ok(),
            Element::I8 | Element::U8 => true,
        };
        if aligned { Ok(range) } else { Err(ArtifactError::Alignment) }
    }

    /// A matrix `name` of `rows` rows; with an `output`, the other value is the input of a product.
    fn matrix(
        &mut self,
        name: &str,
        rows: u32,
        value: ValueId,
        output: Option<ValueId>,
    ) -> Result<Matrix, ArtifactError> {
        let program = &self.artifact.manifest().program;
        let input = program.values[value.index()];
        let (rows, columns) = (rows as usize, input.width as usize);
        let exponent_bytes = WeightMatrix::exponent_bytes(columns) as u64;
        let (n, k) = (rows as u64, columns as u64);
        let values = self.tensor(&format!("{name}.values"), Element::I8, &[n, k])?;
        let exponents =
            self.tensor(&format!("{name}.exponents"), Element::U8, &[n, exponent_bytes])?;
        let row_bits = self.tensor(&format!("{name}.row_bits"), Element::I8, &[n])?;
        self.rows += n;
        entry_limit("the rows of all matrices", self.rows, MAX_ROWS)?;
        let mut shifts = vec![WeightMatrix::SHIFT_FULL; rows];
        if let Some(output) = output {
            let scale = i32::from(input.bits) - i32::from(program.values[output.index()].bits);
            let row_bits: &[i8] = bytemuck::cast_slice(self.bytes(&row_bits));
            for (row, (shift, bits)) in shifts.iter_mut().zip(row_bits).enumerate() {
                let (min, max) = (WeightMatrix::SHIFT_MIN, WeightMatrix::SHIFT_MAX);
                let got = scale + i32::from(*bits);
                *shift = u8::try_from(got)
                    .ok()
                    .filter(|got| (min..=max).contains(got))
                    .ok_or_else(|| ArtifactError::Weight {
                        name: name.to_owned(),
                        source: KernelError::Shift { row, got: got.clamp(0, 255) as u8, min, max },
                    })?;
            }
        }
        let name = name.to_owned();
        Ok(Matrix { name, rows, columns, values, exponents, row_bits, shifts })
    }

    /// The bounds of the attention kernel and the sampler: no entry above `2^15`, which is the
    /// first.
    fn exp(&mut self, tables: &mut Tables) -> Result<(), ArtifactError> {
        let range = self.tensor("table.exp", Element::U16, &[1 << 16])?;
        if range != tables.exp {
            let entries: &[u16] = bytemuck::cast_slice(self.bytes(&range));
            let largest = entries.iter().copied().max().unwrap_or(0);
            entry_limit("the largest entry of table.exp", u64::from(largest), EXP_ONE.into())?;
            let got = u64::from(entries.first().copied().unwrap_or(0));
            let expected = u64::from(EXP_ONE);
            if got != expected {
                return Err(ArtifactError::Entry { table: "table.exp", got, expected });
            }
            tables.exp = range;
        }
        Ok(())
    }

    /// The bound of the norm kernel: no entry above `2^15`.
    fn rsqrt(&mut self, tables: &mut Tables) -> Result<(), ArtifactError> {
        let range = self.tensor("table.rsqrt", Element::U16, &[3 * RSQRT_START as u64])?;
        if range != tables.rsqrt {
            let entries: &[u16] = bytemuck::cast_slice(self.bytes(&range));
            let largest = entries.iter().copied().max().unwrap_or(0);
            entry_limit("the largest entry of table.rsqrt", u64::from(largest), EXP_ONE.into())?;
            tables.rsqrt = range;
        }
        Ok(())
    }

    /// The bound of the rotation kernel: no entry beyond `2^14`.
    fn rope(&mut self, tables: &mut Tables, shape: &[u64]) -> Result<(), ArtifactError> {
        let range = self.tensor("table.rope", Element::I16, shape)?;
        if range != tables.rope {
            let entries: &[i16] = bytemuck::cast_slice(self.bytes(&range));
            let largest = entries.iter().map(|entry| entry.unsigned_abs()).max().unwrap_or(0);
            entry_limit("the largest entry of table.rope", u64::from(largest), 1 << ROTATION_BITS)?;
            tables.rope = range;
        }
        Ok(())
    }

    fn bytes(&self, range: &Range<usize>) -> &[u8] {
        &self.artifact.bytes()[range.clone()]
    }
}

const fn entry_limit(what: &'static str, got: u64, max: u64) -> Result<(), ArtifactError> {
    if got > max {
        return Err(ArtifactError::TooLarge { what, got, max });
    }
    Ok(())
}

/// Most rows of all matrices together; a matrix counts as often as the program uses it.
const MAX_ROWS: u64 = 1 << 27;
