use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use lazai_api_types::Rejection;
use tokenizers::{NormalizedString, Normalizer, NormalizerWrapper};

/// The normalizer of a tokenizer, whose steps make no more of a text than was paid for.
///
/// One step could make much of a text and the next little of that, which the result would not show.
/// So the pieces of a text, each as long as any step made it, have a number of bytes together;
/// steps that would go on behind it do not run.
#[derive(Debug)]
pub(super) struct PaidNormalizer<'a> {
    normalizer: &'a NormalizerWrapper,
    max: u64,
    got: AtomicU64,
}

impl<'a> PaidNormalizer<'a> {
    /// Lets the steps make `max` bytes.
    pub(super) const fn new(normalizer: &'a NormalizerWrapper, max: u64) -> Self {
        Self { normalizer, max, got: AtomicU64::new(0) }
    }

    /// Returns whether all steps ran; a text of which one did not is refused.
    pub(super) const fn finish(self) -> Result<(), Rejection> {
        let (got, max) = (self.got.into_inner(), self.max);
        if got > max { Err(Rejection::InputTooLong { got, max }) } else { Ok(()) }
    }

    fn run(
        &self,
        step: &NormalizerWrapper,
        text: &mut NormalizedString,
        longest: &mut u64,
    ) -> tokenizers::Result<()> {
        if let NormalizerWrapper::Sequence(steps) = step {
            return steps.as_ref().iter().try_for_each(|step| self.run(step, text, longest));
        }
        if self.got.load(Relaxed) > self.max {
            return Ok(());
        }
        step.normalize(text)?;
        let length = text.len() as u64;
        self.got.fetch_add(length.saturating_sub(*longest), Relaxed);
        *longest = length.max(*longest);
        Ok(())
    }
}

impl Normalizer for PaidNormalizer<'_> {
    fn normalize(&self, text: &mut NormalizedString) -> tokenizers::Result<()> {
        self.run(self.normalizer, text, &mut 0)
    }
}
