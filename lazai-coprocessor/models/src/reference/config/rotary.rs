use lazai_coprocessor::architecture::{Rotary, RotaryScaling};
use serde_json::Value;

use super::Fields;
use crate::reference::{ReferenceError, limits::MAX_THETA};

/// Reads the frequencies of rotary positions, which newer files put whole inside `rope_parameters`.
pub(in crate::reference) fn read(fields: &Fields<'_>) -> Result<Rotary, ReferenceError> {
    let (mut theta, mut scaling) = (fields.present("rope_theta"), RotaryScaling::None);
    let [old, new] = NAMES.map(|field| fields.present(field));
    if old.is_some() && new.is_some() && old != new {
        // `transformers` takes the older and forgets the newer.
        return Err(fields.refused(NAMES[0], "absent, or the same as rope_parameters"));
    }
    for field in NAMES {
        let Some(parameters) = fields.present(field) else { continue };
        check_known(field, parameters, fields)?;
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

/// Refuses parameters of other kinds of scaling, and those of single kinds of layers.
fn check_known(
    field: &'static str,
    parameters: &Value,
    fields: &Fields<'_>,
) -> Result<(), ReferenceError> {
    let map = parameters.as_object().ok_or_else(|| fields.refused(field, "an object"))?;
    let refused = |name: &str, value| {
        let expected = format!("without {name}, which is not implemented");
        Err(fields.refused_value(field, expected, Some(value)))
    };
    for (name, value) in map.iter().filter(|(_, value)| !value.is_null()) {
        let neutral = match name.as_str() {
            "partial_rotary_factor" => value.as_f64() == Some(1.0),
            name => PARAMETERS.contains(&name),
        };
        if !neutral {
            return refused(name, value);
        }
    }
    // Outside the object it would come first.
    let outside = fields.present(ORIGINAL).filter(|_| map.contains_key("low_freq_factor"));
    match outside.filter(|outside| map.get(ORIGINAL) != Some(outside)) {
        Some(value) => Err(fields.refused_value(ORIGINAL, format!("as in {field}"), Some(value))),
        None => Ok(()),
    }
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
            let original = present(parameters, ORIGINAL)
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

/// The fields that hold the parameters, the older first.
const NAMES: [&str; 2] = ["rope_scaling", "rope_parameters"];

const ORIGINAL: &str = "original_max_position_embeddings";

/// Parameters that are read, or that change nothing: the parts of a rotation in several directions
/// are one rotation where a text has one.
const PARAMETERS: [&str; 8] = [
    "factor",
    "high_freq_factor",
    "low_freq_factor",
    "mrope_section",
    ORIGINAL,
    "rope_theta",
    "rope_type",
    "type",
];
