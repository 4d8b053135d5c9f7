//! `generation_config.json`: where a text ends.

use std::path::Path;

use serde_json::{Map, Value};

use super::files::read_optional;
use crate::reference::{
    Note, ReferenceError,
    config::{FILE as CONFIG, Fields, check_rules},
    json,
};

/// What the file says of texts.
#[derive(Debug)]
pub(super) struct Generation {
    /// The tokens that end a text, if the file says them. As in `transformers`, they replace those
    /// of `config.json`.
    pub(super) end_tokens: Option<Vec<u32>>,
    /// What a user should know.
    pub(super) note: Option<Note>,
}

impl Generation {
    /// Reads the file, if the folder has it.
    ///
    /// How tokens are chosen is a choice of each request, so those fields are told and passed over;
    /// rules that no request can ask for are refused.
    pub(super) fn read(
        folder: &Path,
        config: &Map<String, Value>,
        vocabulary: u32,
    ) -> Result<Self, ReferenceError> {
        let Some(bytes) = read_optional(folder, FILE, MAX_BYTES)? else {
            // Older folders say it beside the shape, whose rules are checked there.
            let note = choices(CONFIG, &Fields::new(CONFIG, config));
            return Ok(Self { end_tokens: None, note });
        };
        let map = json::object(FILE, &bytes)?;
        let fields = Fields::new(FILE, &map);
        check_rules(&fields)?;
        let end_tokens = match fields.present("eos_token_id") {
            None => None,
            Some(_) => Some(fields.end_tokens(vocabulary)?),
        };
        Ok(Self { end_tokens, note: choices(FILE, &fields) })
    }
}

/// Returns a note of the fields that choose tokens in another way than by their scores alone.
fn choices(file: &'static str, fields: &Fields<'_>) -> Option<Note> {
    let differs = |(field, neutral): &&(&str, f64)| {
        let value = fields.present(field);
        value.is_some_and(|value| value.as_f64() != Some(*neutral))
    };
    let said = |(field, _): &(&str, f64)| {
        let value = fields.present(field).map(Value::to_string).unwrap_or_default();
        format!("{field} {value}")
    };
    let choices: Vec<String> = CHOICES.iter().filter(differs).map(said).collect();
    (!choices.is_empty()).then_some(Note::Choices { file, choices })
}

const FILE: &str = "generation_config.json";
const MAX_BYTES: u64 = 1 << 20;

/// Fields that choose tokens, with the values that change nothing.
const CHOICES: [(&str, f64); 17] = [
    ("encoder_no_repeat_ngram_size", 0.0),
    ("encoder_repetition_penalty", 1.0),
    ("epsilon_cutoff", 0.0),
    ("eta_cutoff", 0.0),
    ("guidance_scale", 1.0),
    ("min_length", 0.0),
    ("min_new_tokens", 0.0),
    ("min_p", 0.0),
    ("no_repeat_ngram_size", 0.0),
    ("num_beams", 1.0),
    ("penalty_alpha", 0.0),
    ("repetition_penalty", 1.0),
    ("temperature", 1.0),
    // It always leaves a hundred tokens at most.
    ("top_h", f64::NAN),
    ("top_k", 0.0),
    ("top_p", 1.0),
    ("typical_p", 1.0),
];
