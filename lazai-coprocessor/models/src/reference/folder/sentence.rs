//! The files of a sentence encoder: `modules.json` and what it names.

use std::path::Path;

use lazai_coprocessor::architecture::Pooling;
use serde_json::{Map, Value};

use super::{
    files::{cut, read_bounded, read_optional},
    tokenizer_config::CONFIG as TOKENIZER_CONFIG,
    tokenizer_file::{MAX_TOKENIZER_BYTES, TOKENIZER},
};
use crate::reference::{Note, ReferenceError, config::Fields, json};

/// What the files of a sentence encoder ask for.
#[derive(Debug, Default)]
pub(super) struct Sentence {
    pub(super) pooling: Option<Pooling>,
    /// Most tokens of a text, and the file that says so.
    pub(super) length: Option<(&'static str, u32)>,
    /// What a user should know.
    pub(super) notes: Vec<Note>,
}

impl Sentence {
    /// Reads the files, as far as the folder has them; every vector is normalized anyway.
    ///
    /// The pooling is not looked at if it was `chosen`.
    pub(super) fn read(folder: &Path, chosen: Option<Pooling>) -> Result<Self, ReferenceError> {
        let mut sentence = Self { pooling: chosen, ..Self::default() };
        let modules = read_optional(folder, MODULES, MAX_BYTES)?;
        let (pooling, normalizes) = match &modules {
            Some(bytes) => read_modules(&json::value(MODULES, bytes)?)?,
            None => (Some("1_Pooling".to_owned()), false),
        };
        let listed = modules.is_some();
        if let Some(path) = pooling.filter(|_| chosen.is_none()) {
            sentence.pooling = read_pooling(folder, &path, listed)?;
            if sentence.pooling.is_some() && !listed {
                sentence.notes.push(Note::Unlisted { file: "1_Pooling/config.json" });
            }
        }
        let mut config = None;
        for file in CONFIGS {
            let Some(bytes) = read_optional(folder, file, MAX_BYTES)? else { continue };
            let map = json::object(file, &bytes)?;
            // The first that says anything counts.
            if config.is_none() && !map.is_empty() {
                sentence.read_config(folder, file, &map)?;
                config = Some(file);
                if !listed {
                    sentence.notes.push(Note::Unlisted { file });
                }
            }
        }
        if listed {
            sentence.read_prompts(folder, normalizes)?;
        }
        if sentence.length.is_none() && (listed || config.is_some()) {
            sentence.length = tokenizer_length(folder)?;
        }
        Ok(sentence)
    }

