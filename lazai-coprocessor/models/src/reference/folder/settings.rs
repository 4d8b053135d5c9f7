//! `config.json`, and what the files beside it say of the network.

use std::path::Path;

use lazai_coprocessor::architecture::Pooling;
use serde_json::{Map, Value};

use super::{files, generation::Generation, sentence::Sentence};
use crate::reference::{Note, ReferenceError, config::FILE, json};

/// What the files beside the weights say of the network.
#[derive(Debug)]
pub(in crate::reference) struct Settings {
    /// The tokens that end a text, if a file replaces those of `config.json`.
    pub(in crate::reference) end_tokens: Option<Vec<u32>>,
    /// How the rows of a text become one, if a file says it.
    pub(in crate::reference) pooling: Option<Pooling>,
    /// Most tokens of a text, if it is fewer than the context.
    pub(in crate::reference) length: Option<u32>,
    /// What a user should know.
    pub(in crate::reference) notes: Vec<Note>,
}

/// Reads and parses `config.json`.
pub(in crate::reference) fn read_config(
    folder: &Path,
) -> Result<Map<String, Value>, ReferenceError> {
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
pub(in crate::reference) fn read_settings(
    folder: &Path,
    config: &Map<String, Value>,
    vocabulary: u32,
    context: u32,
    chosen: Option<Pooling>,
) -> Result<Settings, ReferenceError> {
    let mut sentence = Sentence::read(folder, chosen)?;
    let generation = Generation::read(folder, config, vocabulary)?;
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
