use lazai_coprocessor::architecture::{
    Architecture, Biases, FeedForward, Gelu, Head, Mask, Norm, NormOrder, Pooling, Positions,
};

use super::{
    Config, Family, MAX_CONTEXT, MAX_HEAD_DIM, MAX_LAYERS, MAX_WIDTH, bert::gelu, fields::Fields,
};
use crate::reference::ReferenceError;

pub(super) fn read(fields: &Fields<'_>) -> Result<Config, ReferenceError> {
    for field in ["scale_attn_by_inverse_layer_idx", "add_cross_attention"] {
        fields.neutral(field, "false", |value| value == false)?;
    }
    fields.neutral("scale_attn_weights", "true", |value| value == true)?;
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
        feed_forward: FeedForward::Gelu(gelu(fields, "activation_function", Some(Gelu::Tanh))?),
        head: if fields.flag("tie_word_embeddings", true)? { Head::Tied } else { Head::Own },
        pooling: Pooling::Mean,
        end_tokens: fields.end_tokens(vocabulary)?,
    };
    Ok(Config { architecture, family: Family::Gpt2, token_types: 0 })
}
