//! The parts of a `tokenizer.json`, written in a fixed order.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use super::keys::TOKENS;
use crate::gguf::GgufError;

/// A `tokenizer.json`, whose fields are written in this order.
#[derive(Serialize)]
pub(super) struct Document<'a> {
    version: &'static str,
    truncation: (),
    padding: (),
    added_tokens: Vec<AddedToken<'a>>,
    normalizer: Option<Normalizer>,
    pre_tokenizer: Option<PreTokenizer>,
    post_processor: Option<Template<'a>>,
    decoder: Decoder,
    model: Model<'a>,
}

/// The parts of a `tokenizer.json` that differ from model to model.
pub(super) struct Parts<'a> {
    pub(super) normalizer: Option<Normalizer>,
    pub(super) pre_tokenizer: Option<PreTokenizer>,
    pub(super) post_processor: Option<Template<'a>>,
    pub(super) decoder: Decoder,
    pub(super) model: Model<'a>,
}

/// A token that is found in a text before the model sees it.
#[derive(Serialize)]
pub(super) struct AddedToken<'a> {
    id: u32,
    content: &'a str,
    single_word: bool,
    lstrip: bool,
    rstrip: bool,
    normalized: bool,
    special: bool,
}

#[derive(Serialize)]
#[serde(tag = "type")]
pub(super) enum Normalizer {
    #[serde(rename = "BertNormalizer")]
    Bert {
        clean_text: bool,
        handle_chinese_chars: bool,
        strip_accents: Option<bool>,
        lowercase: bool,
    },
    #[serde(rename = "NFC")]
    Nfc,
    Precompiled {
        precompiled_charsmap: String,
    },
    Prepend {
        prepend: &'static str,
    },
    Replace {
        pattern: Pattern,
        content: &'static str,
    },
    Sequence {
        normalizers: Vec<Self>,
    },
    Strip {
        strip_left: bool,
        strip_right: bool,
    },
}

#[derive(Serialize)]
pub(super) enum Pattern {
    Regex(&'static str),
    String(&'static str),
}

#[derive(Serialize)]
#[serde(tag = "type")]
pub(super) enum PreTokenizer {
    #[serde(rename = "BertPreTokenizer")]
    Bert,
    ByteLevel {
        add_prefix_space: bool,
        trim_offsets: bool,
        use_regex: bool,
    },
    Digits {
        individual_digits: bool,
    },
    Metaspace(Metaspace),
    Sequence {
        pretokenizers: Vec<Self>,
    },
    Split {
        pattern: Pattern,
        behavior: &'static str,
        invert: bool,
    },
    WhitespaceSplit,
}

#[derive(Clone, Serialize)]
pub(super) struct Metaspace {
    pub(super) replacement: &'static str,
    pub(super) prepend_scheme: &'static str,
    pub(super) split: bool,
}

#[derive(Serialize)]
#[serde(tag = "type")]
pub(super) enum Decoder {
    ByteFallback,
    ByteLevel { add_prefix_space: bool, trim_offsets: bool, use_regex: bool },
    Fuse,
    Metaspace(Metaspace),
    Replace { pattern: Pattern, content: &'static str },
    Sequence { decoders: Vec<Self> },
    Strip { content: &'static str, start: usize, stop: usize },
    WordPiece { prefix: &'static str, cleanup: bool },
}

#[derive(Serialize)]
#[serde(tag = "type")]
pub(super) enum Model<'a> {
    #[serde(rename = "BPE")]
    Bpe {
        dropout: (),
        unk_token: Option<&'a str>,
        continuing_subword_prefix: (),
        end_of_word_suffix: (),
        fuse_unk: bool,
        byte_fallback: bool,
        ignore_merges: bool,
        vocab: Vocab<'a>,
        merges: Vec<[&'a str; 2]>,
    },
    Unigram {
        unk_id: u32,
        score_fraction_bits: u32,
        vocab: Vec<(&'a str, i64)>,
        byte_fallback: bool,
    },
    WordPiece {
        unk_token: &'a str,
        continuing_subword_prefix: &'static str,
        max_input_chars_per_word: u32,
        vocab: Vocab<'a>,
    },
}

/// Tokens with their numbers, written as an object in this order.
pub(super) struct Vocab<'a>(pub(super) Vec<(&'a str, u32)>);

/// The tokens that stand before and behind a text.
#[derive(Serialize)]
#[serde(tag = "type", rename = "TemplateProcessing")]
pub(super) struct Template<'a> {
    single: Vec<Piece<'a>>,
    pair: Vec<Piece<'a>>,
    special_tokens: BTreeMap<&'a str, TemplateToken<'a>>,
}

#[derive(Clone, Serialize)]
enum Piece<'a> {
    Sequence { id: &'static str, type_id: u32 },
    SpecialToken { id: &'a str, type_id: u32 },
}

#[derive(Serialize)]
struct TemplateToken<'a> {
    id: &'a str,
    ids: [u32; 1],
    tokens: [&'a str; 1],
}

impl<'a> Document<'a> {
    pub(super) fn new(added_tokens: Vec<AddedToken<'a>>, parts: Parts<'a>) -> Self {
        let Parts { normalizer, pre_tokenizer, post_processor, decoder, model } = parts;
        Self {
            version: "1.0",
            truncation: (),
            padding: (),
            added_tokens,
            normalizer,
            pre_tokenizer,
            post_processor,
            decoder,
            model,
        }
    }

    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, GgufError> {
        serde_json::to_vec(self)
            .map_err(|error| GgufError::value(TOKENS, "representable as JSON", error.to_string()))
    }
}

impl<'a> AddedToken<'a> {
    pub(super) const fn new(id: u32, content: &'a str, special: bool) -> Self {
        let (single_word, lstrip, rstrip, normalized) = (false, false, false, false);
        Self { id, content, single_word, lstrip, rstrip, normalized, special }
    }
}

impl<'a> Template<'a> {
    pub(super) fn new(before: Option<(&'a str, u32)>, after: Option<(&'a str, u32)>) -> Self {
        let special = |token: Option<(&'a str, u32)>, type_id| {
            token.map(|(id, _)| Piece::SpecialToken { id, type_id })
        };
        let mut single: Vec<Piece<'a>> = special(before, 0).into_iter().collect();
        single.push(Piece::Sequence { id: "A", type_id: 0 });
        single.extend(special(after, 0));
        let mut pair = single.clone();
        pair.push(Piece::Sequence { id: "B", type_id: 1 });
        pair.extend(special(after, 1));
        let special_tokens = before
            .into_iter()
            .chain(after)
            .map(|(token, id)| (token, TemplateToken { id: token, ids: [id], tokens: [token] }))
            .collect();
        Self { single, pair, special_tokens }
    }
}

impl Serialize for Vocab<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(token, id)| (token, id)))
    }
}
