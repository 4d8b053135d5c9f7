//! Checkpoints in GGUF files.

mod fields;

use std::{borrow::Cow, collections::BTreeMap};

pub use fields::GgufFields;
use lazai_coprocessor::architecture::{Architecture, Head};

use super::{Note, OpenOptions, ReferenceError, TensorSource, family, weights::WeightMapping};
use crate::gguf::{Array, Gguf, GgufError, Value};

/// An architecture, where its weights are, and what a user should know.
type Description = (Architecture, BTreeMap<String, WeightMapping>, Vec<Note>);

/// Reads the architecture of a GGUF file, where its weights are, and what a user should know.
pub(super) fn describe(
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
        refused(key, family::list(words), &name)
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

/// Returns whether a tensor that no weight is read from does not change the result: the divisors of
/// rotary frequencies are read apart, and scores of a network that only embeds are not asked for.
pub(super) fn is_redundant(name: &str, architecture: &Architecture) -> bool {
    name == ROPE_FREQUENCIES
        || name == "token_types.weight"
        || (name == OUTPUT && architecture.head == Head::None)
}

impl TensorSource for Gguf {
    fn names(&self) -> Vec<String> {
        self.tensors().keys().cloned().collect()
    }

    fn shape(&self, name: &str, rank: usize) -> Result<Vec<usize>, ReferenceError> {
        match self.tensors().get(name) {
            Some(info) => Ok(without_ones(&info.shape, rank).to_vec()),
            None => Err(ReferenceError::MissingTensor { tensor: name.to_owned() }),
        }
    }

    fn read(&self, name: &str) -> Result<Vec<f32>, ReferenceError> {
        Ok(self.tensor(name)?)
    }

    fn tokenizer_json(&self, _: u32) -> Result<(Vec<u8>, Vec<Note>), ReferenceError> {
        let (json, count) = (Self::tokenizer_json(self)?, self.rounded_scores()?);
        let note = (count > 0).then_some(Note::RoundedScores { count });
        Ok((json, note.into_iter().collect()))
    }
}

/// Returns a shape without sizes of 1 in front, by which ggml fills up a rank.
fn without_ones(mut shape: &[usize], rank: usize) -> &[usize] {
    while let [1, rest @ ..] = shape
        && shape.len() > rank
    {
        shape = rest;
    }
    shape
}

/// Returns a note of how tokens are to be chosen, if the file says it.
fn choices(file: &Gguf) -> Option<Note> {
    let said = |(key, value): (&String, &Value)| {
        Some(format!("{} {}", key.strip_prefix(SAMPLING)?, value.describe()))
    };
    let choices: Vec<String> = file.entries().iter().filter_map(said).take(16).collect();
    (!choices.is_empty()).then_some(Note::Choices { file: "general.sampling", choices })
}

fn refused(
    key: &str,
    expected: impl Into<Cow<'static, str>>,
    got: &dyn ToString,
) -> ReferenceError {
    let got = got.to_string().chars().take(64).collect();
    ReferenceError::Key { key: key.to_owned(), expected: expected.into(), got }
}

const OUTPUT: &str = "output.weight";
const ROPE_FREQUENCIES: &str = "rope_freqs.weight";

/// What stands before the keys of how tokens are chosen.
const SAMPLING: &str = "general.sampling.";

/// Tokens that are never chosen.
const SUPPRESSED: &str = "tokenizer.ggml.suppress_tokens";
