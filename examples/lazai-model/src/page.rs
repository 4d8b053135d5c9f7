//! Output for people: titles, items, and lines of JSON.

use core::fmt::{Display, Write as _};
use std::io::{self, Write as _};

use serde::Serialize;

use crate::error::Error;

/// Lines of names and what they name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Page(String);

impl Page {
    /// Starts a section.
    pub(crate) fn title(&mut self, text: &str) -> &mut Self {
        let gap = if self.0.is_empty() { "" } else { "\n" };
        self.line(format_args!("{gap}{}", printable(text)))
    }

    /// Adds a name and its value; an empty name continues the item before.
    pub(crate) fn item(&mut self, name: &str, value: impl Display) -> &mut Self {
        let value = printable(&value.to_string());
        self.line(format_args!("  {name:<16} {value}"))
    }

    /// Adds a line as it is.
    pub(crate) fn line(&mut self, line: impl Display) -> &mut Self {
        // Writing to a string does not fail.
        let _ = writeln!(self.0, "{line}");
        self
    }

    /// Writes the page; a reader who left is no error.
    pub(crate) fn show(&self) {
        let mut out = io::stdout().lock();
        let _ = out.write_all(self.0.as_bytes()).and_then(|()| out.flush());
    }
}

/// Returns a text without characters that control a terminal.
pub(crate) fn printable(text: &str) -> String {
    inert(text.trim())
}

/// Returns the same with the space around it kept, for a piece of a text.
pub(crate) fn inert(text: &str) -> String {
    let inert = |c: char| if c.is_control() && c != '\n' { char::REPLACEMENT_CHARACTER } else { c };
    text.chars().map(inert).collect()
}

/// Writes a value as a line of JSON; a reader who left is no error.
pub(crate) fn show_json(value: &impl Serialize) -> Result<(), Error> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    let written = serde_json::to_writer(&mut out, value)
        .map_err(io::Error::from)
        .and_then(|()| writeln!(out))
        .and_then(|()| out.flush());
    match written {
        Err(source) if source.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::File { action: "writing", path: "the output".into(), source })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_do_not_reach_a_terminal() {
        assert_eq!(printable(" a\u{1b}[2J\nb\r"), "a\u{fffd}[2J\nb");
    }

    #[test]
    fn sections_are_parted() {
        let mut page = Page::default();
        page.title("One").item("name", 1).title("Two").item("", "x");
        assert_eq!(page.0, "One\n  name             1\n\nTwo\n                   x\n");
    }
}
