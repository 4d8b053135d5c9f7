//! The `config.json` of a checkpoint.

mod fields;
mod neutral;
pub(super) mod rotary;

use std::collections::BTreeMap;

pub use fields::Fields;
use lazai_coprocessor::architecture::Architecture;
use serde_json::{Map, Value};

use super::{
    Family, Note, ReferenceError, family, json, limits::MAX_CONTEXT, weights::WeightMapping,
};

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
    /// Reads a `config.json`.
    ///
    /// Fields that change the result and that this version does not implement must have their
    /// neutral value; fields that do not change the result are passed over.
    ///
    /// # Errors
    /// [`ReferenceError::Syntax`] if it is not a JSON object, [`ReferenceError::Field`] if a field
    /// is absent or has a value that this version does not read.
    pub fn from_json(json: &[u8]) -> Result<Self, ReferenceError> {
        Self::from_json_of(Family::ALL, json)
    }

    /// Reads a `config.json` of one of some families.
    ///
    /// # Errors
    /// As [`from_json`](Self::from_json).
    pub fn from_json_of(families: &[Family], json: &[u8]) -> Result<Self, ReferenceError> {
        Self::from_map_of(families, &json::object(FILE, json)?)
    }

    /// Reads a `config.json` that is parsed.
    pub(super) fn from_map_of(
        families: &[Family],
        map: &Map<String, Value>,
    ) -> Result<Self, ReferenceError> {
        let fields = Fields::new(FILE, map);
        neutral::check(&fields)?;
        let model_type = fields.present("model_type").and_then(Value::as_str);
        let read = model_type.and_then(|name| {
            let family =
                families.iter().find(|family| family.rules().model_types().contains(&name));
            Some((name, family?))
        });
        match read {
            Some((model_type, family)) => family.rules().read_config(model_type, &fields),
            None => {
                let words = families.iter().flat_map(|family| family.rules().model_types());
                Err(fields.refused("model_type", family::list(words)))
            }
        }
    }

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

    /// Returns every tensor of a checkpoint by its name in the file, with its shape.
    #[must_use]
    pub fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        let mappings = self.mappings(self.family.rules().usual_prefix());
        let mut tensors: Vec<(String, Vec<usize>)> = Vec::new();
        for (name, _) in self.architecture.tensors() {
            for source in mappings.get(&name).into_iter().flat_map(WeightMapping::sources) {
                // Several weights may be parts of one tensor.
                if !tensors.contains(&source) {
                    tensors.push(source);
                }
            }
        }
        tensors
    }

    /// Returns where every weight comes from in a folder, by its name in this crate.
    ///
    /// `prefix` is what stands before the names of the folder.
    pub(super) fn mappings(&self, prefix: &str) -> BTreeMap<String, WeightMapping> {
        let rules = self.family.rules();
        WeightMapping::of_all(&self.architecture, |name| rules.map_weight(self, name, prefix))
    }
}

/// The name of the file.
pub(super) const FILE: &str = "config.json";
