use lazai_coprocessor::architecture::{
    Architecture, Biases, FeedForward, Head, Mask, Norm, NormOrder, Pooling, Positions,
};
use serde_json::Value;

use super::{
    Config, Family, MAX_CONTEXT, MAX_HEAD_DIM, MAX_LAYERS, MAX_WIDTH, fields::Fields, rotary,
};
use crate::reference::ReferenceError;

/// The decoders that share Llama's names.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Variant {
    Llama,
    Mistral,
    Qwen2,
    Qwen3,
}

pub(super) fn read(fields: &Fields<'_>, variant: Variant) -> Result<Config, ReferenceError> {
    fields.neutral("hidden_act", "\"silu\"", |value| value == "silu")?;
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
    let attention_bias = fields.flag("attention_bias", false)?;
    let biases = Biases {
        query_key_value: attention_bias || variant == Variant::Qwen2,
        attention_output: attention_bias,
        feed_forward: fields.flag("mlp_bias", false)?,
    };
    let architecture = Architecture {
        vocabulary,
        hidden,
        intermediate: fields.integer("intermediate_size", None, MAX_WIDTH)?,
        layers: fields.integer("num_hidden_layers", None, MAX_LAYERS)?,
        heads,
        kv_heads,
        head_dim,
        context: context(fields, variant)?,
        mask: Mask::Causal,
        biases,
        head_norm: variant == Variant::Qwen3,
        norm: Norm::RootMeanSquare,
        norm_order: NormOrder::Pre,
        norm_epsilon: fields.epsilon("rms_norm_eps", None)?,
        positions: Positions::Rotary(rotary::read(fields)?),
        feed_forward: FeedForward::GatedSilu,
        head: if fields.flag("tie_word_embeddings", false)? { Head::Tied } else { Head::Own },
        pooling: Pooling::Mean,
        end_tokens: fields.end_tokens(vocabulary)?,
    };
    Ok(Config { architecture, family: Family::Llama, token_types: 0 })
}

/// The positions that all tokens attend to: a sliding window, if there is one, ends the context.
fn context(fields: &Fields<'_>, variant: Variant) -> Result<u32, ReferenceError> {
    let context = fields.integer("max_position_embeddings", None, MAX_CONTEXT)?;
    match variant {
        Variant::Mistral => fields
            .integer("sliding_window", Some(context), u32::MAX)
            .map(|window| context.min(window)),
        Variant::Llama => {
            fields.neutral("sliding_window", "null", Value::is_null)?;
            Ok(context)
        }
        // Without use_sliding_window, the window has no meaning.
        Variant::Qwen2 | Variant::Qwen3 => Ok(context),
    }
}
