//! The `config.json` of a checkpoint.

mod bert;
mod fields;
mod gpt2;
mod llama;
mod rotary;

use fields::Fields;
use lazai_coprocessor::architecture::Architecture;
use serde_json::{Map, Value};

use super::{
    ReferenceError,
    names::{Names, Reading, hugging_face},
};

/// What a `config.json` says: the architecture, and how its family names the weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The shape of the network.
    pub architecture: Architecture,
    /// Whose names the weights have.
    pub family: Family,
    /// Rows of the token type embedding, of which the first belongs to all tokens; 0 if there is none.
    pub token_types: u32,
}

/// A family of checkpoints that names its weights in one way.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Family {
    /// BERT and its distilled forms.
    Bert,
    /// GPT-2.
    Gpt2,
    /// Llama, Mistral, Qwen2 and Qwen3.
    Llama,
}

impl Config {
    /// Reads a `config.json`.
    ///
    /// Fields that change the result and that this version does not implement must have their neutral value; fields that
    /// do not change the result are passed over.
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
        match fields.present("model_type").and_then(Value::as_str) {
            Some("bert") => bert::read(&fields),
            Some("gpt2") => gpt2::read(&fields),
            Some("llama") => llama::read(&fields, llama::Variant::Llama),
            Some("mistral") => llama::read(&fields, llama::Variant::Mistral),
            Some("qwen2") => llama::read(&fields, llama::Variant::Qwen2),
            Some("qwen3") => llama::read(&fields, llama::Variant::Qwen3),
            _ => Err(fields.refused("model_type", "bert, gpt2, llama, mistral, qwen2 or qwen3")),
        }
    }

    /// Every tensor of a checkpoint by its name in the file, with its shape.
    #[must_use]
    pub fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        let readings = hugging_face(self, Names::PLAIN);
        let mut tensors: Vec<(String, Vec<usize>)> = Vec::new();
        for (name, _) in self.architecture.tensors() {
            for source in readings.get(&name).into_iter().flat_map(Reading::sources) {
                // Several weights may be parts of one tensor.
                if !tensors.contains(&source) {
                    tensors.push(source);
                }
            }
        }
        tensors
    }
}

const MAX_CONTEXT: u32 = 1 << 17;
const MAX_HEAD_DIM: u32 = 256;
const MAX_LAYERS: u32 = 1_024;
const MAX_WIDTH: u32 = 1 << 20;
