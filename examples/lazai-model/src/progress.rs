//! The progress bar of a long command.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar on a terminal, and a line for each piece of work where there is none.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    /// The piece of work that was last named where there is no bar.
    said: Option<&'static str>,
}

impl Progress {
    pub(crate) fn new() -> Self {
        let bar = ProgressBar::new(0);
        bar.set_style(
            ProgressStyle::with_template("{msg:20} {bar:30} {pos}/{len} {elapsed}")
                .unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        Self { bar, said: None }
    }

    /// Shows that `done` of `total` pieces of `action` are done.
    pub(crate) fn set(&mut self, action: &'static str, done: usize, total: usize) {
        self.bar.set_message(action);
        self.bar.set_length(total as u64);
        self.bar.set_position(done as u64);
        // A log file has no terminal to draw a bar on, and many lines would bury what matters.
        if self.bar.is_hidden() && self.said != Some(action) {
            self.said = Some(action);
            eprintln!("{action} {total} pieces");
        }
    }
}

/// Leaves no bar behind, whatever happened.
impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
