//! The words of common families of tokenizers, read by hand.
//!
//! Their patterns look ahead, so an engine that takes steps back would search for them. These
//! readers find the same words and look at each character a few times.

use core::iter;
use std::sync::OnceLock;

use super::unicode::class;

/// A family of tokenizers that splits words in its own way.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Scan {
    /// GPT-2.
    Gpt2,
    /// Llama 3 and Qwen 2, which take this many digits together.
    Llama { digits: usize },
}

impl Scan {
    /// Returns the family that splits by `pattern`.
    pub(super) fn of(pattern: &str) -> Option<Self> {
        match pattern {
            GPT_2 => Some(Self::Gpt2),
            LLAMA_3 => Some(Self::Llama { digits: 3 }),
            QWEN_2 => Some(Self::Llama { digits: 1 }),
            _ => None,
        }
    }
}

/// Lists where the words of `text` end; each starts where the one before it ends.
pub(super) fn ends(scan: Scan, text: &str) -> impl Iterator<Item = usize> {
    let mut start = 0;
    iter::from_fn(move || {
        if start == text.len() {
            return None;
        }
        let rest = Rest { text: &text[start..], classes: classes() };
        start += match scan {
            Scan::Gpt2 => rest.gpt_2(),
            Scan::Llama { digits } => rest.llama(digits),
        };
        Some(start)
    })
}

/// What follows the last word; it is not empty.
#[derive(Clone, Copy)]
struct Rest<'a> {
    text: &'a str,
    classes: &'static [Class],
}

/// What patterns ask about a character.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Class {
    /// `\p{L}`.
    Letter,
    /// `\p{N}`.
    Number,
    /// None of the others.
    Other,
    /// `\s`.
    Space,
}

impl Rest<'_> {
    /// The bytes of the next word.
    fn gpt_2(self) -> usize {
        if let Some(end) = self.contraction(false) {
            return end;
        }
        let start = usize::from(self.text.starts_with(' '));
        match self.class_at(start) {
            Some(class) if class != Class::Space => self.run(start, class),
            _ => self.spaces(),
        }
    }

    /// The bytes of the next word.
    fn llama(self, digits: usize) -> usize {
        if let Some(end) = self.contraction(true) {
            return end;
        }
        let Some(first) = self.text.chars().next() else { return 0 };
        let (class, next) = (self.class(first), first.len_utf8());
        let is_line = matches!(first, '\r' | '\n');
        match class {
            Class::Letter => return self.run(0, Class::Letter),
            Class::Number => {
                let run = self.text.chars().take_while(|c| self.class(*c) == Class::Number);
                return run.take(digits).map(char::len_utf8).sum();
            }
            _ if !is_line && self.class_at(next) == Some(Class::Letter) => {
                return self.run(next, Class::Letter);
            }
            _ => {}
        }
        let start = usize::from(first == ' ');
        if self.class_at(start) == Some(Class::Other) {
            let end = self.run(start, Class::Other);
            let lines = self.text[end..].bytes().take_while(|byte| matches!(byte, b'\r' | b'\n'));
            return end + lines.count();
        }
        let spaces = &self.text[..self.run(0, Class::Space)];
        match spaces.rfind(['\r', '\n']) {
            Some(line) => line + 1,
            None => self.spaces(),
        }
    }

    /// A run of spaces, without the last if a word follows.
    fn spaces(self) -> usize {
        let end = self.run(0, Class::Space);
        let last = self.text[..end].chars().next_back().map_or(0, char::len_utf8);
        if end == self.text.len() || end == last { end } else { end - last }
    }

    /// The bytes of `'s`, `'ll` and the like at the start.
    fn contraction(self, any_case: bool) -> Option<usize> {
        let rest = self.text.strip_prefix('\'')?;
        let mut letters = rest.chars().map(|c| match c {
            // The long s is an s in another case.
            '\u{17f}' if any_case => 's',
            'A'..='Z' if any_case => c.to_ascii_lowercase(),
            c => c,
        });
        let bytes = match (letters.next()?, letters.next()) {
            ('s', _) => rest.chars().next()?.len_utf8(),
            ('t' | 'm' | 'd', _) => 1,
            ('r' | 'v', Some('e')) | ('l', Some('l')) => 2,
            _ => return None,
        };
        Some(1 + bytes)
    }

    /// Where the characters of `class` from `start` on end.
    fn run(self, start: usize, class: Class) -> usize {
        let rest = &self.text[start..];
        start + rest.find(|c| self.class(c) != class).unwrap_or(rest.len())
    }

    fn class_at(self, start: usize) -> Option<Class> {
        self.text[start..].chars().next().map(|c| self.class(c))
    }

    fn class(self, character: char) -> Class {
        self.classes[character as usize]
    }
}

/// The class of every code point.
fn classes() -> &'static [Class] {
    static CLASSES: OnceLock<Vec<Class>> = OnceLock::new();
    CLASSES.get_or_init(|| {
        let mut classes = vec![Class::Other; 0x11_0000];
        for (pattern, kind) in
            [(r"\p{L}", Class::Letter), (r"\p{N}", Class::Number), (r"\s", Class::Space)]
        {
            for (first, last) in class(pattern) {
                classes[first as usize..=last as usize].fill(kind);
            }
        }
        classes
    })
}

const GPT_2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

const LLAMA_3: &str = concat!(
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}",
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
);

const QWEN_2: &str = concat!(
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}",
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
);

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use fancy_regex::Regex;
    use proptest::prelude::*;

    use super::{GPT_2, LLAMA_3, QWEN_2, Scan, ends};

    static PATTERNS: LazyLock<[(Scan, Regex); 3]> = LazyLock::new(|| {
        [GPT_2, LLAMA_3, QWEN_2]
            .map(|pattern| (Scan::of(pattern).unwrap(), Regex::new(pattern).unwrap()))
    });

    fn words(regex: &Regex, text: &str) -> Vec<usize> {
        let mut last = 0;
        let found = regex.find_iter(text).map(|word| {
            let word = word.unwrap();
            assert_eq!(core::mem::replace(&mut last, word.end()), word.start());
            word.end()
        });
        found.collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn words_are_those_of_the_patterns(
            text in prop_oneof![
                "['sStTrReEvVmMlLdD\u{17f} a1\r\n]{0,12}",
                "[ \t\r\n\u{a0}\u{3000}\u{200b}.,a1\u{301}\u{b2}\u{1f600}\u{4f60}]{0,16}",
                "\\PC{0,12}",
                "[\0-\u{10ffff}]{0,12}",
            ],
        ) {
            for (scan, regex) in PATTERNS.iter() {
                let got: Vec<usize> = ends(*scan, &text).collect();
                prop_assert_eq!(got, words(regex, &text), "{:?}", scan);
            }
        }
    }

    #[test]
    fn long_runs_of_spaces_are_split_like_short_ones() {
        // The engine that takes steps back gives up here.
        for (scan, spaces) in [(Scan::Gpt2, 1_100_000), (Scan::Llama { digits: 3 }, 1_100_000)] {
            let text = format!("{}x", " ".repeat(spaces));
            assert_eq!(ends(scan, &text).collect::<Vec<_>>(), [spaces - 1, spaces + 1]);
        }
        assert_eq!(Scan::of("a"), None);
    }
}
