//! What changes a text before it is split, each step of it bounded by what was paid.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use lazai_api_types::Rejection;
use tokenizers::{NormalizedString, Normalizer, NormalizerWrapper};

use super::{
    TokenizerError,
    file::{self, Part, Pattern, of_the_crate},
    kind::Symbols,
    patterns,
    search::Search,
    unicode,
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

impl Step {
    /// Returns whether it replaces characters by those that they are compatible with.
    const fn is_compatible(&self) -> bool {
        matches!(self, Self::Crate(NormalizerWrapper::NFKC(_) | NormalizerWrapper::NFKD(_)))
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
/// One step could make much of a text and the next little of that, which the result would not show;
/// and the crate looks for added tokens in the result before anyone else sees it. So what the steps
/// make of all pieces of a text is counted here: the bytes and the characters of each piece, as
/// many as any step made, and the symbols that the last one left. Beyond what was paid no step
/// runs, and pieces are left empty.
#[derive(Debug)]
pub(super) struct PaidNormalizer<'a> {
    steps: &'a Steps,
    symbols: Symbols,
    bytes: Allowance,
    characters: Allowance,
    left: Allowance,
}

/// How much of something there may be, and how much there has been.
#[derive(Debug)]
struct Allowance {
    max: u64,
    got: AtomicU64,
}

impl<'a> PaidNormalizer<'a> {
    /// Lets the steps make what was `paid` for of a text, and `besides`: of bytes three times as
    /// much, of characters half as much again, and of the `symbols` that are left a quarter.
    pub(super) fn new(steps: &'a Steps, symbols: Symbols, paid: u64, besides: u64) -> Self {
        let more = |by: u64| Allowance::new(paid.saturating_add(by).saturating_add(besides));
        Self {
            steps,
            symbols,
            bytes: more(paid.saturating_mul(2)),
            characters: more(paid / 2),
            left: more(paid / 4),
        }
    }

    /// Checks that all steps ran, and left no more than was paid for.
    pub(super) fn finish(self) -> Result<(), Rejection> {
        [self.bytes, self.characters, self.left].into_iter().try_for_each(Allowance::check)
    }

    fn is_over(&self) -> bool {
        self.bytes.is_over() || self.characters.is_over() || self.left.is_over()
    }
}

impl Allowance {
    const fn new(max: u64) -> Self {
        Self { max, got: AtomicU64::new(0) }
    }

    fn add(&self, count: u64) {
        self.got.fetch_add(count, Relaxed);
    }

    fn is_over(&self) -> bool {
        self.got.load(Relaxed) > self.max
    }

    const fn check(self) -> Result<(), Rejection> {
        let (got, max) = (self.got.into_inner(), self.max);
        if got > max { Err(Rejection::InputTooLong { got, max }) } else { Ok(()) }
    }
}

impl Normalizer for PaidNormalizer<'_> {
    fn normalize(&self, text: &mut NormalizedString) -> tokenizers::Result<()> {
        let (mut bytes, mut characters) = (0, 0);
        for step in &self.steps.0 {
            if self.is_over() {
                break;
            }
            // Characters that become many take long to make.
            if step.is_compatible() {
                let made = unicode::decomposed_characters(text.get());
                if made > self.characters.max {
                    self.characters.add(made);
                    break;
                }
            }
            step.normalize(text)?;
            let made = (text.len() as u64, text.get().chars().count() as u64);
            self.bytes.add(made.0.saturating_sub(bytes));
            self.characters.add(made.1.saturating_sub(characters));
            (bytes, characters) = (made.0.max(bytes), made.1.max(characters));
        }
        if !self.is_over() {
            self.left.add(self.symbols.count(text.get()) as u64);
        }
        if self.is_over() {
            text.clear();
        }
        Ok(())
    }
}
