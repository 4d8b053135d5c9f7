//! Artifacts and checkpoints by their path.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::Path,
};

use lazai_coprocessor::{artifact::Artifact, kernel::Threads, model::Model};
use lazai_models::{
    gguf::download_problem,
    reference::{Checkpoint, OpenOptions},
};

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
        let metadata = fs::metadata(path).map_err(|error| match hub_name(path) {
            Some((name, folder)) if error.kind() == io::ErrorKind::NotFound => {
                Error::Hub { name, folder }
            }
            _ => Error::reading(path)(error),
        })?;
        if metadata.is_dir() {
            return Ok(Self::Folder);
        }
        let mut start = Vec::new();
        let file = File::open(path).map_err(Error::reading(path))?;
        file.take(16).read_to_end(&mut start).map_err(Error::reading(path))?;
        if let Some(problem) = download_problem(&start) {
            return Err(Error::Download { path: path.to_owned(), problem });
        }
        Ok(if start.starts_with(b"GGUF") { Self::Gguf } else { Self::Artifact })
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Artifact => "artifact",
            Self::Folder => "folder",
            Self::Gguf => "gguf",
        }
    }
}

/// Returns the name of a model on the hub of Hugging Face that a path may be meant as, and a name
/// for its folder.
fn hub_name(path: &Path) -> Option<(String, String)> {
    let text = path.to_str()?;
    let (owner, name) = text.split_once('/')?;
    let plain = |part: &str| {
        let letter = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        !part.is_empty() && !part.starts_with('.') && part.chars().all(letter)
    };
    let file = [".gguf", ".safetensors", ".lzm", ".json"].iter().any(|end| name.ends_with(end));
    (plain(owner) && plain(name) && !file && !Path::new(owner).exists())
        .then(|| (text.to_owned(), name.to_owned()))
}

/// Loads an artifact: hashes it, and checks every bound.
pub(crate) fn model(path: &Path, threads: &Threads) -> Result<Model, Error> {
    if Kind::of(path)? != Kind::Artifact {
        return Err(Error::ArtifactExpected { path: path.to_owned() });
    }
    let artifact = Artifact::open(path).map_err(Error::artifact(path))?;
    Model::load_untrusted(artifact, threads).map_err(Error::artifact(path))
}

/// Opens a checkpoint as it says; no weight is read.
pub(crate) fn checkpoint(path: &Path) -> Result<Checkpoint, Error> {
    checkpoint_with(path, &OpenOptions::default())
}

/// Opens a checkpoint; no weight is read.
pub(crate) fn checkpoint_with(path: &Path, options: &OpenOptions<'_>) -> Result<Checkpoint, Error> {
    if Kind::of(path)? == Kind::Artifact {
        return Err(Error::CheckpointExpected { path: path.to_owned() });
    }
    Checkpoint::open_with(path, options).map_err(Error::checkpoint(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_hub_are_known() {
        let name = |text: &str| hub_name(Path::new(text)).map(|(_, folder)| folder);
        assert_eq!(name("meta-llama/Llama-3.2-1B").as_deref(), Some("Llama-3.2-1B"));
        for path in ["./a/b", "/a/b", "a", "a/b/c", "src/nowhere", "a/model.gguf", "a b/c"] {
            assert_eq!(name(path), None, "{path}");
        }
    }
}
