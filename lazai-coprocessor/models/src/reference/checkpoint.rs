use std::{collections::BTreeMap, path::Path};

use lazai_coprocessor::architecture::{Architecture, Pooling};

use super::{Config, ReferenceError, TensorSource, folder, gguf, weights::WeightMapping};
use crate::gguf::Gguf;

/// An opened checkpoint, with every tensor's presence and shape checked.
///
/// Weights stay on disk until they are asked for.
#[derive(Debug)]
pub struct Checkpoint {
    architecture: Architecture,
    mappings: BTreeMap<String, WeightMapping>,
    source: Box<dyn TensorSource>,
}

impl Checkpoint {
    /// Opens a GGUF file, or a Hugging Face folder with `config.json`, and `model.safetensors` or
    /// the files of its index.
    ///
    /// The cost is that of the headers: no weight is read.
    ///
    /// # Errors
    /// [`ReferenceError`], which names the field or tensor, if a file is absent, too large, cut or
    /// malformed, or if the tensors are not those of the configuration.
    pub fn open(path: &Path) -> Result<Self, ReferenceError> {
        if path.is_file() { Self::open_gguf(path) } else { Self::open_folder(path) }
    }

    fn open_gguf(path: &Path) -> Result<Self, ReferenceError> {
        let file = Gguf::open(path)?;
        let (architecture, mappings) = gguf::describe(&file)?;
        Self::new(architecture, mappings, Box::new(file), gguf::is_redundant)
    }

    fn open_folder(folder: &Path) -> Result<Self, ReferenceError> {
        let mut config = Config::from_json(&folder::read_config(folder)?)?;
        if let Some(pooling) = folder::read_pooling(folder)? {
            config.architecture.pooling = pooling;
        }
        let source = Box::new(folder::Tensors::open(folder)?);
        let names = source.names();
        let rules = config.family.rules();
        let prefixed = names.iter().any(|name| name.starts_with(rules.prefix()));
        let mappings = config.mappings(prefixed);
        Self::new(config.architecture, mappings, source, |name| rules.is_redundant(name))
    }

    /// Checks that `source` holds the tensors of the architecture, and no others but redundant
    /// ones.
    pub(super) fn new(
        architecture: Architecture,
        mappings: BTreeMap<String, WeightMapping>,
        source: Box<dyn TensorSource>,
        is_redundant: impl Fn(&str) -> bool,
    ) -> Result<Self, ReferenceError> {
        let mut expected = BTreeMap::new();
        for (tensor, shape) in mappings.values().flat_map(WeightMapping::sources) {
            let got = source.shape(&tensor)?;
            if got != shape {
                return Err(ReferenceError::Shape { tensor, expected: shape, got });
            }
            expected.insert(tensor, ());
        }
        let unknown = |name: &&String| !expected.contains_key(*name) && !is_redundant(name);
        if let Some(name) = source.names().iter().find(unknown) {
            let tensor = name.chars().take(64).collect();
            return Err(ReferenceError::UnexpectedTensor { tensor });
        }
        Ok(Self { architecture, mappings, source })
    }

    /// Pools the rows of a text in another way than the checkpoint says.
    #[must_use]
    pub const fn with_pooling(mut self, pooling: Pooling) -> Self {
        self.architecture.pooling = pooling;
        self
    }

    /// Returns the shape of the network.
    #[must_use]
    pub const fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// Reads a weight that [`Architecture::tensors`] names.
    ///
    /// # Errors
    /// [`ReferenceError::MissingTensor`] if there is no such weight,
    /// [`ReferenceError::NotFinite`] if an element is infinite or not a number,
    /// [`ReferenceError::Io`] if the file cannot be read.
    pub fn tensor(&self, name: &str) -> Result<Vec<f32>, ReferenceError> {
        let missing = || ReferenceError::MissingTensor { tensor: name.to_owned() };
        let mapping = self.mappings.get(name).ok_or_else(missing)?;
        mapping.read(|tensor| self.source.read(tensor))
    }

    /// Reads the `tokenizer.json` of the folder, or converts the tokenizer of the GGUF file to one.
    ///
    /// # Errors
    /// [`ReferenceError::Io`] if the folder has none, [`ReferenceError::FileSize`] if it is larger
    /// than a tokenizer is read.
    pub fn tokenizer_json(&self) -> Result<Vec<u8>, ReferenceError> {
        self.source.tokenizer_json()
    }
}
