//! The special tokens that a `tokenizer_config.json` names.

use serde_json::{Map, Value};

/// The text of a special token under its name.
pub(super) fn named_token(config: &Map<String, Value>, name: &str) -> Option<String> {
    token_text(config.get(name)?)
}

fn token_text(value: &Value) -> Option<String> {
    let text = value.as_str().or_else(|| value.get("content")?.as_str());
    text.map(str::to_owned)
}

/// The name of the file.
pub(crate) const CONFIG: &str = "tokenizer_config.json";
