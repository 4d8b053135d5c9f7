use serde::Deserialize;
use serde_json::Value;

use super::{
    TokenizerError, TokenizerKind, growth,
    patterns::{is_regular, splits_words},
    rates::{self, DecodingRates},
    steps::{DECODER, NORMALIZER, POST_PROCESSOR, PRE_TOKENIZER},
    unigram::{SCORE_FRACTION_BITS, Unigram},
    vocabulary::Vocabulary,
};

/// What is checked of a `tokenizer.json` before the crate parses it, because its parser already
/// runs the normalizer.
#[derive(Debug)]
pub(super) struct Header {
    /// The steps of each part.
    normalizer: Vec<Value>,
    pre_tokenizer: Vec<Value>,
    post_processor: Vec<Value>,
    decoder: Vec<Value>,
    /// The most bytes that normalizer and pre-tokenizer make of one byte of text.
    growth: u64,
    model: Model,
}

#[derive(Debug, Deserialize)]
struct File {
    #[serde(default)]
    normalizer: Value,
    #[serde(default)]
    pre_tokenizer: Value,
    #[serde(default)]
    post_processor: Value,
    #[serde(default)]
    decoder: Value,
    #[serde(default)]
    added_tokens: Vec<AddedToken>,
    model: Model,
}

#[derive(Debug, Deserialize)]
struct AddedToken {
    id: u32,
    content: String,
    normalized: bool,
}

#[derive(Debug, Deserialize)]
struct Model {
    #[serde(default)]
    continuing_subword_prefix: Option<String>,
    #[serde(default)]
    end_of_word_suffix: Option<String>,
    #[serde(default)]
    max_input_chars_per_word: Option<u64>,
    #[serde(default)]
    unk_id: Option<u32>,
    #[serde(default)]
    unk_token: Option<String>,
    #[serde(default)]
    merges: Option<Merges>,
    #[serde(default)]
    vocab: Vocabulary,
    #[serde(default)]
    byte_fallback: Option<bool>,
    #[serde(default)]
    score_fraction_bits: Option<u32>,
}

/// Merges of a BPE model; the older form holds a pair in one text, parted by a space.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Merges {
    Pairs(Vec<(String, String)>),
    Lines(Vec<String>),
}

impl Header {
    /// Parses the checked parts and bounds what they may make of a text.
    pub(super) fn new(json: &[u8]) -> Result<Self, TokenizerError> {
        let file: File = serde_json::from_slice(json)
            .map_err(|error| TokenizerError::Syntax { message: error.to_string() })?;
        file.model.check()?;
        let normalizer = NORMALIZER.steps(&file.normalizer)?;
        let pre_tokenizer = PRE_TOKENIZER.steps(&file.pre_tokenizer)?;
        let post_processor = POST_PROCESSOR.steps(&file.post_processor)?;
        let decoder = DECODER.steps(&file.decoder)?;
        for (steps, is_read) in [
            (&normalizer, is_regular as fn(&str) -> bool),
            (&decoder, is_regular),
            (&pre_tokenizer, splits_words),
        ] {
            if let Some(pattern) = growth::patterns(steps).find(|pattern| !is_read(pattern)) {
                return Err(TokenizerError::pattern(pattern));
            }
        }
        growth::post_processor(&post_processor)?;
        growth::decoder(&decoder)?;
        let growth = growth::text(&normalizer, &pre_tokenizer)?;
        check_added_tokens(&file.added_tokens, &normalizer)?;
        let all = [&normalizer, &pre_tokenizer, &decoder];
        if let Some(pattern) = all.into_iter().find_map(|steps| growth::long_text(steps)) {
            return Err(TokenizerError::pattern(pattern));
        }
        Ok(Self { normalizer, pre_tokenizer, post_processor, decoder, growth, model: file.model })
    }

    /// Lists the merges of a BPE model in the order of their ranks; `None` where one is no pair.
    pub(super) fn merges(&self) -> Option<Vec<(&str, &str)>> {
        match self.model.merges.as_ref()? {
            Merges::Pairs(pairs) => {
                Some(pairs.iter().map(|(left, right)| (left.as_str(), right.as_str())).collect())
            }
            Merges::Lines(lines) => {
                let lines = lines.iter().filter(|line| !line.starts_with("#version"));
                lines.map(|line| line.split_once(' ')).collect()
            }
        }
    }

    /// Returns whether the normalizer spells bytes.
    pub(super) fn normalizes_to_bytes(&self) -> bool {
        growth::is_byte_level(&self.normalizer)
    }

    /// Returns whether bytes stand for what no piece of the model covers.
    pub(super) fn falls_back_to_bytes(&self) -> bool {
        self.model.byte_fallback.unwrap_or(false)
    }

    /// Returns whether the normalizer takes characters apart, and leaves the parts in the text.
    pub(super) fn takes_apart(&self) -> bool {
        growth::takes_apart(&self.normalizer)
    }

    /// Returns whether texts of the alphabet of bytes are decoded to bytes.
    pub(super) fn decodes_bytes(&self) -> bool {
        growth::is_byte_level(&self.decoder)
    }

    /// Returns whether the normalizer replaces characters by those that they are compatible with.
    pub(super) fn is_compatible(&self) -> bool {
        growth::is_compatible(&self.normalizer)
    }

    /// Returns the operations charged for each byte that a tokenizer of `kind` reads.
    pub(super) fn flops_per_byte(&self, kind: TokenizerKind) -> u64 {
        rates::reading(kind, &self.normalizer, &self.pre_tokenizer, &self.post_processor)
    }

