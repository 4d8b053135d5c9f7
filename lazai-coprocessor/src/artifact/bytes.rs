#![allow(unsafe_code)]

use std::{fs::File, path::Path};

use memmap2::Mmap;

use super::ArtifactError;

/// The bytes of an artifact, wherever they are.
#[derive(Debug)]
pub enum ArtifactBytes {
    /// A file mapped into memory; pages are read when they are touched.
    Mapped(Mmap),
    /// Bytes on the heap.
    Owned(Vec<u8>),
    /// Bytes compiled into the program.
    Static(&'static [u8]),
}

impl ArtifactBytes {
    /// Maps a file. While it is mapped, nobody may shorten or change it.
    ///
    /// # Errors
    /// [`ArtifactError::Io`] if the file cannot be opened or mapped.
    pub fn map(path: &Path) -> Result<Self, ArtifactError> {
        let error = |source| ArtifactError::Io { path: path.display().to_string(), source };
        let file = File::open(path).map_err(error)?;
        // SAFETY: the map is read-only; artifacts are replaced by renaming, never written in place, and the
        // documentation of this function passes the condition on to the operator of the machine.
        let map = unsafe { Mmap::map(&file) }.map_err(error)?;
        Ok(Self::Mapped(map))
    }

    /// All bytes.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Owned(bytes) => bytes,
            Self::Static(bytes) => bytes,
        }
    }
}
