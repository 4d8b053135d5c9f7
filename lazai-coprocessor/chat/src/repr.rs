//! Values as Python writes them: `str` and `repr`.

use core::fmt::Write;

use minijinja::{Error, ErrorKind, State, Value, value::ValueKind};

use super::{iterators::Items, json, paid_text::PaidText, value_guard::is_namespace};

/// Writes a value as Python's `str` does: texts as they are.
pub(super) fn text(state: &State<'_, '_>, value: &Value) -> Result<String, Error> {
    if let Some(text) = value.as_str() {
        return Ok(text.to_owned());
    }
    if value.is_undefined() {
        return Ok(String::new());
    }
    let mut writer = Writer { out: PaidText::new(state) };
    writer.value(value)?;
    Ok(writer.out.text)
}

struct Writer<'a, 'b> {
    out: PaidText<'a, 'b>,
}

impl Writer<'_, '_> {
    fn value(&mut self, value: &Value) -> Result<(), Error> {
        self.out.pay()?;
        match value.kind() {
            ValueKind::Undefined => self.out.text.push_str("Undefined"),
            ValueKind::None => self.out.text.push_str("None"),
            ValueKind::Bool => {
                self.out.text.push_str(if value.is_true() { "True" } else { "False" });
            }
            ValueKind::Number => self.out.text.push_str(&number(value)),
            ValueKind::String => self.string(value.as_str().unwrap_or_default()),
            ValueKind::Map if !is_namespace(value) => {
                self.out.open('{')?;
                for (index, key) in value.try_iter()?.checked().enumerate() {
                    let key = key?;
                    self.part(index);
                    self.value(&key)?;
                    self.out.text.push_str(": ");
                    self.value(&value.get_item(&key)?)?;
                }
                self.close('}');
            }
            ValueKind::Iterable if value.downcast_object_ref::<Items>().is_some() => {
                return Err(invalid("Python writes no list here: put the filter list behind it"));
            }
            ValueKind::Iterable | ValueKind::Seq => {
                // So is a group of `groupby`.
                let tuple = value.is_tuple()
                    || value.get_attr("grouper").is_ok_and(|grouper| !grouper.is_undefined());
                let (open, close) = if tuple { ('(', ')') } else { ('[', ']') };
                self.out.open(open)?;
                for (index, item) in value.try_iter()?.checked().enumerate() {
                    self.part(index);
                    self.value(&item?)?;
                }
                if tuple && value.len() == Some(1) {
                    self.out.text.push(',');
                }
                self.close(close);
            }
            kind => return Err(invalid(format!("a {kind} cannot be written as Python does"))),
        }
        Ok(())
    }

    fn part(&mut self, index: usize) {
        if index > 0 {
            self.out.text.push_str(", ");
        }
    }

    fn close(&mut self, bracket: char) {
        self.out.depth -= 1;
        self.out.text.push(bracket);
    }

    fn string(&mut self, text: &str) {
        let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
        self.out.text.push(quote);
        for character in text.chars() {
            let code = u32::from(character);
            // Writing to a text cannot fail.
            let _ = match character {
                '\n' => self.out.text.write_str("\\n"),
                '\r' => self.out.text.write_str("\\r"),
                '\t' => self.out.text.write_str("\\t"),
                _ if character == quote || character == '\\' => {
                    write!(self.out.text, "\\{character}")
                }
                _ if is_printable(character) => self.out.text.write_char(character),
                _ if code < 0x100 => write!(self.out.text, "\\x{code:02x}"),
                _ if code < 0x1_0000 => write!(self.out.text, "\\u{code:04x}"),
                _ => write!(self.out.text, "\\U{code:08x}"),
            };
        }
        self.out.text.push(quote);
    }
}

/// A number as Python prints it.
pub(super) fn number(value: &Value) -> String {
    if value.is_integer() {
        return value.to_string();
    }
    match json::number(value).as_str() {
        "Infinity" => "inf".to_owned(),
        "-Infinity" => "-inf".to_owned(),
        "NaN" => "nan".to_owned(),
        number => number.to_owned(),
    }
}

/// Returns whether Python writes a character inside of another value as it is; one that Unicode
/// does not assign, which no tokenizer here reads, counts as printable.
fn is_printable(character: char) -> bool {
    let code = u32::from(character);
    let listed = UNPRINTABLE.binary_search_by(|(first, last)| {
        if code < *first {
            core::cmp::Ordering::Greater
        } else if code > *last {
            core::cmp::Ordering::Less
        } else {
            core::cmp::Ordering::Equal
        }
    });
    listed.is_err()
}

fn invalid(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidOperation, message)
}

/// Controls, formats, private characters, and separators but the space, as Unicode 16.0 has them.
const UNPRINTABLE: [(u32, u32); 28] = [
    (0x0, 0x1f),
    (0x7f, 0xa0),
    (0xad, 0xad),
    (0x600, 0x605),
    (0x61c, 0x61c),
    (0x6dd, 0x6dd),
    (0x70f, 0x70f),
    (0x890, 0x891),
    (0x8e2, 0x8e2),
    (0x1680, 0x1680),
    (0x180e, 0x180e),
    (0x2000, 0x200f),
    (0x2028, 0x202f),
    (0x205f, 0x2064),
    (0x2066, 0x206f),
    (0x3000, 0x3000),
    (0xe000, 0xf8ff),
    (0xfeff, 0xfeff),
    (0xfff9, 0xfffb),
    (0x1_10bd, 0x1_10bd),
    (0x1_10cd, 0x1_10cd),
    (0x1_3430, 0x1_343f),
    (0x1_bca0, 0x1_bca3),
    (0x1_d173, 0x1_d17a),
    (0xe_0001, 0xe_0001),
    (0xe_0020, 0xe_007f),
    (0xf_0000, 0xf_fffd),
    (0x10_0000, 0x10_fffd),
];
