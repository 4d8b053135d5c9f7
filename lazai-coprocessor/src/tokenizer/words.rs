use fancy_regex::Regex;
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
        if !steps_back_once(pattern) {
            return Err(TokenizerError::pattern(pattern));
        }
        let regex = Regex::new(pattern)
            .map_err(|error| TokenizerError::Syntax { message: error.to_string() })?;
        Ok(Self::Regex(Box::new(regex)))
    }
}

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

/// Returns whether a pattern looks around in one way at most: in an alternative of its own that
/// finds the spaces before another one.
///
/// That alternative takes one step back and is done. Others may take as many as the engine allows,
/// at each word of a text.
fn steps_back_once(pattern: &str) -> bool {
    let alternatives: Vec<_> = pattern.split('|').collect();
    // Within parentheses or brackets, those before it would have no end and not parse.
    alternatives.split(|one| *one == SPACES).all(|others| is_regular(&others.join("|")))
}

/// Spaces, but the last one if a word follows.
const SPACES: &str = r"\s+(?!\S)";

/// Returns whether a pattern is searched by a finite automaton, which cannot give up.
///
/// What the engine of the crate does not hand to an automaton has a syntax that automata lack, or a
/// quantifier followed by a plus sign, which means another thing to them, also with spaces between
/// if a flag says that these mean nothing.
pub(super) fn is_regular(pattern: &str) -> bool {
    const OTHERWISE: [&str; 8] = ["++", "*+", "?+", "\\<", "\\>", "\\b", "\\B", "\\G"];
    let is_flag = |flag: &char| flag.is_ascii_alphabetic() || *flag == '-';
    let mut groups = pattern.split("(?").skip(1);
    regex_syntax::parse(pattern).is_ok()
        && !OTHERWISE.iter().any(|other| pattern.contains(other))
        && !pattern.match_indices("}+").any(|(end, _)| !ends_class(&pattern[..end]))
        && !groups.any(|group| group.chars().take_while(is_flag).any(|flag| flag == 'x'))
}

/// Returns whether a brace that would follow `pattern` ends the name of a class, as in `\p{L}`, and
/// not a count.
fn ends_class(pattern: &str) -> bool {
    let Some((before, _)) = pattern.rsplit_once('{') else { return false };
    let Some(before) = before.strip_suffix(['p', 'P']) else { return false };
    // An even number of them are backslashes themselves.
    (before.len() - before.trim_end_matches('\\').len()) % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::{Regex, Splitter, TokenizerError, is_regular};
    use tokenizers::tokenizer::pattern::Pattern;

    #[test]
    fn a_search_that_gives_up_is_an_error() {
        // More steps than the engine takes back.
        let splitter = Splitter::new(r"\s+(?!\S)").unwrap();
        let text = format!("{}x", " ".repeat(1_100_000));
        assert!((&splitter).find_matches(&text).is_err());
    }

    #[test]
    fn patterns_that_step_back_often_are_refused() {
        for pattern in [
            r"\s+(?!\S)",
            r"a|\s+(?!\S)|\s+",
            r"\s+(?!\S)|(?:a|b){1,3}",
            r"\p{L}+|\s+(?!\S)|\s+(?!\S)|\s",
        ] {
            assert!(Splitter::new(pattern).is_ok(), "{pattern}");
        }
        for pattern in [
            r"(?:a|aa)+(?!a)b|[\s\S]",
            r"[^\S\r\n]+(?!\S)(?<=\n)|\s",
            r"(?:\s+(?!\S)|\s)+x",
            r"(?:a|\s+(?!\S)|\s)+x",
            r"(\s+(?!\S))+x|a",
            r"\s+(?!\S)x|a",
            r"a\s+(?!\S)",
            r"[a|\s+(?!\S)|b]",
            r"\s+(?!\S)\s+(?!\S)",
            r"(?ix)a+ +b|\s+(?!\S)",
            r"a++|\s+(?!\S)",
            r"(a)|\1",
        ] {
            let error = Splitter::new(pattern).unwrap_err();
            assert_eq!(error, TokenizerError::pattern(pattern), "{pattern}");
        }
    }

    #[test]
    fn patterns_that_may_give_up_are_told_from_others() {
        for pattern in [" {2,}", r"\s+", "[\u{2581}]", "(?i:a|b)c?", r"\p{L}+a{2}", r"\\\P{Lu}+"] {
            assert!(is_regular(pattern), "{pattern}");
        }
        for pattern in [r"a(?!b)", r"(a)\1", "(?>a|b)c", "a++b", "(?<=a)b", "("] {
            assert!(!is_regular(pattern), "{pattern}");
        }
        for pattern in [r"\ba", r"a\B", r"a\>", r"\<a", r"\Ga", "a{2}+", r"\\p{2}+", "p{2}+"] {
            assert!(!is_regular(pattern), "{pattern}");
        }
        assert!(Regex::new("a(?!b)").is_ok());
    }
}
