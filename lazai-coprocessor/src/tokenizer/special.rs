use std::collections::BTreeMap;

use aho_corasick::{AhoCorasick, MatchKind};

use super::trie::Trie;

/// The texts of special tokens, which only a template may place.
///
/// Beside the tokens that a `tokenizer.json` calls special, these are added tokens of the shape
/// `<|...|>`, with a bar of either width: some files forget to call them special, and they steer
/// the model all the same.
#[derive(Clone, Debug)]
pub struct SpecialTexts {
    /// By text, each with its token.
    sorted: Vec<(String, u32)>,
    /// The place of each token among them.
    places: BTreeMap<u32, usize>,
    /// The tokens of all.
    trie: Trie,
    /// Finds the first of all in a text, in one pass; none without texts.
    automaton: Option<AhoCorasick>,
}

impl SpecialTexts {
    /// Collects texts and their tokens; an empty text is none.
    #[must_use]
    pub fn new(texts: impl IntoIterator<Item = (String, u32)>) -> Self {
        let mut sorted: Vec<_> = texts.into_iter().filter(|(text, _)| !text.is_empty()).collect();
        sorted.sort();
        sorted.dedup_by(|left, right| left.0 == right.0);
        let places = sorted.iter().enumerate().map(|(place, (_, token))| (*token, place)).collect();
        let trie = Trie::new(sorted.iter().map(|(text, token)| (text.as_bytes(), *token)));
        let texts = sorted.iter().map(|(text, _)| text);
        let automaton = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(texts);
        let automaton = automaton.ok().filter(|_| !sorted.is_empty());
        Self { sorted, places, trie, automaton }
    }

    /// Returns whether an added token of this text steers the model, whatever the file calls it.
    pub(super) fn is_control(text: &str) -> bool {
        let inner = |open, close| text.strip_prefix(open).and_then(|text| text.strip_suffix(close));
        inner("<|", "|>").or_else(|| inner("<\u{ff5c}", "\u{ff5c}>")).is_some_and(|s| !s.is_empty())
    }

    /// Returns the text of a special token.
    pub(super) fn text(&self, token: u32) -> Option<&str> {
        self.places.get(&token).map(|place| self.sorted[*place].0.as_str())
    }

    /// Returns the special token of exactly this text.
    #[must_use]
    pub fn token(&self, text: &str) -> Option<u32> {
        self.trie.find(text.as_bytes())
    }

    /// Returns the first special token that `text` spells, with its byte offset.
    pub(super) fn find(&self, text: &str) -> Option<(usize, u32)> {
        self.read(text).next()
    }

    /// Lists where a special token is spelt: offset, bytes of the longest and the token. Places may
    /// overlap.
    pub fn starts(&self, text: &str) -> impl Iterator<Item = (usize, usize, u32)> {
        text.char_indices().filter_map(|(offset, _)| {
            let (bytes, token) = self.trie.prefixes(&text.as_bytes()[offset..]).last()?;
            Some((offset, bytes, token))
        })
    }

    /// Lists the special tokens that a reader from the left finds in `text`, the longest at each
    /// place, with their offsets.
    pub(super) fn read<'a>(&'a self, text: &'a str) -> impl Iterator<Item = (usize, u32)> {
        let found = self.automaton.iter().flat_map(move |automaton| automaton.find_iter(text));
        found.map(|found| (found.start(), self.sorted[found.pattern().as_usize()].1))
    }
}
