//! BERT and its distilled forms.

use lazai_coprocessor::architecture::{
    Architecture, Biases, FeedForward, Gelu, Head, Mask, Norm, NormOrder, Pooling, Positions,
};

use super::{Config, Family, FamilyRules, gelu::gelu};
use crate::reference::{
    ReferenceError,
    config::Fields,
    gguf::GgufFields,
    limits::{MAX_HEAD_DIM, MAX_LAYERS, MAX_WIDTH},
    weights::{WeightName, WeightRole, WeightTransform},
};

/// The rules of the family.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bert;

impl FamilyRules for Bert {
    fn name(&self) -> &'static str {
        "bert"
    }

    fn model_types(&self) -> &'static [&'static str] {
        &["bert"]
    }

    fn read_config(&self, _: &str, fields: &Fields<'_>) -> Result<Config, ReferenceError> {
        fields.neutral("position_embedding_type", "\"absolute\"", |value| value == "absolute")?;
        fields.neutral("is_decoder", "false", |value| value == false)?;
        let hidden = fields.integer("hidden_size", None, MAX_WIDTH)?;
        let heads = fields.integer("num_attention_heads", None, hidden)?;
        let head_dim = hidden / heads;
        if !hidden.is_multiple_of(heads) || !head_dim.is_multiple_of(2) || head_dim > MAX_HEAD_DIM {
            let expected = "hidden_size over an even number up to 256";
            return Err(fields.refused("num_attention_heads", expected));
        }
        let architecture = Architecture {
            vocabulary: fields.integer("vocab_size", None, MAX_WIDTH)?,
            hidden,
            intermediate: fields.integer("intermediate_size", None, MAX_WIDTH)?,
            layers: fields.integer("num_hidden_layers", None, MAX_LAYERS)?,
            heads,
            kv_heads: heads,
            head_dim,
            context: fields.integer("max_position_embeddings", None, MAX_CONTEXT)?,
            mask: Mask::Bidirectional,
            biases: Biases { query_key_value: true, attention_output: true, feed_forward: true },
            head_norm: false,
            norm: Norm::Layer,
            norm_order: NormOrder::Post,
            norm_epsilon: fields.epsilon("layer_norm_eps", Some(1e-12))?,
            positions: Positions::Learned,
            feed_forward: FeedForward::Gelu(gelu(fields, "hidden_act", Gelu::Exact)?),
            head: Head::None,
            pooling: Pooling::Mean,
            end_tokens: Vec::new(),
        };
        let token_types = fields.integer("type_vocab_size", Some(2), MAX_WIDTH)?;
        Ok(Config { token_types, ..Config::new(Family::new(&Self), architecture) })
    }

    fn prefix(&self) -> &'static str {
        "bert."
    }

    fn map_weight(
        &self,
        config: &Config,
        name: &WeightName<'_>,
        prefix: &str,
    ) -> (String, WeightTransform) {
        let module = match name.role {
            WeightRole::AttentionNorm => "attention.output.LayerNorm",
            WeightRole::Down => "output.dense",
            WeightRole::Embedding => "embeddings.word_embeddings",
            WeightRole::EmbeddingNorm => "embeddings.LayerNorm",
            WeightRole::Key => "attention.self.key",
            WeightRole::MlpNorm => "output.LayerNorm",
            WeightRole::Output => "attention.output.dense",
            WeightRole::Positions => {
                // All tokens are of the first type, so its row can be part of the positions.
                let other = format!("{prefix}embeddings.token_type_embeddings.weight");
                let rows = config.token_types as usize;
                let tensor = name.tensor(prefix, "", "embeddings.position_embeddings");
                return (tensor, WeightTransform::PlusFirstRow { other, rows });
            }
            WeightRole::Query => "attention.self.query",
            WeightRole::Up => "intermediate.dense",
            WeightRole::Value => "attention.self.value",
            // The family has none: `read_config` makes no architecture with them.
            WeightRole::FinalNorm => "final_norm",
            WeightRole::Gate => "gate",
            WeightRole::Head => "head",
            WeightRole::KeyNorm => "key_norm",
            WeightRole::QueryNorm => "query_norm",
        };
        (name.tensor(prefix, "encoder.layer", module), WeightTransform::Identity)
    }

    fn rename(&self, tensor: &str) -> String {
        // The first checkpoints have the words of TensorFlow.
        let renamed = |old: &str, new: &str| {
            let stem = tensor.strip_suffix(old).filter(|stem| stem.ends_with("LayerNorm."));
            stem.map(|stem| format!("{stem}{new}"))
        };
        let renamed = renamed("gamma", "weight").or_else(|| renamed("beta", "bias"));
        renamed.unwrap_or_else(|| tensor.to_owned())
    }

    fn is_redundant(&self, tensor: &str) -> bool {
        // The pooler and the heads of training follow the last layer.
        let name = tensor.strip_prefix(self.prefix()).unwrap_or(tensor);
        name == "embeddings.position_ids" || name.starts_with("pooler.") || name.starts_with("cls.")
    }

    fn gguf_architectures(&self) -> &'static [&'static str] {
        &["bert"]
    }

    fn read_gguf(&self, fields: &GgufFields<'_>) -> Result<Architecture, ReferenceError> {
        let base = fields.base("attention.layer_norm_epsilon")?;
        if fields.bool("attention.causal")? == Some(true) {
            return Err(fields.refused("attention.causal", "false", &"true"));
        }
        Ok(Architecture {
            mask: Mask::Bidirectional,
            norm_order: NormOrder::Post,
            feed_forward: FeedForward::Gelu(Gelu::Exact),
            head: Head::None,
            end_tokens: Vec::new(),
            ..base
        })
    }

    fn map_gguf_weight(
        &self,
        _: &Architecture,
        fields: &GgufFields<'_>,
        name: &WeightName<'_>,
    ) -> (String, WeightTransform) {
        match name.role {
            WeightRole::AttentionNorm => {
                (name.gguf_module("attn_output_norm"), WeightTransform::Identity)
            }
            WeightRole::MlpNorm => {
                (name.gguf_module("layer_output_norm"), WeightTransform::Identity)
            }
            WeightRole::Positions => {
                let (other, rows) = (TOKEN_TYPES.to_owned(), fields.rows(TOKEN_TYPES));
                (name.gguf_tensor(), WeightTransform::PlusFirstRow { other, rows })
            }
            _ => (name.gguf_tensor(), WeightTransform::Identity),
        }
    }
}

/// The embedding of token types in a GGUF file.
const TOKEN_TYPES: &str = "token_types.weight";

/// A sequence is read in one step, whose memory grows with its length.
const MAX_CONTEXT: u32 = 1 << 13;
