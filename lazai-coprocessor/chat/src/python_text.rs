//! Methods of Python's strings that the engine's own set lacks, or has otherwise.

use minijinja::{
    Error, ErrorKind, State, Value, filters,
    formatting::{FormatStyle, format},
    value::{Kwargs, Rest, StringInput, Tuple, ValueOrKwargs, from_args},
};

/// Runs a method of a string; `None` if it is not one of these.
pub(super) fn method(
    state: &State<'_, '_>,
    text: &str,
    method: &str,
    arguments: &[Value],
) -> Result<Option<Value>, Error> {
    let value = match method {
        "casefold" => {
            let () = from_args(arguments)?;
            Value::from(ascii(text, "casefold")?.to_ascii_lowercase())
        }
        "center" | "ljust" | "rjust" => Value::from(padded(state, text, method, arguments)?),
        "expandtabs" => {
            let (size,): (Option<usize>,) = from_args(arguments)?;
            Value::from(expand_tabs(state, text, size.unwrap_or(8))?)
        }
        "index" | "rindex" => {
            let (part,): (&str,) = from_args(arguments)?;
            let found = if method == "index" { text.find(part) } else { text.rfind(part) };
            let offset = found.ok_or_else(|| invalid("substring not found"))?;
            Value::from(text[..offset].chars().count())
        }
        "isalnum" | "isalpha" => {
            let () = from_args(arguments)?;
            let text = ascii(text, method)?;
            let is = |byte: u8| {
                byte.is_ascii_alphabetic() || (method == "isalnum" && byte.is_ascii_digit())
            };
            Value::from(!text.is_empty() && text.bytes().all(is))
        }
        "isspace" => {
            let () = from_args(arguments)?;
            Value::from(!text.is_empty() && text.chars().all(is_space))
        }
        "isdecimal" | "isdigit" | "isnumeric" => {
            let () = from_args(arguments)?;
            let text = ascii(text, method)?;
            Value::from(!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))
        }
        "partition" | "rpartition" => {
            let (part,): (&str,) = from_args(arguments)?;
            if part.is_empty() {
                return Err(invalid("empty separator"));
            }
            let parts = if method == "partition" {
                let (head, tail) = text.split_once(part).unzip();
                head.map_or([text, "", ""], |head| [head, part, tail.unwrap_or_default()])
            } else {
                let (head, tail) = text.rsplit_once(part).unzip();
                head.map_or(["", "", text], |head| [head, part, tail.unwrap_or_default()])
            };
            Value::from(Tuple::from(parts.map(Value::from)))
        }
        "removeprefix" => {
            let (part,): (&str,) = from_args(arguments)?;
            Value::from(text.strip_prefix(part).unwrap_or(text))
        }
        "removesuffix" => {
            let (part,): (&str,) = from_args(arguments)?;
            Value::from(text.strip_suffix(part).unwrap_or(text))
        }
        "rsplit" => {
            let (separator, most): (Option<&str>, Option<i64>) = from_args(arguments)?;
            let most = most.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX);
            Value::from(split_from_end(text, separator, most)?)
        }
        "splitlines" => {
            let (keep,): (Option<bool>,) = from_args(arguments)?;
            Value::from(lines(text, keep.unwrap_or(false)))
        }
        "swapcase" => {
            let () = from_args(arguments)?;
            let swap = |c: char| {
                if c.is_ascii_uppercase() { c.to_ascii_lowercase() } else { c.to_ascii_uppercase() }
            };
            Value::from(ascii(text, "swapcase")?.chars().map(swap).collect::<String>())
        }
        "title" => {
            let () = from_args(arguments)?;
            Value::from(title(state, text)?)
        }
        "zfill" => {
            let (width,): (usize,) = from_args(arguments)?;
            let missing = missing(state, text, width)?;
            let (sign, digits) = text.split_at(usize::from(text.starts_with(['+', '-'])));
            Value::from(format!("{sign}{}{digits}", "0".repeat(missing)))
        }
        _ => return Ok(None),
    };
    Ok(Some(value))
}

