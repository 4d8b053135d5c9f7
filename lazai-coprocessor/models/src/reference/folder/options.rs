//! Options of `tokenizer_config.json` by which `transformers` replaces parts of `tokenizer.json`.

use serde::{Deserialize, de::IgnoredAny};
use serde_json::{Map, Value};

use super::{
    class::{BERT, CLASS},
    files::cut,
    tokenizer::AddedToken,
};
use crate::reference::{ReferenceError, config::Fields};

/// The parts of a `tokenizer.json` that others add to or contradict.
#[derive(Deserialize)]
pub(super) struct Tokenizer {
    #[serde(default)]
    pub(super) added_tokens: Vec<AddedToken>,
    #[serde(default)]
    pub(super) normalizer: Value,
    #[serde(default)]
    pub(super) pre_tokenizer: Value,
    #[serde(default)]
    pub(super) post_processor: Value,
    #[serde(default)]
    decoder: Value,
    pub(super) model: Model,
}

#[derive(Deserialize)]
pub(super) struct Model {
    #[serde(default, rename = "type")]
    kind: Value,
    #[serde(default)]
    ignore_merges: Value,
    #[serde(default)]
    merges: Option<IgnoredAny>,
    #[serde(default)]
    byte_fallback: Value,
    #[serde(default)]
    continuing_subword_prefix: Value,
    #[serde(default)]
    max_input_chars_per_word: Value,
    #[serde(default)]
    pub(super) unk_id: Value,
    #[serde(default)]
    unk_token: Value,
    pub(super) vocab: Value,
}

/// Returns whether the tokens of a `tokenizer.json` spell bytes; not so if it is none.
#[cfg(feature = "chat")]
pub(crate) fn is_byte_level(json: &[u8]) -> bool {
    serde_json::from_slice::<Tokenizer>(json).is_ok_and(|tokenizer| tokenizer.is_byte_level())
}

impl Tokenizer {
    /// Returns whether the tokens of a text spell bytes.
    pub(super) fn is_byte_level(&self) -> bool {
        let is = |part: &Value| part.get("type").is_some_and(|kind| kind == "ByteLevel");
        let inner = |part: &Value, list: &str| {
            part.get(list).and_then(Value::as_array).is_some_and(|parts| parts.iter().any(is))
        };
        is(&self.pre_tokenizer)
            || inner(&self.pre_tokenizer, "pretokenizers")
            || is(&self.decoder)
            || inner(&self.decoder, "decoders")
    }
}

impl Model {
    pub(super) fn ignores_merges(&self) -> bool {
        self.ignore_merges == Value::Bool(true)
    }

    /// Returns whether bytes stand for the characters that no token has.
    pub(super) fn spells_bytes(&self) -> bool {
        self.byte_fallback == Value::Bool(true)
    }

    /// Returns what the model is. Older files do not say it.
    pub(super) fn kind(&self) -> &str {
        let has_words =
            !self.continuing_subword_prefix.is_null() || !self.max_input_chars_per_word.is_null();
        match &self.kind {
            Value::String(kind) => kind,
            Value::Null if self.merges.is_some() => "BPE",
            Value::Null if has_words => "WordPiece",
            Value::Null if self.vocab.is_array() => "Unigram",
            _ => "",
        }
    }
}

