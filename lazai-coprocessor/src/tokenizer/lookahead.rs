//! How far the search for a pattern looks behind what it finds.
//!
//! A search goes on as long as a longer match is possible, and the next one begins where the match
//! ends. So a pattern that looks to the end of a text for each word takes the square of its length.

use std::collections::{BTreeMap, BTreeSet};

use regex_automata::{Anchored, dfa::Automaton as _, util::start};

use super::search;

/// Returns whether searches one after another look at each byte of a text a few times at most.
///
/// Each looks as many bytes behind its match as there may be ahead, or farther, but then none that
/// begins there does. `spaces` says that a match of several spaces may end one before the last,
/// where the pattern finds all of them. The pattern has no anchors.
pub(super) fn is_bounded(automaton: &search::Automaton, spaces: bool, ahead: u32) -> bool {
    let Some(automaton) = Automaton::new(automaton) else { return false };
    let lives = automaton.lives();
    let most = Life::Bytes(ahead);
    let is_short = |life: &Life| *life == Life::Unbounded || *life <= most;
    lives.iter().all(is_short)
        && automaton.overlap(&lives).is_some_and(|life| life <= most)
        && !(spaces && automaton.outlives_spaces(&lives))
}

/// What a pattern may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Bytes of its automaton.
    pub(super) automaton: usize,
    /// Most bytes that a search looks behind its match.
    pub(super) ahead: u32,
}

/// A deterministic automaton that reads a match from its first byte; its first state is the first.
#[derive(Debug)]
struct Automaton {
    states: Vec<State>,
    /// A byte of each class that it tells apart.
    bytes: Vec<u8>,
}

#[derive(Debug)]
struct State {
    /// Whether a match ends here.
    accepts: bool,
    /// The next state for each byte; none where no match is possible any more.
    next: Vec<Option<u32>>,
}

/// How many bytes a search may still read without a match.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Life {
    Bytes(u32),
    Unbounded,
}

impl Automaton {
    fn new(dfa: &search::Automaton) -> Option<Self> {
        let first = dfa.start_state(&start::Config::new().anchored(Anchored::Yes)).ok()?;
        let (mut ids, mut places) = (vec![first], BTreeMap::from([(first, 0)]));
        let mut states = Vec::new();
        while let Some(&id) = ids.get(states.len()) {
            let step = |byte| {
                let next = dfa.next_state(id, byte);
                let goes_on = !dfa.is_dead_state(next) && !dfa.is_quit_state(next);
                goes_on.then(|| {
                    *places.entry(next).or_insert_with(|| {
                        ids.push(next);
                        ids.len() as u32 - 1
                    })
                })
            };
            let next = (0..=u8::MAX).map(step).collect();
            let accepts = dfa.is_match_state(dfa.next_eoi_state(id));
            states.push(State { accepts, next });
        }
        let classes = dfa.byte_classes();
        let bytes = (0..=u8::MAX).filter(|byte| {
            byte.checked_sub(1).is_none_or(|before| classes.get(before) != classes.get(*byte))
        });
        Some(Self { states, bytes: bytes.collect() })
    }

    fn state(&self, place: u32) -> &State {
        &self.states[place as usize]
    }

    fn next(&self, place: u32, byte: u8) -> Option<u32> {
        self.state(place).next[usize::from(byte)]
    }

    /// How long a search lives in each state.
    fn lives(&self) -> Vec<Life> {
        let silent = |state: &State| {
            let next = self.bytes.iter().filter_map(|byte| state.next[usize::from(*byte)]);
            next.filter(|next| !self.state(*next).accepts).collect()
        };
        longest_ways(&self.states.iter().map(silent).collect::<Vec<_>>())
    }

    /// How long two searches of unbounded life go on side by side without a match, where the second
    /// begins at the match of the first or behind; none if that is hard to tell.
    fn overlap(&self, lives: &[Life]) -> Option<Life> {
        let outlives =
            |place: u32| !self.state(place).accepts && lives[place as usize] == Life::Unbounded;
        let mut pairs: Vec<(u32, u32)> = (0..self.states.len() as u32).map(|q| (q, 0)).collect();
        let mut places: BTreeMap<_, u32> = pairs.iter().copied().zip(0..).collect();
        let mut silent = Vec::new();
        while let Some(&(first, second)) = pairs.get(silent.len()) {
            let mut next_silent = Vec::new();
            for byte in &self.bytes {
                let next = self.next(first, *byte).zip(self.next(second, *byte));
                let Some(next) = next.filter(|(first, _)| outlives(*first)) else { continue };
                let place = *places.entry(next).or_insert_with(|| {
                    pairs.push(next);
                    pairs.len() as u32 - 1
                });
                if outlives(second) && outlives(next.1) {
                    next_silent.push(place);
                }
            }
            silent.push(next_silent);
            if pairs.len() > MAX_PAIRS {
                return None;
            }
        }
        longest_ways(&silent).into_iter().max()
    }

