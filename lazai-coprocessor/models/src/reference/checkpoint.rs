use std::{collections::BTreeMap, path::Path};

use lazai_coprocessor::architecture::{Architecture, Head, Mask, Pooling};

use super::{
    Config, Note, OpenOptions, ReferenceError, folder, gguf,
    gguf_description::describe_gguf,
    limits::MAX_WHOLE_CONTEXT,
    tensor_source::TensorSource,
    weights::{WeightMapping, WeightName},
};
use crate::gguf::Gguf;

/// An opened checkpoint, with every tensor's presence and shape checked.
///
/// Weights stay on disk until they are asked for.
#[derive(Debug)]
pub struct Checkpoint {
    architecture: Architecture,
    context: u32,
    mappings: BTreeMap<String, WeightMapping>,
    source: Box<dyn TensorSource>,
    notes: Vec<Note>,
}

impl Checkpoint {
    /// Opens a GGUF file, or a Hugging Face folder with `config.json`, and `model.safetensors` or
    /// the files of its index.
    ///
    /// The cost is that of the headers: no weight is read, but a head that is said to be the
    /// embedding and is stored beside it.
    ///
    /// # Errors
    /// [`ReferenceError`], which names the file, field or tensor, if a file is absent, too large,
    /// cut or malformed, if the tensors are not those of the configuration, or if a file that the
    /// checkpoint's own tools read asks for what is not implemented.
    pub fn open(path: &Path) -> Result<Self, ReferenceError> {
        Self::open_with(path, &OpenOptions::default())
    }

    /// Opens the same with options.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_with(path: &Path, options: &OpenOptions<'_>) -> Result<Self, ReferenceError> {
        let mut checkpoint = if path.is_file() {
            Self::open_gguf(path, options)?
        } else {
            Self::open_folder(path, options)?
        };
        let Architecture { pooling, mask, .. } = checkpoint.architecture;
        if pooling == Pooling::First && mask == Mask::Causal {
            checkpoint.embed_first();
        }
        Ok(checkpoint)
    }

    /// Leaves the scores out: only a text that is read at once keeps its first row.
    fn embed_first(&mut self) {
        self.architecture.head = Head::None;
        self.architecture.end_tokens.clear();
        self.architecture.context = self.architecture.context.min(MAX_WHOLE_CONTEXT);
        self.context = self.context.min(MAX_WHOLE_CONTEXT);
        self.notes.push(Note::FirstRow);
    }

    fn open_gguf(path: &Path, options: &OpenOptions<'_>) -> Result<Self, ReferenceError> {
        let file = Gguf::open(path)?;
        let (architecture, mappings, notes) = describe_gguf(&file, options)?;
        let redundant = |name: &str, shape: &Architecture| gguf::is_redundant(name, shape);
        Self::new(architecture, mappings, Box::new(file), redundant, notes)
    }

    fn open_folder(folder: &Path, options: &OpenOptions<'_>) -> Result<Self, ReferenceError> {
        let file = folder::read_config(folder)?;
        let mut config = Config::from_map_of(options.families, &file)?;
        let rules = config.family.rules();
        let Architecture { vocabulary, context, .. } = config.architecture;
        let settings = folder::read_settings(folder, &file, vocabulary, context, options.pooling)?;
        let architecture = &mut config.architecture;
        architecture.pooling = settings.pooling.unwrap_or(architecture.pooling);
        if let Some(end_tokens) = settings.end_tokens.filter(|_| architecture.head != Head::None) {
            architecture.end_tokens = end_tokens;
        }
        let generates = architecture.head != Head::None;
        let matters = |note: &Note| generates || !matches!(note, Note::Choices { .. });
        config.notes.extend(settings.notes.into_iter().filter(matters));
        let source = Box::new(folder::Tensors::open(folder, |name| rules.rename(name))?);
        let names = source.names();
        let prefixed = names.iter().any(|name| name.starts_with(rules.prefix()));
        let prefix = if prefixed { rules.prefix() } else { "" };
        let (head, _) = rules.map_weight(&config, &WeightName::HEAD, prefix);
        let has_head = names.binary_search(&head).is_ok();
        match config.architecture.head {
            // `transformers` takes the stored head, whatever the configuration says.
            Head::Tied if has_head => {
                let (embedding, _) = rules.map_weight(&config, &WeightName::EMBEDDING, prefix);
                if !source.same(&head, &embedding)? {
                    config.architecture.head = Head::Own;
                    config.notes.push(Note::OwnHead { tensor: head });
                }
            }
            // Saved without what was added for a task, it only embeds.
            Head::Own if !has_head && !prefixed => {
                config.architecture.head = Head::None;
                config.architecture.end_tokens.clear();
                config.notes.push(Note::NoHead);
            }
            _ => {}
        }
        let mappings = config.mappings(prefix);
        let redundant = |name: &str, _: &Architecture| rules.is_redundant(name);
        let opened = Self::new(config.architecture, mappings, source, redundant, config.notes)?;
        Ok(Self { context: settings.length.unwrap_or(opened.context), ..opened })
    }

    /// Checks that `source` holds the tensors of the architecture, and no others but redundant
    /// ones.
    fn new(
        architecture: Architecture,
        mappings: BTreeMap<String, WeightMapping>,
        source: Box<dyn TensorSource>,
        is_redundant: impl Fn(&str, &Architecture) -> bool,
        notes: Vec<Note>,
    ) -> Result<Self, ReferenceError> {
        let mut expected = BTreeMap::new();
        for (tensor, shape) in mappings.values().flat_map(WeightMapping::sources) {
            let got = source.shape(&tensor, shape.len())?;
            if got != shape {
                return Err(ReferenceError::Shape { tensor, expected: shape, got });
            }
            expected.insert(tensor, ());
        }
        let unknown =
            |name: &&String| !expected.contains_key(*name) && !is_redundant(name, &architecture);
        if let Some(name) = source.names().iter().find(unknown) {
            let tensor = name.chars().take(64).collect();
            return Err(ReferenceError::UnexpectedTensor { tensor });
        }
        Ok(Self { context: architecture.context, architecture, mappings, source, notes })
    }

    /// Returns the shape of the network; its context is the longest that can be asked for.
    #[must_use]
    pub const fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// Returns the positions of a sequence where nothing else is asked for: fewer than the
    /// architecture has, if the files of a sentence encoder end texts earlier.
    #[must_use]
    pub const fn context(&self) -> u32 {
        self.context
    }

    /// Returns what a user should know.
    #[must_use]
    pub fn notes(&self) -> &[Note] {
        &self.notes
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

    /// Reads the `tokenizer.json` of the folder with what the files beside it add to it, or
    /// converts the tokenizer of the GGUF file to one.
    ///
    /// # Errors
    /// [`ReferenceError::Io`] if the folder has none, [`ReferenceError::FileSize`] if it is larger
    /// than a tokenizer is read, [`ReferenceError::Field`] if a file beside it contradicts it.
    pub fn tokenizer_json(&self) -> Result<Vec<u8>, ReferenceError> {
        self.tokenizer().map(|(json, _)| json)
    }

    /// Reads the same, and what a user should know of it.
    ///
    /// # Errors
    /// As [`tokenizer_json`](Self::tokenizer_json).
    pub fn tokenizer(&self) -> Result<(Vec<u8>, Vec<Note>), ReferenceError> {
        let (json, mut notes) = self.source.tokenizer_json(self.architecture.vocabulary)?;
        // A network that only embeds writes no text.
        notes.retain(|note| self.architecture.head != Head::None || *note != Note::Spaces);
        Ok((json, notes))
    }
}
