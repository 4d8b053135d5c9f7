//! The models that are measured.

use lazai_api_types::ModelId;
use lazai_coprocessor::{
    Cpu,
    artifact::{Artifact, ArtifactBytes},
    kernel::Threads,
    model::synthetic,
    program::LlamaShape,
};

use crate::error::Error;

/// A device with one model, and what it is called.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) name: &'static str,
    pub(crate) device: Cpu,
    pub(crate) id: ModelId,
}

/// Loads the shipped model.
pub(crate) fn storyteller(threads: &Threads) -> Result<Loaded, Error> {
    load("storyteller", Artifact::new(ArtifactBytes::Static(STORYTELLER))?, threads)
}

/// Makes a model of random weights, of `layers` layers of a 110M Llama: its matrices are as wide as
/// those of models that people have, and do not fit into a cache.
pub(crate) fn random(layers: usize, threads: &Threads) -> Result<Loaded, Error> {
    let shape = LlamaShape {
        vocabulary: 8_192,
        hidden: 768,
        intermediate: 2_048,
        heads: 12,
        kv_heads: 12,
        head_dim: 64,
        tied: false,
    };
    let bytes = synthetic(&shape, layers, 512, 1)?.to_bytes()?;
    load("random", Artifact::new(ArtifactBytes::Owned(bytes))?, threads)
}

fn load(name: &'static str, artifact: Artifact, threads: &Threads) -> Result<Loaded, Error> {
    let device = Cpu::builder().threads(threads.clone()).load(artifact)?.build()?;
    let id = device.models().next().unwrap_or_default();
    Ok(Loaded { name, device, id })
}

/// The model of `examples/storyteller`.
static STORYTELLER: &[u8] = include_bytes!("../../storyteller/model/storyteller.safetensors");
