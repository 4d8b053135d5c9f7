use core::cell::Cell;

use lazai_api_types::Rejection;

/// Counts the steps of a search through pieces, of which a text is given as many as were paid for.
///
/// A vocabulary may be made so that the search goes far at each byte and finds nothing. Every
/// machine counts the same, so all refuse the same texts.
#[derive(Debug)]
pub(super) struct Meter {
    steps: Cell<u64>,
    max: u64,
}

impl Meter {
    pub(super) const fn new(max: u64) -> Self {
        Self { steps: Cell::new(0), max }
    }

    /// Counts steps that were done.
    ///
    /// # Errors
    /// [`Rejection::InputTooLong`] if there are more of them than were paid for.
    pub(super) fn count(&self, steps: usize) -> Result<(), Rejection> {
        let (got, max) = (self.steps.get().saturating_add(steps as u64), self.max);
        self.steps.set(got);
        if got > max { Err(Rejection::InputTooLong { got, max }) } else { Ok(()) }
    }
}
