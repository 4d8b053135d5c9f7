//! Where Python's values behave otherwise than the engine's.

use minijinja::{
    Error, ErrorKind, Output, State, Value, escape_formatter,
    value::{ValueKind, from_args},
};
use minijinja_contrib::pycompat::unknown_method_callback;

use super::{
    iterators,
    python_text::{self, is_space},
    repr,
    value_guard::is_namespace,
};

/// Methods of Python's strings, lists and dictionaries. What a call may cost is paid before it
/// runs.
pub(super) fn method(
    state: &mut State<'_, '_>,
    value: &Value,
    method: &str,
    arguments: &[Value],
) -> Result<Value, Error> {
    if let Some(text) = value.as_str() {
        // Reading the text, and a piece for each separator in it.
        let pieces = match (method, arguments.first().and_then(Value::as_str)) {
            ("rsplit" | "split" | "splitlines", Some(separator)) => {
                text.len() / separator.len().max(1)
            }
            ("rsplit" | "split" | "splitlines", None) => text.len(),
            _ => 0,
        };
        state.consume_fuel((text.len() / BYTES_PER_FUEL + pieces / PIECES_PER_FUEL) as u64)?;
        if arguments.is_empty()
            && let Some(stripped) = strip(text, method)
        {
            return Ok(Value::from(stripped));
        }
        if let Some(value) = python_text::method(state, text, method, arguments)? {
            return Ok(value);
        }
        match method {
            "format" => check_widths(text)?,
            "join" => {
                let (items,): (&Value,) = from_args(arguments)?;
                return join(state, items, Some(text), None).map(Value::from);
            }
            _ => {}
        }
    } else if value.kind() == ValueKind::Map && arguments.is_empty() && !is_namespace(value) {
        if let Some(view) = iterators::view(state, value, method)? {
            return Ok(view);
        }
    } else if method == "count" {
        state.consume_fuel(value.len().unwrap_or_default() as u64)?;
    }
    unknown_method_callback(state, value, method, arguments)
}

/// Joins texts: the filter `join`, and the method.
pub(super) fn join(
    state: &State<'_, '_>,
    items: &Value,
    separator: Option<&str>,
    attribute: Option<&str>,
) -> Result<String, Error> {
    let mut joined = String::new();
    for (index, item) in items.try_iter()?.checked().enumerate() {
        let mut item = item?;
        if let Some(attribute) = attribute {
            item = item.get_attr(attribute)?;
        }
        let separator = separator.filter(|_| index > 0).unwrap_or_default();
        // One text may be there many times, so each is paid for before it is copied.
        let bytes = separator.len() + item.as_str().map_or(0, str::len);
        state.consume_fuel(1 + (bytes / BYTES_PER_FUEL) as u64)?;
        joined.push_str(separator);
        match item.as_str() {
            Some(text) => joined.push_str(text),
            None => joined.push_str(&repr::text(state, &item)?),
        }
    }
    Ok(joined)
}

/// Trims a text: the filter `trim`.
pub(super) fn trim(text: &str, characters: Option<&str>) -> String {
    match characters {
        Some(characters) => text.trim_matches(|c| characters.contains(c)).to_owned(),
        None => text.trim_matches(is_space).to_owned(),
    }
}

/// Tests `sequence`: whatever has a length and items.
pub(super) fn is_sequence(value: &Value) -> bool {
    let kind = value.kind();
    matches!(kind, ValueKind::Map | ValueKind::Seq | ValueKind::String | ValueKind::Undefined)
}

/// Tests `iterable`. The engine iterates over nothing too.
pub(super) fn is_iterable(value: &Value) -> bool {
    matches!(value.kind(), ValueKind::Iterable) || is_sequence(value)
}

/// Writes a value as Python does.
pub(super) fn write(
    output: &mut Output<'_>,
    state: &mut State<'_, '_>,
    value: &Value,
) -> Result<(), Error> {
    match value.kind() {
        ValueKind::String | ValueKind::Undefined => escape_formatter(output, state, value),
        _ => {
            let text = repr::text(state, value)?;
            escape_formatter(output, state, &Value::from(text))
        }
    }
}

/// The filter `string`.
pub(super) fn string(state: &State<'_, '_>, value: &Value) -> Result<Value, Error> {
    if value.kind() == ValueKind::String {
        return Ok(value.clone());
    }
    repr::text(state, value).map(Value::from)
}

/// Refuses a format whose width would make a short text long.
fn check_widths(format: &str) -> Result<(), Error> {
    let digits = format.as_bytes().windows(MAX_WIDTH_DIGITS + 1);
    let wide = digits.into_iter().any(|bytes| bytes.iter().all(u8::is_ascii_digit));
    // A width may also come from an argument: `{:{}}`.
    let nested = format.split('{').any(|field| field.contains(':') && !field.contains('}'));
    if wide || nested {
        let message = "format takes widths of at most 3 digits, written in the format";
        return Err(Error::new(ErrorKind::InvalidOperation, message));
    }
    Ok(())
}

fn strip(text: &str, method: &str) -> Option<String> {
    Some(match method {
        "strip" => text.trim_matches(is_space).to_owned(),
        "lstrip" => text.trim_start_matches(is_space).to_owned(),
        "rstrip" => text.trim_end_matches(is_space).to_owned(),
        _ => return None,
    })
}

/// As the engine charges for data.
const BYTES_PER_FUEL: usize = 64;

/// A piece is a value and a slot in a list.
const PIECES_PER_FUEL: usize = 2;

/// Most digits of a width in a format.
const MAX_WIDTH_DIGITS: usize = 3;
