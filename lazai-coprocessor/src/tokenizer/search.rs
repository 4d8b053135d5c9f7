use regex_automata::{
    Anchored, Input, MatchKind,
    dfa::{Automaton as _, StartKind, dense},
};
use tokenizers::{Offsets, tokenizer::pattern::Pattern};

/// Finds the matches of a pattern one after another.
///
/// An automaton that was built before begins at each place where a match may begin, and reads on as
/// long as a longer one is possible. How often it reads a byte is [bounded](super::lookahead), and
/// nothing is given up or tried again.
#[derive(Debug)]
pub(super) enum Search {
    /// At each place the first of these that has a match there.
    Alternatives(Vec<Alternative>),
    /// Characters that the automaton finds, at the end of the text.
    End(Automaton),
}

/// A part of a pattern.
#[derive(Debug)]
pub(super) enum Alternative {
    Automaton(Automaton),
    /// `\s+(?!\S)`: spaces, but the last one if a word follows.
    Spaces,
}

/// A deterministic automaton that reads a match from its first byte.
pub(super) type Automaton = Box<dense::DFA<Vec<u32>>>;

impl Search {
    /// Lists the matches from the left; none is empty.
    fn matches(&self, text: &str) -> Vec<Offsets> {
        let alternatives = match self {
            Self::Alternatives(alternatives) => alternatives,
            Self::End(automaton) => {
                let start = end_of_others(automaton, text);
                return if start < text.len() { vec![(start, text.len())] } else { Vec::new() };
            }
        };
        let (mut matches, mut start) = (Vec::new(), 0);
        while start < text.len() {
            let ends = alternatives.iter().find_map(|alternative| alternative.end(text, start));
            start = match ends {
                Some(end) => {
                    matches.push((start, end));
                    end
                }
                None => start + text[start..].chars().next().map_or(1, char::len_utf8),
            };
        }
        matches
    }
}

impl Alternative {
    /// Where the match that begins at `start` ends.
    fn end(&self, text: &str, start: usize) -> Option<usize> {
        match self {
            Self::Automaton(automaton) => find(automaton, text, start),
            Self::Spaces => spaces(text, start),
        }
    }
}

/// Builds the automaton of a pattern; none if it is larger than `max_bytes`.
pub(super) fn build(pattern: &str, max_bytes: usize) -> Option<Automaton> {
    let config = dense::Config::new()
        .start_kind(StartKind::Anchored)
        .match_kind(MatchKind::LeftmostFirst)
        .dfa_size_limit(Some(max_bytes))
        .determinize_size_limit(Some(max_bytes));
    dense::Builder::new().configure(config).build(pattern).ok().map(Box::new)
}

fn find(automaton: &Automaton, text: &str, start: usize) -> Option<usize> {
    let input = Input::new(text).range(start..).anchored(Anchored::Yes);
    // It gives up at no byte.
    let found = automaton.try_search_fwd(&input).ok()??;
    Some(found.offset())
}

fn spaces(text: &str, start: usize) -> Option<usize> {
    let rest = &text[start..];
    let bytes = rest.find(|character: char| !is_space(character)).unwrap_or(rest.len());
    let last = rest[..bytes].chars().next_back()?.len_utf8();
    match bytes {
        _ if bytes == rest.len() => Some(text.len()),
        _ if bytes == last => None,
        _ => Some(start + bytes - last),
    }
}

/// `\s` of a pattern is `White_Space`, which no version of Unicode has changed since 6.3.
const fn is_space(character: char) -> bool {
    character.is_whitespace()
}

/// Where the last character ends that the automaton does not find.
fn end_of_others(automaton: &Automaton, text: &str) -> usize {
    let is_found = |(place, character): &(usize, char)| {
        find(automaton, text, *place) == Some(place + character.len_utf8())
    };
    let first = text.char_indices().rev().take_while(is_found).last();
    first.map_or(text.len(), |(place, _)| place)
}

impl Pattern for &Search {
    fn find_matches(&self, text: &str) -> tokenizers::Result<Vec<(Offsets, bool)>> {
        if text.is_empty() {
            return Ok(vec![((0, 0), false)]);
        }
        let (mut stretches, mut end) = (Vec::new(), 0);
        for (start, next) in self.matches(text) {
            if end < start {
                stretches.push(((end, start), false));
            }
            stretches.push(((start, next), true));
            end = next;
        }
        if end < text.len() {
            stretches.push(((end, text.len()), false));
        }
        Ok(stretches)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use fancy_regex::Regex;
    use proptest::prelude::*;

    use super::*;
    use crate::tokenizer::patterns::{published, words};

    /// Each pattern with its search and that of an engine that takes steps back.
    static SEARCHES: LazyLock<Vec<(&str, Search, Regex)>> = LazyLock::new(|| {
        let others = [r"\s+$", r"[a-z]+\z", "a|ab", "ab|a", "ab*?|c"];
        let all = published().into_iter().chain(others);
        all.map(|pattern| (pattern, words(pattern).unwrap(), Regex::new(pattern).unwrap()))
            .collect()
    });

    fn theirs(regex: &Regex, text: &str) -> Vec<Offsets> {
        regex.find_iter(text).map(|found| found.unwrap()).map(|m| (m.start(), m.end())).collect()
    }

    #[test]
    fn the_spaces_at_the_end_are_found_once() {
        let search = words(r"\s+$").unwrap();
        for (text, expected) in
            [("", vec![]), ("a ", vec![(1, 2)]), (" a b \n", vec![(4, 6)]), ("  ", vec![(0, 2)])]
        {
            assert_eq!(search.matches(text), expected, "{text:?}");
        }
        let text = format!("{}x", " ".repeat(1_000_000));
        assert!(search.matches(&text).is_empty());
    }

    /// The engine that takes steps back gives up here.
    #[test]
    fn long_runs_of_spaces_are_split_like_short_ones() {
        let search = words(r"a|\s+(?!\S)|\s+").unwrap();
        let text = format!("{}x", " ".repeat(1_100_000));
        assert_eq!(search.matches(&text), [(0, 1_099_999), (1_099_999, 1_100_000)]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn matches_are_those_of_the_engine(
            text in prop_oneof![
                "['sStTdDlL a1\r\n/.,!]{0,16}",
                "[ \t\r\n\u{85}\u{a0}\u{1680}\u{2003}\u{3000}\u{200b}.,a1\u{301}\u{b2}\u{1f600}\u{4f60}]{0,16}",
                "\\PC{0,16}",
                "[\0-\u{10ffff}]{0,12}",
                "<\\|startoftext\\|>[<|startof>a ]{0,20}",
            ],
        ) {
            for (pattern, search, regex) in SEARCHES.iter() {
                prop_assert_eq!(search.matches(&text), theirs(regex, &text), "{}", pattern);
            }
        }
    }
}
