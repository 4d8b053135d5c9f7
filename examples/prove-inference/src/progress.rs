use core::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use lazai_halo2::ProvingStage;

/// Says what takes so long.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    pub(crate) fn new(quiet: bool) -> Self {
        let bar = if quiet { ProgressBar::hidden() } else { ProgressBar::new_spinner() };
        if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed_precise} {msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(100));
        Self { bar }
    }

    pub(crate) fn say(&self, message: &'static str) {
        self.bar.set_message(message);
    }

    pub(crate) fn stage(&self, stage: ProvingStage) {
        self.say(match stage {
            ProvingStage::Trace => "running the network",
            ProvingStage::Constraints => "turning the run into constraints",
            ProvingStage::Keys => "making the keys: fixed columns and permutation",
            ProvingStage::Proof => "proving: columns, quotient, openings",
        });
    }

    pub(crate) fn finish(self) {
        self.bar.finish_and_clear();
    }
}
