use std::{collections::BTreeMap, sync::Arc};

use super::Cpu;
use crate::{
    kernel::{Backend, KernelError, Threads},
    model::Model,
};

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

    /// The coprocessor.
    ///
    /// # Errors
    /// [`KernelError::BackendUnavailable`] if this processor lacks the instructions asked for.
    pub fn build(self) -> Result<Cpu, KernelError> {
        let backend = self.backend.unwrap_or_else(Backend::detect).require()?;
        let threads = self.threads.unwrap_or_default();
        Ok(Cpu { backend, threads, models: self.models })
    }
}
