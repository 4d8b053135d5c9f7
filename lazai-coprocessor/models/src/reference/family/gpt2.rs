//! GPT-2.

use lazai_coprocessor::architecture::{
    Architecture, Biases, FeedForward, Gelu, Head, Mask, Norm, NormOrder, Pooling, Positions,
};

use serde_json::Value;

use super::{Config, Family, FamilyRules, gelu::gelu};
use crate::reference::{
    ReferenceError,
    config::Fields,
    gguf::GgufFields,
    limits::{MAX_CONTEXT, MAX_HEAD_DIM, MAX_LAYERS, MAX_WIDTH},
    weights::{WeightName, WeightRole, WeightTransform},
};

/// The rules of the family.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gpt2;

impl FamilyRules for Gpt2 {
    fn name(&self) -> &'static str {
        "gpt2"
    }

    fn model_types(&self) -> &'static [&'static str] {
        &["gpt2"]
    }

    fn read_config(&self, _: &str, fields: &Fields<'_>) -> Result<Config, ReferenceError> {
        fields.neutral("scale_attn_by_inverse_layer_idx", "false", |value| value == false)?;
        fields.neutral("scale_attn_weights", "true", |value| value == true)?;
        for (other, field, expected) in ALIASES {
            let same = |value: &Value| Some(value) == fields.present(field);
            fields.neutral(other, expected, same)?;
        }
        let hidden = fields.integer("n_embd", None, MAX_WIDTH)?;
        let heads = fields.integer("n_head", None, hidden)?;
        let head_dim = hidden / heads;
        if !hidden.is_multiple_of(heads) || !head_dim.is_multiple_of(2) || head_dim > MAX_HEAD_DIM {
            return Err(fields.refused("n_head", "n_embd over an even number up to 256"));
        }
        let vocabulary = fields.integer("vocab_size", None, MAX_WIDTH)?;
        let architecture = Architecture {
            vocabulary,
            hidden,
            intermediate: fields.integer("n_inner", Some(hidden.saturating_mul(4)), MAX_WIDTH)?,
            layers: fields.integer("n_layer", None, MAX_LAYERS)?,
            heads,
            kv_heads: heads,
            head_dim,
            context: fields.integer("n_positions", None, MAX_CONTEXT)?,
            mask: Mask::Causal,
            biases: Biases { query_key_value: true, attention_output: true, feed_forward: true },
            head_norm: false,
            norm: Norm::Layer,
            norm_order: NormOrder::Pre,
            norm_epsilon: fields.epsilon("layer_norm_epsilon", Some(1e-5))?,
            positions: Positions::Learned,
            feed_forward: FeedForward::Gelu(gelu(fields, "activation_function", Gelu::Tanh)?),
            head: if fields.flag("tie_word_embeddings", true)? { Head::Tied } else { Head::Own },
            pooling: Pooling::Mean,
            end_tokens: fields.end_tokens_or(vocabulary, 50_256)?,
        };
        Ok(Config::new(Family::new(&Self), architecture))
    }

    fn prefix(&self) -> &'static str {
        "transformer."
    }

    fn map_weight(
        &self,
        _: &Config,
        name: &WeightName<'_>,
        prefix: &str,
    ) -> (String, WeightTransform) {
        // Linear layers are stored as [inputs, outputs].
        let linear = if name.bias { WeightTransform::Identity } else { WeightTransform::Transpose };
        let fused = |index| WeightTransform::FusedPart { index, transposed: !name.bias };
        let (module, transform) = match name.role {
            WeightRole::AttentionNorm => ("ln_1", WeightTransform::Identity),
            WeightRole::Down => ("mlp.c_proj", linear),
            WeightRole::Embedding => ("wte", WeightTransform::Identity),
            WeightRole::FinalNorm => ("ln_f", WeightTransform::Identity),
            WeightRole::Head => return ("lm_head.weight".to_owned(), WeightTransform::Identity),
            WeightRole::Key => ("attn.c_attn", fused(1)),
            WeightRole::MlpNorm => ("ln_2", WeightTransform::Identity),
            WeightRole::Output => ("attn.c_proj", linear),
            WeightRole::Positions => ("wpe", WeightTransform::Identity),
            WeightRole::Query => ("attn.c_attn", fused(0)),
            WeightRole::Up => ("mlp.c_fc", linear),
            WeightRole::Value => ("attn.c_attn", fused(2)),
            // The family has none: `read_config` makes no architecture with them.
            WeightRole::EmbeddingNorm => ("embedding_norm", WeightTransform::Identity),
            WeightRole::Gate => ("gate", WeightTransform::Identity),
            WeightRole::KeyNorm => ("key_norm", WeightTransform::Identity),
            WeightRole::QueryNorm => ("query_norm", WeightTransform::Identity),
        };
        (name.tensor(prefix, "h", module), transform)
    }

    fn is_redundant(&self, tensor: &str) -> bool {
        tensor == "lm_head.weight"
            || tensor.ends_with(".attn.bias")
            || tensor.ends_with(".attn.masked_bias")
    }

    fn gguf_architectures(&self) -> &'static [&'static str] {
        &["gpt2"]
    }

    fn read_gguf(&self, fields: &GgufFields<'_>) -> Result<Architecture, ReferenceError> {
        fields.base("attention.layer_norm_epsilon")
    }

    fn map_gguf_weight(
        &self,
        _: &Architecture,
        _: &GgufFields<'_>,
        name: &WeightName<'_>,
    ) -> (String, WeightTransform) {
        let index = match name.role {
            WeightRole::Query => 0,
            WeightRole::Key => 1,
            WeightRole::Value => 2,
            _ => return (name.gguf_tensor(), WeightTransform::Identity),
        };
        let transform = WeightTransform::FusedPart { index, transposed: false };
        (name.gguf_module("attn_qkv"), transform)
    }
}

/// Names by which `transformers` knows fields too; they replace the usual ones.
const ALIASES: [(&str, &str, &str); 4] = [
    ("hidden_size", "n_embd", "absent, or n_embd"),
    ("max_position_embeddings", "n_positions", "absent, or n_positions"),
    ("num_attention_heads", "n_head", "absent, or n_head"),
    ("num_hidden_layers", "n_layer", "absent, or n_layer"),
];
