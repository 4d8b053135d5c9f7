//! Checkpoints in GGUF files.

mod fields;

use std::{borrow::Cow, collections::BTreeMap};

pub use fields::GgufFields;
use lazai_coprocessor::architecture::{Architecture, Head};

use super::{Note, OpenOptions, ReferenceError, TensorSource, family, weights::WeightMapping};
use crate::gguf::{Gguf, GgufError};

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

    fn tokenizer_json(&self, _: u32) -> Result<(Vec<u8>, Option<Note>), ReferenceError> {
        Ok((Self::tokenizer_json(self)?, None))
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
