use std::{collections::BTreeSet, panic};

use lazai_api_types::Rejection;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;

use super::{
    SpecialTexts, TokenizerError, TokenizerKind,
    added::AddedTexts,
    byte_pairs::BytePairs,
    file::{Decoder, File, Model, Normalizer, Pattern, PreTokenizer},
    growth, inner,
    kind::Symbols,
    normalizer,
    own::OwnModel,
    patterns,
    rates::{self, DecodingRates},
    unicode, unigram,
    words::Words,
};

/// The tokenizer of a model.
#[derive(Debug)]
pub struct Tokenizer {
    pub(crate) inner: tokenizers::Tokenizer,
    /// The model, where it is not that of the crate.
    pub(super) own: Option<OwnModel>,
    /// The model with its words, where both are read at once.
    pub(super) byte_pairs: Option<BytePairs>,
    /// What changes texts before they are split.
    pub(super) normalizer: normalizer::Steps,
    /// How texts are split.
    pub(super) words: Words,
    kind: TokenizerKind,
    /// Operations that are paid for each of the paid bytes.
    flops_per_byte: u64,
    /// Bytes that are paid for each byte of a text.
    paid_per_byte: u64,
    /// Whether the normalizer replaces characters by those that they are compatible with.
    pub(super) is_compatible: bool,
    /// What the model reads of a normalized text.
    pub(super) symbols: Symbols,
    /// Operations that are paid for what is decoded.
    decoding: DecodingRates,
    /// Most bytes of text that each token of the crate's vocabulary spells; 0 where none is
    /// decoded.
    token_bytes: Vec<u16>,
    longest_token: usize,
    /// Special tokens, which a prompt must not spell.
    pub(super) special: SpecialTexts,
    /// What the model makes of a piece that it does not know.
    pub(crate) unknown: Option<u32>,
    /// Most bytes of a text that is encoded.
    pub(super) max_text_bytes: usize,
    vocabulary: u32,
}

impl Tokenizer {
    /// Most bytes of a text that is encoded; fewer where the normalizer makes texts much longer.
    pub const MAX_TEXT_BYTES: usize = 1 << 20;

    /// Fraction bits of the scores of a unigram model, which are integers.
    pub const SCORE_FRACTION_BITS: u32 = unigram::SCORE_FRACTION_BITS;

