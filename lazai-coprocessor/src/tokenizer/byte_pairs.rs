use core::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use tokenizers::models::bpe::BPE;

use super::{
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

/// Pairs of tokens with their rank and what they become; a table with open addresses.
#[derive(Debug)]
struct Merges {
    slots: Vec<Slot>,
    shift: u32,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    pair: u64,
    rank: u32,
    token: u32,
}

impl BytePairs {
    /// Reads a model of the crate whose pairs are `merges` in the order of their ranks; `None` if
    /// it does more than such models do.
    pub(super) fn new(model: &BPE, words: &Words, merges: &[(&str, &str)]) -> Option<Self> {
        let plain = |affix: &Option<String>| affix.as_ref().is_none_or(String::is_empty);
        if !plain(&model.continuing_subword_prefix) || !plain(&model.end_of_word_suffix) {
            return None;
        }
        let (scan, prefix) = words.byte_level()?;
        let vocabulary: BTreeMap<String, u32> = model.get_vocab().into_iter().collect();
        let spelled = |byte: u8| vocabulary.get(&spell(byte).to_string()).copied();
        let bytes = (0..=u8::MAX).map(spelled).collect::<Option<Vec<u32>>>()?;
        let whole = model.ignore_merges.then(|| {
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
        let mut table = Merges::new(merges.len());
        for ((left, right), rank) in merges.iter().zip(0..) {
            let token = |text: &str| vocabulary.get(text).copied();
            let merged = token(&format!("{left}{right}"))?;
            table.insert(key(token(left)?, token(right)?), rank, merged);
        }
        Some(Self { scan, prefix, whole, bytes, merges: table })
    }

    /// Adds the tokens of a text to `tokens`, each with its bytes.
    pub(super) fn tokenize(&self, text: &str, tokens: &mut Vec<(u32, u32)>) {
        if self.adds_prefix(text) {
            return self.tokenize_words(&format!(" {text}"), tokens);
        }
        self.tokenize_words(text, tokens);
    }

    /// Whether the first token of a text begins with a space that the text does not have.
    pub(super) fn adds_prefix(&self, text: &str) -> bool {
        self.prefix && !text.is_empty() && !text.starts_with(' ')
    }

    fn tokenize_words(&self, text: &str, tokens: &mut Vec<(u32, u32)>) {
        let (mut symbols, mut queue) = (Vec::new(), BinaryHeap::new());
        let mut start = 0;
        for end in scan::ends(self.scan, text) {
            let word = &text.as_bytes()[start..end];
            start = end;
            if let Some(token) = self.whole.as_ref().and_then(|whole| whole.find(word)) {
                tokens.push((token, length(word.len())));
                continue;
            }
            self.merge(word, &mut symbols, &mut queue);
            let left = symbols.iter().filter(|symbol| symbol.length > 0);
            tokens.extend(left.map(|symbol| (symbol.token, symbol.length)));
        }
    }

    /// Merges the pair of the least rank, the first of several, until no pair is left.
    fn merge(
        &self,
        word: &[u8],
        symbols: &mut Vec<Symbol>,
        queue: &mut BinaryHeap<Reverse<(u32, u32, u32)>>,
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
            if let Some((rank, token)) = self.merges.find(pair[0].token, pair[1].token) {
                queue.push(Reverse((rank, place, token)));
            }
        }
        while let Some(Reverse((_, place, token))) = queue.pop() {
            let left = symbols[place as usize];
            if left.length == 0 || left.behind == end {
                continue;
            }
            let right = symbols[left.behind as usize];
            // The pair may have changed since.
            let now = self.merges.find(left.token, right.token);
            if now.is_none_or(|(_, now)| now != token) {
                continue;
            }
            symbols[left.behind as usize].length = 0;
            let behind = right.behind;
            symbols[place as usize] =
                Symbol { token, length: left.length + right.length, behind, ..left };
            if behind < end {
                symbols[behind as usize].before = place;
                let pair = self.merges.find(token, symbols[behind as usize].token);
                queue.extend(pair.map(|(rank, token)| Reverse((rank, place, token))));
            }
            if left.before < end {
                let pair = self.merges.find(symbols[left.before as usize].token, token);
                queue.extend(pair.map(|(rank, token)| Reverse((rank, left.before, token))));
            }
        }
    }
}

impl Merges {
    fn new(pairs: usize) -> Self {
        let bits = (2 * pairs.max(1)).next_power_of_two().ilog2();
        let free = Slot { pair: FREE, rank: 0, token: 0 };
        Self { slots: vec![free; 1 << bits], shift: 64 - bits }
    }

    /// Of equal pairs the last counts.
    fn insert(&mut self, pair: u64, rank: u32, token: u32) {
        let place = self.place(pair);
        self.slots[place] = Slot { pair, rank, token };
    }

    fn find(&self, left: u32, right: u32) -> Option<(u32, u32)> {
        let pair = key(left, right);
        let slot = self.slots[self.place(pair)];
        (slot.pair == pair).then_some((slot.rank, slot.token))
    }

    /// Where a pair is, or may be put; half of the places are free.
    fn place(&self, pair: u64) -> usize {
        let mask = self.slots.len() - 1;
        let mut place = (pair.wrapping_mul(MIX) >> self.shift) as usize & mask;
        while self.slots[place].pair != pair && self.slots[place].pair != FREE {
            place = (place + 1) & mask;
        }
        place
    }
}

fn key(left: u32, right: u32) -> u64 {
    u64::from(left) << 32 | u64::from(right)
}

/// A text has fewer bytes than 2^24.
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

/// No pair: tokens are below 2^20.
const FREE: u64 = u64::MAX;

/// The golden ratio in 64 bits, which spreads keys.
const MIX: u64 = 0x9e37_79b9_7f4a_7c15;
