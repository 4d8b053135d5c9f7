//! The model artifact: one canonical file that holds program, tables, weights and tokenizer.
//!
//! The file is a safetensors container, so common tools can open it. Every byte of it is fixed by
//! its content: tensors lie in one order, the header is written one way, and a file that says the
//! same in another way is refused. The Merkle root over the bytes is the [`ModelId`].

mod builder;
mod bytes;
mod container;
mod error;
mod held_file;
mod manifest;
mod merkle;

#[cfg(test)]
mod tests;

pub use builder::ArtifactBuilder;
pub use bytes::ArtifactBytes;
pub use container::{Element, TensorInfo};
pub use error::ArtifactError;
pub(crate) use held_file::{MANIFEST, TOKENIZER};
pub use manifest::{Manifest, SPEC_VERSION};
pub use merkle::{LEAF_BYTES, model_id};

use std::{collections::BTreeMap, path::Path};

use lazai_api_types::ModelId;

use self::{bytes::AlignedBytes, held_file::held_file};
use crate::kernel::Threads;

/// An opened artifact: its structure is checked, its content is not yet hashed.
#[derive(Debug)]
pub struct Artifact {
    bytes: AlignedBytes,
    manifest: Manifest,
    tensors: BTreeMap<String, TensorInfo>,
}

impl Artifact {
    /// Maps a file into memory and reads its header; the cost does not depend on the size of the
    /// weights.
    ///
    /// # Errors
    /// [`ArtifactError::Io`] if the file cannot be mapped, and as [`Artifact::new`].
    pub fn open(path: &Path) -> Result<Self, ArtifactError> {
        Self::new(ArtifactBytes::map(path)?)
    }

    /// Reads the header of an artifact in memory. Bytes that do not start at a multiple of eight
    /// are copied to where they do.
    ///
    /// # Errors
    /// [`ArtifactError`] if the container or its manifest is not in canonical form.
    pub fn new(bytes: ArtifactBytes) -> Result<Self, ArtifactError> {
        let tensors = container::read(bytes.as_slice())?;
        let manifest = Manifest::read(&bytes.as_slice()[held_file(&tensors, MANIFEST)?])?;
        Ok(Self { bytes: AlignedBytes::new(bytes), manifest, tensors })
    }

    /// Returns the manifest: what the model is and computes.
    #[must_use]
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Returns every tensor by its name.
    #[must_use]
    pub const fn tensors(&self) -> &BTreeMap<String, TensorInfo> {
        &self.tensors
    }

    /// Returns the whole file.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.bytes.as_slice()
    }

    /// Returns the `tokenizer.json` of the model.
    ///
    /// # Errors
    /// [`ArtifactError::MissingTensor`] if there is none, [`ArtifactError::Tensor`] if it is not a
    /// row of bytes.
    pub fn tokenizer(&self) -> Result<&[u8], ArtifactError> {
        Ok(&self.bytes()[held_file(&self.tensors, TOKENIZER)?])
    }

    /// Counts weights, gains and biases; what only scales or refines them, and tables, are not
    /// counted.
    #[must_use]
    pub fn parameters(&self) -> u64 {
        let counts = |(name, info): &(&String, &TensorInfo)| match info.element {
            Element::I8 => name.ends_with(".values") && !name.ends_with(".rest.values"),
            Element::I16 => !name.starts_with("table.") && *name != "unit",
            Element::I32 => true,
            Element::U16 | Element::U8 => false,
        };
        let elements = |(_, info): (&String, &TensorInfo)| info.shape.iter().product::<u64>();
        self.tensors.iter().filter(counts).map(elements).sum()
    }

    /// Computes the Merkle root over the bytes; reads all of them.
    #[must_use]
    pub fn id(&self, threads: &Threads) -> ModelId {
        model_id(self.bytes(), threads)
    }
}