    /// Reads a `tokenizer.json` for a model of `vocabulary` tokens. Truncation and padding in it
    /// are turned off. The scores of a unigram model must be integers of
    /// [`SCORE_FRACTION_BITS`](Self::SCORE_FRACTION_BITS) fraction bits, as converters write them.
    ///
    /// # Errors
    /// [`TokenizerError`] if this build has other Unicode tables than those of the specification,
    /// or if the file is too large, does not parse, could fill the memory, or makes other tokens
    /// than the model has.
    pub fn new(json: &[u8], vocabulary: u32) -> Result<Self, TokenizerError> {
        unicode::check().map_err(|table| TokenizerError::Unicode { table })?;
        let file = File::new(json)?;
        let vocabulary = vocabulary.min(MAX_VOCABULARY);
        check_vocabulary(file.model.largest_token(), vocabulary)?;
        let growth = check_steps(&file)?;
        let words = Words::new(&file.pre_tokenizer)?;
        let byte_pairs = match &file.model {
            Model::BytePairs(model) => BytePairs::new(model, &words),
            _ => None,
        };
        let own = OwnModel::new(&file.model)?;
        let kind = kind(&file, &words, byte_pairs.is_some());
        let symbols = symbols(&file.model, &words);
        let apart = symbols != Symbols::Characters && growth::takes_apart(file.normalizer.steps());
        let flops_per_byte = rates::reading(kind, &file);
        let decoding = DecodingRates::new(file.decoder.steps());
        let is_compatible = growth::is_compatible(file.normalizer.steps());
        let decodes_bytes = growth::decodes_bytes(file.decoder.steps());
        let unknown = file.model.unknown();
        // The crate panics at parts that are malformed, while it reads them and while it encodes.
        let built = panic::catch_unwind(|| {
            let normalizer = normalizer::Steps::new(&file.normalizer)?;
            let (inner, template) = inner::build(file, &normalizer)?;
            Ok((inner, template, normalizer))
        });
        let panicked = |_| TokenizerError::syntax("a part is malformed");
        let (inner, template, normalizer) = built.map_err(panicked)??;
        // Each piece of a word is looked for from every place.
        let is_searched = matches!(own, Some(OwnModel::WordPiece(_)));
        let max_bytes = if is_searched { MAX_WORD_PIECE_BYTES } else { MAX_TOKEN_BYTES };
        check_tokens(&inner, &template, vocabulary, max_bytes, decodes_bytes)?;
        let added = inner.get_added_vocabulary().get_added_tokens_decoder();
        let added =
            AddedTexts::new(added.iter().map(|(token, added)| (*token, added)), &normalizer)?;
        let flops_per_byte = flops_per_byte + rates::added_tokens(&added);
        let special = SpecialTexts::new(
            inner
                .get_added_tokens_decoder()
                .into_iter()
                .filter(|(_, token)| token.special || SpecialTexts::is_control(&token.content))
                .map(|(id, token)| (token.content, id)),
        );
        let growth = usize::try_from(growth).unwrap_or(usize::MAX);
        let max_text_bytes = Self::MAX_TEXT_BYTES.min(MAX_NORMALIZED_BYTES / growth.max(1));
        let token_bytes = token_bytes(&inner, decodes_bytes);
        let longest_token = token_bytes.iter().copied().max().unwrap_or(0).max(4).into();
        Ok(Self {
            inner,
            own,
            byte_pairs,
            normalizer,
            words,
            kind,
            flops_per_byte,
            paid_per_byte: if apart { PAID_PER_BYTE_APART } else { 1 },
            is_compatible,
            symbols,
            decoding,
            token_bytes,
            longest_token,
            special,
            unknown,
            max_text_bytes,
            vocabulary,
        })
    }

    /// Returns the most bytes of a text that this tokenizer encodes.
    #[must_use]
    pub const fn max_text_bytes(&self) -> usize {
        self.max_text_bytes
    }

    /// Returns the kind.
    #[must_use]
    pub const fn kind(&self) -> TokenizerKind {
        self.kind
    }

    /// Returns the operations charged for each of the [paid bytes](Self::paid_bytes) of a text:
    /// those of its [kind](TokenizerKind::flops_per_byte), and more if its steps take longer than
    /// those of published tokenizers.
    #[must_use]
    pub const fn flops_per_byte(&self) -> u64 {
        self.flops_per_byte
    }

    /// Returns the bytes that a text of so many bytes is paid as; `None` beyond 64 bits.
    ///
    /// They are its own, three times where a normalizer takes characters apart in front of a model
    /// that reads bytes: a syllable of Korean then becomes three characters. What normalization
    /// adds besides is bounded ([`encode`](Self::encode)).
    #[must_use]
    pub const fn paid_bytes(&self, bytes: u64) -> Option<u64> {
        self.paid_per_byte.checked_mul(bytes)
    }

    /// Returns the operations charged for each token that is decoded.
    pub(crate) const fn decode_flops_per_token(&self) -> u64 {
        self.decoding.token
    }

    /// Returns the operations charged for each byte that the decoded tokens spell.
    pub(crate) const fn decode_flops_per_byte(&self) -> u64 {
        self.decoding.byte
    }

    /// Returns the most bytes of text that one token spells, and at least those of a character.
    ///
    /// A normalizer may make a text shorter, so a text that is longer than its tokens together can
    /// spell is possible.
    #[must_use]
    pub const fn longest_token(&self) -> usize {
        self.longest_token
    }

    /// Returns the bytes of the texts of `tokens`, each as long as it can be.
    ///
    /// # Errors
    /// [`Rejection::UnknownToken`] if a token is not in the vocabulary.
    pub(crate) fn token_bytes(&self, tokens: impl Iterator<Item = u32>) -> Result<u64, Rejection> {
        let mut sum = 0;
        for (token, index) in tokens.zip(0..) {
            if token >= self.vocabulary {
                let vocabulary = u64::from(self.vocabulary);
                return Err(Rejection::UnknownToken { token, index, vocabulary });
            }
            sum += self.token_bytes.get(token as usize).map_or(0, |bytes| u64::from(*bytes));
        }
        Ok(sum)
    }

