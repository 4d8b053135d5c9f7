use lazai_coprocessor::architecture::{
    Architecture, Biases, FeedForward, Gelu, Head, Mask, Norm, NormOrder, Pooling, Positions,
};
use serde_json::Value;

use super::{Config, Family, MAX_HEAD_DIM, MAX_LAYERS, MAX_WIDTH, fields::Fields};
use crate::reference::ReferenceError;

pub(super) fn read(fields: &Fields<'_>) -> Result<Config, ReferenceError> {
    fields.neutral("position_embedding_type", "\"absolute\"", |value| value == "absolute")?;
    for field in ["is_decoder", "add_cross_attention"] {
        fields.neutral(field, "false", |value| value == false)?;
    }
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
        feed_forward: FeedForward::Gelu(gelu(fields, "hidden_act", Some(Gelu::Exact))?),
        head: Head::None,
        pooling: Pooling::Mean,
        end_tokens: Vec::new(),
    };
    let token_types = fields.integer("type_vocab_size", Some(2), MAX_WIDTH)?;
    Ok(Config { architecture, family: Family::Bert, token_types })
}

/// The form of GELU that a field names.
pub(super) fn gelu(
    fields: &Fields<'_>,
    field: &'static str,
    default: Option<Gelu>,
) -> Result<Gelu, ReferenceError> {
    let got = match fields.present(field).map(Value::as_str) {
        None => default,
        Some(Some("gelu")) => Some(Gelu::Exact),
        Some(Some("gelu_fast" | "gelu_new" | "gelu_pytorch_tanh")) => Some(Gelu::Tanh),
        Some(_) => None,
    };
    got.ok_or_else(|| fields.refused(field, "gelu, gelu_fast, gelu_new or gelu_pytorch_tanh"))
}

/// A sequence is read in one step, whose memory grows with its length.
const MAX_CONTEXT: u32 = 1 << 13;