    /// Whether a search that has read several spaces and another character may live on.
    fn outlives_spaces(&self, lives: &[Life]) -> bool {
        let spaces = search::build(r"\s{2,}\S", 1 << 20).and_then(|spaces| Self::new(&spaces));
        let Some(spaces) = spaces else { return true };
        let mut pairs = vec![(0, 0)];
        let mut seen: BTreeSet<_> = pairs.iter().copied().collect();
        while let Some((place, read)) = pairs.pop() {
            let lives = !self.state(place).accepts && lives[place as usize] == Life::Unbounded;
            if lives && spaces.state(read).accepts {
                return true;
            }
            let next = |byte| self.next(place, byte).zip(spaces.next(read, byte));
            pairs.extend((0..=u8::MAX).filter_map(next).filter(|pair| seen.insert(*pair)));
        }
        false
    }
}

/// The longest way from each node of a graph.
fn longest_ways(next: &[Vec<u32>]) -> Vec<Life> {
    let mut before = vec![Vec::new(); next.len()];
    for (place, next) in (0..).zip(next) {
        next.iter().for_each(|next| before[*next as usize].push(place));
    }
    let mut open: Vec<usize> = next.iter().map(Vec::len).collect();
    let mut ended: Vec<usize> = (0..next.len()).filter(|place| open[*place] == 0).collect();
    let mut longest = vec![0; next.len()];
    let mut lives = vec![Life::Unbounded; next.len()];
    while let Some(place) = ended.pop() {
        lives[place] = Life::Bytes(longest[place]);
        for &place_before in &before[place] {
            longest[place_before] = longest[place_before].max(longest[place] + 1);
            open[place_before] -= 1;
            if open[place_before] == 0 {
                ended.push(place_before);
            }
        }
    }
    lives
}

/// Most pairs of states that are looked at.
const MAX_PAIRS: usize = 1 << 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokenizer::patterns::published;

    fn check(pattern: &str) -> bool {
        let has_spaces = pattern.contains(SPACES);
        let automaton = search::build(&pattern.replace(SPACES, r"\s{2,}"), 4 << 20);
        automaton.is_some_and(|automaton| is_bounded(&automaton, has_spaces, AHEAD))
    }

    const AHEAD: u32 = 16;

    const SPACES: &str = r"\s+(?!\S)";

    #[test]
    fn published_patterns_are_bounded() {
        for pattern in published() {
            assert!(check(pattern), "{pattern}");
        }
    }

    #[test]
    fn patterns_that_look_to_the_end_for_each_word_are_not() {
        for pattern in [
            "[^x]+y|a",
            r"[^x]+y|[\s\S]",
            // Spaces that are looked at for a line end, and found one by one.
            r"\s*[\r\n]+|\s",
            r" |\s+\r|\s",
            r"\s*x| |\s+(?!\S)",
            // The first match is short, and the search for a longer one goes on beside the next.
            "a(?:b[ab]*x)?|b",
            "bb*c|b",
            "ab*c|bb*d|b|a",
            // Behind spaces that end one earlier.
            r"\s+[^x]+y|\s+(?!\S)|[\s\S]",
            r"\s\s+[\p{L}\s]+y|\s+(?!\S)|\p{L}",
            // Not to the end, but far.
            "a{127}b|a",
            "(?:[ab]{40}x)?a|b",
            // Too large to tell.
            r"(?:[ab]*a[ab]{20}c)?[\s\S]",
            r"\p{L}{100}|a",
        ] {
            assert!(!check(pattern), "{pattern}");
        }
    }

    /// Counts how often bytes are read, over texts of a few letters; the definition of the module.
    #[test]
    fn what_is_bounded_reads_each_byte_a_few_times() {
        let mut random = 1_u64;
        let mut below = |limit: usize| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (random >> 33) as usize % limit
        };
        let parts =
            ["a", "b", "a*", "[ab]*", "b+", "(?:ab)*", "a?", "c", "(?:a|b)c", "[abc]", "a{2,}"];
        let mut bounded = 0;
        for _ in 0..2_000 {
            let mut alternative =
                || (0..=below(3)).map(|_| parts[below(parts.len())]).collect::<String>();
            let pattern = [alternative(), alternative(), alternative()].join("|");
            let dfa = search::build(&pattern, 1 << 20).unwrap();
            let (is_bounded, automaton) =
                (is_bounded(&dfa, false, AHEAD), Automaton::new(&dfa).unwrap());
            bounded += u32::from(is_bounded);
            for letters in ["a", "b", "ab", "aab", "abb", "abc", "aabbab", "ba", "aaaaab"] {
                let text = letters.repeat(600 / letters.len());
                let reads = reads(&automaton, text.as_bytes());
                assert!(!is_bounded || reads < 40 * 600, "{pattern} {letters}: {reads}");
            }
        }
        assert!((200..1_800).contains(&bounded), "{bounded}");
    }

    /// Bytes that searches read which begin one after another, each at the match of the one before.
    fn reads(automaton: &Automaton, text: &[u8]) -> usize {
        let (mut reads, mut start) = (0, 0);
        while start < text.len() {
            let (mut state, mut end) = (0, start);
            for (place, byte) in text.iter().enumerate().skip(start) {
                reads += 1;
                let Some(next) = automaton.next(state, *byte) else { break };
                state = next;
                if automaton.state(state).accepts {
                    end = place + 1;
                }
            }
            start = end.max(start + 1);
        }
        reads
    }
}
