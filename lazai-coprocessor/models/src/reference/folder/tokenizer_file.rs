//! The parts of a `tokenizer.json` that other files of a folder add to or contradict.

use serde::{Deserialize, Serialize, de::IgnoredAny};
use serde_json::Value;

/// A `tokenizer.json`.
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
    pub(super) continuing_subword_prefix: Value,
    #[serde(default)]
    pub(super) max_input_chars_per_word: Value,
    #[serde(default)]
    pub(super) unk_id: Value,
    #[serde(default)]
    pub(super) unk_token: Value,
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

/// A token that is found in a text before the model sees it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(super) struct AddedToken {
    #[serde(default)]
    pub(super) id: u32,
    pub(super) content: String,
    #[serde(default)]
    pub(super) single_word: bool,
    #[serde(default)]
    pub(super) lstrip: bool,
    #[serde(default)]
    pub(super) rstrip: bool,
    #[serde(default)]
    pub(super) normalized: bool,
    #[serde(default)]
    pub(super) special: bool,
}

impl AddedToken {
    pub(super) const fn new(content: String, special: bool) -> Self {
        let (single_word, lstrip, rstrip) = (false, false, false);
        Self { id: 0, content, single_word, lstrip, rstrip, normalized: !special, special }
    }
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

/// Most bytes of the file.
pub(crate) const MAX_TOKENIZER_BYTES: u64 = 32 << 20;

/// The name of the file.
pub(crate) const TOKENIZER: &str = "tokenizer.json";
