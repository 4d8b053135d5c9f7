//! What a family is: the rules that read its files, and the configuration that they return, which
//! names its family.

use core::fmt;

use lazai_coprocessor::architecture::Architecture;

use crate::reference::{
    Note, ReferenceError,
    config::Fields,
    gguf::GgufFields,
    limits::MAX_CONTEXT,
    weights::{WeightName, WeightTransform},
};

/// A family of checkpoints that names its weights in one way.
#[derive(Clone, Copy)]
pub struct Family(&'static dyn FamilyRules);

impl Family {
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

/// The content of a `config.json`: the architecture, and how its family names the weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The shape of the network.
    pub architecture: Architecture,
    /// The family whose names the weights have.
    pub family: Family,
    /// Rows of the token type embedding, of which the first belongs to all tokens; 0 if there is
    /// none.
    pub token_types: u32,
    /// What a user should know.
    pub notes: Vec<Note>,
}

impl Config {
    /// Returns a configuration of `family` without token types, whose context is cut to what is
    /// read.
    #[must_use]
    pub fn new(family: Family, architecture: Architecture) -> Self {
        let positions = u64::from(architecture.context);
        let context = architecture.context.min(MAX_CONTEXT);
        let note = Note::Context { positions, context };
        Self {
            architecture: Architecture { context, ..architecture },
            family,
            token_types: 0,
            notes: (positions > u64::from(context)).then_some(note).into_iter().collect(),
        }
    }
}
