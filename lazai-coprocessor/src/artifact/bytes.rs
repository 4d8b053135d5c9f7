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
        // SAFETY: the map is read-only; artifacts are replaced by renaming, never written in place,
        // and the documentation of this function passes the condition on to the operator of the
        // machine.
        let map = unsafe { Mmap::map(&file) }.map_err(error)?;
        Ok(Self::Mapped(map))
    }

    /// Returns all bytes of the file.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Owned(bytes) => bytes,
            Self::Static(bytes) => bytes,
        }
    }
}

/// The bytes of an artifact, where integers can be read in place: tensors lie at multiples of eight
/// from the first byte.
#[derive(Debug)]
pub(super) enum AlignedBytes {
    /// They lay right.
    InPlace(ArtifactBytes),
    /// A copy of bytes that did not, as bytes that are compiled in may stand anywhere.
    Copied { words: Vec<u64>, len: usize },
}

impl AlignedBytes {
    pub(super) fn new(bytes: ArtifactBytes) -> Self {
        let slice = bytes.as_slice();
        if slice.as_ptr().cast::<u64>().is_aligned() {
            return Self::InPlace(bytes);
        }
        let len = slice.len();
        let mut words = vec![0_u64; len.div_ceil(size_of::<u64>())];
        bytemuck::cast_slice_mut::<u64, u8>(&mut words)[..len].copy_from_slice(slice);
        Self::Copied { words, len }
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        match self {
            Self::InPlace(bytes) => bytes.as_slice(),
            Self::Copied { words, len } => &bytemuck::cast_slice(words)[..*len],
        }
    }
}