    /// Returns what decoding is charged.
    pub(super) fn decoding_rates(&self) -> DecodingRates {
        DecodingRates::new(&self.decoder)
    }

    /// Returns the most bytes that normalizer and pre-tokenizer make of one byte of text.
    pub(super) const fn growth(&self) -> u64 {
        self.growth
    }

    /// Returns the unigram model; `None` if the model is of another kind.
    pub(super) fn unigram(&self) -> Result<Option<Unigram>, TokenizerError> {
        let model = &self.model;
        let Vocabulary::Pieces(pieces) = &model.vocab else { return Ok(None) };
        let scored = |(text, score): &(String, Option<i64>)| Some((text.clone(), (*score)?));
        let pieces: Option<Vec<_>> = pieces.iter().map(scored).collect();
        let (Some(SCORE_FRACTION_BITS), Some(pieces)) = (model.score_fraction_bits, pieces) else {
            return Err(TokenizerError::FloatScores { bits: SCORE_FRACTION_BITS });
        };
        Unigram::new(&pieces, model.unk_id, self.falls_back_to_bytes()).map(Some)
    }

    /// Returns the token that the model uses for what it does not know, as `token_of` finds it.
    pub(super) fn unknown(&self, token_of: impl Fn(&str) -> Option<u32>) -> Option<u32> {
        let by_text = || self.model.unk_token.as_deref().and_then(&token_of);
        self.model.unk_id.or_else(by_text)
    }
}

/// The crate normalizes added tokens when it parses, and looks for all of them at each byte of a
/// text.
fn check_added_tokens(added: &[AddedToken], normalizer: &[Value]) -> Result<(), TokenizerError> {
    let max = MAX_ADDED_BYTES;
    if let Some(long) = added.iter().find(|token| token.content.len() > max) {
        let (token, got) = (long.id, long.content.len());
        return Err(TokenizerError::TokenLength { token, got, max });
    }
    let growth = growth::normalizer(normalizer);
    let bytes = added.iter().map(|token| {
        let bytes = token.content.len() as u64;
        if token.normalized { bytes.saturating_mul(growth) } else { bytes }
    });
    let (got, max) = (bytes.fold(0, u64::saturating_add), MAX_NORMALIZED_BYTES);
    if got > max {
        return Err(TokenizerError::Growth { part: "added_tokens", got, max });
    }
    Ok(())
}

impl Model {
    fn check(&self) -> Result<(), TokenizerError> {
        let affixes = [
            ("continuing_subword_prefix", &self.continuing_subword_prefix),
            ("end_of_word_suffix", &self.end_of_word_suffix),
        ];
        for (part, affix) in affixes {
            let got = affix.as_ref().map_or(0, String::len);
            if got > MAX_AFFIX_BYTES {
                return Err(TokenizerError::Affix { part, got, max: MAX_AFFIX_BYTES });
            }
        }
        if let Vocabulary::Pieces(pieces) = &self.vocab {
            check_pieces(pieces)?;
        }
        // The search for pieces tries every pair of places in a word.
        if let Some(got) = self.max_input_chars_per_word.filter(|got| *got > MAX_WORD_CHARS) {
            return Err(TokenizerError::WordLength { got, max: MAX_WORD_CHARS });
        }
        let prefix = self.continuing_subword_prefix.as_deref().unwrap_or_default();
        self.check_merges(prefix)
    }

    /// The crate drops the length of `prefix` from the right side of every merge, without a look at
    /// what it drops.
    fn check_merges(&self, prefix: &str) -> Result<(), TokenizerError> {
        if prefix.is_empty() {
            return Ok(());
        }
        let wrong = match &self.merges {
            None => None,
            Some(Merges::Pairs(pairs)) => {
                pairs.iter().position(|(_, right)| !right.starts_with(prefix))
            }
            Some(Merges::Lines(lines)) => lines
                .iter()
                .filter(|line| !line.starts_with("#version"))
                .position(|line| line.split_once(' ').is_none_or(|(_, r)| !r.starts_with(prefix))),
        };
        wrong.map_or(Ok(()), |index| Err(TokenizerError::Merge { index }))
    }
}

/// The crate keeps some hundred bytes for each of a piece, one within the other.
fn check_pieces(pieces: &[(String, Option<i64>)]) -> Result<(), TokenizerError> {
    let max = MAX_PIECE_BYTES;
    if let Some(token) = pieces.iter().position(|(piece, _)| piece.len() > max) {
        let got = pieces[token].0.len();
        return Err(TokenizerError::TokenLength { token: token as u32, got, max });
    }
    let (got, max) = (pieces.iter().map(|(piece, _)| piece.len()).sum(), MAX_PIECES_BYTES);
    if got > max {
        return Err(TokenizerError::TooLarge { got, max });
    }
    Ok(())
}

/// Longest added token, in bytes; the 31 spaces of Gemma have 93.
const MAX_ADDED_BYTES: usize = 96;

/// Most bytes of all added tokens, and of what the normalizer may make of them.
const MAX_NORMALIZED_BYTES: u64 = 4 << 20;

/// Longest piece of a unigram model, in bytes; those of T5 and XLM-R have 16 characters at most.
const MAX_PIECE_BYTES: usize = 96;

/// Most bytes of all pieces of a unigram model; XLM-R's 250,000 have two million.
const MAX_PIECES_BYTES: usize = 6 << 20;

/// Longest prefix or suffix of a piece.
const MAX_AFFIX_BYTES: usize = 64;

/// Longest word in which pieces are looked for; BERT's files say 100.
const MAX_WORD_CHARS: u64 = 256;
