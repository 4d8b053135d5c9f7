//! The `config.json` of a checkpoint.

mod fields;
pub(super) mod rotary;

use std::collections::BTreeMap;

pub(super) use fields::Fields;
use lazai_coprocessor::architecture::Architecture;
use serde_json::{Map, Value};

use super::{Family, ReferenceError, weights::WeightMapping};

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
        let map: Map<String, Value> = serde_json::from_slice(json).map_err(|error| {
            ReferenceError::Syntax { file: "config.json", problem: error.to_string() }
        })?;
        let fields = Fields(&map);
        fields.neutral("quantization_config", "null", Value::is_null)?;
        let model_type = fields.present("model_type").and_then(Value::as_str);
        let read = model_type.and_then(|name| Some((name, Family::of_model_type(name)?)));
        match read {
            Some((model_type, family)) => family.rules().read_config(model_type, &fields),
            None => Err(fields.refused("model_type", Family::MODEL_TYPES)),
        }
    }

    /// Returns every tensor of a checkpoint by its name in the file, with its shape.
    #[must_use]
    pub fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        let mappings = self.mappings(false);
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
    /// `prefixed` says whether the names of the folder start with the prefix of the family.
    pub(super) fn mappings(&self, prefixed: bool) -> BTreeMap<String, WeightMapping> {
        let rules = self.family.rules();
        WeightMapping::of_all(&self.architecture, |name| rules.map_weight(self, name, prefixed))
    }
}
