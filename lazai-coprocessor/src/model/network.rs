use lazai_api_types::ModelId;

use crate::{
    artifact::{Artifact, ArtifactError, Manifest},
    kernel::{Embedding, KernelError, Norm, Threads, WeightMatrix},
    program::{Operator, ParameterSpec, Program, TableKind},
};

use super::bind::{Binding, Matrix, Tables, bind};

/// A program bound to its parameters: what a [`Model`](super::Model) computes, without its
/// tokenizer.
///
/// A network that reads a tensor instead of tokens is no model; its integers come from a
/// [`Trace`](crate::trace::Trace). Everything in it is checked: the program, the shapes of all
/// parameters, and the bounds of docs/numerics.md, which a reader may rely on.
#[derive(Debug)]
pub struct Network {
    id: ModelId,
    artifact: Artifact,
    bindings: Vec<Binding>,
    tables: Tables,
}

impl Network {
    /// Loads the network `expected`: hashes the artifact, checks every bound that the kernels rely
    /// on, and binds its program.
    ///
    /// Reads all bytes. An artifact of another identity is refused before anything else is read.
    ///
    /// # Errors
    /// [`ArtifactError`] if the artifact is another network, or malformed.
    pub fn load(
        artifact: Artifact,
        expected: ModelId,
        threads: &Threads,
    ) -> Result<Self, ArtifactError> {
        let got = artifact.id(threads);
        if expected != got {
            return Err(ArtifactError::Identity { expected, got });
        }
        Self::validated(artifact, got, threads)
    }

    /// Loads whatever network the artifact is, with the checks of [`load`](Self::load).
    ///
    /// # Errors
    /// [`ArtifactError`] if the artifact is malformed.
    pub fn load_untrusted(artifact: Artifact, threads: &Threads) -> Result<Self, ArtifactError> {
        let id = artifact.id(threads);
        Self::validated(artifact, id, threads)
    }

    fn validated(
        artifact: Artifact,
        id: ModelId,
        threads: &Threads,
    ) -> Result<Self, ArtifactError> {
        let network = Self::bind(artifact, id)?;
        network.validate(threads)?;
        Ok(network)
    }

    /// Binds an artifact whose weights are not read.
    pub(super) fn bind(artifact: Artifact, id: ModelId) -> Result<Self, ArtifactError> {
        let (bindings, tables) = bind(&artifact)?;
        Ok(Self { id, artifact, bindings, tables })
    }

    /// Returns the identity: the Merkle root over the artifact.
    #[must_use]
    pub const fn id(&self) -> ModelId {
        self.id
    }

    /// Returns the artifact behind the network.
    #[must_use]
    pub const fn artifact(&self) -> &Artifact {
        &self.artifact
    }

    /// Returns the manifest: what the network is and computes.
    #[must_use]
    pub const fn manifest(&self) -> &Manifest {
        self.artifact.manifest()
    }

    /// Returns the program: what the network computes.
    #[must_use]
    pub const fn program(&self) -> &Program {
        &self.manifest().program
    }

    /// Returns every operator with its parameters, in the order of the program.
    pub fn operators(&self) -> impl ExactSizeIterator<Item = (&Operator, Parameters<'_>)> {
        let operators = self.program().operators.iter().enumerate();
        operators.map(|(index, operator)| (operator, self.parameters(index)))
    }

