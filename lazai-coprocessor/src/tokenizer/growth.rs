//! How much longer the parts of a tokenizer can make a text. Each rule is an upper bound for one
//! byte of any text, and the bounds of a chain multiply, so that a file cannot hide a text of
//! gigabytes behind a few steps.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::Value;

use super::TokenizerError;

/// Returns the bound of a normalizer followed by a pre-tokenizer.
pub(super) fn text(normalizer: &Value, pre_tokenizer: &Value) -> Result<u64, TokenizerError> {
    let normalizer = bounded("normalizer", chain(normalizer, "normalizers", normalizer_step))?;
    let pre = bounded("pre_tokenizer", chain(pre_tokenizer, "pretokenizers", pre_tokenizer_step))?;
    bounded("normalizer and pre_tokenizer", normalizer.saturating_mul(pre))
}

/// Checks a decoder.
pub(super) fn decoder(value: &Value) -> Result<(), TokenizerError> {
    let got = chain(value, "decoders", decoder_step);
    if got > MAX_DECODER_GROWTH {
        return Err(TokenizerError::Growth { part: "decoder", got, max: MAX_DECODER_GROWTH });
    }
    // It counts down from the last token, and overflows where there is none.
    let step = "BPEDecoder";
    if steps(value, "decoders").into_iter().skip(1).any(|value| value["type"] == step) {
        return Err(TokenizerError::LateStep { step });
    }
    Ok(())
}

/// Checks that a post-processor uses a text once, and adds few tokens.
pub(super) fn post_processor(value: &Value) -> Result<(), TokenizerError> {
    let part = "post_processor";
    let mut added = 0_u64;
    for step in steps(value, "processors") {
        let pieces = list(&step["single"]);
        let texts = pieces.iter().filter(|piece| piece.get("Sequence").is_some()).count() as u64;
        if texts > 1 {
            return Err(TokenizerError::Growth { part, got: texts, max: 1 });
        }
        let tokens = |piece: &Value| {
            let name = piece["SpecialToken"]["id"].as_str()?;
            Some(list(&step["special_tokens"][name]["ids"]).len() as u64)
        };
        let tokens = pieces.iter().filter_map(tokens).fold(0, u64::saturating_add);
        added = added.saturating_add(tokens);
    }
    if added > MAX_ADDED_TOKENS {
        return Err(TokenizerError::Growth { part, got: added, max: MAX_ADDED_TOKENS });
    }
    Ok(())
}

const fn bounded(part: &'static str, got: u64) -> Result<u64, TokenizerError> {
    if got > MAX_GROWTH {
        return Err(TokenizerError::Growth { part, got, max: MAX_GROWTH });
    }
    Ok(got)
}

/// The product over a part and, where it is a sequence, over its steps.
fn chain(value: &Value, list: &str, step: fn(&Value) -> u64) -> u64 {
    steps(value, list).into_iter().map(step).fold(1, u64::saturating_mul)
}

/// Lists the regular expressions of a normalizer or decoder.
pub(super) fn patterns<'a>(value: &'a Value, name: &str) -> Vec<&'a str> {
    let pattern = |step: &'a Value| step["pattern"]["Regex"].as_str();
    steps(value, name).into_iter().filter_map(pattern).collect()
}

/// Returns whether a part has a step that makes characters of bytes.
pub(super) fn is_byte_level(value: &Value, name: &str) -> bool {
    steps(value, name).into_iter().any(|step| step["type"] == "ByteLevel")
}

/// Returns whether a normalizer takes characters apart, and leaves the parts in the text.
pub(super) fn takes_apart(normalizer: &Value) -> bool {
    let apart = |step: &&Value| match step["type"].as_str() {
        Some("BertNormalizer" | "NFD" | "NFKD") => true,
        Some(_) => false,
        // Of the steps without a type, BERT's has none of these.
        None => {
            ["content", "prepend", "precompiled_charsmap"].iter().all(|field| step[field].is_null())
        }
    };
    steps(normalizer, "normalizers").iter().any(apart)
}

/// Returns whether a normalizer replaces characters by those that they are compatible with, of
/// which there may be many.
pub(super) fn is_compatible(normalizer: &Value) -> bool {
    let compatible = |step: &&Value| step["type"] == "NFKC" || step["type"] == "NFKD";
    steps(normalizer, "normalizers").iter().any(compatible)
}

