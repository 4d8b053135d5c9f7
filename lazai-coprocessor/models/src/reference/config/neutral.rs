//! Fields of other networks, which a configuration may only have at a value that changes nothing.

use serde_json::Value;

use super::{Fields, token_rules::check_rules};
use crate::reference::ReferenceError;

/// Refuses what would change the result of any family and is not implemented.
///
/// A field that stands neither here nor in a family is not read by the families' own tools.
pub(in crate::reference) fn check_neutral(fields: &Fields<'_>) -> Result<(), ReferenceError> {
    for field in ABSENT {
        fields.neutral(field, "null", |_| false)?;
    }
    fields.neutral(
        "auto_map",
        "absent: the folder has a network of its own in Python; take the field out if it is only \
         that of model_type",
        |value| value.as_object().is_some_and(serde_json::Map::is_empty),
    )?;
    for field in FALSE {
        fields.neutral(field, "false", |value| *value == Value::Bool(false))?;
    }
    for field in ONE {
        fields.neutral(field, "1", |value| value.as_f64() == Some(1.0))?;
    }
    for field in EXPERTS {
        let none = |value: &Value| value.as_u64().is_some_and(|count| count <= 1);
        fields.neutral(field, "0: experts are not read", none)?;
    }
    check_rules(fields)?;
    fields.neutral("is_causal", "true", |value| *value == Value::Bool(true))?;
    fields.neutral("pruned_heads", "empty", |value| {
        value.as_object().is_some_and(serde_json::Map::is_empty)
    })
}

const ABSENT: [&str; 12] = [
    "attention_multiplier",
    "attn_logit_softcapping",
    "clip_qkv",
    "compression_config",
    "final_logit_softcapping",
    "logit_scale",
    "mrope_section",
    "per_layer_config",
    "quantization",
    "quantization_config",
    "query_pre_attn_scalar",
    "transformers_weights",
];

const FALSE: [&str; 8] = [
    "add_cross_attention",
    "alibi",
    "is_encoder_decoder",
    "parallel_attention",
    "qk_layernorm",
    "use_bidirectional_attention",
    "use_parallel_residual",
    "use_qk_norm",
];

const ONE: [&str; 3] = ["embedding_multiplier", "logits_scaling", "residual_multiplier"];

const EXPERTS: [&str; 4] =
    ["n_routed_experts", "num_experts", "num_experts_per_tok", "num_local_experts"];
