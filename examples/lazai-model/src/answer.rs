//! The answer of a model as it grows.

use core::time::Duration;
use std::{
    io::{self, Write},
    time::Instant,
};

use lazai_api_types::TokenId;
use lazai_coprocessor::{TextStream, model::Model};

use crate::page::inert;

/// Writes an answer as it grows, up to a stop text.
pub(crate) struct AnswerWriter<'a> {
    stream: TextStream<'a>,
    end_tokens: &'a [u32],
    stop: StopFilter<'a>,
    start: Instant,
    /// When the prompt was read, which is when the first token is chosen.
    first: Option<Duration>,
    tokens: usize,
}

impl<'a> AnswerWriter<'a> {
    pub(crate) fn new(model: &'a Model, stop: &'a [String]) -> Self {
        Self {
            stream: model.tokenizer().stream(),
            end_tokens: &model.manifest().end_tokens,
            stop: StopFilter::new(stop),
            start: Instant::now(),
            first: None,
            tokens: 0,
        }
    }

    pub(crate) fn write(&mut self, TokenId(token): TokenId) {
        self.first.get_or_insert_with(|| self.start.elapsed());
        self.tokens += 1;
        if !self.end_tokens.contains(&token) {
            // What has no text leaves no gap.
            show(&self.stop.push(&self.stream.push(token).unwrap_or_default()));
        }
    }

    /// Ends the line; returns what is said of the speed.
    pub(crate) fn finish(mut self) -> String {
        show(&self.stop.push(&self.stream.finish().unwrap_or_default()));
        show(&self.stop.finish());
        show("\n");
        let first = self.first.unwrap_or_default();
        let rest = self.start.elapsed().saturating_sub(first).as_secs_f64().max(1e-9);
        let rate = self.tokens.saturating_sub(1) as f64 / rest;
        format!("({} tokens, the first after {first:.1?}, {rate:.1} a second)", self.tokens)
    }
}

/// Lets a text through up to the first stop text in it.
struct StopFilter<'a> {
    stop: &'a [String],
    /// What may be the start of a stop text.
    waiting: String,
    stopped: bool,
}

impl<'a> StopFilter<'a> {
    const fn new(stop: &'a [String]) -> Self {
        Self { stop, waiting: String::new(), stopped: false }
    }

    /// Takes a piece of the text and returns what can be shown.
    fn push(&mut self, piece: &str) -> String {
        if self.stopped {
            return String::new();
        }
        self.waiting.push_str(piece);
        let found = self.stop.iter().filter_map(|stop| self.waiting.find(stop.as_str())).min();
        if let Some(end) = found {
            self.stopped = true;
            self.waiting.truncate(end);
            return core::mem::take(&mut self.waiting);
        }
        let may_start = |at: &usize| {
            let rest = &self.waiting[*at..];
            self.stop.iter().any(|stop| stop.starts_with(rest))
        };
        let starts = self.waiting.char_indices().map(|(at, _)| at);
        let keep = starts.into_iter().find(may_start).unwrap_or(self.waiting.len());
        let rest = self.waiting.split_off(keep);
        core::mem::replace(&mut self.waiting, rest)
    }

    /// Returns what waits at the end of the text.
    fn finish(&mut self) -> String {
        core::mem::take(&mut self.waiting)
    }
}

/// Writes at once, without what could act on a terminal; a reader who left is no error.
pub(crate) fn show(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(inert(text).as_bytes()).and_then(|()| out.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stop_texts_end_an_answer_wherever_they_are_cut() {
        let stop = ["User:".to_owned(), "\n\n".to_owned()];
        let text = "one\ntwo Use é User: three";
        for cut in 1..text.len() {
            let (mut filter, mut shown) = (StopFilter::new(&stop), String::new());
            let mut rest = text;
            while !rest.is_empty() {
                let (piece, tail) = rest.split_at(rest.ceil_char_boundary(cut.min(rest.len())));
                shown.push_str(&filter.push(piece));
                rest = tail;
            }
            shown.push_str(&filter.finish());
            assert_eq!(shown, "one\ntwo Use é ", "{cut}");
        }
        let mut filter = StopFilter::new(&stop);
        assert_eq!(filter.push("end\n") + &filter.finish(), "end\n");
    }
}