/// Formats as Python's operator `%` behind a text: the filter that stands for it.
#[allow(clippy::needless_pass_by_value, reason = "the engine passes arguments so")]
pub(super) fn percent(text: &str, arguments: Rest<Value>) -> Result<String, Error> {
    let digits = text.as_bytes().windows(MAX_WIDTH_DIGITS + 1);
    let wide = digits.into_iter().any(|bytes| bytes.iter().all(u8::is_ascii_digit));
    if wide || text.contains('*') {
        return Err(invalid("a format takes widths of at most 3 digits, written in the format"));
    }
    format(FormatStyle::Printf, text, &arguments)
}

/// Counts the words of a text: the filter `wordcount`.
pub(super) fn count_words(text: &str) -> usize {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    text.split(|c| !part(c)).filter(|word| !word.is_empty()).count()
}

/// A text, the width, whether to indent the first line and empty ones, and the same by name.
type IndentArguments<'a> = (&'a str, Option<Value>, Option<bool>, Option<bool>, Kwargs);

/// Puts spaces, or a text, before the lines of a text: the filter `indent`.
pub(super) fn indent(
    state: &State<'_, '_>,
    arguments: Rest<ValueOrKwargs>,
) -> Result<String, Error> {
    let arguments = arguments.into_values();
    let (text, width, first, blank, options): IndentArguments<'_> = from_args(&arguments)?;
    let width =
        width.map_or_else(|| options.get::<Option<Value>>("width"), |width| Ok(Some(width)));
    let width = width?.unwrap_or_else(|| Value::from(4));
    let flag = |given: Option<bool>, name| match given {
        Some(flag) => Ok(flag),
        None => options.get::<Option<bool>>(name).map(Option::unwrap_or_default),
    };
    let (first, blank) = (flag(first, "first")?, flag(blank, "blank")?);
    options.assert_all_used()?;
    let spaces = match width.as_usize() {
        Some(spaces) => {
            state.consume_fuel((spaces / BYTES_PER_FUEL) as u64)?;
            Some(" ".repeat(spaces))
        }
        None => None,
    };
    let before = width.as_str().map(str::to_owned).or(spaces);
    let before = before.ok_or_else(|| invalid("indent takes a number of spaces, or a text"))?;
    let mut result = String::new();
    // So that what ends with a line break has an empty line behind it, as in Jinja.
    for (index, line) in lines(&format!("{text}\n"), false).iter().enumerate() {
        state.consume_fuel(1 + (before.len() / BYTES_PER_FUEL) as u64)?;
        if index > 0 {
            result.push('\n');
        }
        let indented = if index == 0 { first } else { blank || !line.is_empty() };
        if indented {
            result.push_str(&before);
        }
        result.push_str(line);
    }
    Ok(result)
}

/// Makes the first letter of each run of letters that have a case large, and the others small.
fn title(state: &State<'_, '_>, text: &str) -> Result<String, Error> {
    let cased = |c: char| c.is_lowercase() || c.is_uppercase() || TITLE_LETTERS.contains(&c);
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let start = rest.find(cased).unwrap_or(rest.len());
        result.push_str(&rest[..start]);
        rest = &rest[start..];
        let end = rest.find(|c| !cased(c)).unwrap_or(rest.len());
        if end > 0 {
            let word = Value::from(&rest[..end]);
            let word = filters::capitalize(StringInput::new(state, &word)?);
            result.push_str(word.as_str().unwrap_or_default());
        }
        rest = &rest[end..];
    }
    Ok(result)
}

fn padded(
    state: &State<'_, '_>,
    text: &str,
    method: &str,
    arguments: &[Value],
) -> Result<String, Error> {
    let (width, fill): (usize, Option<&str>) = from_args(arguments)?;
    let fill = fill.unwrap_or(" ");
    if fill.chars().count() != 1 {
        return Err(invalid("the fill character must be exactly one character long"));
    }
    let missing = missing(state, text, width)?;
    let left = match method {
        "ljust" => 0,
        "rjust" => missing,
        // As CPython rounds.
        _ => missing / 2 + (missing & width & 1),
    };
    Ok(format!("{}{text}{}", fill.repeat(left), fill.repeat(missing - left)))
}