/// Refuses options by which `transformers` replaces a part of `tokenizer.json`, for its `class` of
/// tokenizers.
pub(super) fn check_options(
    class: &str,
    config: &Map<String, Value>,
    tokenizer: &Tokenizer,
) -> Result<(), ReferenceError> {
    let fields = Fields::new(CONFIG, config);
    let other = "absent: tokenizer.json is read; for another, choose with --tokenizer";
    fields.neutral("auto_map", other, |value| value.as_object().is_some_and(Map::is_empty))?;
    fields.neutral("fast_tokenizer_files", other, |value| {
        value.as_array().is_some_and(|files| files.iter().all(|file| file == TOKENIZER))
    })?;
    let flag = |field: &str| config.get(field).and_then(Value::as_bool);
    let refuse = |field: &str, expected: &str, got: String| {
        let expected = format!("{expected}, as in tokenizer.json; or choose with --tokenizer");
        let file = CONFIG.to_owned();
        Err(ReferenceError::Field { file, field: field.to_owned(), expected: expected.into(), got })
    };
    let said = |flag: Option<bool>| flag.map_or_else(|| "nothing".to_owned(), |f| f.to_string());
    fields.neutral("split_special_tokens", "false", |value| *value == Value::Bool(false))?;
    if class == BERT && tokenizer.model.kind() == "WordPiece" {
        let normalizer = |field: &str| tokenizer.normalizer.get(field).and_then(Value::as_bool);
        if tokenizer.normalizer.get("type").is_none_or(|kind| kind != "BertNormalizer") {
            // The class brings its own.
            let kind = tokenizer.normalizer.get("type").and_then(Value::as_str);
            let kind = kind.unwrap_or("no normalizer").to_owned();
            return refuse(CLASS, "a class with the normalizer", format!("{class} beside {kind}"));
        }
        let lower = normalizer("lowercase").unwrap_or(true);
        let chinese = normalizer("handle_chinese_chars").unwrap_or(true);
        let strips = normalizer("strip_accents").unwrap_or(lower);
        for (field, own, stated) in [
            ("do_lower_case", lower, flag("do_lower_case").unwrap_or(true)),
            ("tokenize_chinese_chars", chinese, flag("tokenize_chinese_chars").unwrap_or(true)),
            ("strip_accents", strips, flag("strip_accents").unwrap_or(lower)),
        ] {
            if own != stated {
                return refuse(field, &own.to_string(), said(flag(field)));
            }
        }
        for field in ["unk_token", "cls_token", "sep_token"] {
            if config.get(field).is_some_and(Value::is_null) {
                return refuse(field, "a token", "null".to_owned());
            }
        }
        let unknown = named_token(config, "unk_token").unwrap_or_else(|| "[UNK]".to_owned());
        if tokenizer.model.unk_token != unknown.as_str() {
            return refuse(
                "unk_token",
                &cut(&tokenizer.model.unk_token.to_string()),
                cut(&unknown),
            );
        }
        check_bert(config, tokenizer)?;
    }
    let prefixed = ["GPT2Tokenizer", "LlamaTokenizer", "CodeLlamaTokenizer", "Qwen2Tokenizer"];
    if prefixed.iter().any(|name| class.starts_with(name)) {
        let own = adds_space(&tokenizer.normalizer) || adds_space(&tokenizer.pre_tokenizer);
        if flag(SPACE).is_some_and(|stated| stated != own) {
            return refuse(SPACE, &own.to_string(), said(flag(SPACE)));
        }
    }
    Ok(())
}

/// Refuses what BERT's class has of its own and no option changes: how words are cut, and which
/// tokens stand around a text.
fn check_bert(config: &Map<String, Value>, tokenizer: &Tokenizer) -> Result<(), ReferenceError> {
    let refuse = |file: &str, field: &str, expected: String, got: String| {
        let expected = format!("{expected}; or choose with --tokenizer").into();
        let (file, field) = (file.to_owned(), field.to_owned());
        Err(ReferenceError::Field { file, field, expected, got: cut(&got) })
    };
    let model = &tokenizer.model;
    for (field, own, usual) in [
        ("max_input_chars_per_word", &model.max_input_chars_per_word, Value::from(100)),
        ("continuing_subword_prefix", &model.continuing_subword_prefix, Value::from("##")),
    ] {
        if !own.is_null() && *own != usual {
            let expected = format!("{usual}, as {BERT} has it");
            return refuse(TOKENIZER, field, expected, own.to_string());
        }
    }
    let Some(frame) = frame(&tokenizer.post_processor) else {
        let expected = format!("one token before and one behind a text, as {BERT} has it");
        let got = tokenizer.post_processor.to_string();
        return refuse(TOKENIZER, "post_processor", expected, got);
    };
    for ((field, usual), (own, id)) in
        [("cls_token", "[CLS]"), ("sep_token", "[SEP]")].into_iter().zip(frame)
    {
        let token = named_token(config, field).unwrap_or_else(|| usual.to_owned());
        let known = model.vocab.get(&token).and_then(Value::as_u64);
        if own != token || known.is_some_and(|known| known != id) {
            let expected = format!("the token that tokenizer.json puts there, {id} {}", cut(own));
            return refuse(CONFIG, field, expected, token);
        }
    }
    Ok(())
}

