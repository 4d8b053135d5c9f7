//! Artifacts and checkpoints by their path.

use std::{
    fs::{self, File},
    io::Read,
    path::Path,
};

use lazai_coprocessor::{artifact::Artifact, kernel::Threads, model::Model};
use lazai_models::reference::Checkpoint;

use crate::error::Error;

/// The kind of model at a path, by a first look.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Artifact,
    Folder,
    Gguf,
}

impl Kind {
    pub(crate) fn of(path: &Path) -> Result<Self, Error> {
        if fs::metadata(path).map_err(Error::reading(path))?.is_dir() {
            return Ok(Self::Folder);
        }
        let mut magic = Vec::new();
        let file = File::open(path).map_err(Error::reading(path))?;
        file.take(4).read_to_end(&mut magic).map_err(Error::reading(path))?;
        Ok(if magic == b"GGUF" { Self::Gguf } else { Self::Artifact })
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Artifact => "artifact",
            Self::Folder => "folder",
            Self::Gguf => "gguf",
        }
    }
}

/// Loads an artifact: hashes it, and checks every bound.
pub(crate) fn model(path: &Path, threads: &Threads) -> Result<Model, Error> {
    if Kind::of(path)? != Kind::Artifact {
        return Err(Error::ArtifactExpected { path: path.to_owned() });
    }
    let artifact = Artifact::open(path).map_err(Error::artifact(path))?;
    Model::load_untrusted(artifact, threads).map_err(Error::artifact(path))
}

/// Opens a checkpoint; no weight is read.
pub(crate) fn checkpoint(path: &Path) -> Result<Checkpoint, Error> {
    if Kind::of(path)? == Kind::Artifact {
        return Err(Error::CheckpointExpected { path: path.to_owned() });
    }
    Checkpoint::open(path).map_err(Error::checkpoint(path))
}