    /// Reads `sentence_bert_config.json`, or the file of another name.
    fn read_config(
        &mut self,
        folder: &Path,
        file: &'static str,
        map: &Map<String, Value>,
    ) -> Result<(), ReferenceError> {
        let fields = Fields::new(file, map);
        if fields.present("max_seq_length").is_some() {
            let length = fields.integer("max_seq_length", None, u32::MAX)?;
            self.length = Some((file, length));
        }
        for field in ARGUMENTS {
            let harmless = |value: &Value| {
                let map = value.as_object();
                map.is_some_and(|map| map.keys().all(|name| HARMLESS.contains(&name.as_str())))
            };
            fields.neutral(
                field,
                "without options that change the network or its text",
                harmless,
            )?;
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
        let expected = "the last hidden state of a text, and no message: take that out for texts \
                        that no chat template is put around";
        fields.neutral("modality_config", expected, |value| {
            let text = value.get("text");
            let is = |name, expected| {
                text.and_then(|text| text.get(name)).is_none_or(|value| value == expected)
            };
            // A message would be written by the chat template.
            let bare = text.is_some() && value.get("message").is_none();
            bare && is("method", "forward") && is(OUTPUT, "last_hidden_state")
        })?;
        for field in ["document_length", "query_expansion", "query_length"] {
            fields.neutral(field, "absent: a text has one vector", |_| false)?;
        }
        let known = |field: &str| ARGUMENTS.contains(&field) || KNOWN.contains(&field);
        match map.iter().find(|(field, value)| !value.is_null() && !known(field)) {
            Some((field, _)) => Err(fields.refused(field, "absent: its meaning is not known")),
            None => Ok(()),
        }
    }

    /// Reads `config_sentence_transformers.json`: refuses what is written before every text,
    /// vectors that are cut, and comparisons that their length changes.
    fn read_prompts(&mut self, folder: &Path, normalizes: bool) -> Result<(), ReferenceError> {
        let bytes = read_optional(folder, PROMPTS, MAX_BYTES)?;
        let map = bytes.map_or_else(|| Ok(Map::new()), |bytes| json::object(PROMPTS, &bytes))?;
        let fields = Fields::new(PROMPTS, &map);
        let prompts = fields.present("prompts").and_then(Value::as_object);
        let expected = "null or the name of an empty prompt: write it before the text instead";
        fields.neutral("default_prompt_name", expected, |name| {
            let prompt = name.as_str().and_then(|name| prompts?.get(name)?.as_str());
            prompt.is_some_and(str::is_empty)
        })?;
        fields.neutral("truncate_dim", "null: vectors are not cut", |_| false)?;
        let kind = |value: &Value| value == "SentenceTransformer";
        fields.neutral("model_type", "\"SentenceTransformer\"", kind)?;
        let cosine = |value: &Value| normalizes || value == "cosine";
        fields.neutral("similarity_fn_name", "cosine: every vector has length 1", cosine)?;
        if !normalizes {
            self.notes.push(Note::UnitVectors);
        }
        let written = |(name, prompt): (&String, &Value)| {
            prompt.as_str().filter(|prompt| !prompt.is_empty()).map(|_| cut(name))
        };
        let names: Vec<_> = prompts.into_iter().flatten().filter_map(written).take(16).collect();
        if !names.is_empty() {
            self.notes.push(Note::Prompts { names });
        }
        Ok(())
    }
}

/// Finds the folder of the pooling in `modules.json`, and whether vectors are normalized; refuses
/// modules that change a vector in another way.
fn read_modules(modules: &Value) -> Result<(Option<String>, bool), ReferenceError> {
    let refused = |field: &str, expected: &'static str, got: String| ReferenceError::Field {
        file: MODULES.to_owned(),
        field: field.to_owned(),
        expected: expected.into(),
        got,
    };
    let modules = modules.as_array().filter(|modules| modules.len() <= MAX_MODULES);
    let modules =
        modules.ok_or_else(|| json::syntax(MODULES, "it must be a list of modules".to_owned()))?;
    let (mut found, mut normalizes) = (None, false);
    for (index, module) in modules.iter().enumerate() {
        let text = |name: &str| module.get(name).and_then(Value::as_str).unwrap_or_default();
        let (kind, path) = (text("type"), text("path"));
        let got = || cut(&format!("{kind} in {path}"));
        // Whoever writes a module of their own may give it any name.
        let own = kind.starts_with("sentence_transformers.");
        match kind.rsplit('.').next().filter(|_| own).unwrap_or_default() {
            "Transformer" if index == 0 && path.is_empty() => {}
            "Transformer" if index == 0 => {
                let expected = "empty: weights are read beside modules.json; give that folder, \
                                and the pooling with --pooling";
                return Err(refused("path", expected, got()));
            }
            "Pooling" if index == 1 => found = Some(path.to_owned()),
            "Dropout" if index > 1 => {}
            "Normalize" if index > 1 => normalizes = true,
            "Transformer" | "Pooling" | "Dropout" | "Normalize" => {
                let expected = "Transformer, Pooling and Normalize, in this order";
                return Err(refused("type", expected, got()));
            }
            _ => {
                let expected = "Transformer, Pooling or Normalize of sentence_transformers; for \
                                the vectors before the module, take it out";
                return Err(refused("type", expected, got()));
            }
        }
    }
    Ok((found, normalizes))
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

/// Returns the longest text that the tokenizer says, if it says one.
fn tokenizer_length(folder: &Path) -> Result<Option<(&'static str, u32)>, ReferenceError> {
    let Some(bytes) = read_optional(folder, TOKENIZER_CONFIG, MAX_TOKENIZER_CONFIG_BYTES)? else {
        return Ok(None);
    };
    let map = json::object(TOKENIZER_CONFIG, &bytes)?;
    let length = map.get("model_max_length").and_then(Value::as_u64);
    // Python writes 10^30 for no limit.
    let length = length.and_then(|length| u32::try_from(length).ok()).filter(|length| *length > 0);
    Ok(length.map(|length| (TOKENIZER_CONFIG, length)))
}

/// Returns whether the normalizer of the tokenizer lowers the case.
fn lowers_case(folder: &Path) -> Result<bool, ReferenceError> {
    let json = json::value(TOKENIZER, &read_bounded(folder, TOKENIZER, MAX_TOKENIZER_BYTES)?)?;
    let lowers = |normalizer: &Value| {
        normalizer.get("type").is_some_and(|kind| kind == "Lowercase")
            || normalizer.get("lowercase").is_some_and(|lowercase| *lowercase == Value::Bool(true))
    };
    let Some(normalizer) = json.get("normalizer") else { return Ok(false) };
    let parts = normalizer.get("normalizers").and_then(Value::as_array);
    Ok(lowers(normalizer) || parts.is_some_and(|parts| parts.iter().any(lowers)))
}

/// Options of the classes of `transformers`, under the names of several releases.
const ARGUMENTS: [&str; 7] = [
    "config_args",
    "config_kwargs",
    "model_args",
    "model_kwargs",
    "processing_kwargs",
    "processor_kwargs",
    "tokenizer_args",
];

/// Files that hold the options of the encoder, in the order in which they are looked for.
const CONFIGS: [&str; 7] = [
    "sentence_bert_config.json",
    "sentence_roberta_config.json",
    "sentence_distilbert_config.json",
    "sentence_camembert_config.json",
    "sentence_albert_config.json",
    "sentence_xlm-roberta_config.json",
    "sentence_xlnet_config.json",
];

/// Options that say how the network is run, not what it is.
const HARMLESS: [&str; 8] = [
    "attn_implementation",
    "device_map",
    "dtype",
    "low_cpu_mem_usage",
    "padding_side",
    "torch_dtype",
    "trust_remote_code",
    "use_safetensors",
];

/// The other fields of the encoder; how a batch is laid out changes no vector.
const KNOWN: [&str; 9] = [
    "do_lower_case",
    "document_length",
    "max_seq_length",
    "modality_config",
    "module_output_name",
    "query_expansion",
    "query_length",
    "transformer_task",
    "unpad_inputs",
];

const MODULES: &str = "modules.json";
const OUTPUT: &str = "method_output_name";
const PROMPTS: &str = "config_sentence_transformers.json";
const MAX_BYTES: u64 = 1 << 20;
const MAX_MODULES: usize = 64;
const MAX_TOKENIZER_CONFIG_BYTES: u64 = 8 << 20;
