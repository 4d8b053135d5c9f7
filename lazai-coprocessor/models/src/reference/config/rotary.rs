use lazai_coprocessor::architecture::{Rotary, RotaryScaling};
use serde_json::Value;

use super::Fields;
use crate::reference::{ReferenceError, limits::MAX_THETA};

/// Reads the frequencies of rotary positions, which newer files put whole inside `rope_parameters`.
pub(in crate::reference) fn read(fields: &Fields<'_>) -> Result<Rotary, ReferenceError> {
    let (mut theta, mut scaling) = (fields.present("rope_theta"), RotaryScaling::None);
    for field in ["rope_scaling", "rope_parameters"] {
        let Some(parameters) = fields.present(field) else { continue };
        if !parameters.is_object() {
            return Err(fields.refused(field, "an object"));
        }
        theta = present(parameters, "rope_theta").or(theta);
        scaling = read_scaling(field, parameters, fields)?;
    }
    let Some(value) = theta else { return Ok(Rotary { theta: DEFAULT_THETA, scaling }) };
    // Python writes the integer as 10000.0.
    let theta = value.as_f64().filter(|theta| {
        (2.0..=MAX_THETA).contains(theta) && theta.to_bits() == theta.trunc().to_bits()
    });
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked above")]
    let theta = theta.map(|theta| theta as u64);
    let expected = "an integer from 2 to 2^53";
    let refused = || fields.refused_value("rope_theta", expected, Some(value));
    Ok(Rotary { theta: theta.ok_or_else(refused)?, scaling })
}

fn read_scaling(
    field: &'static str,
    parameters: &Value,
    fields: &Fields<'_>,
) -> Result<RotaryScaling, ReferenceError> {
    // Older files call it `type`.
    let kind = present(parameters, "rope_type").or_else(|| present(parameters, "type"));
    let factor = |name: &str| {
        let value = present(parameters, name).and_then(Value::as_f64).filter(|factor| {
            (1.0..=MAX_FACTOR).contains(factor) || (name == "low_freq_factor" && *factor > 0.0)
        });
        value.map(q32).ok_or_else(|| fields.refused(field, "an object with factors from 1 to 2^16"))
    };
    match kind.and_then(Value::as_str) {
        None if kind.is_none() => Ok(RotaryScaling::None),
        Some("default") => Ok(RotaryScaling::None),
        Some("linear") => Ok(RotaryScaling::Linear { factor_q32: factor("factor")? }),
        Some("llama3") => {
            let original = present(parameters, "original_max_position_embeddings")
                .or_else(|| fields.present("max_position_embeddings"))
                .and_then(Value::as_u64)
                .and_then(|original| u32::try_from(original).ok());
            let (low_q32, high_q32) = (factor("low_freq_factor")?, factor("high_freq_factor")?);
            let original_context = original.filter(|_| low_q32 < high_q32).ok_or_else(|| {
                fields.refused(field, "an object with an original context and rising factors")
            })?;
            let factor_q32 = factor("factor")?;
            Ok(RotaryScaling::Llama3 { factor_q32, low_q32, high_q32, original_context })
        }
        _ => Err(fields.refused(field, "an object with rope_type default, linear or llama3")),
    }
}

fn present<'a>(parameters: &'a Value, field: &str) -> Option<&'a Value> {
    parameters.get(field).filter(|value| !value.is_null())
}

/// Converts a number up to 2^16 to 32 fraction bits.
fn q32(value: f64) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below 2^48")]
    let value = (value * 4_294_967_296.0).round() as u64;
    value
}

const DEFAULT_THETA: u64 = 10_000;
const MAX_FACTOR: f64 = 65_536.0;
