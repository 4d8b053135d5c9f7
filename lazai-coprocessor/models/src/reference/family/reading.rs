//! How a `config.json` is read by the rules of its family, and what that says of the tensors.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Config, Family};
use crate::reference::{
    ReferenceError,
    config::{FILE, Fields, check_neutral},
    json,
    weights::WeightMapping,
    words,
};

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
    pub(in crate::reference) fn from_map_of(
        families: &[Family],
        map: &Map<String, Value>,
    ) -> Result<Self, ReferenceError> {
        let fields = Fields::new(FILE, map);
        check_neutral(&fields)?;
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
                Err(fields.refused("model_type", words::list(words)))
            }
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
    pub(in crate::reference) fn mappings(&self, prefix: &str) -> BTreeMap<String, WeightMapping> {
        let rules = self.family.rules();
        WeightMapping::of_all(&self.architecture, |name| rules.map_weight(self, name, prefix))
    }
}
