//! The template that belongs to a checkpoint.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use super::{ChatError, ChatTemplate, config::MAX_CONFIG_BYTES};
use crate::gguf::Gguf;

impl ChatTemplate {
    /// Reads the template of a checkpoint.
    ///
    /// Of a Hugging Face folder, that is `chat_template.jinja` with the special tokens of `tokenizer_config.json`, or the
    /// template of the latter; of a GGUF file, `tokenizer.chat_template`. A `.json` file is read as a
    /// `tokenizer_config.json`, and any other as the template itself. `bos` and `eos` are the texts of the tokens that start
    /// and end a text, where the checkpoint says none.
    ///
    /// # Errors
    /// [`ChatError::Io`] if a file cannot be read, [`ChatError::NoTemplate`] if there is no template,
    /// [`ChatError::Gguf`] if the GGUF file is malformed, and those of [`ChatTemplate::new`] and
    /// [`ChatTemplate::from_tokenizer_config`].
    pub fn open(path: &Path, bos: Option<&str>, eos: Option<&str>) -> Result<Self, ChatError> {
        if path.is_dir() {
            return Self::open_folder(path, bos, eos);
        }
        if path.extension().is_some_and(|extension| extension == "json") {
            return Self::from_tokenizer_config(&read(path, CONFIG, MAX_CONFIG_BYTES)?);
        }
        let mut magic = [0; 4];
        let mut file = File::open(path).map_err(failed(TEMPLATE))?;
        match file.read_exact(&mut magic) {
            Ok(()) if magic == *b"GGUF" => Self::open_gguf(path, bos, eos),
            _ => Self::new(&read_text(path)?, bos, eos),
        }
    }

    fn open_folder(folder: &Path, bos: Option<&str>, eos: Option<&str>) -> Result<Self, ChatError> {
        let source = optional(read_text(&folder.join(TEMPLATE)))?;
        match (optional(read(&folder.join(CONFIG), CONFIG, MAX_CONFIG_BYTES))?, source) {
            (Some(config), source) => Self::from_config(&config, source),
            (None, Some(source)) => Self::new(&source, bos, eos),
            (None, None) => Err(ChatError::NoTemplate),
        }
    }

    fn open_gguf(path: &Path, bos: Option<&str>, eos: Option<&str>) -> Result<Self, ChatError> {
        let file = Gguf::open(path)?;
        let source = file.text("tokenizer.chat_template")?.ok_or(ChatError::NoTemplate)?;
        let tokens = file.texts("tokenizer.ggml.tokens")?.unwrap_or_default();
        let text = |key: &str| -> Result<Option<&str>, ChatError> {
            let token = file.u32(key)?;
            Ok(token.and_then(|token| tokens.get(token as usize)).map(String::as_str))
        };
        let own = [text("tokenizer.ggml.bos_token_id")?, text("tokenizer.ggml.eos_token_id")?];
        Self::new(source, own[0].or(bos), own[1].or(eos))
    }
}

/// What a file holds, if it is there.
fn optional<T>(content: Result<T, ChatError>) -> Result<Option<T>, ChatError> {
    match content {
        Err(ChatError::Io { kind: io::ErrorKind::NotFound, .. }) => Ok(None),
        content => content.map(Some),
    }
}

fn read_text(path: &Path) -> Result<String, ChatError> {
    let bytes = read(path, TEMPLATE, ChatTemplate::MAX_SOURCE_BYTES)?;
    String::from_utf8(bytes)
        .map_err(|_| ChatError::Io { file: TEMPLATE, kind: io::ErrorKind::InvalidData })
}

/// Reads a file of at most `max` bytes.
fn read(path: &Path, file: &'static str, max: usize) -> Result<Vec<u8>, ChatError> {
    let mut bytes = Vec::new();
    let opened = File::open(path).map_err(failed(file))?;
    opened.take(max as u64 + 1).read_to_end(&mut bytes).map_err(failed(file))?;
    if bytes.len() > max {
        return Err(ChatError::TooLarge { part: "bytes of a file", got: bytes.len(), max });
    }
    Ok(bytes)
}

#[allow(clippy::needless_pass_by_value, reason = "the signature of map_err")]
fn failed(file: &'static str) -> impl Fn(io::Error) -> ChatError {
    move |error| ChatError::Io { file, kind: error.kind() }
}

const CONFIG: &str = "tokenizer_config.json";
const TEMPLATE: &str = "chat_template.jinja";

#[cfg(test)]
mod tests {
    use std::fs;

    use lazai_api_types::openai::ChatMessage;

    use super::*;
    use crate::{gguf::writer::Writer, reference::tests::Folder};

    fn text(path: &Path) -> Result<String, ChatError> {
        let template = ChatTemplate::open(path, Some("<start>"), Some("<end>"))?;
        template.render_text(&[ChatMessage::user("x")], false)
    }

    #[test]
    fn folders_hold_a_template_in_one_of_two_files() {
        let folder = Folder::new();
        let path = folder.path();
        assert_eq!(text(path), Err(ChatError::NoTemplate));
        let template = path.join(TEMPLATE);
        fs::write(&template, "file {{ bos_token }}").unwrap();
        assert_eq!(text(path).unwrap(), "file <start>");
        assert_eq!(text(&template).unwrap(), "file <start>");
        let config = path.join(CONFIG);
        let json = r#"{"bos_token": "<s>", "chat_template": "config {{ bos_token }}"}"#;
        fs::write(&config, json).unwrap();
        assert_eq!(text(path).unwrap(), "file <s>");
        fs::remove_file(template).unwrap();
        assert_eq!(text(path).unwrap(), "config <s>");
        assert_eq!(text(&config).unwrap(), "config <s>");
        fs::write(&config, "{}").unwrap();
        assert_eq!(text(path), Err(ChatError::NoTemplate));
        let kind = io::ErrorKind::NotFound;
        assert_eq!(text(&path.join("none")), Err(ChatError::Io { file: TEMPLATE, kind }));
    }

    #[test]
    fn gguf_files_hold_a_template_in_their_metadata() {
        let folder = Folder::new();
        let path = folder.path().join("model.gguf");
        let tokens = vec!["<a>".to_owned(), "<b>".to_owned()];
        let bare = Writer::new()
            .entry("tokenizer.ggml.tokens", tokens)
            .entry("tokenizer.ggml.bos_token_id", 1_u32);
        fs::write(&path, bare.to_bytes()).unwrap();
        assert_eq!(text(&path), Err(ChatError::NoTemplate));
        let source = "{{ bos_token }} {{ eos_token }}";
        let file = bare.entry("tokenizer.chat_template", source);
        fs::write(&path, file.to_bytes()).unwrap();
        assert_eq!(text(&path).unwrap(), "<b> <end>");
        fs::write(&path, &file.to_bytes()[..40]).unwrap();
        assert!(matches!(text(&path), Err(ChatError::Gguf(_))));
    }

    #[test]
    fn files_that_are_no_templates_are_refused() {
        let folder = Folder::new();
        let path = folder.path().join("template");
        fs::write(&path, [b'a', 0xff]).unwrap();
        let kind = io::ErrorKind::InvalidData;
        assert_eq!(text(&path), Err(ChatError::Io { file: TEMPLATE, kind }));
        let max = ChatTemplate::MAX_SOURCE_BYTES;
        fs::write(&path, vec![b' '; max + 1]).unwrap();
        let error = ChatError::TooLarge { part: "bytes of a file", got: max + 1, max };
        assert_eq!(text(&path), Err(error));
    }
}
