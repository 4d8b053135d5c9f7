//! Llama, and the decoders that share its names: Mistral, Qwen2 and Qwen3.

use lazai_coprocessor::architecture::{
    Architecture, Biases, FeedForward, Head, Mask, Norm, NormOrder, Pooling, Positions,
};
use serde_json::Value;

use super::{Config, Family, FamilyRules};
use crate::reference::{
    Note, ReferenceError,
    config::{Fields, rotary},
    gguf::GgufFields,
    limits::{MAX_HEAD_DIM, MAX_LAYERS, MAX_WIDTH},
    weights::{WeightName, WeightRole, WeightTransform},
};

/// The rules of the family.
#[derive(Clone, Copy, Debug)]
pub(super) struct Llama;

/// The decoders that share Llama's names.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Variant {
    Llama,
    Mistral,
    Qwen2,
    Qwen3,
}

impl FamilyRules for Llama {
    fn name(&self) -> &'static str {
        "llama"
    }

    fn model_types(&self) -> &'static [&'static str] {
        &["llama", "mistral", "qwen2", "qwen3"]
    }

    fn read_config(&self, model_type: &str, fields: &Fields<'_>) -> Result<Config, ReferenceError> {
        let variant = match model_type {
            "mistral" => Variant::Mistral,
            "qwen2" => Variant::Qwen2,
            "qwen3" => Variant::Qwen3,
            _ => Variant::Llama,
        };
        // "swish" is another name of the same function.
        fields.neutral("hidden_act", "\"silu\"", |value| value == "silu" || value == "swish")?;
        fields.neutral("partial_rotary_factor", "1", |value| value.as_f64() == Some(1.0))?;
        fields.neutral("layer_types", "full_attention everywhere", |value| {
            let full = |layer: &Value| layer == "full_attention" || variant == Variant::Mistral;
            value.as_array().is_some_and(|layers| layers.iter().all(full))
        })?;
        fields.neutral("use_sliding_window", "false", |value| value == false)?;

        let hidden = fields.integer("hidden_size", None, MAX_WIDTH)?;
        let heads = fields.integer("num_attention_heads", None, MAX_WIDTH)?;
        let kv_heads = fields.integer("num_key_value_heads", Some(heads), heads)?;
        if !heads.is_multiple_of(kv_heads) {
            let expected = "a divisor of num_attention_heads";
            return Err(fields.refused("num_key_value_heads", expected));
        }
        let usual_head_dim = if variant == Variant::Qwen3 { 128 } else { hidden / heads };
        let head_dim = fields.integer("head_dim", Some(usual_head_dim), MAX_HEAD_DIM)?;
        if !head_dim.is_multiple_of(2) || heads.saturating_mul(head_dim) > MAX_WIDTH {
            return Err(fields.refused("head_dim", "even, and at most 2^20 times all heads"));
        }
        let vocabulary = fields.integer("vocab_size", None, MAX_WIDTH)?;
        let window = window(fields, variant)?;
        let architecture = Architecture {
            vocabulary,
            hidden,
            intermediate: fields.integer("intermediate_size", None, MAX_WIDTH)?,
            layers: fields.integer("num_hidden_layers", None, MAX_LAYERS)?,
            heads,
            kv_heads,
            head_dim,
            context: fields.integer("max_position_embeddings", None, u32::MAX)?,
            mask: Mask::Causal,
            biases: biases(fields, variant)?,
            head_norm: variant == Variant::Qwen3,
            norm: Norm::RootMeanSquare,
            norm_order: NormOrder::Pre,
            norm_epsilon: fields.epsilon("rms_norm_eps", None)?,
            positions: Positions::Rotary(rotary::read(fields)?),
            feed_forward: FeedForward::GatedSilu,
            head: if fields.flag("tie_word_embeddings", false)? { Head::Tied } else { Head::Own },
            pooling: Pooling::Mean,
            end_tokens: match variant {
                Variant::Llama | Variant::Mistral => fields.end_tokens_or(vocabulary, 2)?,
                Variant::Qwen2 | Variant::Qwen3 => fields.end_tokens(vocabulary)?,
            },
        };
        let mut config = Config::new(Family::new(&Self), architecture);
        if let Some(window) = window.filter(|window| *window < config.architecture.context) {
            config.architecture.context = window;
            config.notes = vec![Note::Window { window }];
        }
        Ok(config)
    }

    fn prefix(&self) -> &'static str {
        "model."
    }

    fn usual_prefix(&self) -> &'static str {
        self.prefix()
    }

    fn map_weight(
        &self,
        _: &Config,
        name: &WeightName<'_>,
        prefix: &str,
    ) -> (String, WeightTransform) {
        let module = match name.role {
            WeightRole::AttentionNorm => "input_layernorm",
            WeightRole::Down => "mlp.down_proj",
            WeightRole::Embedding => "embed_tokens",
            WeightRole::FinalNorm => "norm",
            WeightRole::Gate => "mlp.gate_proj",
            WeightRole::Head => {
                return (name.tensor("", "", "lm_head"), WeightTransform::Identity);
            }
            WeightRole::Key => "self_attn.k_proj",
            WeightRole::KeyNorm => "self_attn.k_norm",
            WeightRole::MlpNorm => "post_attention_layernorm",
            WeightRole::Output => "self_attn.o_proj",
            WeightRole::Query => "self_attn.q_proj",
            WeightRole::QueryNorm => "self_attn.q_norm",
            WeightRole::Up => "mlp.up_proj",
            WeightRole::Value => "self_attn.v_proj",
            // The family has none: `read_config` makes no architecture with them.
            WeightRole::EmbeddingNorm => "embedding_norm",
            WeightRole::Positions => "positions",
        };
        (name.tensor(prefix, "layers", module), WeightTransform::Identity)
    }

    fn is_redundant(&self, tensor: &str) -> bool {
        // A copy of the tied embedding, and a constant of old files.
        tensor == "lm_head.weight" || tensor.ends_with(".rotary_emb.inv_freq")
    }

    fn gguf_architectures(&self) -> &'static [&'static str] {
        &["llama", "qwen2", "qwen3"]
    }

    fn read_gguf(&self, fields: &GgufFields<'_>) -> Result<Architecture, ReferenceError> {
        let base = fields.base("attention.layer_norm_rms_epsilon")?;
        let window = fields.integer("attention.sliding_window", Some(base.context))?;
        if window < base.context {
            fields.note(Note::Window { window });
        }
        let biases = Biases {
            query_key_value: fields.has_tensor("blk.0.attn_q.bias"),
            attention_output: fields.has_tensor("blk.0.attn_output.bias"),
            feed_forward: fields.has_tensor("blk.0.ffn_up.bias"),
        };
        Ok(Architecture {
            context: base.context.min(window),
            biases,
            head_norm: fields.has_tensor("blk.0.attn_q_norm.weight"),
            norm: Norm::RootMeanSquare,
            positions: Positions::Rotary(fields.rotary(base.head_dim)?),
            feed_forward: FeedForward::GatedSilu,
            ..base
        })
    }

    fn map_gguf_weight(
        &self,
        architecture: &Architecture,
        fields: &GgufFields<'_>,
        name: &WeightName<'_>,
    ) -> (String, WeightTransform) {
        // llama.cpp rotates neighbours in models of this name, and halves of a head in others.
        let interleaved = fields.architecture() == "llama";
        let transform = match name.role {
            WeightRole::Key if interleaved => {
                WeightTransform::Deinterleave { heads: architecture.kv_heads as usize }
            }
            WeightRole::Query if interleaved => {
                WeightTransform::Deinterleave { heads: architecture.heads as usize }
            }
            _ => WeightTransform::Identity,
        };
        (name.gguf_tensor(), transform)
    }
}

