use aho_corasick::{AhoCorasick, MatchKind};

/// The texts of special tokens, which only a template may place.
///
/// Beside the tokens that a `tokenizer.json` calls special, these are added tokens of the shape
/// `<|...|>`, with a bar of either width: some files forget to call them special, and they steer
/// the model all the same.
#[derive(Clone, Debug, Default)]
pub struct SpecialTexts {
    /// By text, each with its token.
    sorted: Vec<(String, u32)>,
    /// Whether one starts with each byte.
    first_bytes: Vec<bool>,
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
        let mut first_bytes = vec![false; 256];
        for (text, _) in &sorted {
            first_bytes[usize::from(text.as_bytes()[0])] = true;
        }
        let texts = sorted.iter().map(|(text, _)| text);
        let automaton = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(texts);
        Self { automaton: automaton.ok().filter(|_| !sorted.is_empty()), sorted, first_bytes }
    }

    /// Returns whether an added token of this text steers the model, whatever the file calls it.
    pub(super) fn is_control(text: &str) -> bool {
        let inner = |open, close| text.strip_prefix(open).and_then(|text| text.strip_suffix(close));
        inner("<|", "|>").or_else(|| inner("<\u{ff5c}", "\u{ff5c}>")).is_some_and(|s| !s.is_empty())
    }

    /// Returns the text of a special token.
    pub(super) fn text(&self, token: u32) -> Option<&str> {
        let found = self.sorted.iter().find(|(_, other)| *other == token);
        found.map(|(text, _)| text.as_str())
    }

    /// Returns the special token of exactly this text.
    #[must_use]
    pub fn token(&self, text: &str) -> Option<u32> {
        let found = self.sorted.binary_search_by(|entry| entry.0.as_str().cmp(text)).ok();
        found.map(|place| self.sorted[place].1)
    }

    pub(super) fn tokens(&self) -> impl Iterator<Item = u32> {
        self.sorted.iter().map(|(_, token)| *token)
    }

    /// Returns the first special token that `text` spells, with its byte offset.
    pub(super) fn find(&self, text: &str) -> Option<(usize, u32)> {
        self.read(text).next()
    }

    /// Lists where a special token is spelt: offset, bytes of the longest and the token. Places may
    /// overlap.
    pub fn starts(&self, text: &str) -> impl Iterator<Item = (usize, usize, u32)> {
        text.char_indices().filter_map(|(offset, _)| {
            let (bytes, token) = self.longest(&text.as_bytes()[offset..])?;
            Some((offset, bytes, token))
        })
    }

    /// Lists the special tokens that a reader from the left finds in `text`, the longest at each
    /// place, with their offsets.
    pub(super) fn read<'a>(&'a self, text: &'a str) -> impl Iterator<Item = (usize, u32)> {
        let found = self.automaton.iter().flat_map(move |automaton| automaton.find_iter(text));
        found.map(|found| (found.start(), self.sorted[found.pattern().as_usize()].1))
    }

    /// The longest special token that `text` starts with: its bytes and the token.
    fn longest(&self, text: &[u8]) -> Option<(usize, u32)> {
        let first = usize::from(*text.first()?);
        if self.first_bytes.get(first) != Some(&true) {
            return None;
        }
        let mut found = None;
        // Entries that agree with the text so far; the shortest of them is the first.
        let mut range = self.sorted.as_slice();
        for (depth, byte) in text.iter().enumerate() {
            let at = |entry: &(String, u32)| entry.0.as_bytes()[depth];
            let start = range.partition_point(|entry| at(entry) < *byte);
            let end = range.partition_point(|entry| at(entry) <= *byte);
            range = &range[start..end];
            let Some((shortest, token)) = range.first() else { break };
            if shortest.len() == depth + 1 {
                found = Some((shortest.len(), *token));
                range = &range[1..];
            }
        }
        found
    }
}