/// Returns how many characters a text lacks to be `width` long; they are paid for.
fn missing(state: &State<'_, '_>, text: &str, width: usize) -> Result<usize, Error> {
    let missing = width.saturating_sub(text.chars().count());
    state.consume_fuel((missing / BYTES_PER_FUEL) as u64)?;
    Ok(missing)
}

fn expand_tabs(state: &State<'_, '_>, text: &str, size: usize) -> Result<String, Error> {
    let (mut result, mut column) = (String::new(), 0);
    for character in text.chars() {
        match character {
            '\t' => {
                let spaces = if size == 0 { 0 } else { size - column % size };
                state.consume_fuel(1 + (spaces / BYTES_PER_FUEL) as u64)?;
                result.extend(core::iter::repeat_n(' ', spaces));
                column += spaces;
            }
            '\n' | '\r' => {
                result.push(character);
                column = 0;
            }
            _ => {
                result.push(character);
                column += 1;
            }
        }
    }
    Ok(result)
}

/// Splits at most `most` times, from the end.
fn split_from_end(text: &str, separator: Option<&str>, most: usize) -> Result<Vec<String>, Error> {
    let mut parts: Vec<&str> = match separator {
        Some("") => return Err(invalid("empty separator")),
        Some(separator) => text.rsplitn(most.saturating_add(1), separator).collect(),
        None => {
            let (mut parts, mut rest) = (Vec::new(), text.trim_matches(is_space));
            while !rest.is_empty() && parts.len() < most {
                match rest.rfind(is_space) {
                    Some(at) => {
                        let end = at + rest[at..].chars().next().map_or(1, char::len_utf8);
                        parts.push(&rest[end..]);
                        rest = rest[..at].trim_end_matches(is_space);
                    }
                    None => {
                        parts.push(rest);
                        rest = "";
                    }
                }
            }
            if !rest.is_empty() {
                parts.push(rest);
            }
            parts
        }
    };
    parts.reverse();
    Ok(parts.into_iter().map(str::to_owned).collect())
}

/// Cuts a text where Python sees the end of a line.
fn lines(text: &str, keep: bool) -> Vec<String> {
    let (mut lines, mut rest) = (Vec::new(), text);
    while !rest.is_empty() {
        let line = rest.find(ends_line).unwrap_or(rest.len());
        let end = match rest[line..].chars().next() {
            Some('\r') if rest[line + 1..].starts_with('\n') => line + 2,
            Some(character) => line + character.len_utf8(),
            None => line,
        };
        lines.push(rest[..if keep { end } else { line }].to_owned());
        rest = &rest[end..];
    }
    lines
}

const fn ends_line(character: char) -> bool {
    matches!(
        character,
        '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}'
    )
}

/// Python counts four separators of ASCII as spaces that Unicode does not.
pub(super) const fn is_space(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\u{1c}'..='\u{1f}')
}

/// Refuses letters for which Python has tables of its own.
fn ascii<'a>(text: &'a str, method: &str) -> Result<&'a str, Error> {
    if text.is_ascii() {
        return Ok(text);
    }
    Err(invalid(format!("{method} is only known for ASCII")))
}

fn invalid(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidOperation, message)
}

/// As the engine charges for data.
const BYTES_PER_FUEL: usize = 64;

/// Most digits of a width in a format.
const MAX_WIDTH_DIGITS: usize = 3;

/// The name of the filter that stands for `%`.
pub(super) const PERCENT: &str = "_percent";

/// Letters that are two, of which the first is large.
const TITLE_LETTERS: [char; 4] = ['\u{1c5}', '\u{1c8}', '\u{1cb}', '\u{1f2}'];
