use core::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use lazai_api_types::Rejection;

use super::{
    encode::MAX_WORD_BYTES,
    file::BytePairModel,
    scan::{self, Scan},
    trie::Trie,
    words::Words,
};

/// A byte-level BPE model together with the words of its family.
///
/// It makes the tokens of the crate from the bytes of a text at once: the crate spells the bytes of
/// each word as characters, remembers where each came from, and looks up each in its vocabulary.
///
/// # Source
/// Sennrich, Haddow and Birch 2016, arXiv 1508.07909; Radford et al. 2019.
#[derive(Debug)]
pub(super) struct BytePairs {
    scan: Scan,
    /// Whether a text that starts with no space gets one.
    prefix: bool,
    /// Tokens that a word is before it is merged, where the model has such.
    whole: Option<Trie>,
    /// The token of each byte.
    bytes: Vec<u32>,
    merges: Merges,
}

/// A stretch of a word on its way to a token.
#[derive(Clone, Copy, Debug)]
struct Symbol {
    token: u32,
    /// Bytes of the text; 0 once it is part of the stretch before it.
    length: u32,
    before: u32,
    behind: u32,
}

/// Pairs of tokens with their rank and what they become. A pair is found in a number of steps that
/// no file can raise beyond the logarithm of the pairs of its first token.
#[derive(Debug)]
struct Merges {
    /// The place of the first pair of each first token, and the number of pairs at the end.
    first: Vec<u32>,
    /// By first and then by second token.
    pairs: Vec<Pair>,
}

#[derive(Clone, Copy, Debug)]
struct Pair {
    second: u32,
    rank: u32,
    /// What the two become.
    token: u32,
}

/// Two stretches that may be merged, in the order in which that is done: by rank, then by place.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Candidate {
    rank: u32,
    place: u32,
    token: u32,
    /// Bytes of both. Stretches only grow, so as long as there are as many at the place, they are
    /// the same two.
    length: u32,
}

impl BytePairs {
    /// Reads a model of a file; `None` if it does more than such models do.
    pub(super) fn new(model: &BytePairModel, words: &Words) -> Option<Self> {
        if model.has_affix() {
            return None;
        }
        let (scan, prefix) = words.byte_level()?;
        let vocabulary = &model.vocabulary;
        let spelled = |byte: u8| vocabulary.get(&spell(byte).to_string()).copied();
        let bytes = (0..=u8::MAX).map(spelled).collect::<Option<Vec<u32>>>()?;
        let whole = model.ignores_merges.then(|| {
            let letters: BTreeMap<char, u8> = (0..=u8::MAX).map(|b| (spell(b), b)).collect();
            let pieces: Vec<(Vec<u8>, u32)> = vocabulary
                .iter()
                .filter_map(|(text, token)| {
                    let bytes = text.chars().map(|letter| letters.get(&letter).copied());
                    Some((bytes.collect::<Option<_>>()?, *token))
                })
                .collect();
            Trie::new(pieces.iter().map(|(bytes, token)| (bytes.as_slice(), *token)))
        });
        let token = |text: &str| vocabulary.get(text).copied();
        let pairs = model.merges.iter().zip(0..).map(|((left, right), rank)| {
            let merged = token(&format!("{left}{right}"))?;
            Some(((token(left)?, token(right)?), (rank, merged)))
        });
        Some(Self {
            scan,
            prefix,
            whole,
            bytes,
            merges: Merges::new(pairs.collect::<Option<_>>()?),
        })
    }

    /// Adds the tokens of a text to `tokens`, each with its bytes.
    ///
    /// # Errors
    /// [`Rejection::InputTooLong`] if a word is longer than [`MAX_WORD_BYTES`].
    pub(super) fn tokenize(
        &self,
        text: &str,
        tokens: &mut Vec<(u32, u32)>,
    ) -> Result<(), Rejection> {
        if self.adds_prefix(text) {
            return self.tokenize_words(&format!(" {text}"), tokens);
        }
        self.tokenize_words(text, tokens)
    }

    /// Whether the first token of a text begins with a space that the text does not have.
    pub(super) fn adds_prefix(&self, text: &str) -> bool {
        self.prefix && !text.is_empty() && !text.starts_with(' ')
    }

