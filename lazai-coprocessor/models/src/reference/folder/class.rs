//! The classes of tokenizers of `transformers`, which bring parts of their own.

use serde_json::{Map, Value};

use super::{
    files::cut,
    tokenizer_config::named_token,
    tokenizer_file::{Tokenizer, frame},
};
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
        None => of_model.map(str::to_owned),
        Some(name) if AS_IT_STANDS.contains(&name) => None,
        Some(name) if AS_BERT.contains(&name) => Some(BERT.to_owned()),
        Some(LLAMA) if is_byte_level => None,
        Some(_) => named,
    }
}

/// The special tokens that a class has where no file names them.
pub(crate) fn default_tokens(class: &str) -> &'static [(&'static str, &'static str)] {
    const END: &str = "<|endoftext|>";
    match class {
        BERT => &[
            ("unk_token", "[UNK]"),
            ("sep_token", "[SEP]"),
            ("pad_token", "[PAD]"),
            ("cls_token", "[CLS]"),
            ("mask_token", "[MASK]"),
        ],
        CAMEMBERT | XLM_ROBERTA => &[
            ("bos_token", "<s>"),
            ("eos_token", "</s>"),
            ("unk_token", "<unk>"),
            ("pad_token", "<pad>"),
            ("mask_token", "<mask>"),
        ],
        GPT2 => &[("bos_token", END), ("eos_token", END), ("unk_token", END)],
        CODE_LLAMA | LLAMA => {
            &[("bos_token", "<s>"), ("eos_token", "</s>"), ("unk_token", "<unk>")]
        }
        QWEN2 => &[("eos_token", END), ("pad_token", END), ("unk_token", END)],
        _ => &[],
    }
}

/// Returns whether `transformers` builds a tokenizer of this class anew, from the vocabulary and
/// merges of `tokenizer.json` alone.
pub(super) fn is_rebuilt(class: &str) -> bool {
    model_of(class).is_some()
}

/// The kind of the model that a class builds, if it is one whose rules are known.
fn model_of(class: &str) -> Option<&'static str> {
    match class {
        BERT => Some("WordPiece"),
        CODE_LLAMA | GPT2 | LLAMA | QWEN2 => Some("BPE"),
        CAMEMBERT | XLM_ROBERTA => Some("Unigram"),
        _ => None,
    }
}

/// Returns a note if a class reads texts in another way than `tokenizer.json` says.
pub(super) fn difference(
    class: &str,
    options: &Map<String, Value>,
    tokenizer: &Tokenizer,
) -> Option<Note> {
    if class.is_empty() {
        return None;
    }
    let Some(model) = model_of(class) else {
        return Some(Note::OtherTokenizerClass { class: cut(class) });
    };
    let normalizer = &tokenizer.normalizer;
    let words = &tokenizer.pre_tokenizer;
    let is = |part: &Value, kind: &str| part.get("type").is_some_and(|known| known == kind);
    let part = match class {
        _ if tokenizer.model.kind() != model => "tokens",
        BERT if normalizer.get("clean_text") == Some(&Value::Bool(false)) => NORMALIZER,
        BERT if !is(words, "BertPreTokenizer") => WORDS,
        GPT2 if !normalizer.is_null() => NORMALIZER,
        GPT2 if !is(words, "ByteLevel") || words.get("use_regex") == Some(&Value::Bool(false)) => {
            WORDS
        }
        QWEN2 if !is(normalizer, "NFC") => NORMALIZER,
        QWEN2 if !splits_as_qwen2(words) => WORDS,
        GPT2 | QWEN2 if tokenizer.model.ignores_merges() => "whole words",
        CODE_LLAMA | LLAMA if space_scheme(tokenizer) != Some(llama_scheme(class, options)) => {
            "marks of spaces"
        }
        CODE_LLAMA | LLAMA if !tokenizer.model.spells_bytes() => "bytes",
        CAMEMBERT | XLM_ROBERTA if !reads_as_xlm_roberta(class, options, tokenizer) => "texts",
        _ => return None,
    };
    Some(Note::TokenizerClass { class: class.to_owned(), part })
}

