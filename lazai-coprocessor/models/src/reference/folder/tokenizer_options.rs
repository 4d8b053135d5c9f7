//! Options of `tokenizer_config.json` by which `transformers` replaces parts of `tokenizer.json`.

use serde_json::{Map, Value};

use super::{
    class::{BERT, CLASS},
    files::cut,
    tokenizer_config::{CONFIG, named_token},
    tokenizer_file::{TOKENIZER, Tokenizer, frame},
};
use crate::reference::{ReferenceError, config::Fields};

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

const REGEX: &str = "fix_mistral_regex";
const SPACE: &str = "add_prefix_space";
