//! The families of checkpoints: all that differs from one to another, in one file for each.
//!
//! A new family is a file here and a row of [`Family::ALL`]. What it computes must be an
//! [`Architecture`], which all families share.

mod bert;
mod gpt2;
mod llama;

use core::fmt;

use lazai_coprocessor::architecture::{Architecture, Gelu};
use serde_json::Value;

use super::{
    Config, ReferenceError,
    config::Fields,
    gguf::GgufFields,
    weights::{WeightName, WeightTransform},
};

/// A family of checkpoints that names its weights in one way.
#[derive(Clone, Copy)]
pub struct Family(&'static dyn FamilyRules);

impl Family {
    /// The families that are read: BERT; GPT-2; Llama, Mistral, Qwen2 and Qwen3.
    pub const ALL: &'static [Self] =
        &[Self::new(&bert::Bert), Self::new(&gpt2::Gpt2), Self::new(&llama::Llama)];

    /// Makes a family of its rules.
    #[must_use]
    pub const fn new(rules: &'static dyn FamilyRules) -> Self {
        Self(rules)
    }

    /// Returns how checkpoints of the family are read.
    #[must_use]
    pub fn rules(self) -> &'static dyn FamilyRules {
        self.0
    }
}

impl Eq for Family {}

impl PartialEq for Family {
    fn eq(&self, other: &Self) -> bool {
        self.0.name() == other.0.name()
    }
}

impl fmt::Debug for Family {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Family").field(&self.0.name()).finish()
    }
}

/// The rules by which the checkpoints of a family are read.
///
/// Whoever implements them promises that an architecture that is returned computes what the
/// family's own tools compute with the same files, and that every field that those read is
/// honoured or refused.
pub trait FamilyRules: fmt::Debug + Sync {
    /// Returns the name of the family.
    fn name(&self) -> &'static str;

    /// Returns the values of `model_type` in the `config.json` of the family.
    fn model_types(&self) -> &'static [&'static str];

    /// Reads a `config.json` with one of the [`model_types`](Self::model_types).
    ///
    /// # Errors
    /// [`ReferenceError::Field`] for a field that changes the result and has a value that is not
    /// implemented.
    fn read_config(&self, model_type: &str, fields: &Fields<'_>) -> Result<Config, ReferenceError>;

    /// Returns what stands before the names of a folder that holds the network with a head for a
    /// task.
    fn prefix(&self) -> &'static str;

    /// Returns what stands before the names of most folders: nothing, or the
    /// [`prefix`](Self::prefix).
    fn usual_prefix(&self) -> &'static str {
        ""
    }

    /// Returns the name that [`map_weight`](Self::map_weight) gives a tensor of a folder which may
    /// have an older name.
    fn rename(&self, tensor: &str) -> String {
        tensor.to_owned()
    }

    /// Returns the tensor of a folder that holds a weight, and its form there.
    ///
    /// `prefix` is what stands before the names of the folder: nothing, or the
    /// [`prefix`](Self::prefix).
    fn map_weight(
        &self,
        config: &Config,
        name: &WeightName<'_>,
        prefix: &str,
    ) -> (String, WeightTransform);

    /// Returns whether a tensor of a folder that no weight is read from does not change the result.
    fn is_redundant(&self, tensor: &str) -> bool;

    /// Returns the values of `general.architecture` in the GGUF files of the family.
    fn gguf_architectures(&self) -> &'static [&'static str];

    /// Reads the metadata of a GGUF file with one of the
    /// [`gguf_architectures`](Self::gguf_architectures). Keys of the architecture that are not
    /// asked for must be known to change nothing, or the file is refused by their names.
    ///
    /// # Errors
    /// [`ReferenceError::Key`] for a key whose value is not implemented.
    fn read_gguf(&self, fields: &GgufFields<'_>) -> Result<Architecture, ReferenceError>;

    /// Returns the tensor of a GGUF file that holds a weight, and its form there.
    fn map_gguf_weight(
        &self,
        architecture: &Architecture,
        fields: &GgufFields<'_>,
        name: &WeightName<'_>,
    ) -> (String, WeightTransform);
}

/// Writes words as a list: `a, b or c`.
pub(super) fn list<'a>(words: impl Iterator<Item = &'a &'static str>) -> String {
    let words: Vec<&str> = words.copied().collect();
    match words.as_slice() {
        [first @ .., last] if !first.is_empty() => format!("{} or {last}", first.join(", ")),
        words => words.concat(),
    }
}

/// Reads the form of GELU that a field names.
fn gelu(fields: &Fields<'_>, field: &'static str, default: Gelu) -> Result<Gelu, ReferenceError> {
    match fields.present(field).map(Value::as_str) {
        None => Ok(default),
        Some(Some("gelu")) => Ok(Gelu::Exact),
        Some(Some("gelu_fast" | "gelu_new" | "gelu_pytorch_tanh")) => Ok(Gelu::Tanh),
        Some(_) => Err(fields.refused(field, "gelu, gelu_fast, gelu_new or gelu_pytorch_tanh")),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_word_means_one_family() {
        let rules = || Family::ALL.iter().map(|family| family.rules());
        let types: Vec<_> = rules().flat_map(FamilyRules::model_types).collect();
        let architectures: Vec<_> = rules().flat_map(FamilyRules::gguf_architectures).collect();
        let names: Vec<_> = rules().map(FamilyRules::name).collect();
        assert_eq!(types.iter().collect::<BTreeSet<_>>().len(), types.len());
        assert_eq!(architectures.iter().collect::<BTreeSet<_>>().len(), architectures.len());
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    }

    #[test]
    fn messages_list_what_is_read() {
        assert_eq!(list(["a", "b", "c"].iter()), "a, b or c");
        assert_eq!(list(["a"].iter()), "a");
        let json = br#"{"model_type": "mamba"}"#;
        let error = Config::from_json(json).unwrap_err().to_string();
        assert!(error.contains("bert, gpt2, llama, mistral, qwen2 or qwen3"), "{error}");
    }
}
