//! What the template engine found, as an error of a chat.

use core::fmt;

use minijinja::{Error, ErrorKind};

use super::ChatError;

/// Returns why a template did not parse.
pub(super) fn syntax_error(error: &Error) -> ChatError {
    ChatError::Syntax { line: error.line().unwrap_or_default(), message: message(error) }
}

/// Returns why a run ended.
pub(super) fn run_error(error: &Error, max_fuel: u64) -> ChatError {
    let mut cause: Option<&(dyn core::error::Error + 'static)> = Some(error);
    while let Some(current) = cause {
        if let Some(refusal) = current.downcast_ref::<Refusal>() {
            return ChatError::Refused { message: shortened(refusal.0.clone()) };
        }
        if let Some(error) = current.downcast_ref::<Error>() {
            if error.kind() == ErrorKind::OutOfFuel {
                return ChatError::Fuel { max: max_fuel };
            }
            let detail = error.detail().unwrap_or_default();
            if error.kind() == ErrorKind::UnknownFunction && detail.contains("strftime_now") {
                return ChatError::Clock;
            }
        }
        cause = current.source();
    }
    ChatError::Render { line: error.line().unwrap_or_default(), message: message(error) }
}

fn message(error: &Error) -> String {
    shortened(match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    })
}

/// At most `MAX_MESSAGE_BYTES` of a text that a template may have made long.
fn shortened(mut text: String) -> String {
    if text.len() > MAX_MESSAGE_BYTES {
        text.truncate(text.floor_char_boundary(MAX_MESSAGE_BYTES));
    }
    text
}

/// What `raise_exception` was given.
#[derive(Debug)]
pub(super) struct Refusal(pub(super) String);

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl core::error::Error for Refusal {}

/// Most bytes of a message from the template.
const MAX_MESSAGE_BYTES: usize = 1_024;