    fn tokenize_words(&self, text: &str, tokens: &mut Vec<(u32, u32)>) -> Result<(), Rejection> {
        let (mut symbols, mut queue) = (Vec::new(), BinaryHeap::new());
        let mut start = 0;
        for end in scan::ends(self.scan, text) {
            let word = &text.as_bytes()[start..end];
            start = end;
            if let Some(token) = self.whole.as_ref().and_then(|whole| whole.find(word)) {
                tokens.push((token, length(word.len())));
                continue;
            }
            if word.len() > MAX_WORD_BYTES {
                let (got, max) = (word.len() as u64, MAX_WORD_BYTES as u64);
                return Err(Rejection::InputTooLong { got, max });
            }
            self.merge(word, &mut symbols, &mut queue);
            let left = symbols.iter().filter(|symbol| symbol.length > 0);
            tokens.extend(left.map(|symbol| (symbol.token, symbol.length)));
        }
        Ok(())
    }

    /// Merges the pair of the least rank, the first of several, until no pair is left.
    fn merge(
        &self,
        word: &[u8],
        symbols: &mut Vec<Symbol>,
        queue: &mut BinaryHeap<Reverse<Candidate>>,
    ) {
        symbols.clear();
        symbols.extend(word.iter().zip(0_u32..).map(|(byte, place)| Symbol {
            token: self.bytes[usize::from(*byte)],
            length: 1,
            before: place.wrapping_sub(1),
            behind: place + 1,
        }));
        let end = length(symbols.len());
        for (pair, place) in symbols.windows(2).zip(0..) {
            queue.extend(self.merges.candidate(place, pair[0], pair[1]).map(Reverse));
        }
        while let Some(Reverse(Candidate { place, token, length, .. })) = queue.pop() {
            let left = symbols[place as usize];
            if left.length == 0 || left.behind == end {
                continue;
            }
            let right = symbols[left.behind as usize];
            if left.length + right.length != length {
                continue;
            }
            symbols[left.behind as usize].length = 0;
            let merged = Symbol { token, length, behind: right.behind, ..left };
            symbols[place as usize] = merged;
            if merged.behind < end {
                let next = &mut symbols[merged.behind as usize];
                next.before = place;
                queue.extend(self.merges.candidate(place, merged, *next).map(Reverse));
            }
            if merged.before < end {
                let last = symbols[merged.before as usize];
                let candidate = self.merges.candidate(merged.before, last, merged);
                queue.extend(candidate.map(Reverse));
            }
        }
    }
}

impl Merges {
    /// Of equal pairs the last counts.
    fn new(merges: BTreeMap<(u32, u32), (u32, u32)>) -> Self {
        let (mut first, mut pairs) = (Vec::new(), Vec::with_capacity(merges.len()));
        for ((left, second), (rank, token)) in merges {
            first.resize(first.len().max(left as usize + 1), length(pairs.len()));
            pairs.push(Pair { second, rank, token });
        }
        first.push(length(pairs.len()));
        Self { first, pairs }
    }

    /// Returns what two stretches that follow each other become, the first of them at `place`.
    fn candidate(&self, place: u32, left: Symbol, right: Symbol) -> Option<Candidate> {
        let first = left.token as usize;
        let (start, end) = (*self.first.get(first)?, *self.first.get(first + 1)?);
        let pairs = &self.pairs[start as usize..end as usize];
        let found = pairs.binary_search_by_key(&right.token, |pair| pair.second).ok()?;
        let Pair { rank, token, .. } = pairs[found];
        Some(Candidate { rank, place, token, length: left.length + right.length })
    }
}

/// A text has fewer bytes than 2^24, and a model fewer pairs.
fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

/// How byte-level vocabularies spell a byte: printable characters of Latin-1 are themselves.
fn spell(byte: u8) -> char {
    let printable = |byte: u8| matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    if printable(byte) {
        return char::from(byte);
    }
    let before = (0..byte).zip(0_u32..).filter(|(byte, _)| !printable(*byte)).count();
    char::from_u32(256 + length(before)).unwrap_or_default()
}