/// Returns the biases that `transformers` builds: where it reads no field, the field has no
/// meaning.
fn biases(fields: &Fields<'_>, variant: Variant) -> Result<Biases, ReferenceError> {
    let attention = match variant {
        Variant::Llama | Variant::Qwen3 => fields.flag("attention_bias", false)?,
        Variant::Mistral | Variant::Qwen2 => false,
    };
    Ok(Biases {
        query_key_value: attention || variant == Variant::Qwen2,
        attention_output: attention,
        feed_forward: variant == Variant::Llama && fields.flag("mlp_bias", false)?,
    })
}

/// Returns the sliding window, if there is one: it ends the context, since a token would not see
/// all tokens before it any more.
fn window(fields: &Fields<'_>, variant: Variant) -> Result<Option<u32>, ReferenceError> {
    let field = "sliding_window";
    match variant {
        Variant::Mistral if fields.is_null(field) => Ok(None),
        // What `transformers` takes where the field is absent.
        Variant::Mistral => fields.integer(field, Some(4_096), u32::MAX).map(Some),
        Variant::Llama => fields.neutral(field, "null", Value::is_null).map(|()| None),
        // Without use_sliding_window, the window has no meaning.
        Variant::Qwen2 | Variant::Qwen3 => Ok(None),
    }
}
