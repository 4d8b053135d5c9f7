//! The files of a sentence encoder: `modules.json` and what it names.

use std::path::Path;

use lazai_coprocessor::architecture::Pooling;
use serde_json::{Map, Value};

use super::files::{cut, read_bounded, read_optional};
use crate::reference::{Note, ReferenceError, config::Fields, json};

/// What the files of a sentence encoder ask for.
#[derive(Debug, Default)]
pub(super) struct Sentence {
    pub(super) pooling: Option<Pooling>,
    /// Most tokens of a text, and the file that says so.
    pub(super) length: Option<(&'static str, u32)>,
}

impl Sentence {
    /// Reads the files, as far as the folder has them; every vector is normalized anyway.
    ///
    /// The pooling is not looked at if it was `chosen`.
    pub(super) fn read(folder: &Path, chosen: Option<Pooling>) -> Result<Self, ReferenceError> {
        let mut sentence = Self { pooling: chosen, ..Self::default() };
        let modules = read_optional(folder, MODULES, MAX_BYTES)?;
        let pooling = match &modules {
            Some(bytes) => pooling_folder(&json::value(MODULES, bytes)?)?,
            None => Some("1_Pooling".to_owned()),
        };
        if let Some(path) = pooling.filter(|_| chosen.is_none()) {
            sentence.pooling = read_pooling(folder, &path, modules.is_some())?;
        }
        let config = read_optional(folder, CONFIG, MAX_BYTES)?;
        if let Some(bytes) = &config {
            sentence.read_config(folder, &json::object(CONFIG, bytes)?)?;
        }
        if modules.is_some() {
            read_prompts(folder)?;
        }
        if sentence.length.is_none() && (modules.is_some() || config.is_some()) {
            sentence.length = tokenizer_length(folder)?;
        }
        Ok(sentence)
    }

    /// Returns what a user should know, if the limit is below the context.
    pub(super) fn note(&self, context: u32) -> Option<Note> {
        let (file, length) = self.length.filter(|(_, length)| *length < context)?;
        Some(Note::SentenceLength { file, length })
    }

    /// Reads `sentence_bert_config.json`.
    fn read_config(
        &mut self,
        folder: &Path,
        map: &Map<String, Value>,
    ) -> Result<(), ReferenceError> {
        let fields = Fields::new(CONFIG, map);
        if fields.present("max_seq_length").is_some() {
            let length = fields.integer("max_seq_length", None, u32::MAX)?;
            self.length = Some((CONFIG, length));
        }
        if fields.flag("do_lower_case", false)? && !lowers_case(folder)? {
            let expected = "false, or tokenizer.json must lower the case itself";
            return Err(fields.refused("do_lower_case", expected));
        }
        let task = |value: &Value| value == "feature-extraction";
        fields.neutral("transformer_task", "\"feature-extraction\"", task)?;
        fields.neutral("module_output_name", "\"token_embeddings\"", |value| {
            value == "token_embeddings"
        })?;
        fields.neutral("modality_config", "the last hidden state of a text", |value| {
            let text = value.get("text");
            let output = text.and_then(|text| text.get("method_output_name"));
            output.is_none_or(|name| name == "last_hidden_state")
        })?;
        for field in ["document_length", "query_expansion", "query_length"] {
            fields.neutral(field, "absent: a text has one vector", |_| false)?;
        }
        Ok(())
    }
}

/// Finds the folder of the pooling in `modules.json`, and refuses modules that change a vector in
/// another way than to normalize it.
fn pooling_folder(modules: &Value) -> Result<Option<String>, ReferenceError> {
    let refused = |expected: &'static str, got: String| ReferenceError::Field {
        file: MODULES.to_owned(),
        field: "type".to_owned(),
        expected: expected.into(),
        got,
    };
    let modules = modules.as_array().filter(|modules| modules.len() <= MAX_MODULES);
    let modules =
        modules.ok_or_else(|| json::syntax(MODULES, "it must be a list of modules".to_owned()))?;
    let mut found = None;
    for (index, module) in modules.iter().enumerate() {
        let text = |name: &str| module.get(name).and_then(Value::as_str).unwrap_or_default();
        let (kind, path) = (text("type"), text("path"));
        let got = || cut(&format!("{kind} in {path}"));
        match kind.rsplit('.').next().unwrap_or_default() {
            "Transformer" if index == 0 => {}
            "Pooling" if index == 1 => found = Some(path.to_owned()),
            "Dropout" | "Normalize" if index > 1 => {}
            "Transformer" | "Pooling" | "Dropout" | "Normalize" => {
                let expected = "Transformer, Pooling and Normalize, in this order";
                return Err(refused(expected, got()));
            }
            _ => {
                return Err(refused(
                    "Transformer, Pooling or Normalize; for the vectors before the module, take it out",
                    got(),
                ));
            }
        }
    }
    Ok(found)
}