    /// Checks that every token is in the vocabulary.
    ///
    /// # Errors
    /// [`Rejection::UnknownToken`] for the first that is not.
    pub fn check(&self, tokens: &[u32]) -> Result<(), Rejection> {
        match tokens.iter().position(|token| *token >= self.vocabulary) {
            Some(index) => Err(Rejection::UnknownToken {
                token: tokens[index],
                index: index as u64,
                vocabulary: u64::from(self.vocabulary),
            }),
            None => Ok(()),
        }
    }

    /// Returns whether the decoder is shown a token at all.
    pub(super) fn has_text(&self, token: u32) -> bool {
        shown(&self.inner, token).is_some()
    }

    /// Returns the text of a special token; it is no part of a decoded text.
    #[must_use]
    pub fn special_text(&self, token: u32) -> Option<&str> {
        self.special.text(token)
    }

    /// Returns the texts that only a template may place.
    #[must_use]
    pub const fn special(&self) -> &SpecialTexts {
        &self.special
    }
}

/// Checks the steps of a file, and returns the most bytes that normalizer and pre-tokenizer make of
/// one byte of text.
fn check_steps(file: &File) -> Result<u64, TokenizerError> {
    let (normalizer, pre_tokenizer) = (file.normalizer.steps(), file.pre_tokenizer.steps());
    check_patterns(file)?;
    growth::post_processor(file.post_processor.steps())?;
    growth::decoder(file.decoder.steps())?;
    let growth = growth::text(normalizer, pre_tokenizer)?;
    growth::added_tokens(&file.added_tokens, normalizer)?;
    Ok(growth)
}

/// Checks how many patterns there are, and that texts that are looked for are short.
fn check_patterns(file: &File) -> Result<(), TokenizerError> {
    let normalizer = file.normalizer.steps().iter().filter_map(|step| match step {
        Normalizer::Replace { pattern, .. } => Some(pattern),
        _ => None,
    });
    let pre_tokenizer = file.pre_tokenizer.steps().iter().filter_map(|step| match step {
        PreTokenizer::Split { pattern, .. } => Some(pattern),
        _ => None,
    });
    let decoder = file.decoder.steps().iter().filter_map(|step| match step {
        Decoder::Replace { pattern, .. } => Some(pattern),
        _ => None,
    });
    let mut patterns = 0;
    for (pattern, is_searched) in normalizer
        .chain(pre_tokenizer)
        .map(|pattern| (pattern, true))
        .chain(decoder.map(|pattern| (pattern, false)))
    {
        match pattern {
            // Published decoders look for texts.
            Pattern::Regex(pattern) if !is_searched => {
                return Err(TokenizerError::pattern(pattern));
            }
            Pattern::Regex(_) => patterns += 1,
            // Nothing is everywhere.
            Pattern::String(text) if text.is_empty() || text.len() > patterns::MAX_BYTES => {
                return Err(TokenizerError::pattern(text));
            }
            Pattern::String(_) => {}
        }
    }
    if patterns > MAX_PATTERNS {
        return Err(TokenizerError::Steps {
            part: "list of patterns",
            got: patterns,
            max: MAX_PATTERNS,
        });
    }
    Ok(())
}

fn kind(file: &File, words: &Words, reads_words_at_once: bool) -> TokenizerKind {
    let spells_bytes = words.spells_bytes() || growth::spells_bytes(file.normalizer.steps());
    match file.model {
        Model::BytePairs(_) if reads_words_at_once => TokenizerKind::ByteLevelBpe,
        Model::BytePairs(_) if spells_bytes => TokenizerKind::PatternBpe,
        Model::BytePairs(_) => TokenizerKind::SentencePieceBpe,
        Model::Unigram(_) => TokenizerKind::Unigram,
        Model::WordPiece(_) | Model::Words(_) => TokenizerKind::WordPiece,
    }
}

