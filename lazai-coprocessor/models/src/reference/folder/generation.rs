//! `generation_config.json`: where a text ends.

use std::path::Path;

use serde_json::Value;

use super::files::read_optional;
use crate::reference::{ReferenceError, config::Fields, json};

/// Reads the tokens that end a text, if the folder has a file that says them.
///
/// As in `transformers`, they replace those of `config.json`. How tokens are chosen is a choice of
/// each request, so those fields are passed over; rules that no request can ask for are refused.
pub(super) fn read_end_tokens(
    folder: &Path,
    vocabulary: u32,
) -> Result<Option<Vec<u32>>, ReferenceError> {
    let Some(bytes) = read_optional(folder, FILE, MAX_BYTES)? else { return Ok(None) };
    let map = json::object(FILE, &bytes)?;
    let fields = Fields::new(FILE, &map);
    for field in RULES {
        let empty = |value: &Value| match value {
            Value::Array(values) => values.is_empty(),
            Value::Object(values) => values.is_empty(),
            Value::Bool(value) => !value,
            _ => false,
        };
        fields.neutral(field, "absent: such rules are not followed", empty)?;
    }
    match fields.present("eos_token_id") {
        None => Ok(None),
        Some(_) => fields.end_tokens(vocabulary).map(Some),
    }
}

const FILE: &str = "generation_config.json";
const MAX_BYTES: u64 = 1 << 20;

/// Rules that change which tokens may follow.
const RULES: [&str; 9] = [
    "bad_words_ids",
    "begin_suppress_tokens",
    "constraints",
    "exponential_decay_length_penalty",
    "force_words_ids",
    "forced_bos_token_id",
    "forced_eos_token_id",
    "sequence_bias",
    "suppress_tokens",
];
