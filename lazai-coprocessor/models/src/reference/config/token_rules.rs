//! Rules of which token may follow, which stand in `config.json` or `generation_config.json`.

use serde_json::Value;

use super::Fields;
use crate::reference::ReferenceError;

/// Refuses rules that change which tokens may follow.
pub(in crate::reference) fn check_rules(fields: &Fields<'_>) -> Result<(), ReferenceError> {
    for field in RULES {
        let empty = |value: &Value| match value {
            Value::Array(values) => values.is_empty(),
            Value::Object(values) => values.is_empty(),
            Value::Bool(value) => !value,
            _ => false,
        };
        fields.neutral(field, "absent: such rules are not followed", empty)?;
    }
    Ok(())
}

/// Rules that change which tokens may follow, or where a text ends.
const RULES: [&str; 13] = [
    "bad_words_ids",
    "begin_suppress_tokens",
    "constraints",
    "dola_layers",
    "exponential_decay_length_penalty",
    "force_words_ids",
    "forced_bos_token_id",
    "forced_eos_token_id",
    "sequence_bias",
    "stop_strings",
    "suppress_tokens",
    "token_healing",
    "watermarking_config",
];
