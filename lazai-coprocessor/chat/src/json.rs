//! `tojson` as Hugging Face's templates expect it: Python's `json.dumps`, with `ensure_ascii` off
//! and nothing escaped for HTML.

use core::fmt::Write;

use minijinja::{
    Error, ErrorKind, State, Value,
    value::{Kwargs, ValueKind},
};

use super::paid_text::PaidText;

/// Writes a value as JSON: the filter `tojson`.
#[allow(clippy::needless_pass_by_value, reason = "the engine passes options so")]
pub(super) fn tojson(
    state: &State<'_, '_>,
    value: &Value,
    options: Kwargs,
) -> Result<String, Error> {
    let indent = match options.get::<Option<Value>>("indent")? {
        Some(value) if value.is_none() => None,
        Some(value) => {
            let spaces = value.as_usize().filter(|spaces| *spaces <= MAX_INDENT);
            Some(spaces.ok_or_else(|| invalid("tojson takes an indent of at most 64 spaces"))?)
        }
        None => None,
    };
    let separators = match options.get::<Option<Value>>("separators")? {
        Some(value) if !value.is_none() => {
            let item = value.get_item_by_index(0)?;
            let key = value.get_item_by_index(1)?;
            let text = |value: &Value| {
                let text = value.as_str().filter(|text| text.len() <= MAX_INDENT);
                text.map(str::to_owned).ok_or_else(|| invalid("tojson takes two short separators"))
            };
            (text(&item)?, text(&key)?)
        }
        _ => (if indent.is_some() { "," } else { ", " }.to_owned(), ": ".to_owned()),
    };
    let flag = |name| Ok::<_, Error>(options.get::<Option<bool>>(name)?.unwrap_or(false));
    let (ascii, sorted) = (flag("ensure_ascii")?, flag("sort_keys")?);
    options.assert_all_used()?;
    let mut writer = Writer { out: PaidText::new(state), indent, separators, ascii, sorted };
    writer.value(value)?;
    Ok(writer.out.text)
}

struct Writer<'a, 'b> {
    out: PaidText<'a, 'b>,
    indent: Option<usize>,
    /// Between items, and between key and value.
    separators: (String, String),
    ascii: bool,
    sorted: bool,
}

impl Writer<'_, '_> {
    fn value(&mut self, value: &Value) -> Result<(), Error> {
        self.out.pay()?;
        match value.kind() {
            ValueKind::None => self.out.text.push_str("null"),
            ValueKind::Bool => {
                self.out.text.push_str(if value.is_true() { "true" } else { "false" });
            }
            ValueKind::Number => self.out.text.push_str(&number(value)),
            ValueKind::String => self.string(value.as_str().unwrap_or_default()),
            ValueKind::Map => self.map(value)?,
            ValueKind::Seq | ValueKind::Iterable => {
                self.out.open('[')?;
                let mut first = true;
                for item in value.try_iter()?.checked() {
                    self.item(&mut first);
                    self.value(&item?)?;
                }
                self.close(']', first);
            }
            kind => return Err(invalid(format!("tojson cannot write a {kind}"))),
        }
        Ok(())
    }

    fn map(&mut self, value: &Value) -> Result<(), Error> {
        self.out.open('{')?;
        let mut keys = value.try_iter()?.checked().collect::<Result<Vec<_>, _>>()?;
        if self.sorted {
            keys.sort();
        }
        let mut first = true;
        for key in keys {
            self.item(&mut first);
            match key.kind() {
                ValueKind::String => self.string(key.as_str().unwrap_or_default()),
                ValueKind::None => self.out.text.push_str("\"null\""),
                ValueKind::Bool => {
                    self.out.text.push_str(if key.is_true() { "\"true\"" } else { "\"false\"" });
                }
                ValueKind::Number => self.string(&number(&key)),
                kind => return Err(invalid(format!("a {kind} is no key"))),
            }
            self.out.text.push_str(&self.separators.1);
            self.value(&value.get_item(&key)?)?;
        }
        self.close('}', first);
        Ok(())
    }

    fn item(&mut self, first: &mut bool) {
        if !core::mem::replace(first, false) {
            self.out.text.push_str(&self.separators.0);
        }
        self.line();
    }

    fn close(&mut self, bracket: char, empty: bool) {
        self.out.depth -= 1;
        if !empty {
            self.line();
        }
        self.out.text.push(bracket);
    }

    fn line(&mut self) {
        if let Some(indent) = self.indent {
            self.out.text.push('\n');
            self.out.text.extend(core::iter::repeat_n(' ', indent * self.out.depth));
        }
    }

    fn string(&mut self, text: &str) {
        self.out.text.push('"');
        for character in text.chars() {
            match character {
                '"' => self.out.text.push_str("\\\""),
                '\\' => self.out.text.push_str("\\\\"),
                '\n' => self.out.text.push_str("\\n"),
                '\r' => self.out.text.push_str("\\r"),
                '\t' => self.out.text.push_str("\\t"),
                '\u{8}' => self.out.text.push_str("\\b"),
                '\u{c}' => self.out.text.push_str("\\f"),
                _ if character < ' ' || (self.ascii && character >= '\u{7f}') => {
                    for unit in character.encode_utf16(&mut [0; 2]) {
                        // Writing to a text cannot fail.
                        let _ = write!(self.out.text, "\\u{unit:04x}");
                    }
                }
                _ => self.out.text.push(character),
            }
        }
        self.out.text.push('"');
    }
}

/// A number as Python writes it.
pub(super) fn number(value: &Value) -> String {
    let text = value.to_string();
    if value.is_integer() {
        return text;
    }
    let Ok(float) = text.parse::<f64>() else { return text };
    if float.is_nan() {
        return "NaN".to_owned();
    }
    if float.is_infinite() {
        return if float > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    // The shortest digits that read back, as in Python; only the exponent is written otherwise.
    let scientific = format!("{float:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if float == 0.0 || (-4..16).contains(&exponent) {
        let plain = format!("{float}");
        return if plain.contains('.') { plain } else { plain + ".0" };
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
}

fn invalid(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidOperation, message)
}

/// Most spaces of an indent, and most bytes of a separator.
const MAX_INDENT: usize = 64;
