//! The files of a Hugging Face folder: each that its own tools read is honoured or refused by name.

mod class;
mod files;
mod generation;
mod options;
mod sentence;
mod tensors;
mod tokenizer;

use std::path::Path;

use lazai_coprocessor::architecture::Pooling;
use serde_json::{Map, Value};

#[cfg(feature = "chat")]
pub(crate) use class::{class_of, default_tokens};
pub(super) use generation::check_rules;
#[cfg(feature = "chat")]
pub(crate) use options::is_byte_level;
pub(super) use tensors::Tensors;
#[cfg(feature = "chat")]
pub(crate) use tokenizer::own_tokens;

use super::{Note, ReferenceError, config::FILE, json};

/// What the files beside the weights say of the network.
#[derive(Debug)]
pub(super) struct Settings {
    /// The tokens that end a text, if a file replaces those of `config.json`.
    pub(super) end_tokens: Option<Vec<u32>>,
    /// How the rows of a text become one, if a file says it.
    pub(super) pooling: Option<Pooling>,
    /// Most tokens of a text, if it is fewer than the context.
    pub(super) length: Option<u32>,
    /// What a user should know.
    pub(super) notes: Vec<Note>,
}

/// Reads and parses `config.json`.
pub(super) fn read_config(folder: &Path) -> Result<Map<String, Value>, ReferenceError> {
    if files::read_optional(folder, ADAPTER, MAX_CONFIG_BYTES)?.is_some() {
        let problem = "makes the folder an adapter, which is not applied: merge it into its model \
                       (merge_and_unload of peft), save that and read it instead";
        return Err(ReferenceError::File { file: ADAPTER.to_owned(), problem });
    }
    match files::read_optional(folder, FILE, MAX_CONFIG_BYTES)? {
        Some(bytes) => json::object(FILE, &bytes),
        None => {
            let hint = match files::names_with(folder, &[""], &[".gguf"]).first() {
                Some(gguf) => format!("to read {gguf}, give that file instead of its folder"),
                None => "the folder is no checkpoint, or not all of it was downloaded".to_owned(),
            };
            Err(ReferenceError::MissingFile { file: FILE.to_owned(), hint })
        }
    }
}

/// Reads the files beside `config.json`; the pooling is not looked at if it was `chosen`.
pub(super) fn read_settings(
    folder: &Path,
    config: &Map<String, Value>,
    vocabulary: u32,
    context: u32,
    chosen: Option<Pooling>,
) -> Result<Settings, ReferenceError> {
    let mut sentence = sentence::Sentence::read(folder, chosen)?;
    let generation = generation::Generation::read(folder, config, vocabulary)?;
    let length = sentence.length.filter(|(_, length)| *length < context);
    let note = length.map(|(file, length)| Note::SentenceLength { file, length });
    let mut notes = core::mem::take(&mut sentence.notes);
    notes.extend(note.into_iter().chain(generation.note));
    Ok(Settings {
        end_tokens: generation.end_tokens,
        pooling: sentence.pooling,
        length: length.map(|(_, length)| length),
        notes,
    })
}

const ADAPTER: &str = "adapter_config.json";
const MAX_CONFIG_BYTES: u64 = 1 << 20;
const MAX_TOKENIZER_BYTES: u64 = 32 << 20;
