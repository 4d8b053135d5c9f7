use lazai_api_types::Rejection;
use tokenizers::{
    Offsets, PreTokenizedString, PreTokenizer as _, PreTokenizerWrapper, SplitDelimiterBehavior,
    pre_tokenizers::byte_level::ByteLevel,
    tokenizer::pattern::{Invert, Pattern as Find},
};

use super::{
    TokenizerError,
    file::{Part, Pattern, PreTokenizer, of_the_crate},
    patterns,
    scan::{self, Scan},
    search::Search,
};

/// How a tokenizer splits a text into words.
///
/// The crate's own steps stop without a word at patterns whose search gives up, and the rest of the
/// text would be one word. Here no search gives up, and the patterns of common families are read by
/// hand, to the same words.
#[derive(Debug)]
pub(super) struct Words(Vec<Step>);

#[derive(Debug)]
enum Step {
    /// A step of the crate that cannot give up.
    Crate(PreTokenizerWrapper),
    /// A space before a text that starts with none.
    Prefix,
    /// Cuts at the matches of a pattern.
    Split { pattern: Splitter, behavior: SplitDelimiterBehavior, invert: bool },
}

/// What finds words.
#[derive(Debug)]
enum Splitter {
    Scan(Scan),
    Search(Search),
}

impl Words {
    /// Reads the steps of a pre-tokenizer.
    ///
    /// # Errors
    /// [`TokenizerError::Pattern`] if the search for a pattern is not bounded.
    pub(super) fn new(part: &Part<PreTokenizer>) -> Result<Self, TokenizerError> {
        let mut steps = Vec::new();
        for step in part.steps() {
            push(step, &mut steps)?;
        }
        Ok(Self(steps))
    }

    /// Returns the family and whether a space is put first, if words are read by hand and then
    /// spelled in bytes, and no more is done.
    pub(super) fn byte_level(&self) -> Option<(Scan, bool)> {
        let (prefix, rest) = match self.0.as_slice() {
            [Step::Prefix, rest @ ..] => (true, rest),
            rest => (false, rest),
        };
        match rest {
            [
                Step::Split {
                    pattern: Splitter::Scan(scan),
                    behavior: SplitDelimiterBehavior::Isolated,
                    invert: false,
                },
                Step::Crate(PreTokenizerWrapper::ByteLevel(_)),
            ] => Some((*scan, prefix)),
            _ => None,
        }
    }

    /// Returns whether a step spells bytes, so that the model reads a character as one or more.
    pub(super) fn spells_bytes(&self) -> bool {
        let spells = |step: &Step| matches!(step, Step::Crate(PreTokenizerWrapper::ByteLevel(_)));
        self.0.iter().any(spells)
    }

    /// Splits the pieces of a text that are no tokens yet. After each step that puts something
    /// before words, `check` is shown them, before the next step reads more than was paid for.
    pub(super) fn split(
        &self,
        pieces: &mut PreTokenizedString,
        check: impl Fn(&PreTokenizedString) -> Result<(), Rejection>,
    ) -> tokenizers::Result<()> {
        self.0.iter().try_for_each(|step| {
            step.split(pieces)?;
            if step.adds() {
                check(pieces)?;
            }
            Ok(())
        })
    }
}

impl Step {
    /// Returns whether it puts something before words.
    const fn adds(&self) -> bool {
        matches!(self, Self::Prefix | Self::Crate(PreTokenizerWrapper::Metaspace(_)))
    }

    fn split(&self, pieces: &mut PreTokenizedString) -> tokenizers::Result<()> {
        match self {
            Self::Crate(step) => step.pre_tokenize(pieces),
            Self::Prefix => pieces.split(|_, mut piece| {
                if !piece.get().starts_with(' ') {
                    piece.prepend(" ");
                }
                Ok([piece])
            }),
            Self::Split { pattern, behavior, invert: false } => {
                pieces.split(|_, piece| piece.split(pattern, *behavior))
            }
            Self::Split { pattern, behavior, invert: true } => {
                pieces.split(|_, piece| piece.split(Invert(pattern), *behavior))
            }
        }
    }
}

fn push(step: &PreTokenizer, steps: &mut Vec<Step>) -> Result<(), TokenizerError> {
    match step {
        PreTokenizer::ByteLevel(bytes) => {
            if bytes.add_prefix_space != Some(false) {
                steps.push(Step::Prefix);
            }
            if bytes.use_regex != Some(false) {
                let pattern = Splitter::Scan(Scan::Gpt2);
                let behavior = SplitDelimiterBehavior::Isolated;
                steps.push(Step::Split { pattern, behavior, invert: false });
            }
            // Offsets are of no use here.
            let rest = ByteLevel::new(false, true, false);
            steps.push(Step::Crate(PreTokenizerWrapper::ByteLevel(rest)));
        }
        PreTokenizer::Split { pattern: Pattern::Regex(pattern), behavior, invert } => {
            let pattern = Splitter::new(pattern)?;
            let (behavior, invert) = (behavior.of_the_crate(), *invert);
            steps.push(Step::Split { pattern, behavior, invert });
        }
        other => steps.push(Step::Crate(of_the_crate(other)?)),
    }
    Ok(())
}

impl Splitter {
    fn new(pattern: &str) -> Result<Self, TokenizerError> {
        match Scan::of(pattern) {
            Some(scan) => Ok(Self::Scan(scan)),
            None => patterns::words(pattern).map(Self::Search),
        }
    }
}

impl Find for &Splitter {
    fn find_matches(&self, text: &str) -> tokenizers::Result<Vec<(Offsets, bool)>> {
        match self {
            Splitter::Search(search) => search.find_matches(text),
            Splitter::Scan(_) if text.is_empty() => Ok(vec![((0, 0), false)]),
            Splitter::Scan(scan) => {
                let mut start = 0;
                let words = scan::ends(*scan, text);
                Ok(words.map(|end| ((core::mem::replace(&mut start, end), end), true)).collect())
            }
        }
    }
}
