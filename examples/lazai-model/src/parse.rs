//! Values of options.

use lazai_chat::Date;
use lazai_coprocessor::kernel::{Backend, Threads};

/// Reads a decimal number as thousandths, up to `max`.
pub(crate) fn milli(text: &str, max: u32) -> Result<u32, String> {
    let expected = || {
        format!(
            "expected a number from 0 to {} with up to three decimals, got {text:?}",
            max / 1_000
        )
    };
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(decimals) || decimals.len() > 3 {
        return Err(expected());
    }
    let milli = format!("{whole}{decimals:0<3}").parse().map_err(|_| expected())?;
    if milli > max { Err(expected()) } else { Ok(milli) }
}

/// Reads `2024-12-31`.
pub(crate) fn date(text: &str) -> Result<Date, String> {
    let read = || {
        let (year, rest) = text.split_once('-')?;
        let (month, day) = rest.split_once('-')?;
        Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()
    };
    read().ok_or_else(|| format!("expected a day such as 2024-12-31, got {text:?}"))
}

/// What a variable of a template may be.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Flag {
    Bool(bool),
    Text(String),
}

/// Reads `enable_thinking=false`.
pub(crate) fn flag(text: &str) -> Result<(String, Flag), String> {
    let name = |name: &str| {
        let mut letters = name.chars();
        letters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
            && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
    };
    match text.split_once('=') {
        Some((known, value)) if name(known) => {
            let value = match value {
                "true" => Flag::Bool(true),
                "false" => Flag::Bool(false),
                text => Flag::Text(text.to_owned()),
            };
            Ok((known.to_owned(), value))
        }
        _ => {
            Err(format!("expected a name and a value such as enable_thinking=false, got {text:?}"))
        }
    }
}

/// Reads a text that ends an answer.
pub(crate) fn stop(text: &str) -> Result<String, String> {
    if (1..=MAX_STOP_BYTES).contains(&text.len()) {
        Ok(text.to_owned())
    } else {
        Err(format!("expected a text of 1 to {MAX_STOP_BYTES} bytes, got {}", text.len()))
    }
}

pub(crate) fn threads(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count) if count <= Threads::MAX => Ok(count),
        _ => Err(format!("expected a number from 0 to {}, got {text:?}", Threads::MAX)),
    }
}

pub(crate) fn backend(text: &str) -> Result<Backend, String> {
    if text == "auto" {
        return Ok(Backend::detect());
    }
    let backend: Backend = text
        .parse()
        .map_err(|_| format!("expected auto, scalar, portable, avx2 or avx512, got {text:?}"))?;
    backend.require().map_err(|_| {
        let names: Vec<_> = Backend::available().into_iter().map(Backend::name).collect();
        format!("this processor lacks {backend}; it has {}", names.join(", "))
    })
}

/// Reads the name of a model.
pub(crate) fn name(text: &str) -> Result<String, String> {
    if (1..=MAX_NAME_BYTES).contains(&text.len()) {
        Ok(text.to_owned())
    } else {
        Err(format!("expected a name of 1 to {MAX_NAME_BYTES} bytes, got {}", text.len()))
    }
}

/// Longest text that ends an answer.
const MAX_STOP_BYTES: usize = 256;

/// Longest name of a model.
pub(crate) const MAX_NAME_BYTES: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_in_thousandths() {
        for (text, expected) in [("0", 0), ("0.8", 800), ("1", 1_000), ("0.005", 5)] {
            assert_eq!(milli(text, 1_000), Ok(expected), "{text}");
        }
        for text in ["", ".", "1.", ".5", "-1", "+1", "1e3", "0.1234", "1.001", "nan"] {
            let message = milli(text, 1_000).unwrap_err();
            assert!(message.contains("from 0 to 1 ") && message.ends_with(&format!("{text:?}")));
        }
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        assert_eq!(date("2024-02-29").ok(), Date::new(2024, 2, 29).ok());
        for text in ["2023-02-29", "2024", "2024-1", "2024-13-01", "today", "-1-1-1"] {
            assert!(date(text).is_err(), "{text}");
        }
    }

    #[test]
    fn flags_are_names_and_values() {
        let read = |text| flag(text).unwrap();
        assert_eq!(read("enable_thinking=false"), ("enable_thinking".into(), Flag::Bool(false)));
        assert_eq!(read("a=b=c"), ("a".into(), Flag::Text("b=c".into())));
        for text in ["", "a", "=true", "1a=true", "a b=true"] {
            assert!(flag(text).is_err(), "{text}");
        }
    }

    #[test]
    fn every_back_end_that_is_here_can_be_chosen() {
        for expected in Backend::available() {
            assert_eq!(backend(expected.name()), Ok(expected));
        }
        assert_eq!(backend("auto"), Ok(Backend::detect()));
        assert!(backend("gpu").is_err());
    }
}