/// Returns whether a decoder takes spaces away that punctuation does not have before it, token by
/// token.
pub(super) fn cleans_up(decoder: &Value) -> bool {
    let cleans = |step: &&Value| {
        let named = step["type"] == "CTC" || step["type"] == "WordPiece";
        step["cleanup"] == true || named && step["cleanup"].is_null()
    };
    steps(decoder, "decoders").iter().any(cleans)
}

/// The steps of a part in order, nested sequences flattened. The parser bounds the nesting.
fn steps<'a>(value: &'a Value, name: &str) -> Vec<&'a Value> {
    match value.get(name) {
        Some(nested) => list(nested).iter().flat_map(|value| steps(value, name)).collect(),
        None if value.is_null() => Vec::new(),
        None => vec![value],
    }
}

/// Files of older versions leave the type out, so fields decide before the type does.
fn normalizer_step(step: &Value) -> u64 {
    if let Some(content) = step["content"].as_str() {
        return replace(step, content);
    }
    if let Some(prepended) = step["prepend"].as_str() {
        // Once for each stretch between added tokens, and a stretch has at least a byte.
        return 1 + prepended.len() as u64;
    }
    if let Some(map) = step["precompiled_charsmap"].as_str() {
        return precompiled(map);
    }
    match step["type"].as_str() {
        // Spaces around Chinese characters, then decomposition, then lower case.
        Some("BertNormalizer") | None => 12,
        Some("ByteLevel") => 2,
        Some("Lowercase") => 2,
        Some("NFC" | "NFD") => 3,
        // U+FDFA becomes 18 characters of 33 bytes.
        Some("NFKC" | "NFKD") => 11,
        _ => 1,
    }
}

fn pre_tokenizer_step(step: &Value) -> u64 {
    if let Some(replacement) = step["replacement"].as_str() {
        // For each space, and once more at the start of each word.
        return 1 + 2 * replacement.len() as u64;
    }
    match step["type"].as_str() {
        // A byte becomes a character of at most two bytes, and so does a space before each word.
        Some("ByteLevel") | None if step["add_prefix_space"] == false => 2,
        Some("ByteLevel") | None => 4,
        _ => 1,
    }
}

fn decoder_step(step: &Value) -> u64 {
    if let Some(content) = step["content"].as_str()
        && step.get("pattern").is_some()
    {
        return replace(step, content);
    }
    match step["type"].as_str() {
        // A byte that is not UTF-8 becomes U+FFFD.
        Some("ByteLevel") => 3,
        // A space for each piece, or for each empty place.
        Some("BPEDecoder" | "CTC" | "WordPiece") | None => 2,
        _ => 1,
    }
}

/// What `Replace` does: `content` for each match. A regular expression may match between any two
/// bytes.
fn replace(step: &Value, content: &str) -> u64 {
    let content = content.len() as u64;
    match step["pattern"]["String"].as_str() {
        Some(pattern) if !pattern.is_empty() => content.div_ceil(pattern.len() as u64).max(1),
        _ => 1 + content,
    }
}

/// The longest replacement of a SentencePiece character map: the length of a trie in bytes, the
/// trie, and replacements that end in NUL. No bound if the map is cut short: the crate reserves
/// memory by the length that the map claims.
fn precompiled(map: &str) -> u64 {
    let Ok(bytes) = BASE64_STANDARD.decode(map) else { return u64::MAX };
    let Some((length, rest)) = bytes.split_first_chunk::<4>() else { return u64::MAX };
    let Some(texts) = rest.get(u32::from_le_bytes(*length) as usize / 4 * 4..) else {
        return u64::MAX;
    };
    texts.split(|byte| *byte == 0).map(<[u8]>::len).max().unwrap_or(1).max(1) as u64
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Most that normalizer and pre-tokenizer may multiply a text by. Honest chains reach some
/// thousands on paper: one that normalizes to NFKD, to lower case, by a SentencePiece map and by
/// Metaspace has 11 * 2 * 33 * 7.
const MAX_GROWTH: u64 = 1 << 14;

/// Most that a decoder may multiply a token by.
const MAX_DECODER_GROWTH: u64 = 8;

/// Most tokens that a template puts around a text.
const MAX_ADDED_TOKENS: u64 = 256;
