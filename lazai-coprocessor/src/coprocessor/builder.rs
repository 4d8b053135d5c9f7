use std::{collections::BTreeMap, path::Path, sync::Arc};

use super::Cpu;
use crate::{
    artifact::{Artifact, ArtifactError},
    kernel::{Backend, KernelError, Threads},
    model::Model,
};

impl Cpu {
    /// Starts a builder.
    #[must_use]
    pub fn builder() -> CpuBuilder {
        CpuBuilder::default()
    }

    /// Loads the model of an artifact file, to run on all cores.
    ///
    /// [`models`](Self::models) tells its id, which should be the one that was meant.
    ///
    /// # Errors
    /// [`OpenError`] if the file cannot be mapped or is no model, or if no threads can be started.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        Ok(Self::builder().threads(Threads::new(0)?).open(path)?.build()?)
    }
}

/// Chooses how a [`Cpu`] runs, and which models.
#[derive(Debug, Default)]
pub struct CpuBuilder {
    backend: Option<Backend>,
    threads: Option<Threads>,
    models: BTreeMap<lazai_api_types::ModelId, Arc<Model>>,
}

impl CpuBuilder {
    /// Uses these instructions instead of the fastest of this processor.
    #[must_use]
    pub const fn backend(mut self, backend: Backend) -> Self {
        self.backend = Some(backend);
        self
    }

    /// Uses this pool instead of the caller's thread.
    #[must_use]
    #[cfg_attr(
        not(feature = "parallel"),
        allow(clippy::missing_const_for_fn, reason = "not const with the feature `parallel`")
    )]
    pub fn threads(mut self, threads: Threads) -> Self {
        self.threads = Some(threads);
        self
    }

    /// Adds a model.
    #[must_use]
    pub fn model(mut self, model: Model) -> Self {
        self.models.insert(model.id(), Arc::new(model));
        self
    }

    /// Loads the model of an artifact file, as [`load`](Self::load).
    ///
    /// # Errors
    /// [`ArtifactError`] if the file cannot be mapped or is no model.
    pub fn open(self, path: impl AsRef<Path>) -> Result<Self, ArtifactError> {
        self.load(Artifact::open(path.as_ref())?)
    }

    /// Loads whatever model `artifact` is, on the threads chosen so far, by
    /// [`Model::load_untrusted`].
    ///
    /// # Errors
    /// [`ArtifactError`] if it is no model.
    pub fn load(self, artifact: Artifact) -> Result<Self, ArtifactError> {
        let threads = self.threads.clone().unwrap_or_default();
        Ok(self.model(Model::load_untrusted(artifact, &threads)?))
    }

    /// Returns the coprocessor.
    ///
    /// # Errors
    /// [`KernelError::BackendUnavailable`] if this processor lacks the instructions asked for.
    pub fn build(self) -> Result<Cpu, KernelError> {
        let backend = self.backend.unwrap_or_else(Backend::detect).require()?;
        let threads = self.threads.unwrap_or_default();
        Ok(Cpu { backend, threads, models: self.models })
    }
}

/// Why a coprocessor was not made from a file.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file is no model.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// This machine cannot run kernels as asked.
    #[error(transparent)]
    Kernel(#[from] KernelError),
}
