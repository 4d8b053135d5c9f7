//! `t5`: the unigram model of SentencePiece.

use base64::{Engine, prelude::BASE64_STANDARD};
use lazai_coprocessor::Tokenizer;

use super::{
    charsmap,
    json::{Decoder, Metaspace, Model, Normalizer, Parts, Pattern, PreTokenizer},
    keys,
    sentencepiece::SPACE,
    special::Special,
    vocabulary::{TokenType, Vocabulary},
};
use crate::{
    gguf::{Array, Gguf, GgufError, Value, error::shorten},
    tokenizer::fixed_point,
};

pub(super) fn convert<'a>(
    file: &'a Gguf,
    vocabulary: &'a Vocabulary<'a>,
    special: &Special,
) -> Result<Parts<'a>, GgufError> {
    // Models and tools differ in what they take where a file says nothing.
    let stated = |key| file.bool(key)?.ok_or_else(|| GgufError::missing_key(key));
    let prefix = stated(keys::ADD_SPACE_PREFIX)?;
    let collapse = stated(keys::REMOVE_WHITESPACE)?;
    let charsmap = read_charsmap(file)?;
    let metaspace = Metaspace {
        replacement: SPACE,
        prepend_scheme: if prefix { "always" } else { "never" },
        split: true,
    };
    let mut normalizers = Vec::new();
    let mut pretokenizers = Vec::new();
    match (charsmap, collapse) {
        // The map makes every white space a space.
        (Some(charsmap), collapse) => {
            let precompiled_charsmap = BASE64_STANDARD.encode(charsmap);
            normalizers.push(Normalizer::Precompiled { precompiled_charsmap });
            if collapse {
                pretokenizers.push(PreTokenizer::WhitespaceSplit);
            }
        }
        (None, true) => {
            let pattern = Pattern::Regex(" {2,}");
            normalizers.push(Normalizer::Strip { strip_left: false, strip_right: true });
            normalizers.push(Normalizer::Replace { pattern, content: SPACE });
        }
        (None, false) => {}
    }
    pretokenizers.push(PreTokenizer::Metaspace(metaspace.clone()));
    let byte_fallback = vocabulary.iter().any(|(_, _, kind)| kind == TokenType::Byte);
    let mut decoders = Vec::new();
    if byte_fallback {
        decoders.push(Decoder::ByteFallback);
    }
    decoders.push(Decoder::Metaspace(metaspace));
    let (unk_id, _) =
        vocabulary.unknown(file)?.ok_or_else(|| GgufError::missing_key(keys::UNKNOWN))?;
    Ok(Parts {
        normalizer: (!normalizers.is_empty()).then_some(Normalizer::Sequence { normalizers }),
        pre_tokenizer: Some(PreTokenizer::Sequence { pretokenizers }),
        post_processor: special.template(file, vocabulary, false, true)?,
        decoder: Decoder::Sequence { decoders },
        model: Model::Unigram {
            unk_id,
            score_fraction_bits: Tokenizer::SCORE_FRACTION_BITS,
            vocab: read_pieces(vocabulary, vocabulary.scores(file)?)?,
            byte_fallback,
        },
    })
}

/// Reads the pieces with their scores; a piece is known by its place, so only padding at the end is
/// left out.
fn read_pieces<'a>(
    vocabulary: &'a Vocabulary<'_>,
    scores: &[f32],
) -> Result<Vec<(&'a str, i64)>, GgufError> {
    let mut pieces = Vec::new();
    for (id, text, kind) in vocabulary.iter() {
        let index = pieces.len();
        if index < id as usize {
            let got = shorten(vocabulary.raw(index));
            return Err(GgufError::Token {
                index,
                problem: "is empty or padding amid others",
                got,
            });
        }
        // Added tokens are found before the model runs: a placeholder must not be the least score,
        // from which the score of what is unknown follows.
        let score = if kind == TokenType::UserDefined { 0.0 } else { scores[id as usize] };
        let integer = fixed_point(f64::from(score)).ok_or_else(|| {
            let got = format!("{score} for token {id}");
            GgufError::value(keys::SCORES, "numbers from -16384 to 16384", got)
        })?;
        pieces.push((text, integer));
    }
    if pieces.is_empty() {
        return Err(GgufError::value(keys::TOKENS, "at least one token", "none"));
    }
    Ok(pieces)
}

/// Reads and checks the map of characters.
fn read_charsmap(file: &Gguf) -> Result<Option<Vec<u8>>, GgufError> {
    let bytes = match file.metadata(keys::CHARSMAP) {
        None => return Ok(None),
        Some(Value::Array(Array::U8(bytes))) => bytes.clone(),
        Some(Value::Array(Array::I8(bytes))) => {
            bytes.iter().map(|byte| byte.cast_unsigned()).collect()
        }
        Some(other) => {
            return Err(GgufError::value(keys::CHARSMAP, "an array of bytes", other.describe()));
        }
    };
    if bytes.is_empty() {
        return Ok(None);
    }
    match charsmap::check(&bytes) {
        Ok(()) => Ok(Some(bytes)),
        Err(problem) => Err(GgufError::value(keys::CHARSMAP, "a map of SentencePiece", problem)),
    }
}
