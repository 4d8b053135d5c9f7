//! The device that runs the shipped model.

use std::sync::Arc;

use lazai_api_types::ModelId;
use lazai_coprocessor::{
    Cpu,
    artifact::{Artifact, ArtifactBytes, ArtifactError},
    kernel::{KernelError, Threads},
    model::Model,
};

/// Loads the model that the repository ships, and returns a CPU device with `threads` threads that
/// runs it.
///
/// The answers do not depend on the number of threads, so each validator may choose its own.
///
/// # Errors
/// [`DeviceError`] if the artifact is damaged or the processor cannot run it.
pub fn storyteller(threads: usize) -> Result<(Arc<Cpu>, ModelId), DeviceError> {
    let threads = Threads::new(threads)?;
    let artifact = Artifact::new(ArtifactBytes::Static(STORYTELLER))?;
    let model = Model::load_untrusted(artifact, &threads)?;
    let id = model.id();
    Ok((Arc::new(Cpu::builder().threads(threads).model(model).build()?), id))
}

/// Why the shipped model cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// The artifact is damaged.
    #[error("the shipped model cannot be loaded: {0}")]
    Artifact(#[from] ArtifactError),
    /// The processor cannot run the model.
    #[error("the processor cannot run models: {0}")]
    Kernel(#[from] KernelError),
}

/// The model of `examples/storyteller`.
static STORYTELLER: &[u8] = include_bytes!("../../storyteller/model/storyteller.safetensors");
