use lazai_coprocessor::architecture::Gelu;
use serde_json::Value;

use crate::reference::{ReferenceError, config::Fields};

/// Reads the form of GELU that a field names.
pub(super) fn gelu(
    fields: &Fields<'_>,
    field: &'static str,
    default: Gelu,
) -> Result<Gelu, ReferenceError> {
    match fields.present(field).map(Value::as_str) {
        None => Ok(default),
        Some(Some("gelu")) => Ok(Gelu::Exact),
        Some(Some("gelu_fast" | "gelu_new" | "gelu_pytorch_tanh")) => Ok(Gelu::Tanh),
        Some(_) => Err(fields.refused(field, "gelu, gelu_fast, gelu_new or gelu_pytorch_tanh")),
    }
}