/// Reads the pooling in a folder of a module, in the form of any release of
/// sentence-transformers.
fn read_pooling(
    folder: &Path,
    path: &str,
    required: bool,
) -> Result<Option<Pooling>, ReferenceError> {
    let plain = |part: &str| {
        !part.is_empty() && !part.starts_with('.') && !part.contains(['\\', ':', '\0'])
    };
    if !path.split('/').all(plain) {
        return Err(json::syntax(MODULES, format!("{} is no folder beside it", cut(path))));
    }
    let file = format!("{path}/config.json");
    let bytes = match read_optional(folder, &file, MAX_BYTES)? {
        Some(bytes) => bytes,
        None if required => {
            let hint = "modules.json names it: download it too".to_owned();
            return Err(ReferenceError::MissingFile { file, hint });
        }
        None => return Ok(None),
    };
    let map = json::object(&file, &bytes)?;
    let refused = |field: &str, got: String| ReferenceError::Field {
        file: file.clone(),
        field: field.to_owned(),
        expected: "one of cls, mean, mean_sqrt_len_tokens and lasttoken; or choose with --pooling"
            .into(),
        got: cut(&got),
    };
    let mut modes = Vec::new();
    for (field, value) in &map {
        match (field.as_str(), value) {
            ("pooling_mode", Value::String(mode)) => modes.push(("pooling_mode", mode.as_str())),
            ("pooling_mode", Value::Array(values)) => {
                for value in values {
                    let mode = value.as_str();
                    let mode = mode.ok_or_else(|| refused(field, value.to_string()))?;
                    modes.push(("pooling_mode", mode));
                }
            }
            ("embedding_dimension" | "word_embedding_dimension" | "include_prompt", _) => {}
            (_, Value::Null | Value::Bool(false)) if field.starts_with("pooling_mode") => {}
            (_, Value::Bool(true)) => match field.strip_prefix("pooling_mode_") {
                Some(mode) => modes.push((field.as_str(), mode)),
                None => return Err(refused(field, value.to_string())),
            },
            _ => return Err(refused(field, value.to_string())),
        }
    }
    let names = || modes.iter().map(|(_, mode)| *mode).collect::<Vec<_>>().join(" and ");
    match modes.as_slice() {
        // The mean is what newer releases take where nothing is said.
        [] if map.keys().all(|field| !field.starts_with("pooling_mode")) => Ok(Some(Pooling::Mean)),
        [] => Err(refused("pooling_mode", "nothing".to_owned())),
        [(_, "cls" | "cls_token")] => Ok(Some(Pooling::First)),
        [(_, "lasttoken")] => Ok(Some(Pooling::Last)),
        // All have the direction of the mean, and every vector is normalized.
        [(_, "mean" | "mean_tokens" | "mean_sqrt_len_tokens")] => Ok(Some(Pooling::Mean)),
        [(field, mode)] => Err(refused(field, (*mode).to_owned())),
        [(field, _), ..] => Err(refused(field, names())),
    }
}

/// Refuses what is written before every text, and vectors that are cut.
fn read_prompts(folder: &Path) -> Result<(), ReferenceError> {
    let Some(bytes) = read_optional(folder, PROMPTS, MAX_BYTES)? else { return Ok(()) };
    let map = json::object(PROMPTS, &bytes)?;
    let fields = Fields::new(PROMPTS, &map);
    let prompt = |name: &Value| {
        let prompts = map.get("prompts")?;
        prompts.get(name.as_str()?)?.as_str()
    };
    let expected = "null: write the prompt before the texts yourself";
    fields
        .neutral("default_prompt_name", expected, |name| prompt(name).is_some_and(str::is_empty))?;
    fields.neutral("truncate_dim", "null: vectors are not cut", |_| false)
}

/// Returns the longest text that the tokenizer says, if it says one.
fn tokenizer_length(folder: &Path) -> Result<Option<(&'static str, u32)>, ReferenceError> {
    let Some(bytes) = read_optional(folder, TOKENIZER, MAX_TOKENIZER_BYTES)? else {
        return Ok(None);
    };
    let map = json::object(TOKENIZER, &bytes)?;
    let length = map.get("model_max_length").and_then(Value::as_u64);
    // Python writes 10^30 for no limit.
    let length = length.and_then(|length| u32::try_from(length).ok()).filter(|length| *length > 0);
    Ok(length.map(|length| (TOKENIZER, length)))
}

/// Returns whether the normalizer of the tokenizer lowers the case.
fn lowers_case(folder: &Path) -> Result<bool, ReferenceError> {
    let file = "tokenizer.json";
    let json = json::value(file, &read_bounded(folder, file, super::MAX_TOKENIZER_BYTES)?)?;
    let lowers = |normalizer: &Value| {
        normalizer.get("type").is_some_and(|kind| kind == "Lowercase")
            || normalizer.get("lowercase").is_some_and(|lowercase| *lowercase == Value::Bool(true))
    };
    let Some(normalizer) = json.get("normalizer") else { return Ok(false) };
    let parts = normalizer.get("normalizers").and_then(Value::as_array);
    Ok(lowers(normalizer) || parts.is_some_and(|parts| parts.iter().any(lowers)))
}

const CONFIG: &str = "sentence_bert_config.json";
const MODULES: &str = "modules.json";
const PROMPTS: &str = "config_sentence_transformers.json";
const TOKENIZER: &str = "tokenizer_config.json";
const MAX_BYTES: u64 = 1 << 20;
const MAX_MODULES: usize = 64;
const MAX_TOKENIZER_BYTES: u64 = 8 << 20;
