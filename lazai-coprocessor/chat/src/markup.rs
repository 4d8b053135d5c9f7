//! Markup as Jinja writes it.

use minijinja::{Error, State, Value};

use super::repr;

/// Escapes a text for HTML: the filters `e` and `escape`. What is escaped already stays.
pub(super) fn escape(state: &State<'_, '_>, value: &Value) -> Result<Value, Error> {
    if value.is_safe() { Ok(value.clone()) } else { force(state, value) }
}

/// Escapes a text for HTML, even one that is escaped: the filter `forceescape`.
pub(super) fn force(state: &State<'_, '_>, value: &Value) -> Result<Value, Error> {
    let text = repr::text(state, value)?;
    state.consume_fuel((text.len() / BYTES_PER_FUEL) as u64)?;
    let mut markup = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => markup.push_str("&amp;"),
            '<' => markup.push_str("&lt;"),
            '>' => markup.push_str("&gt;"),
            '\'' => markup.push_str("&#39;"),
            '"' => markup.push_str("&#34;"),
            _ => markup.push(character),
        }
    }
    Ok(Value::from_safe_string(markup))
}

/// As the engine charges for texts that it writes itself.
const BYTES_PER_FUEL: usize = 16;