    /// Returns the parameters of the operator of this index; none if there is no such operator.
    #[must_use]
    pub fn parameters(&self, operator: usize) -> Parameters<'_> {
        let (program, tables) = (self.program(), self.tables());
        let (Some(binding), Some(operator)) =
            (self.bindings.get(operator), program.operators.get(operator))
        else {
            return Parameters::None;
        };
        let bytes = self.bytes();
        let matrix = |scale: i32| match &binding.matrix {
            Some(matrix) => Parameters::Matrix(Weights { matrix, bytes, scale }),
            None => Parameters::None,
        };
        match operator.signature().parameters {
            ParameterSpec::Bias { .. } => {
                Parameters::Bias(bytemuck::cast_slice(&bytes[binding.bias.clone()]))
            }
            ParameterSpec::None => Parameters::None,
            ParameterSpec::Norm { .. } => {
                let gain = bytemuck::cast_slice(&bytes[binding.gain.clone()]);
                Parameters::Norm { gain, rsqrt: tables.rsqrt }
            }
            ParameterSpec::Product { input, output, .. } => {
                matrix(program.bits(input) - program.bits(output))
            }
            ParameterSpec::Rotations { .. } => Parameters::Rotations(tables.rope),
            ParameterSpec::Rows { output, .. } => matrix(-program.bits(output)),
            ParameterSpec::Table(TableKind::Exp) => Parameters::Table(tables.exp),
            ParameterSpec::Table(TableKind::Gelu(form)) => Parameters::Table(tables.gelu(form)),
            ParameterSpec::Table(TableKind::Sigmoid) => Parameters::Table(tables.sigmoid),
        }
    }

    /// Returns the tables of the nonlinear operators.
    #[must_use]
    pub fn tables(&self) -> TableEntries<'_> {
        let (bytes, tables) = (self.bytes(), &self.tables);
        TableEntries {
            exp: bytemuck::cast_slice(&bytes[tables.exp.clone()]),
            gelu: bytemuck::cast_slice(&bytes[tables.gelu.clone()]),
            gelu_tanh: bytemuck::cast_slice(&bytes[tables.gelu_tanh.clone()]),
            rope: bytemuck::cast_slice(&bytes[tables.rope.clone()]),
            rsqrt: bytemuck::cast_slice(&bytes[tables.rsqrt.clone()]),
            sigmoid: bytemuck::cast_slice(&bytes[tables.sigmoid.clone()]),
        }
    }

    fn bytes(&self) -> &[u8] {
        self.artifact.bytes()
    }

    /// Checks every weight matrix once, in parallel.
    pub(super) fn validate(&self, threads: &Threads) -> Result<(), ArtifactError> {
        let mut matrices: Vec<&Matrix> =
            self.bindings.iter().filter_map(|binding| binding.matrix.as_ref()).collect();
        matrices.sort_by(|left, right| left.name.cmp(&right.name));
        matrices.dedup_by(|left, right| left.name == right.name && left.shifts == right.shifts);
        let mut results: Vec<Result<(), ArtifactError>> = matrices.iter().map(|_| Ok(())).collect();
        threads.for_each(results.iter_mut().zip(matrices).collect(), |(result, matrix)| {
            *result = matrix
                .weight(self.bytes())
                .and_then(|weight: WeightMatrix<'_>| weight.validate())
                .map_err(|source| ArtifactError::Weight { name: matrix.name.clone(), source });
        });
        results.into_iter().collect()
    }
}

/// The parameters of one operator, as the integers of docs/numerics.md.
#[derive(Clone, Copy, Debug)]
pub enum Parameters<'a> {
    /// The added row: `AddBias`.
    Bias(&'a [i32]),
    /// The matrix: `MatMul`, `MatMulAdd`; or the row of each token or position: `Gather`,
    /// `AddPositions`.
    Matrix(Weights<'a>),
    /// Nothing: operators that only move, round, clamp or sum.
    None,
    /// `HeadNorm`, `LayerNorm`, `RmsNorm`.
    Norm {
        /// A factor for each element.
        gain: &'a [i16],
        /// The table `RSQRT`.
        rsqrt: &'a [u16],
    },
    /// The table `ROPE`, `[context, head_dim / 2, 2]`, cosine and sine: `Rope`.
    Rotations(&'a [i16]),
    /// The table that is looked up: `EXP` of `Attention`, `SIGMOID` of `GatedSilu`, `GELU` or
    /// `GELU_TANH` of `Gelu`.
    Table(&'a [u16]),
}

impl<'a> Parameters<'a> {
    /// Returns the added row.
    pub(crate) const fn bias(self) -> Option<&'a [i32]> {
        match self {
            Self::Bias(bias) => Some(bias),
            _ => None,
        }
    }

    /// Returns the matrix.
    pub(crate) const fn matrix(self) -> Option<Weights<'a>> {
        match self {
            Self::Matrix(weights) => Some(weights),
            _ => None,
        }
    }

    /// Returns the constants of a norm.
    pub(crate) fn norm(self, gain_bits: i8, epsilon: u64, output_bits: i32) -> Option<Norm<'a>> {
        let Self::Norm { gain, rsqrt } = self else { return None };
        Some(Norm { gain, gain_bits: gain_bits.into(), epsilon, output_bits, rsqrt })
    }

    /// Returns the table `ROPE`.
    pub(crate) const fn rotations(self) -> Option<&'a [i16]> {
        match self {
            Self::Rotations(table) => Some(table),
            _ => None,
        }
    }

    /// Returns the table that is looked up.
    pub(crate) const fn table(self) -> Option<&'a [u16]> {
        match self {
            Self::Table(table) => Some(table),
            _ => None,
        }
    }
}

