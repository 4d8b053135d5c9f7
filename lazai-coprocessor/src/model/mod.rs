//! A model that is ready to run: an artifact whose program is bound to its tensors.

mod bind;
mod synthetic;

use lazai_api_types::{ModelId, WorkOverflow};

use crate::{
    artifact::{Artifact, ArtifactError, Manifest},
    kernel::{Threads, WeightMatrix},
    program::{Target, WorkRule},
    tokenizer::Tokenizer,
};

pub(crate) use synthetic::add_tables;
pub use synthetic::{synthetic, synthetic_transformer};

pub(crate) use bind::{Binding, Matrix, Tables};

/// A model that is ready to run.
#[derive(Debug)]
pub struct Model {
    id: ModelId,
    artifact: Artifact,
    tokenizer: Tokenizer,
    bindings: Vec<Binding>,
    tables: Tables,
    logits_work: WorkRule,
    embedding_work: WorkRule,
}

impl Model {
    /// Tokens of one step of reading a prompt. It bounds memory and changes no result.
    pub const STEP_TOKENS: usize = 256;

    /// Hashes an artifact, checks every bound that the kernels rely on, and binds its program.
    ///
    /// Reads all bytes. With `expected`, an artifact of another identity is refused before anything else is read.
    ///
    /// # Errors
    /// [`ArtifactError`] if the artifact is another model, or malformed.
    pub fn load(
        artifact: Artifact,
        expected: Option<ModelId>,
        threads: &Threads,
    ) -> Result<Self, ArtifactError> {
        let got = artifact.id(threads);
        if let Some(expected) = expected.filter(|expected| *expected != got) {
            return Err(ArtifactError::Identity { expected, got });
        }
        let model = Self::bind(artifact, got)?;
        model.validate(threads)?;
        Ok(model)
    }

    /// Binds an artifact that this machine verified before as `id`, without reading its weights again.
    ///
    /// The caller vouches that [`Model::load`] accepted the same bytes with this identity.
    ///
    /// # Errors
    /// [`ArtifactError`] if the artifact is malformed.
    pub fn load_verified(artifact: Artifact, id: ModelId) -> Result<Self, ArtifactError> {
        Self::bind(artifact, id)
    }

    /// The identity: the Merkle root over the artifact.
    #[must_use]
    pub const fn id(&self) -> ModelId {
        self.id
    }

    /// What the model is and computes.
    #[must_use]
    pub const fn manifest(&self) -> &Manifest {
        self.artifact.manifest()
    }

    /// The artifact behind the model.
    #[must_use]
    pub const fn artifact(&self) -> &Artifact {
        &self.artifact
    }

    /// The tokenizer of the model.
    #[must_use]
    pub const fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// Whether the program computes `target`.
    #[must_use]
    pub const fn supports(&self, target: Target) -> bool {
        self.manifest().program.output(target).is_some()
    }

    /// The operations of `target`.
    #[must_use]
    pub const fn work_rule(&self, target: Target) -> &WorkRule {
        match target {
            Target::Embedding => &self.embedding_work,
            Target::Logits => &self.logits_work,
        }
    }

    /// The bytes that a sequence of `positions` positions needs at most at one time, as
    /// [`Program::peak_bytes`](crate::program::Program::peak_bytes) counts them.
    ///
    /// # Errors
    /// [`WorkOverflow`] if they exceed 64 bits.
    pub fn peak_bytes(&self, target: Target, positions: u64) -> Result<u64, WorkOverflow> {
        self.manifest().program.peak_bytes(target, positions, Self::STEP_TOKENS as u64)
    }

    pub(crate) fn binding(&self, operator: usize) -> &Binding {
        &self.bindings[operator]
    }

    pub(crate) const fn tables(&self) -> &Tables {
        &self.tables
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.artifact.bytes()
    }

    fn bind(artifact: Artifact, id: ModelId) -> Result<Self, ArtifactError> {
        let tokenizer = Tokenizer::new(artifact.tokenizer()?, artifact.manifest().vocabulary)
            .map_err(|error| ArtifactError::Tokenizer { message: error.to_string() })?;
        let (bindings, tables) = bind::bind(&artifact)?;
        let program = &artifact.manifest().program;
        let work = |target| {
            WorkRule::new(program, target).map_err(|WorkOverflow| ArtifactError::TooLarge {
                what: "the work of a token",
                got: u64::MAX,
                max: u64::MAX,
            })
        };
        let (logits_work, embedding_work) = (work(Target::Logits)?, work(Target::Embedding)?);
        Ok(Self { id, artifact, tokenizer, bindings, tables, logits_work, embedding_work })
    }

    /// Checks every weight matrix once, in parallel.
    fn validate(&self, threads: &Threads) -> Result<(), ArtifactError> {
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
