//! A model that is ready to run: an artifact whose program is bound to its tensors.

mod bind;
mod network;
#[cfg(any(test, feature = "test-utils"))]
mod perceptron;
#[cfg(any(test, feature = "test-utils"))]
mod synthetic;
#[cfg(any(test, feature = "test-utils"))]
mod two_readers;

#[cfg(test)]
mod tests;

use lazai_api_types::{ModelId, WorkOverflow};

use crate::{
    artifact::{Artifact, ArtifactError, Manifest},
    kernel::Threads,
    program::{Target, WorkRule},
    tokenizer::Tokenizer,
};

pub use network::{Network, Parameters, TableEntries, Weights};
#[cfg(any(test, feature = "test-utils"))]
pub use perceptron::synthetic_perceptron;
#[cfg(any(test, feature = "test-utils"))]
pub use synthetic::{synthetic, synthetic_transformer};
#[cfg(any(test, feature = "test-utils"))]
pub use two_readers::synthetic_two_readers;

/// A model that is ready to run.
#[derive(Debug)]
pub struct Model {
    network: Network,
    tokenizer: Tokenizer,
    logits_work: WorkRule,
    embedding_work: WorkRule,
}

impl Model {
    /// Tokens of one step of reading a prompt. It bounds memory and changes no result.
    pub const STEP_TOKENS: usize = 256;

    /// Loads the model `expected`: hashes the artifact, checks every bound that the kernels rely
    /// on, and binds its program.
    ///
    /// Reads all bytes. An artifact of another identity is refused before anything else is read.
    ///
    /// # Errors
    /// [`ArtifactError`] if the artifact is another model, or malformed.
    pub fn load(
        artifact: Artifact,
        expected: ModelId,
        threads: &Threads,
    ) -> Result<Self, ArtifactError> {
        Self::new(Network::load(artifact, expected, threads)?)
    }

    /// Loads whatever model the artifact is, with the checks of [`load`](Self::load).
    ///
    /// It is safe to run, but may be any model: compare [`id`](Self::id) with the one that was
    /// meant.
    ///
    /// # Errors
    /// [`ArtifactError`] if the artifact is malformed.
    pub fn load_untrusted(artifact: Artifact, threads: &Threads) -> Result<Self, ArtifactError> {
        Self::new(Network::load_untrusted(artifact, threads)?)
    }

    /// Binds an artifact that this machine verified before as `id`, without reading its weights
    /// again.
    ///
    /// The caller vouches that [`Model::load`] accepted the same bytes with this identity.
    ///
    /// # Errors
    /// [`ArtifactError`] if the artifact is malformed.
    pub fn load_verified(artifact: Artifact, id: ModelId) -> Result<Self, ArtifactError> {
        Self::new(Network::bind(artifact, id)?)
    }

    /// Reads the tokenizer of a network and becomes its model.
    ///
    /// # Errors
    /// [`ArtifactError::ReadsTensor`] if the network reads a tensor and not tokens, and
    /// [`ArtifactError::Tokenizer`] or [`ArtifactError::MissingTensor`] if its tokenizer is
    /// malformed or absent.
    pub fn new(network: Network) -> Result<Self, ArtifactError> {
        let program = network.program();
        if program.input().is_some() {
            return Err(ArtifactError::ReadsTensor);
        }
        let vocabulary = network.manifest().vocabulary;
        let tokenizer = Tokenizer::new(network.artifact().tokenizer()?, vocabulary)
            .map_err(|error| ArtifactError::Tokenizer { message: error.to_string() })?;
        let work = |target| {
            WorkRule::new(program, target).map_err(|WorkOverflow| ArtifactError::TooLarge {
                what: "the work of a token",
                got: u64::MAX,
                max: u64::MAX,
            })
        };
        let (logits_work, embedding_work) = (work(Target::Logits)?, work(Target::Embedding)?);
        Ok(Self { network, tokenizer, logits_work, embedding_work })
    }

    /// Returns the program and its parameters.
    #[must_use]
    pub const fn network(&self) -> &Network {
        &self.network
    }

    /// Returns the identity: the Merkle root over the artifact.
    #[must_use]
    pub const fn id(&self) -> ModelId {
        self.network.id()
    }

    /// Returns the manifest: what the model is and computes.
    #[must_use]
    pub const fn manifest(&self) -> &Manifest {
        self.network.manifest()
    }

    /// Returns the artifact behind the model.
    #[must_use]
    pub const fn artifact(&self) -> &Artifact {
        self.network.artifact()
    }

    /// Returns the tokenizer of the model.
    #[must_use]
    pub const fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// Returns whether the program computes `target`.
    #[must_use]
    pub const fn supports(&self, target: Target) -> bool {
        self.manifest().program.output(target).is_some()
    }

    /// Returns the operations of `target`.
    #[must_use]
    pub const fn work_rule(&self, target: Target) -> &WorkRule {
        match target {
            Target::Embedding => &self.embedding_work,
            Target::Logits => &self.logits_work,
        }
    }

    /// Computes the bytes that a sequence of `positions` positions needs at most at one time, as
    /// [`Program::peak_bytes`](crate::program::Program::peak_bytes) counts them.
    ///
    /// # Errors
    /// [`WorkOverflow`] if they exceed 64 bits.
    pub fn peak_bytes(&self, target: Target, positions: u64) -> Result<u64, WorkOverflow> {
        self.manifest().program.peak_bytes(target, positions, Self::STEP_TOKENS as u64)
    }
}
