//! Server-sent events, the form in which answers are streamed.
//!
//! A stream is `text/event-stream`: one event per chunk, and [`DONE`] at the end. A failure in the
//! middle is the event of an [`ErrorBody`](super::ErrorBody), which clients raise as an error.

use alloc::string::String;

use serde::Serialize;

/// Ends a stream.
pub const DONE: &str = "data: [DONE]\n\n";

/// The media type of a stream.
pub const CONTENT_TYPE: &str = "text/event-stream";

/// Returns the event that carries `value` under a name, as `/v1/responses` streams.
///
/// # Errors
/// As [`event`].
pub fn named<T: Serialize>(name: &str, value: &T) -> Result<String, serde_json::Error> {
    let event = event(value)?;
    Ok(alloc::format!("event: {name}\n{event}"))
}

/// Returns the event that carries `value`.
///
/// # Errors
/// If `value` cannot be written as JSON; the types of this module always can.
pub fn event<T: Serialize>(value: &T) -> Result<String, serde_json::Error> {
    // Compact JSON escapes every line break, so the event is one line.
    let json = serde_json::to_string(value)?;
    let mut event = String::with_capacity(json.len() + 8);
    event.push_str("data: ");
    event.push_str(&json);
    event.push_str("\n\n");
    Ok(event)
}
