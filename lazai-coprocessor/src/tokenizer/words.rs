use fancy_regex::{Regex, RegexBuilder};
use tokenizers::{
    Offsets, PreTokenizedString, PreTokenizer, PreTokenizerWrapper, SplitDelimiterBehavior,
    pre_tokenizers::{byte_level::ByteLevel, split::SplitPattern},
    tokenizer::pattern::{Invert, Pattern},
};

use super::{
    TokenizerError,
    scan::{self, Scan},
};

/// How a tokenizer splits a text into words.
///
/// The crate's own steps stop without a word at patterns whose search gives up, and the rest of the
/// text would be one word. Here such a text is an error, and the patterns of common families are
/// read by hand, to the same words.
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
    Regex(Box<Regex>),
    Scan(Scan),
}

impl Words {
    /// Reads the steps of a pre-tokenizer of the crate.
    pub(super) fn new(step: Option<&PreTokenizerWrapper>) -> Result<Self, TokenizerError> {
        let mut steps = Vec::new();
        if let Some(step) = step {
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

    /// Splits the pieces of a text that are no tokens yet.
    pub(super) fn split(&self, pieces: &mut PreTokenizedString) -> tokenizers::Result<()> {
        self.0.iter().try_for_each(|step| match step {
            Step::Crate(step) => step.pre_tokenize(pieces),
            Step::Prefix => pieces.split(|_, mut piece| {
                if !piece.get().starts_with(' ') {
                    piece.prepend(" ");
                }
                Ok([piece])
            }),
            Step::Split { pattern, behavior, invert: false } => {
                pieces.split(|_, piece| piece.split(pattern, *behavior))
            }
            Step::Split { pattern, behavior, invert: true } => {
                pieces.split(|_, piece| piece.split(Invert(pattern), *behavior))
            }
        })
    }
}

fn push(step: &PreTokenizerWrapper, steps: &mut Vec<Step>) -> Result<(), TokenizerError> {
    match step {
        PreTokenizerWrapper::Sequence(list) => {
            return list.as_ref().iter().try_for_each(|step| push(step, steps));
        }
        PreTokenizerWrapper::ByteLevel(bytes) => {
            if bytes.add_prefix_space {
                steps.push(Step::Prefix);
            }
            if bytes.use_regex {
                let pattern = Splitter::Scan(Scan::Gpt2);
                let behavior = SplitDelimiterBehavior::Isolated;
                steps.push(Step::Split { pattern, behavior, invert: false });
            }
            let rest = ByteLevel::new(false, bytes.trim_offsets, false);
            steps.push(Step::Crate(PreTokenizerWrapper::ByteLevel(rest)));
        }
        PreTokenizerWrapper::Split(split) => match &split.pattern {
            SplitPattern::String(_) => steps.push(Step::Crate(step.clone())),
            SplitPattern::Regex(pattern) => {
                let pattern = Splitter::new(pattern)?;
                let (behavior, invert) = (split.behavior, split.invert);
                steps.push(Step::Split { pattern, behavior, invert });
            }
        },
        other => steps.push(Step::Crate(other.clone())),
    }
    Ok(())
}

impl Splitter {
    fn new(pattern: &str) -> Result<Self, TokenizerError> {
        if let Some(scan) = Scan::of(pattern) {
            return Ok(Self::Scan(scan));
        }
        let regex = RegexBuilder::new(pattern)
            .delegate_dfa_size_limit(AUTOMATON_CACHE_BYTES)
            .build()
            .map_err(|error| TokenizerError::Syntax { message: error.to_string() })?;
        Ok(Self::Regex(Box::new(regex)))
    }
}

/// Room for the states of an automaton, all of which a text may use in turn: several times the
/// [largest](super::lookahead) that is read.
const AUTOMATON_CACHE_BYTES: usize = 32 << 20;

impl Pattern for &Splitter {
    fn find_matches(&self, text: &str) -> tokenizers::Result<Vec<(Offsets, bool)>> {
        match self {
            Splitter::Regex(regex) => (&**regex).find_matches(text),
            Splitter::Scan(_) if text.is_empty() => Ok(vec![((0, 0), false)]),
            Splitter::Scan(scan) => {
                let mut start = 0;
                let words = scan::ends(*scan, text);
                Ok(words.map(|end| ((core::mem::replace(&mut start, end), end), true)).collect())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Splitter;
    use tokenizers::tokenizer::pattern::Pattern;

    #[test]
    fn a_search_that_gives_up_is_an_error() {
        // More steps than the engine takes back.
        let splitter = Splitter::new(r"\s+(?!\S)").unwrap();
        let text = format!("{}x", " ".repeat(1_100_000));
        assert!((&splitter).find_matches(&text).is_err());
    }
}