/// Refuses the option by which `transformers` cuts the words of a Mistral in another way, where it
/// follows it.
pub(super) fn check_words(
    config: &Map<String, Value>,
    model: &Map<String, Value>,
    tokenizer: &Tokenizer,
) -> Result<(), ReferenceError> {
    let fields = Fields::new(CONFIG, config);
    let text = |field: &str| model.get(field).and_then(Value::as_str);
    let tokens = tokenizer.model.vocab.as_object().map_or(0, Map::len);
    let is_large = tokens + tokenizer.added_tokens.len() > 100_000;
    let is_old = text("transformers_version").is_none_or(|version| {
        let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
        // What came before 5.0.0 has something behind these numbers.
        major.is_none_or(|major| major < 5) || version.len() > 5 && version.starts_with("5.0.0")
    });
    let words = &tokenizer.pre_tokenizer;
    if !fields.flag(REGEX, false)?
        || text("model_type") != Some("mistral")
        || !is_old
        || !is_large
        || words.is_null()
    {
        return Ok(());
    }
    let first = words.get("pretokenizers").and_then(|steps| steps.get(0));
    let is = |field: &str, expected: Value| {
        first.and_then(|split| split.get(field)).is_some_and(|value| *value == expected)
    };
    let splits = is("type", "Split".into())
        && is("pattern", serde_json::json!({"Regex": crate::gguf::TEKKEN_WORDS}))
        && is("behavior", "Isolated".into())
        && is("invert", false.into());
    let expected = "false: tokenizer.json is read, whose words are others; or choose a corrected \
                    one with --tokenizer";
    if splits { Ok(()) } else { Err(fields.refused(REGEX, expected)) }
}

/// Returns the tokens before and behind a text with their numbers, if there is one each.
pub(super) fn frame(part: &Value) -> Option<[(&str, u64); 2]> {
    if let Some(inner) = part.get("processors").and_then(Value::as_array) {
        // Of bytes, only places in the text are changed.
        let is_other = |part: &&Value| part.get("type").is_none_or(|kind| kind != "ByteLevel");
        let mut inner = inner.iter().filter(is_other);
        let only = inner.next()?;
        return if inner.next().is_none() { frame(only) } else { None };
    }
    if let (Some(before), Some(behind)) = (part.get("cls"), part.get("sep")) {
        return Some([pair(before)?, pair(behind)?]);
    }
    let [before, text, behind] = part.get("single")?.as_array()?.as_slice() else { return None };
    let is_text = text.get("Sequence")?.get("id")? == "A";
    let tokens = part.get("special_tokens")?;
    is_text.then_some([piece(tokens, before)?, piece(tokens, behind)?])
}

/// A token with its number, as processors of their own kind write it.
fn pair(pair: &Value) -> Option<(&str, u64)> {
    Some((pair.get(0)?.as_str()?, pair.get(1)?.as_u64()?))
}

/// A token with its number, as templates write it.
fn piece<'a>(tokens: &Value, piece: &'a Value) -> Option<(&'a str, u64)> {
    let name = piece.get("SpecialToken")?.get("id")?.as_str()?;
    let [id] = tokens.get(name)?.get("ids")?.as_array()?.as_slice() else { return None };
    Some((name, id.as_u64()?))
}

/// Returns whether `transformers` removes spaces before marks when it writes a text.
pub(super) fn cleans_spaces(
    config: &Map<String, Value>,
    tokenizer: &Tokenizer,
) -> Result<bool, ReferenceError> {
    let fields = Fields::new(CONFIG, config);
    let cleans = fields.flag("clean_up_tokenization_spaces", false)?;
    if tokenizer.model.kind() != "BPE" {
        return Ok(cleans);
    }
    // The tools leave such texts as they are, unless they are forced.
    let forced = "clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output";
    fields.neutral(forced, "false", |value| *value == Value::Bool(false))?;
    Ok(false)
}

/// Returns whether a part of a tokenizer puts a space before a text.
fn adds_space(part: &Value) -> bool {
    let is = |field: &str, expected: &str| part.get(field).is_some_and(|value| value == expected);
    let inner = ["normalizers", "pretokenizers"].iter().filter_map(|list| part.get(*list));
    let mut inner = inner.filter_map(Value::as_array).flatten();
    is("type", "Prepend")
        || is("prepend_scheme", "always")
        || is("prepend_scheme", "first")
        || part.get("add_prefix_space").is_some_and(|value| *value == Value::Bool(true))
        || inner.any(adds_space)
}

/// The text of a special token under its name.
pub(super) fn named_token(config: &Map<String, Value>, name: &str) -> Option<String> {
    token_text(config.get(name)?)
}

fn token_text(value: &Value) -> Option<String> {
    let text = value.as_str().or_else(|| value.get("content")?.as_str());
    text.map(str::to_owned)
}

pub(super) const CONFIG: &str = "tokenizer_config.json";
const REGEX: &str = "fix_mistral_regex";
const SPACE: &str = "add_prefix_space";
pub(super) const TOKENIZER: &str = "tokenizer.json";
