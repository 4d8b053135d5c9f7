//! What a GGUF file says of its network, by the rules of a family.

use std::collections::BTreeMap;

use lazai_coprocessor::architecture::{Architecture, Head};

use super::{
    GgufFields, Note, OpenOptions, ReferenceError, gguf::refused, weights::WeightMapping, words,
};
use crate::gguf::{Array, Gguf, GgufError, Value};

/// An architecture, where its weights are, and what a user should know.
type Description = (Architecture, BTreeMap<String, WeightMapping>, Vec<Note>);

/// Reads the architecture of a GGUF file, where its weights are, and what a user should know.
pub(super) fn describe_gguf(
    file: &Gguf,
    options: &OpenOptions<'_>,
) -> Result<Description, ReferenceError> {
    if let Some(kind) = file.text("general.type")?.filter(|kind| *kind != "model") {
        return Err(refused("general.type", "model", &kind));
    }
    if let Some(value) = file.metadata(SUPPRESSED).filter(|value| {
        value.as_array().and_then(Array::to_i64s).is_none_or(|tokens| !tokens.is_empty())
    }) {
        let expected = "absent: such rules are not followed";
        return Err(refused(SUPPRESSED, expected, &value.describe()));
    }
    let key = "general.architecture";
    let name = file.text(key)?.ok_or_else(|| GgufError::missing_key(key))?;
    let families = || options.families.iter().map(|family| family.rules());
    let rules = families().find(|rules| rules.gguf_architectures().contains(&name));
    let rules = rules.ok_or_else(|| {
        let words = families().flat_map(|rules| rules.gguf_architectures());
        refused(key, words::list(words), &name)
    })?;
    let fields = GgufFields::new(file, name, options.pooling);
    let architecture = rules.read_gguf(&fields)?;
    fields.check_others()?;
    if architecture.head != Head::None {
        choices(file).into_iter().for_each(|note| fields.note(note));
    }
    let mappings = WeightMapping::of_all(&architecture, |name| {
        rules.map_gguf_weight(&architecture, &fields, name)
    });
    Ok((architecture, mappings, fields.into_notes()))
}

/// Returns a note of how tokens are to be chosen, if the file says it.
fn choices(file: &Gguf) -> Option<Note> {
    let said = |(key, value): (&String, &Value)| {
        Some(format!("{} {}", key.strip_prefix(SAMPLING)?, value.describe()))
    };
    let choices: Vec<String> = file.entries().iter().filter_map(said).take(16).collect();
    (!choices.is_empty()).then_some(Note::Choices { file: "general.sampling", choices })
}

/// What stands before the keys of how tokens are chosen.
const SAMPLING: &str = "general.sampling.";

/// Tokens that are never chosen.
const SUPPRESSED: &str = "tokenizer.ggml.suppress_tokens";
