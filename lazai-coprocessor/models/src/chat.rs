//! The chat template that belongs to a checkpoint.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::Path,
};

use lazai_api_types::IoError;
use lazai_chat::{ChatError, ChatTemplate};
use serde_json::{Map, Value};

use crate::{
    gguf::{Gguf, GgufError, keys},
    reference::{
        MAX_TOKENIZER_BYTES, TOKENIZER, TOKENIZER_CONFIG, class_of, default_tokens, is_byte_level,
        json, own_tokens,
    },
};

/// Why the chat template of a checkpoint was not read.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TemplateError {
    /// The template was refused.
    #[error(transparent)]
    Chat(#[from] ChatError),
    /// The GGUF file of the template was refused.
    #[error(transparent)]
    Gguf(#[from] GgufError),
    /// The file system refused.
    #[error("{file}: {}", source.kind())]
    Io {
        /// The name of the file.
        file: &'static str,
        /// The error of the file system.
        source: IoError,
    },
}

/// Reads the template of a checkpoint.
///
/// In a Hugging Face folder, that is `additional_chat_templates/default.jinja` or
/// `chat_template.jinja` with the special tokens of `tokenizer_config.json` and, where older files
/// hold them, of `special_tokens_map.json`, or the template of `tokenizer_config.json`; of a GGUF
/// file, `tokenizer.chat_template`, before which stands the token that its texts begin with, as in
/// llama.cpp, whether the template writes it or not. A `.json` file is read as a
/// `tokenizer_config.json`, and any other as the template itself. `bos` and `eos` are the texts of
/// the tokens that start and end a text, where the checkpoint says none.
///
/// # Errors
/// [`TemplateError::Io`] if a file cannot be read, [`TemplateError::Gguf`] if the GGUF file is
/// malformed, [`TemplateError::Chat`] with [`ChatError::NoTemplate`] if there is no template, and
/// with the errors of [`ChatTemplate::new`] and [`ChatTemplate::from_tokenizer_config`].
pub fn open_template(
    path: &Path,
    bos: Option<&str>,
    eos: Option<&str>,
) -> Result<ChatTemplate, TemplateError> {
    if path.is_dir() {
        return open_folder(path, bos, eos);
    }
    if path.extension().is_some_and(|extension| extension == "json") {
        let config = read(path, TOKENIZER_CONFIG, ChatTemplate::MAX_CONFIG_BYTES)?;
        return Ok(ChatTemplate::from_tokenizer_config(&config)?);
    }
    let mut magic = [0; 4];
    let mut file = File::open(path).map_err(failed(TEMPLATE))?;
    match file.read_exact(&mut magic) {
        Ok(()) if magic == *b"GGUF" => open_gguf(path, bos, eos),
        _ => Ok(ChatTemplate::new(&read_text(path)?, bos, eos)?),
    }
}

fn open_folder(
    folder: &Path,
    bos: Option<&str>,
    eos: Option<&str>,
) -> Result<ChatTemplate, TemplateError> {
    let more = folder.join(MORE);
    let source = match optional(read_text(&more.join("default.jinja")))? {
        Some(source) => Some(source),
        None => optional(read_text(&folder.join(TEMPLATE)))?,
    };
    // Templates in a folder of their own replace that of the configuration.
    if source.is_none() && has_templates(&more) {
        return Err(ChatError::NoTemplate.into());
    }
    Ok(match (config(folder)?, source) {
        (Some(config), Some(source)) => ChatTemplate::from_parts(&config, source)?,
        (Some(config), None) => ChatTemplate::from_tokenizer_config(&config)?,
        (None, Some(source)) => ChatTemplate::new(&source, bos, eos)?,
        (None, None) => return Err(ChatError::NoTemplate.into()),
    })
}

/// Reads `tokenizer_config.json` with the special tokens of `special_tokens_map.json`, which holds
/// them where the first does not number them, and with those that its class has by itself.
fn config(folder: &Path) -> Result<Option<Vec<u8>>, TemplateError> {
    let failed = |message: String| TemplateError::Chat(ChatError::Config { message });
    let open = |name| -> Result<Option<Map<String, Value>>, TemplateError> {
        let bytes = optional(read(&folder.join(name), name, ChatTemplate::MAX_CONFIG_BYTES))?;
        let Some(bytes) = bytes else { return Ok(None) };
        json::object(name, &bytes).map(Some).map_err(|error| failed(error.to_string()))
    };
    let (config, tokens) = (open(TOKENIZER_CONFIG)?, open(TOKENS)?);
    if config.is_none() && tokens.is_none() {
        return Ok(None);
    }
    let mut config = config.unwrap_or_default();
    if config.get("added_tokens_decoder").is_none_or(Value::is_null) {
        config.extend(tokens.unwrap_or_default());
    }
    if let Some(Value::Object(own)) = own_tokens(&config).cloned() {
        for (name, token) in own {
            config.entry(name).or_insert(token);
        }
    }
    let model = open("config.json")?.unwrap_or_default();
    // Only for this class it matters, and the file may be large.
    let asked = [&config, &model].iter().any(|map| {
        let class = map.get("tokenizer_class").and_then(Value::as_str);
        class.is_some_and(|class| class.starts_with("LlamaTokenizer"))
    });
    let json = if asked {
        let max = usize::try_from(MAX_TOKENIZER_BYTES).unwrap_or(usize::MAX);
        optional(read(&folder.join(TOKENIZER), TOKENIZER, max))?
    } else {
        None
    };
    if let Some(class) = class_of(&config, &model, json.is_some_and(|json| is_byte_level(&json))) {
        for (name, token) in default_tokens(&class) {
            config.entry(*name).or_insert_with(|| Value::from(*token));
        }
    }
    serde_json::to_vec(&config).map(Some).map_err(|error| failed(error.to_string()))
}

fn open_gguf(
    path: &Path,
    bos: Option<&str>,
    eos: Option<&str>,
) -> Result<ChatTemplate, TemplateError> {
    let file = Gguf::open(path)?;
    let source = file.text(keys::CHAT_TEMPLATE)?.ok_or(ChatError::NoTemplate)?;
    let tokens = file.texts(keys::TOKENS)?.unwrap_or_default();
    let text = |key: &str| -> Result<Option<&str>, GgufError> {
        let token = file.u32(key)?;
        Ok(token.and_then(|token| tokens.get(token as usize)).map(String::as_str))
    };
    let own = [text(keys::BOS)?, text(keys::EOS)?];
    let template = ChatTemplate::new(source, own[0].or(bos), own[1].or(eos))?;
    let start = file.start_token()?.and_then(|token| tokens.get(token as usize));
    Ok(match start {
        Some(start) => template.with_start(start),
        None => template,
    })
}

/// Returns whether a folder has a template.
fn has_templates(folder: &Path) -> bool {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().take(MAX_ENTRIES);
    entries.map(|entry| entry.path()).any(|path| path.extension().is_some_and(|end| end == "jinja"))
}

/// Returns what a file holds, or `None` if there is no file.
fn optional<T>(content: Result<T, TemplateError>) -> Result<Option<T>, TemplateError> {
    match content {
        Err(TemplateError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            Ok(None)
        }
        content => content.map(Some),
    }
}

fn read_text(path: &Path) -> Result<String, TemplateError> {
    let bytes = read(path, TEMPLATE, ChatTemplate::MAX_SOURCE_BYTES)?;
    String::from_utf8(bytes).map_err(|_| TemplateError::Io {
        file: TEMPLATE,
        source: io::ErrorKind::InvalidData.into(),
    })
}

/// Reads a file of at most `max` bytes.
fn read(path: &Path, file: &'static str, max: usize) -> Result<Vec<u8>, TemplateError> {
    let mut bytes = Vec::new();
    let opened = File::open(path).map_err(failed(file))?;
    opened.take(max as u64 + 1).read_to_end(&mut bytes).map_err(failed(file))?;
    if bytes.len() > max {
        let got = bytes.len();
        return Err(ChatError::TooLarge { part: "bytes of a file", got, max }.into());
    }
    Ok(bytes)
}

fn failed(file: &'static str) -> impl Fn(io::Error) -> TemplateError {
    move |error| TemplateError::Io { file, source: error.into() }
}

const MORE: &str = "additional_chat_templates";
const TEMPLATE: &str = "chat_template.jinja";
const TOKENS: &str = "special_tokens_map.json";
const MAX_ENTRIES: usize = 1_000;

#[cfg(test)]
mod tests {
    use std::fs;

    use lazai_api_types::openai::ChatMessage;

    use super::*;
    use crate::{gguf::writer::Writer, reference::tests::Folder};

    fn text(path: &Path) -> Result<String, TemplateError> {
        let template = open_template(path, Some("<start>"), Some("<end>"))?;
        Ok(template.render_text(&[ChatMessage::user("x")], false)?)
    }

    #[test]
    fn folders_hold_a_template_in_one_of_two_files() {
        let folder = Folder::new();
        let path = folder.path();
        assert_eq!(text(path), Err(ChatError::NoTemplate.into()));
        let template = path.join(TEMPLATE);
        fs::write(&template, "file {{ bos_token }}").unwrap();
        assert_eq!(text(path).unwrap(), "file <start>");
        assert_eq!(text(&template).unwrap(), "file <start>");
        let config = path.join(TOKENIZER_CONFIG);
        let json = r#"{"bos_token": "<s>", "chat_template": "config {{ bos_token }}"}"#;
        fs::write(&config, json).unwrap();
        assert_eq!(text(path).unwrap(), "file <s>");
        fs::remove_file(template).unwrap();
        assert_eq!(text(path).unwrap(), "config <s>");
        assert_eq!(text(&config).unwrap(), "config <s>");
        fs::write(&config, "{}").unwrap();
        assert_eq!(text(path), Err(ChatError::NoTemplate.into()));
        let source = io::ErrorKind::NotFound.into();
        assert_eq!(text(&path.join("none")), Err(TemplateError::Io { file: TEMPLATE, source }));
    }

    #[test]
    fn older_folders_hold_special_tokens_in_a_file_of_their_own() {
        let folder = Folder::new();
        let path = folder.path();
        let source =
            r#"{"chat_template": "{{ bos_token }}{{ eos_token }}", "x": NaN, "bos_token": "a"#;
        let write = |name: &str, content: &str| fs::write(path.join(name), content).unwrap();
        write(TOKENS, r#"{"bos_token": {"content": "<s>", "lstrip": false}, "eos_token": "</s>"}"#);
        write(TOKENIZER_CONFIG, &format!("{source}\"}}"));
        assert_eq!(text(path).unwrap(), "<s></s>");
        // Newer ones number all tokens in the configuration, and the file has no meaning.
        write(TOKENIZER_CONFIG, &format!("{source}\", \"added_tokens_decoder\": {{}}}}"));
        assert_eq!(text(path).unwrap(), "a");
    }

    #[test]
    fn tokens_of_the_models_own_are_variables() {
        let folder = Folder::new();
        let path = folder.path();
        let source = r#""chat_template": "{{ think_token }}|{{ call_token }}""#;
        let own = r#""model_specific_special_tokens": {"think_token": "<t>"}"#;
        fs::write(path.join(TOKENIZER_CONFIG), format!("{{{source}, {own}}}")).unwrap();
        assert_eq!(text(path).unwrap(), "<t>|");
        // Those beside it replace them.
        let config = format!("{{{source}, {own}, \"call_token\": \"<c>\"}}");
        fs::write(path.join(TOKENIZER_CONFIG), config).unwrap();
        assert_eq!(text(path).unwrap(), "|<c>");
    }

    #[test]
    fn classes_of_tokenizers_have_special_tokens_of_their_own() {
        let folder = Folder::new();
        let path = folder.path();
        let write = |name: &str, content: &str| fs::write(path.join(name), content).unwrap();
        let source = r#""chat_template": "{{ bos_token }}|{{ eos_token }}""#;
        for (model, class, expected) in [
            ("gpt2", "GPT2Tokenizer", "<|endoftext|>|<|endoftext|>"),
            ("qwen2", "PreTrainedTokenizerFast", "|<|endoftext|>"),
            ("llama", "LlamaTokenizerFast", "<s>|</s>"),
            ("llama", "PreTrainedTokenizerFast", "|"),
        ] {
            write("config.json", &format!(r#"{{"model_type": "{model}"}}"#));
            write(TOKENIZER_CONFIG, &format!(r#"{{"tokenizer_class": "{class}", {source}}}"#));
            assert_eq!(text(path).unwrap(), expected, "{class}");
        }
        // Of a tokenizer of bytes, the class is not believed; what is null is none.
        write(TOKENIZER_CONFIG, &format!(r#"{{"tokenizer_class": "LlamaTokenizer", {source}}}"#));
        let bytes = r#"{"decoder": {"type": "ByteLevel"}, "model": {"vocab": {}}}"#;
        write(TOKENIZER, bytes);
        assert_eq!(text(path).unwrap(), "|");
        write("config.json", r#"{"model_type": "gpt2"}"#);
        write(TOKENIZER_CONFIG, &format!(r#"{{"bos_token": null, {source}}}"#));
        assert_eq!(text(path).unwrap(), "|<|endoftext|>");
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
        assert_eq!(text(&path), Err(ChatError::NoTemplate.into()));
        let source = "{{ bos_token }} {{ eos_token }}";
        let file = bare.entry("tokenizer.chat_template", source);
        fs::write(&path, file.to_bytes()).unwrap();
        assert_eq!(text(&path).unwrap(), "<b> <end>");
        fs::write(&path, &file.to_bytes()[..40]).unwrap();
        assert!(matches!(text(&path), Err(TemplateError::Gguf(_))));
    }

    #[test]
    fn chats_of_gguf_files_begin_as_their_texts_do() {
        let folder = Folder::new();
        let path = folder.path().join("model.gguf");
        let tokens = vec!["<s>".to_owned(), "</s>".to_owned()];
        let open = |model: &str, pre: &str, add: Option<bool>, source: &str| {
            let mut file = Writer::new()
                .entry("tokenizer.ggml.model", model)
                .entry("tokenizer.ggml.pre", pre)
                .entry("tokenizer.ggml.tokens", tokens.clone())
                .entry("tokenizer.ggml.bos_token_id", 0_u32)
                .entry("tokenizer.chat_template", source);
            if let Some(add) = add {
                file = file.entry("tokenizer.ggml.add_bos_token", add);
            }
            fs::write(&path, file.to_bytes()).unwrap();
            text(&path).unwrap()
        };
        let (bare, whole) = ("x{{ bos_token }}", "{{ bos_token }}x");
        assert_eq!(open("llama", "default", None, bare), "<s>x<s>");
        assert_eq!(open("llama", "default", None, whole), "<s>x");
        assert_eq!(open("llama", "default", Some(false), bare), "x<s>");
        for pre in ["llama-bpe", "tekken"] {
            assert_eq!(open("gpt2", pre, None, bare), "<s>x<s>", "{pre}");
        }
        assert_eq!(open("gpt2", "qwen2", None, bare), "x<s>");
        assert_eq!(open("gpt2", "qwen2", Some(true), bare), "<s>x<s>");
    }

    #[test]
    fn a_folder_of_templates_replaces_others() {
        let folder = Folder::new();
        let path = folder.path();
        let write = |name: &str, content: &str| fs::write(path.join(name), content).unwrap();
        write(TOKENIZER_CONFIG, r#"{"chat_template": "config"}"#);
        fs::create_dir(path.join(MORE)).unwrap();
        assert_eq!(text(path).unwrap(), "config");
        // There is none for chats without tools.
        write("additional_chat_templates/tool_use.jinja", "tools");
        assert_eq!(text(path), Err(ChatError::NoTemplate.into()));
        write(TEMPLATE, "file");
        assert_eq!(text(path).unwrap(), "file");
        write("additional_chat_templates/default.jinja", "default");
        assert_eq!(text(path).unwrap(), "default");
    }

    #[test]
    fn files_that_are_no_templates_are_refused() {
        let folder = Folder::new();
        let path = folder.path().join("template");
        fs::write(&path, [b'a', 0xff]).unwrap();
        let source = io::ErrorKind::InvalidData.into();
        assert_eq!(text(&path), Err(TemplateError::Io { file: TEMPLATE, source }));
        let max = ChatTemplate::MAX_SOURCE_BYTES;
        fs::write(&path, vec![b' '; max + 1]).unwrap();
        let error = ChatError::TooLarge { part: "bytes of a file", got: max + 1, max };
        assert_eq!(text(&path), Err(error.into()));
    }
}