/// The tables of a network, each empty if the program does not need it.
#[derive(Clone, Copy, Debug)]
pub struct TableEntries<'a> {
    /// The table `EXP`, 65,536 entries.
    pub exp: &'a [u16],
    /// The table `GELU`, 65,536 entries.
    pub gelu: &'a [u16],
    /// The table `GELU_TANH`, 65,536 entries.
    pub gelu_tanh: &'a [u16],
    /// `ROPE`, `[context, head_dim / 2, 2]`.
    pub rope: &'a [i16],
    /// The table `RSQRT`, 49,152 entries.
    pub rsqrt: &'a [u16],
    /// The table `SIGMOID`, 65,536 entries.
    pub sigmoid: &'a [u16],
}

impl<'a> TableEntries<'a> {
    /// Returns the table of a form of `Gelu`.
    #[must_use]
    pub const fn gelu(&self, form: crate::architecture::Gelu) -> &'a [u16] {
        match form {
            crate::architecture::Gelu::Exact => self.gelu,
            crate::architecture::Gelu::Tanh => self.gelu_tanh,
        }
    }
}

/// A matrix of a network, `[rows, columns]`.
#[derive(Clone, Copy, Debug)]
pub struct Weights<'a> {
    matrix: &'a Matrix,
    bytes: &'a [u8],
    /// What is added to the fraction bits of a row to give its shift.
    scale: i32,
}

impl<'a> Weights<'a> {
    /// Returns the name; operators that name the same matrix share its integers.
    #[must_use]
    pub fn name(&self) -> &'a str {
        &self.matrix.name
    }

    /// Returns the number of rows: one for each column of a product, each token or each position.
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.matrix.rows
    }

    /// Returns the number of elements of a row.
    #[must_use]
    pub const fn columns(&self) -> usize {
        self.matrix.columns
    }

    /// Returns the effective weights `w' = w * 2^e` of a row, each within `±1,016`.
    ///
    /// # Panics
    /// If there are fewer rows.
    pub fn row(&self, row: usize) -> impl ExactSizeIterator<Item = i32> + use<'a> {
        let columns = self.matrix.columns;
        let width = WeightMatrix::exponent_bytes(columns);
        let embedding = self.embedding();
        let exponents = &embedding.exponents[row * width..][..width];
        let values = embedding.values[row * columns..][..columns].iter().enumerate();
        values.map(move |(column, value)| {
            let group = column / WeightMatrix::GROUP;
            i32::from(*value) << (exponents[group / 4] >> (2 * (group % 4)) & 3)
        })
    }

    /// Returns the fraction bits `f_row` of each row.
    #[must_use]
    pub fn row_bits(&self) -> &'a [i8] {
        self.embedding().row_bits
    }

    /// Returns by how many bits the result of a row is rounded: `f_x + f_row - f_y`, from 1 to 31,
    /// of a product, and `f_row - f_y`, which may be negative, of the row of a token or position.
    ///
    /// # Panics
    /// If there are fewer rows.
    #[must_use]
    pub fn shift(&self, row: usize) -> i32 {
        i32::from(self.row_bits()[row]) + self.scale
    }

    /// Returns the operand of the product kernel.
    pub(crate) fn product(&self) -> Result<WeightMatrix<'a>, KernelError> {
        self.matrix.weight(self.bytes)
    }

    /// Returns the operand of the kernels that read rows.
    pub(crate) fn embedding(&self) -> Embedding<'a> {
        self.matrix.embedding(self.bytes)
    }
}
