//! The families of checkpoints: all that differs from one to another, in one file for each.
//!
//! A new family is a file here, a variant of [`Family`] and a line in each of its three methods.
//! What it computes must be an [`Architecture`], which all families share.

mod bert;
mod gpt2;
mod llama;

use lazai_coprocessor::architecture::{Architecture, Gelu};
use serde_json::Value;

use super::{
    Config, ReferenceError,
    config::Fields,
    gguf::GgufFields,
    weights::{WeightName, WeightTransform},
};

/// A family of checkpoints that names its weights in one way.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Family {
    /// BERT and its distilled forms.
    Bert,
    /// GPT-2 and its distilled forms.
    Gpt2,
    /// Llama, Mistral, Qwen2 and Qwen3.
    Llama,
}

/// The rules by which the checkpoints of a family are read.
pub(super) trait FamilyRules: Sync {
    /// Returns the values of `model_type` in the `config.json` of the family.
    fn model_types(&self) -> &'static [&'static str];

    /// Reads a `config.json` with one of the [`model_types`](Self::model_types).
    ///
    /// Fields that change the result must have a value that is implemented here, or be refused.
    fn read_config(&self, model_type: &str, fields: &Fields<'_>) -> Result<Config, ReferenceError>;

    /// Returns what stands before the names of a folder that holds the network with a head for a
    /// task.
    fn prefix(&self) -> &'static str;

    /// Returns the tensor of a folder that holds a weight, and its form there.
    ///
    /// `prefixed` says whether the names of the folder start with the [`prefix`](Self::prefix).
    fn map_weight(
        &self,
        config: &Config,
        name: &WeightName<'_>,
        prefixed: bool,
    ) -> (String, WeightTransform);

    /// Returns whether a tensor of a folder that no weight is read from does not change the result.
    fn is_redundant(&self, tensor: &str) -> bool;

    /// Returns the values of `general.architecture` in the GGUF files of the family.
    fn gguf_architectures(&self) -> &'static [&'static str];

    /// Reads the metadata of a GGUF file with one of the
    /// [`gguf_architectures`](Self::gguf_architectures).
    fn read_gguf(&self, fields: &GgufFields<'_>) -> Result<Architecture, ReferenceError>;

    /// Returns the tensor of a GGUF file that holds a weight, and its form there.
    fn map_gguf_weight(
        &self,
        architecture: &Architecture,
        fields: &GgufFields<'_>,
        name: &WeightName<'_>,
    ) -> (String, WeightTransform);
}

impl Family {
    const ALL: [Self; 3] = [Self::Bert, Self::Gpt2, Self::Llama];

    /// The values of `model_type` that are read, for messages.
    pub(super) const MODEL_TYPES: &'static str = "bert, gpt2, llama, mistral, qwen2 or qwen3";

    /// The values of `general.architecture` that are read, for messages.
    pub(super) const GGUF_ARCHITECTURES: &'static str = "llama, qwen2, qwen3, gpt2 or bert";

    /// Returns how checkpoints of the family are read.
    pub(super) fn rules(self) -> &'static dyn FamilyRules {
        match self {
            Self::Bert => &bert::Bert,
            Self::Gpt2 => &gpt2::Gpt2,
            Self::Llama => &llama::Llama,
        }
    }

    /// Returns the family whose `config.json` has this `model_type`, if it is read.
    pub(super) fn of_model_type(model_type: &str) -> Option<Self> {
        let has = |family: &Self| family.rules().model_types().contains(&model_type);
        Self::ALL.into_iter().find(has)
    }

    /// Returns the family whose GGUF files have this `general.architecture`, if it is read.
    pub(super) fn of_gguf_architecture(architecture: &str) -> Option<Self> {
        let has = |family: &Self| family.rules().gguf_architectures().contains(&architecture);
        Self::ALL.into_iter().find(has)
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

    /// Returns the words of a list such as `a, b or c`.
    fn words(list: &'static str) -> BTreeSet<&'static str> {
        list.split([',', ' ']).filter(|word| !matches!(*word, "" | "or")).collect()
    }

    #[test]
    fn messages_list_what_is_read() {
        let rules = Family::ALL.map(Family::rules);
        let model_types = rules.iter().flat_map(|rules| rules.model_types()).copied();
        assert_eq!(model_types.collect::<BTreeSet<_>>(), words(Family::MODEL_TYPES));
        let architectures = rules.iter().flat_map(|rules| rules.gguf_architectures()).copied();
        assert_eq!(architectures.collect::<BTreeSet<_>>(), words(Family::GGUF_ARCHITECTURES));
    }

    #[test]
    fn each_word_means_one_family() {
        for family in Family::ALL {
            for word in family.rules().model_types() {
                assert_eq!(Family::of_model_type(word), Some(family));
            }
            for word in family.rules().gguf_architectures() {
                assert_eq!(Family::of_gguf_architecture(word), Some(family));
            }
        }
        assert_eq!(Family::of_model_type("mamba"), None);
        assert_eq!(Family::of_gguf_architecture("mistral"), None);
    }
}
