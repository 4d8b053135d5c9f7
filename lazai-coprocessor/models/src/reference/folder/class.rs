//! The classes of tokenizers of `transformers`, which bring parts of their own.

use serde_json::{Map, Value};

use super::options::Tokenizer;
use crate::reference::Note;

/// Returns the class that `transformers` 5 takes for a folder; none if it reads `tokenizer.json` as
/// it stands.
///
/// `options` are those of `tokenizer_config.json`, `config` is `config.json`.
pub(crate) fn class_of(
    options: &Map<String, Value>,
    config: &Map<String, Value>,
    is_byte_level: bool,
) -> Option<String> {
    let text = |map: &'_ Map<String, Value>, field: &str| {
        map.get(field).and_then(Value::as_str).map(str::to_owned)
    };
    let kind = text(config, "model_type").unwrap_or_default();
    let of_model = match kind.as_str() {
        "bert" => Some(BERT),
        "gpt2" => Some(GPT2),
        "qwen2" | "qwen3" => Some(QWEN2),
        _ => None,
    };
    let named = text(options, CLASS).or_else(|| text(config, CLASS));
    let named = named.map(|class| class.trim_end_matches("Fast").to_owned());
    match named.as_deref() {
        // Many of these folders name another class, which is not believed.
        _ if kind == "qwen2" => Some(QWEN2.to_owned()),
        _ if kind == "mistral" => None,
        // Subclasses that bring nothing of their own.
        Some("DistilBertTokenizer" | "ElectraTokenizer" | "MobileBertTokenizer") => {
            Some(BERT.to_owned())
        }
        None => of_model.map(str::to_owned),
        Some("PreTrainedTokenizer" | "TokenizersBackend") => None,
        Some(LLAMA) if is_byte_level => None,
        Some(_) => named,
    }
}

/// The special tokens that a class has where no file names them.
#[cfg(feature = "chat")]
pub(crate) fn default_tokens(class: &str) -> &'static [(&'static str, &'static str)] {
    const END: &str = "<|endoftext|>";
    match class {
        GPT2 => &[("bos_token", END), ("eos_token", END), ("unk_token", END)],
        LLAMA => &[("bos_token", "<s>"), ("eos_token", "</s>"), ("unk_token", "<unk>")],
        QWEN2 => &[("eos_token", END), ("pad_token", END), ("unk_token", END)],
        _ => &[],
    }
}

/// Returns a note if a class reads texts in another way than `tokenizer.json` says.
pub(super) fn difference(
    class: &str,
    options: &Map<String, Value>,
    tokenizer: &Tokenizer,
) -> Option<Note> {
    let normalizer = &tokenizer.normalizer;
    let words = &tokenizer.pre_tokenizer;
    let is = |part: &Value, kind: &str| part.get("type").is_some_and(|known| known == kind);
    let part = match class {
        BERT if normalizer.get("clean_text") == Some(&Value::Bool(false)) => NORMALIZER,
        BERT if !is(words, "BertPreTokenizer") => WORDS,
        GPT2 if !normalizer.is_null() => NORMALIZER,
        GPT2 if !is(words, "ByteLevel") || words.get("use_regex") == Some(&Value::Bool(false)) => {
            WORDS
        }
        QWEN2 if !is(normalizer, "NFC") => NORMALIZER,
        QWEN2 if !splits_as_qwen2(words) => WORDS,
        GPT2 | QWEN2 if tokenizer.model.ignores_merges() => "whole words",
        LLAMA if space_scheme(tokenizer) != Some(llama_scheme(options)) => "marks of spaces",
        _ => return None,
    };
    Some(Note::TokenizerClass { class: class.to_owned(), part })
}

/// Where a class of Llama marks a space that is not in the text.
fn llama_scheme(options: &Map<String, Value>) -> &'static str {
    let flag = |field: &str| options.get(field).and_then(Value::as_bool);
    match (flag("add_prefix_space"), flag("legacy")) {
        (Some(false), _) => "never",
        (_, Some(true)) => "always",
        _ => "first",
    }
}

/// Where a tokenizer of SentencePiece's kind marks a space that is not in the text.
fn space_scheme(tokenizer: &Tokenizer) -> Option<&str> {
    let words = &tokenizer.pre_tokenizer;
    if !words.is_null() {
        let scheme = words.get("prepend_scheme").and_then(Value::as_str);
        return scheme.filter(|_| tokenizer.normalizer.is_null());
    }
    let list = tokenizer.normalizer.get("normalizers").and_then(Value::as_array);
    let parts = list.map_or(core::slice::from_ref(&tokenizer.normalizer), Vec::as_slice);
    let kinds: Vec<_> = parts.iter().map(|part| part.get("type").and_then(Value::as_str)).collect();
    // A step that prepends marks even a text that starts with a space, which no class does.
    (kinds == [Some("Replace")]).then_some("never")
}

fn splits_as_qwen2(words: &Value) -> bool {
    let parts = words.get("pretokenizers").and_then(Value::as_array).map(Vec::as_slice);
    let Some([split, bytes]) = parts else { return false };
    let pattern = split.get("pattern").and_then(|pattern| pattern.get("Regex"));
    pattern.is_some_and(|pattern| pattern == crate::gguf::QWEN2_WORDS)
        && bytes.get("type").is_some_and(|kind| kind == "ByteLevel")
        && bytes.get("use_regex") == Some(&Value::Bool(false))
}

pub(super) const BERT: &str = "BertTokenizer";
pub(super) const CLASS: &str = "tokenizer_class";
const GPT2: &str = "GPT2Tokenizer";
const LLAMA: &str = "LlamaTokenizer";
const QWEN2: &str = "Qwen2Tokenizer";

const NORMALIZER: &str = "normalization";
const WORDS: &str = "words";
