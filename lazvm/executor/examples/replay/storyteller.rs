use core::error::Error;
use std::sync::Arc;

use lazai_api_types::{Coprocessor, ModelId};
use lazai_coprocessor::{
    Cpu,
    artifact::{Artifact, ArtifactBytes},
    kernel::Threads,
    model::Model,
};

/// Loads the model of `examples/storyteller`, and returns a device with `threads` threads that runs
/// it.
///
/// The answers do not depend on the number of threads.
pub(crate) fn storyteller(
    threads: usize,
) -> Result<(Arc<dyn Coprocessor>, ModelId), Box<dyn Error>> {
    let threads = Threads::new(threads)?;
    let model =
        Model::load_untrusted(Artifact::new(ArtifactBytes::Static(STORYTELLER))?, &threads)?;
    let id = model.id();
    Ok((Arc::new(Cpu::builder().threads(threads).model(model).build()?), id))
}

static STORYTELLER: &[u8] =
    include_bytes!("../../../../examples/storyteller/model/storyteller.safetensors");
