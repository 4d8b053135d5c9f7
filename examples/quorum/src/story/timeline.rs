use core::time::Duration;
use std::{collections::BTreeMap, time::Instant};

use serde::Serialize;

/// What has happened, and when.
#[derive(Debug)]
pub struct Timeline<F> {
    begin: Instant,
    entries: Vec<Entry>,
    tell: F,
}

/// Something that happened.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Entry {
    /// Milliseconds since the example began.
    pub at_ms: u64,
    /// Who or what: `chain`, the name of a quorum, a node.
    pub who: String,
    /// What.
    pub what: String,
}

/// The figures at the end.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Summary {
    /// By name, in words.
    pub figures: BTreeMap<String, String>,
}

impl<F: FnMut(&Entry)> Timeline<F> {
    /// A timeline that begins now; `tell` hears of each entry.
    pub fn new(tell: F) -> Self {
        Self { begin: Instant::now(), entries: Vec::new(), tell }
    }

    /// Adds an entry.
    pub fn add(&mut self, who: &str, what: String) {
        let at_ms = u64::try_from(self.begin.elapsed().as_millis()).unwrap_or(u64::MAX);
        let entry = Entry { at_ms, who: who.to_owned(), what };
        (self.tell)(&entry);
        self.entries.push(entry);
    }

    /// How long it has taken so far.
    pub fn elapsed(&self) -> Duration {
        self.begin.elapsed()
    }

    /// What has happened so far.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }
}