/// Where a class of Llama marks a space that is not in the text.
fn llama_scheme(class: &str, options: &Map<String, Value>) -> &'static str {
    let flag = |field: &str| options.get(field).and_then(Value::as_bool);
    match (flag("add_prefix_space"), flag("legacy")) {
        (Some(false), _) => "never",
        (_, Some(true)) if class == LLAMA => "always",
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
    let kinds = kinds(steps(&tokenizer.normalizer, "normalizers"));
    // A step that prepends marks even a text that starts with a space, which no class does.
    (kinds == ["Replace"]).then_some("never")
}

/// Returns whether a tokenizer reads texts as XLM-RoBERTa's class does, in either form that tools
/// write.
fn reads_as_xlm_roberta(class: &str, options: &Map<String, Value>, tokenizer: &Tokenizer) -> bool {
    let words = steps(&tokenizer.pre_tokenizer, "pretokenizers");
    let fits = match kinds(words).as_slice() {
        ["WhitespaceSplit", "Metaspace"] => {
            let normalizers = kinds(steps(&tokenizer.normalizer, "normalizers"));
            matches!(normalizers.as_slice(), [] | ["Precompiled"])
        }
        // Spaces at the end and in a row are taken out before.
        ["Metaspace"] => {
            let normalizers = kinds(steps(&tokenizer.normalizer, "normalizers"));
            normalizers == ["Precompiled", "Strip", "Replace"]
        }
        _ => false,
    };
    let marks = words.last().is_some_and(|marks| {
        let scheme = marks.get("prepend_scheme").and_then(Value::as_str);
        let old = marks.get("add_prefix_space") != Some(&Value::Bool(false));
        let stated = options.get("add_prefix_space").is_none_or(|value| *value == true);
        scheme.unwrap_or(if old { "always" } else { "never" })
            == if stated { "always" } else { "never" }
    });
    let token =
        |field: &str, usual: &str| named_token(options, field).unwrap_or_else(|| usual.to_owned());
    let framed = frame(&tokenizer.post_processor).is_some_and(|[before, behind]| {
        before.0 == token("bos_token", "<s>") && behind.0 == token("eos_token", "</s>")
    });
    fits && marks && framed && (class == CAMEMBERT || tokenizer.model.unk_id == 3)
}

/// The steps of a part of a tokenizer, which may be a sequence under `list`.
fn steps<'a>(part: &'a Value, list: &str) -> &'a [Value] {
    match part.get(list).and_then(Value::as_array) {
        Some(steps) => steps,
        None if part.is_null() => &[],
        None => core::slice::from_ref(part),
    }
}

/// The kinds of steps.
fn kinds(steps: &[Value]) -> Vec<&str> {
    steps.iter().map(|step| step.get("type").and_then(Value::as_str).unwrap_or_default()).collect()
}

fn splits_as_qwen2(words: &Value) -> bool {
    let [split, bytes] = steps(words, "pretokenizers") else { return false };
    let pattern = split.get("pattern").and_then(|pattern| pattern.get("Regex"));
    pattern.is_some_and(|pattern| pattern == crate::gguf::QWEN2_WORDS)
        && bytes.get("type").is_some_and(|kind| kind == "ByteLevel")
        && bytes.get("use_regex") == Some(&Value::Bool(false))
}

pub(super) const BERT: &str = "BertTokenizer";
const CAMEMBERT: &str = "CamembertTokenizer";
pub(super) const CLASS: &str = "tokenizer_class";
const CODE_LLAMA: &str = "CodeLlamaTokenizer";
const GPT2: &str = "GPT2Tokenizer";
const LLAMA: &str = "LlamaTokenizer";
pub(super) const QWEN2: &str = "Qwen2Tokenizer";
const XLM_ROBERTA: &str = "XLMRobertaTokenizer";

/// Names of BERT's class, and subclasses that bring nothing of their own.
const AS_BERT: [&str; 11] = [
    "ConvBertTokenizer",
    "DPRContextEncoderTokenizer",
    "DPRQuestionEncoderTokenizer",
    "DPRReaderTokenizer",
    "DistilBertTokenizer",
    "ElectraTokenizer",
    "LayoutLMTokenizer",
    "LxmertTokenizer",
    "MobileBertTokenizer",
    "SplinterTokenizer",
    "SqueezeBertTokenizer",
];

/// Names under which `transformers` 5 reads `tokenizer.json` as it stands.
const AS_IT_STANDS: [&str; 4] =
    ["BloomTokenizer", "PreTrainedTokenizer", "RetriBertTokenizer", "TokenizersBackend"];

const NORMALIZER: &str = "normalization";
const WORDS: &str = "words";
