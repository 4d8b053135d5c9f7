//! What changes a text before it is split, each step of it bounded by what was paid.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use lazai_api_types::Rejection;
use tokenizers::{NormalizedString, Normalizer, NormalizerWrapper};

use super::{
    TokenizerError,
    file::{self, Part, Pattern, of_the_crate},
    patterns,
    search::Search,
};

/// The steps of a normalizer.
#[derive(Debug)]
pub(super) struct Steps(Vec<Step>);

/// One of them.
#[derive(Debug)]
pub(super) enum Step {
    Crate(NormalizerWrapper),
    /// Puts a text for each match of a pattern.
    Replace {
        search: Search,
        content: String,
    },
}

impl Steps {
    /// Reads the steps of a file.
    ///
    /// # Errors
    /// [`TokenizerError::Pattern`] if the search for a pattern is not bounded,
    /// [`TokenizerError::Syntax`] if a step is malformed.
    pub(super) fn new(part: &Part<file::Normalizer>) -> Result<Self, TokenizerError> {
        let step = |step: &file::Normalizer| match step {
            file::Normalizer::Replace { pattern: Pattern::Regex(pattern), content } => {
                let search = patterns::replaced(pattern)?;
                Ok(Step::Replace { search, content: content.clone() })
            }
            other => of_the_crate(other).map(Step::Crate),
        };
        part.steps().iter().map(step).collect::<Result<_, _>>().map(Self)
    }

    #[cfg(test)]
    pub(super) fn steps(&self) -> &[Step] {
        &self.0
    }
}

impl Normalizer for Step {
    fn normalize(&self, text: &mut NormalizedString) -> tokenizers::Result<()> {
        match self {
            Self::Crate(step) => step.normalize(text),
            Self::Replace { search, content } => text.replace(search, content),
        }
    }
}

impl Normalizer for Steps {
    fn normalize(&self, text: &mut NormalizedString) -> tokenizers::Result<()> {
        self.0.iter().try_for_each(|step| step.normalize(text))
    }
}

/// A normalizer whose steps make no more of a text than was paid for.
///
/// One step could make much of a text and the next little of that, which the result would not show.
/// So the pieces of a text, each as long as any step made it, have a number of bytes together;
/// steps that would go on behind it do not run.
#[derive(Debug)]
pub(super) struct PaidNormalizer<'a> {
    steps: &'a Steps,
    max: u64,
    got: AtomicU64,
}

impl<'a> PaidNormalizer<'a> {
    /// Lets the steps make `max` bytes.
    pub(super) const fn new(steps: &'a Steps, max: u64) -> Self {
        Self { steps, max, got: AtomicU64::new(0) }
    }

    /// Returns whether all steps ran; a text of which one did not is refused.
    pub(super) const fn finish(self) -> Result<(), Rejection> {
        let (got, max) = (self.got.into_inner(), self.max);
        if got > max { Err(Rejection::InputTooLong { got, max }) } else { Ok(()) }
    }
}

impl Normalizer for PaidNormalizer<'_> {
    fn normalize(&self, text: &mut NormalizedString) -> tokenizers::Result<()> {
        let mut longest = 0;
        for step in &self.steps.0 {
            if self.got.load(Relaxed) > self.max {
                return Ok(());
            }
            step.normalize(text)?;
            let length = text.len() as u64;
            self.got.fetch_add(length.saturating_sub(longest), Relaxed);
            longest = length.max(longest);
        }
        Ok(())
    }
}
