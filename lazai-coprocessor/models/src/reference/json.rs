//! JSON as Python writes it: with `NaN`, `Infinity` and `-Infinity`.

use core::ops::Range;

use serde_json::{Map, Value};

use super::ReferenceError;

/// Reads a JSON object; numbers that JSON lacks become texts, which no field of a number accepts.
pub(crate) fn object(file: &str, json: &[u8]) -> Result<Map<String, Value>, ReferenceError> {
    value(file, json).and_then(|value| match value {
        Value::Object(map) => Ok(map),
        _ => Err(syntax(file, "it must be an object".to_owned())),
    })
}

/// Reads any JSON value.
pub(crate) fn value(file: &str, json: &[u8]) -> Result<Value, ReferenceError> {
    let strict = serde_json::from_slice(json);
    let lenient = |error| match quoted(json) {
        Some(json) => serde_json::from_slice(&json),
        None => Err(error),
    };
    strict.or_else(lenient).map_err(|error| syntax(file, error.to_string()))
}

pub(crate) fn syntax(file: &str, problem: String) -> ReferenceError {
    ReferenceError::Syntax { file: file.to_owned(), problem }
}

/// Puts numbers that JSON lacks into quotes; `None` if there is none.
fn quoted(json: &[u8]) -> Option<Vec<u8>> {
    let mut result = Vec::with_capacity(json.len() + 16);
    let (mut rest, mut inside, mut found) = (json, false, false);
    while let [first, tail @ ..] = rest {
        let word = ["-Infinity", "Infinity", "NaN"]
            .iter()
            .find(|word| !inside && rest.starts_with(word.as_bytes()));
        if let Some(word) = word {
            result.extend_from_slice(format!("\"{word}\"").as_bytes());
            (rest, found) = (&rest[word.len()..], true);
            continue;
        }
        result.push(*first);
        rest = tail;
        match first {
            b'"' => inside = !inside,
            b'\\' if inside => {
                if let [escaped, tail @ ..] = rest {
                    result.push(*escaped);
                    rest = tail;
                }
            }
            _ => {}
        }
    }
    found.then_some(result)
}

/// Finds the value of a key of the outermost object of a JSON text.
pub(super) fn value_place(json: &[u8], key: &str) -> Option<Range<usize>> {
    let quoted = Value::from(key).to_string();
    let (mut depth, mut index, mut start) = (0_usize, 0, None);
    while index < json.len() {
        match json[index] {
            b'"' => {
                let end = string_end(json, index)?;
                if depth == 1 && start.is_none() && json[index..end] == *quoted.as_bytes() {
                    let colon = json[end..].iter().position(|byte| !byte.is_ascii_whitespace())?;
                    if json[end + colon] == b':' {
                        let value = &json[end + colon + 1..];
                        let space = value.iter().position(|byte| !byte.is_ascii_whitespace())?;
                        start = Some(end + colon + 1 + space);
                        index = end + colon + 1 + space;
                        continue;
                    }
                }
                index = end;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                if let Some(start) = start.filter(|_| depth == 1) {
                    return Some(start..index);
                }
                depth = depth.checked_sub(1)?;
            }
            b',' if depth == 1 => {
                if let Some(start) = start {
                    return Some(start..index);
                }
            }
            _ => {}
        }
        index += 1;
    }
    None
}

/// Returns the place behind a string that starts at `start`.
fn string_end(json: &[u8], start: usize) -> Option<usize> {
    let mut index = start + 1;
    loop {
        match json.get(index)? {
            b'"' => return Some(index + 1),
            b'\\' => index += 2,
            _ => index += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_of_python_become_texts() {
        let read = |text: &str| value("config.json", text.as_bytes()).ok();
        let text =
            r#"{"a": Infinity, "b": [-Infinity, NaN], "Infinity": "NaN \" -Infinity", "c": "\\"}"#;
        let expected = json!({"a": "Infinity", "b": ["-Infinity", "NaN"],
            "Infinity": "NaN \" -Infinity", "c": "\\"});
        assert_eq!(read(text), Some(expected));
        for text in ["{", "Infinit", "{NaN: 1", "nan"] {
            assert_eq!(read(text), None, "{text}");
        }
        assert!(object("config.json", b"[1]").is_err());
    }

    #[test]
    fn values_are_found_by_their_key() {
        let json = br#"{ "a": {"added_tokens": 1}, "x\"added_tokens": 2, "b": "added_tokens",
            "added_tokens" : [{"id": 1, "content": "]}"}] , "c": 3}"#;
        let place = value_place(json, "added_tokens").unwrap();
        assert_eq!(&json[place], br#"[{"id": 1, "content": "]}"}] "#);
        assert_eq!(value_place(br#"{"a":[1],"b":2}"#, "b"), Some(13..14));
        assert_eq!(value_place(br#"{"a":[1]}"#, "b"), None);
        assert_eq!(value_place(br#"{"a":"#, "a"), None);
    }
}
