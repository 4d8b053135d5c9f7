//! The trained model as an ordinary folder.

use std::{
    fs,
    path::{Path, PathBuf},
};

use burn::tensor::Tensor;
use safetensors::{Dtype, tensor::TensorView};
use serde_json::json;

use crate::{ModelShape, TrainError, model::Decoder};

/// A decoder with its weights.
#[derive(Debug)]
pub struct TrainedModel {
    pub(crate) shape: ModelShape,
    pub(crate) decoder: Decoder,
}

/// One tensor under its public name.
#[derive(Debug)]
pub(crate) struct Weight {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) bytes: Vec<u8>,
}

impl TrainedModel {
    pub(crate) const fn new(shape: ModelShape, decoder: Decoder) -> Self {
        Self { shape, decoder }
    }

    /// Returns the dimensions of the model.
    pub const fn shape(&self) -> &ModelShape {
        &self.shape
    }

    /// Writes `model.safetensors`, `config.json` and `tokenizer.json` into `folder`.
    ///
    /// Tensors bear the names and the `[out, in]` order of `LlamaForCausalLM`; the output
    /// projection is the embedding and has no tensor of its own. `tokenizer` is written as it is.
    ///
    /// # Errors
    /// [`TrainError::Write`] if the folder cannot be written, [`TrainError::Tensor`] or
    /// [`TrainError::Encode`] if the weights cannot be read back.
    pub fn save(&self, folder: &Path, tokenizer: &[u8]) -> Result<(), TrainError> {
        let weights = self.weights()?;
        let views = weights
            .iter()
            .map(|Weight { name, shape, bytes }| {
                Ok((name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes)?))
            })
            .collect::<Result<Vec<_>, TrainError>>()?;
        let encoded = safetensors::serialize(views, None)?;
        let config = format!("{:#}\n", self.config());
        fs::create_dir_all(folder).map_err(at(folder))?;
        let files: [(&str, &[u8]); 3] = [
            ("model.safetensors", &encoded),
            ("config.json", config.as_bytes()),
            ("tokenizer.json", tokenizer),
        ];
        for (name, bytes) in files {
            let path = folder.join(name);
            fs::write(&path, bytes).map_err(at(&path))?;
        }
        Ok(())
    }

    pub(crate) fn weights(&self) -> Result<Vec<Weight>, TrainError> {
        let decoder = &self.decoder;
        let mut weights = vec![
            Weight::new("model.embed_tokens.weight".into(), decoder.embedding.val())?,
            Weight::new("model.norm.weight".into(), decoder.norm.val())?,
        ];
        for (index, layer) in decoder.layers.iter().enumerate() {
            let matrices = [
                ("self_attn.q_proj", &layer.query),
                ("self_attn.k_proj", &layer.key),
                ("self_attn.v_proj", &layer.value),
                ("self_attn.o_proj", &layer.output),
                ("mlp.gate_proj", &layer.gate),
                ("mlp.up_proj", &layer.up),
                ("mlp.down_proj", &layer.down),
            ];
            for (name, matrix) in matrices {
                let name = format!("model.layers.{index}.{name}.weight");
                weights.push(Weight::new(name, matrix.val().transpose())?);
            }
            let norms = [
                ("input_layernorm", &layer.input_norm),
                ("post_attention_layernorm", &layer.post_norm),
            ];
            for (name, norm) in norms {
                weights
                    .push(Weight::new(format!("model.layers.{index}.{name}.weight"), norm.val())?);
            }
        }
        Ok(weights)
    }

    fn config(&self) -> serde_json::Value {
        let shape = &self.shape;
        json!({
            "architectures": ["LlamaForCausalLM"],
            "attention_bias": false,
            "bos_token_id": BOS,
            "eos_token_id": EOS,
            "head_dim": shape.head_dim,
            "hidden_act": "silu",
            "hidden_size": shape.hidden,
            "initializer_range": 0.02,
            "intermediate_size": shape.intermediate,
            "max_position_embeddings": shape.context,
            "mlp_bias": false,
            "model_type": "llama",
            "num_attention_heads": shape.heads,
            "num_hidden_layers": shape.layers,
            "num_key_value_heads": shape.kv_heads,
            "rms_norm_eps": shape.norm_epsilon,
            "rope_theta": shape.rope_theta,
            "tie_word_embeddings": true,
            "torch_dtype": "float32",
            "vocab_size": shape.vocab,
        })
    }
}

impl Weight {
    fn new<const D: usize>(name: String, tensor: Tensor<D>) -> Result<Self, TrainError> {
        let shape = tensor.dims().to_vec();
        let values = tensor.try_into_vec_as::<f32>().map_err(|error| TrainError::Tensor {
            name: name.clone(),
            reason: error.to_string(),
        })?;
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Ok(Self { name, shape, bytes })
    }
}

fn at(path: &Path) -> impl FnOnce(std::io::Error) -> TrainError {
    let path = PathBuf::from(path);
    move |source| TrainError::Write { path, source }
}

/// The token that begins a document.
const BOS: u32 = 0;

/// The token that ends a turn.
pub(crate) const EOS: u32 = 1;
