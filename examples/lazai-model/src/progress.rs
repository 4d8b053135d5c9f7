//! The progress bar of a long command.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar on a terminal, and lines where there is none.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    /// The last line that was printed where there is no bar: piece of work and tenths.
    said: Option<(&'static str, usize)>,
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
        // A log file has no terminal to draw a bar on; ten lines tell enough.
        let tenth = done.saturating_mul(10) / total.max(1);
        if self.bar.is_hidden() && self.said != Some((action, tenth)) {
            self.said = Some((action, tenth));
            eprintln!("{action} {done}/{total}");
        }
    }
}

/// Leaves no bar behind, whatever happened.
impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
