//! `tojson` as Hugging Face's templates expect it: Python's `json.dumps`, with `ensure_ascii` off
//! and nothing escaped for HTML.

use core::fmt::Write;

use minijinja::{
    Error, ErrorKind, State, Value,
    value::{Kwargs, ValueKind},
};

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
    let mut writer =
        Writer { state, text: String::new(), paid: 0, indent, separators, ascii, sorted, depth: 0 };
    writer.value(value)?;
    Ok(writer.text)
}

struct Writer<'a, 'b> {
    state: &'a State<'a, 'b>,
    text: String,
    /// Bytes that the template has paid for.
    paid: usize,
    indent: Option<usize>,
    /// Between items, and between key and value.
    separators: (String, String),
    ascii: bool,
    sorted: bool,
    depth: usize,
}

impl Writer<'_, '_> {
    fn value(&mut self, value: &Value) -> Result<(), Error> {
        // A value may hold itself many times over, so each step is paid for, not each value.
        self.state.consume_fuel(1 + ((self.text.len() - self.paid) / BYTES_PER_FUEL) as u64)?;
        self.paid = self.text.len();
        match value.kind() {
            ValueKind::None => self.text.push_str("null"),
            ValueKind::Bool => self.text.push_str(if value.is_true() { "true" } else { "false" }),
            ValueKind::Number => self.text.push_str(&number(value)),
            ValueKind::String => self.string(value.as_str().unwrap_or_default()),
            ValueKind::Map => self.map(value)?,
            ValueKind::Seq | ValueKind::Iterable => {
                self.open('[')?;
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
        self.open('{')?;
        let mut keys = value.try_iter()?.checked().collect::<Result<Vec<_>, _>>()?;
        if self.sorted {
            keys.sort();
        }
        let mut first = true;
        for key in keys {
            self.item(&mut first);
            match key.kind() {
                ValueKind::String => self.string(key.as_str().unwrap_or_default()),
                ValueKind::None => self.text.push_str("\"null\""),
                ValueKind::Bool => {
                    self.text.push_str(if key.is_true() { "\"true\"" } else { "\"false\"" });
                }
                ValueKind::Number => self.string(&number(&key)),
                kind => return Err(invalid(format!("a {kind} is no key"))),
            }
            self.text.push_str(&self.separators.1);
            self.value(&value.get_item(&key)?)?;
        }
        self.close('}', first);
        Ok(())
    }

    fn open(&mut self, bracket: char) -> Result<(), Error> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(invalid("tojson writes at most 128 levels"));
        }
        self.text.push(bracket);
        Ok(())
    }

    fn item(&mut self, first: &mut bool) {
        if !core::mem::replace(first, false) {
            self.text.push_str(&self.separators.0);
        }
        self.line();
    }

    fn close(&mut self, bracket: char, empty: bool) {
        self.depth -= 1;
        if !empty {
            self.line();
        }
        self.text.push(bracket);
    }

    fn line(&mut self) {
        if let Some(indent) = self.indent {
            self.text.push('\n');
            self.text.extend(core::iter::repeat_n(' ', indent * self.depth));
        }
    }

    fn string(&mut self, text: &str) {
        self.text.push('"');
        for character in text.chars() {
            match character {
                '"' => self.text.push_str("\\\""),
                '\\' => self.text.push_str("\\\\"),
                '\n' => self.text.push_str("\\n"),
                '\r' => self.text.push_str("\\r"),
                '\t' => self.text.push_str("\\t"),
                '\u{8}' => self.text.push_str("\\b"),
                '\u{c}' => self.text.push_str("\\f"),
                _ if character < ' ' || (self.ascii && character >= '\u{7f}') => {
                    for unit in character.encode_utf16(&mut [0; 2]) {
                        // Writing to a text cannot fail.
                        let _ = write!(self.text, "\\u{unit:04x}");
                    }
                }
                _ => self.text.push(character),
            }
        }
        self.text.push('"');
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

/// Deepest value that is written.
const MAX_DEPTH: usize = 128;

/// Most spaces of an indent, and most bytes of a separator.
const MAX_INDENT: usize = 64;

/// As the engine charges for texts that it writes itself.
const BYTES_PER_FUEL: usize = 16;