fn symbols(model: &Model, words: &Words) -> Symbols {
    if words.spells_bytes() {
        Symbols::Bytes
    } else if model.falls_back_to_bytes() {
        let has_mark = model.token(&Symbols::MARK.to_string()).is_some();
        if has_mark { Symbols::BytesAndMarks } else { Symbols::Bytes }
    } else {
        Symbols::Characters
    }
}

/// Returns the text of a token that the decoder is shown; `None` for special tokens.
fn shown(inner: &tokenizers::Tokenizer, token: u32) -> Option<String> {
    let text = inner.id_to_token(token);
    text.filter(|text| !inner.get_added_vocabulary().is_special_token(text))
}

/// Returns the bytes of text that a token of this text spells. One that is not in the alphabet of
/// bytes throughout is decoded as it is.
fn spelled_bytes(text: &str, alphabet: Option<&BTreeSet<char>>) -> usize {
    match alphabet {
        Some(alphabet) if text.chars().all(|char| alphabet.contains(&char)) => text.chars().count(),
        _ => text.len(),
    }
}

/// The characters that bytes are spelled by, where they are.
fn alphabet(decodes_bytes: bool) -> Option<BTreeSet<char>> {
    decodes_bytes.then(|| ByteLevel::alphabet().into_iter().collect())
}

/// Most bytes of text that each token spells, as the decoder is shown it.
fn token_bytes(inner: &tokenizers::Tokenizer, decodes_bytes: bool) -> Vec<u16> {
    let alphabet = alphabet(decodes_bytes);
    let mut bytes = Vec::new();
    let tokens: BTreeSet<u32> = inner.get_vocab(true).into_values().collect();
    for token in tokens {
        let text = shown(inner, token).unwrap_or_default();
        let length = spelled_bytes(&text, alphabet.as_ref());
        bytes.resize(token as usize, 0);
        bytes.push(u16::try_from(length).unwrap_or(u16::MAX));
    }
    bytes
}

/// Checks that each token has one text that spells few bytes, and that the model has it. The
/// `template`'s tokens need not be in the vocabulary of the tokenizer.
fn check_tokens(
    inner: &tokenizers::Tokenizer,
    template: &[u32],
    vocabulary: u32,
    max: usize,
    decodes_bytes: bool,
) -> Result<(), TokenizerError> {
    let tokens = inner.get_vocab(true);
    let alphabet = alphabet(decodes_bytes);
    let spelled =
        tokens.iter().map(|(text, token)| (spelled_bytes(text, alphabet.as_ref()), *token));
    let longest = spelled.max();
    if let Some((got, token)) = longest.filter(|(got, _)| *got > max) {
        return Err(TokenizerError::TokenLength { token, got, max });
    }
    let unique: BTreeSet<u32> = tokens.values().copied().collect();
    if unique.len() != tokens.len() {
        return Err(TokenizerError::Ambiguous { texts: tokens.len(), tokens: unique.len() });
    }
    check_vocabulary(unique.last().into_iter().chain(template).max().copied(), vocabulary)
}

fn check_vocabulary(largest: Option<u32>, vocabulary: u32) -> Result<(), TokenizerError> {
    match largest.filter(|token| *token >= vocabulary) {
        Some(got) => Err(TokenizerError::Vocabulary { got, vocabulary }),
        None => Ok(()),
    }
}

/// Most patterns, each of which takes up to a second to build; `DeepSeek` LLM has five.
const MAX_PATTERNS: usize = 6;

/// Most tokens of a model: as many as an artifact may have.
const MAX_VOCABULARY: u32 = 1 << 20;

/// Bytes that are paid for each byte of a text whose characters are taken apart for a model of
/// bytes.
const PAID_PER_BYTE_APART: u64 = 3;

/// Longest piece of a word, in bytes; BERT's are below 32.
const MAX_WORD_PIECE_BYTES: usize = 64;

/// Longest token, in bytes.
pub(super) const MAX_TOKEN_BYTES: usize = 1_024;

/// Most bytes that normalizer and pre-tokenizer may make of a text.
const MAX_NORMALIZED_BYTES: usize = 16 << 20;
