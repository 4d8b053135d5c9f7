//! How much longer the parts of a tokenizer can make a text. Each rule is an upper bound for one
//! byte of any text, and the bounds of a chain multiply, so that a file cannot hide a text of
//! gigabytes behind a few steps.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::Value;

use super::{TokenizerError, patterns};

/// Returns the bound of a normalizer followed by a pre-tokenizer.
pub(super) fn text(normalizer: &[Value], pre_tokenizer: &[Value]) -> Result<u64, TokenizerError> {
    for step in normalizer {
        let max = match step["type"].as_str() {
            Some("Replace" | "Prepend") => MAX_REPLACEMENT_GROWTH,
            Some("Precompiled") => MAX_MAP_GROWTH,
            _ => continue,
        };
        let got = normalizer_step(step);
        if got > max {
            return Err(TokenizerError::Growth { part: "normalizer", got, max });
        }
    }
    if let Some(step) = pre_tokenizer.iter().find(|step| step["length"] == 0) {
        // The crate panics at each text.
        let got = step["type"].as_str().unwrap_or_default().to_owned();
        return Err(TokenizerError::Step { part: "pre_tokenizer", got });
    }
    let normalizer = bounded("normalizer", self::normalizer(normalizer))?;
    let pre = bounded("pre_tokenizer", chain(pre_tokenizer, pre_tokenizer_step))?;
    bounded("normalizer and pre_tokenizer", normalizer.saturating_mul(pre))
}

/// Returns the bound of a normalizer.
pub(super) fn normalizer(steps: &[Value]) -> u64 {
    chain(steps, normalizer_step)
}

/// Checks a decoder.
pub(super) fn decoder(steps: &[Value]) -> Result<(), TokenizerError> {
    let got = chain(steps, decoder_step);
    if got > MAX_DECODER_GROWTH {
        return Err(TokenizerError::Growth { part: "decoder", got, max: MAX_DECODER_GROWTH });
    }
    // It counts down from the last token, and overflows where there is none.
    let step = "BPEDecoder";
    if steps.iter().skip(1).any(|value| value["type"] == step) {
        return Err(TokenizerError::LateStep { step });
    }
    Ok(())
}

/// Returns the text that a step finds, if it is longer than a pattern may be.
pub(super) fn long_text(steps: &[Value]) -> Option<&str> {
    let texts = steps.iter().filter_map(|step| step["pattern"]["String"].as_str());
    texts.into_iter().find(|text| text.len() > patterns::MAX_BYTES)
}

/// Checks that a post-processor uses a text once, and adds few tokens of short texts, which the
/// crate copies for each text.
pub(super) fn post_processor(steps: &[Value]) -> Result<(), TokenizerError> {
    let part = "post_processor";
    let mut added = 0_u64;
    let texts = steps.iter().flat_map(|step| {
        let special = step["special_tokens"].as_object().into_iter().flat_map(|map| map.values());
        let tokens = special.flat_map(|token| token["tokens"].as_array().into_iter().flatten());
        tokens.chain(["sep", "cls"].map(|end| &step[end][0]))
    });
    if let Some(got) = texts.map(text_bytes).find(|got| *got > MAX_ADDED_BYTES) {
        return Err(TokenizerError::Growth { part, got, max: MAX_ADDED_BYTES });
    }
    for step in steps.iter().filter(|step| step["type"] == "TemplateProcessing") {
        let form = || TokenizerError::Step { part, got: "TemplateProcessing".to_owned() };
        let mut texts = 0;
        for piece in step["single"].as_array().ok_or_else(form)? {
            // The crate takes other forms of them as well.
            if only(piece, "Sequence").and_then(|piece| piece["id"].as_str()).is_some() {
                texts += 1;
                continue;
            }
            let token = only(piece, "SpecialToken").and_then(|piece| piece["id"].as_str());
            let ids = step["special_tokens"][token.ok_or_else(form)?]["ids"].as_array();
            added = added.saturating_add(ids.ok_or_else(form)?.len() as u64);
        }
        if texts > 1 {
            return Err(TokenizerError::Growth { part, got: texts, max: 1 });
        }
    }
    if added > MAX_ADDED_TOKENS {
        return Err(TokenizerError::Growth { part, got: added, max: MAX_ADDED_TOKENS });
    }
    Ok(())
}

/// The object that is the only field of another one, of this name.
fn only<'a>(value: &'a Value, field: &str) -> Option<&'a Value> {
    let fields = value.as_object().filter(|fields| fields.len() == 1)?;
    fields.get(field).filter(|value| value.is_object())
}

const fn bounded(part: &'static str, got: u64) -> Result<u64, TokenizerError> {
    if got > MAX_GROWTH {
        return Err(TokenizerError::Growth { part, got, max: MAX_GROWTH });
    }
    Ok(got)
}

/// The product over the steps of a part.
fn chain(steps: &[Value], step: fn(&Value) -> u64) -> u64 {
    steps.iter().map(step).fold(1, u64::saturating_mul)
}

/// Lists the regular expressions of a part.
pub(super) fn patterns(steps: &[Value]) -> impl Iterator<Item = &str> {
    steps.iter().filter_map(|step| step["pattern"]["Regex"].as_str())
}

/// Returns whether a part has a step that makes characters of bytes.
pub(super) fn is_byte_level(steps: &[Value]) -> bool {
    steps.iter().any(|step| step["type"] == "ByteLevel")
}

/// Returns whether a normalizer takes characters apart, and leaves the parts in the text.
pub(super) fn takes_apart(normalizer: &[Value]) -> bool {
    let apart = |name: &str| matches!(name, "BertNormalizer" | "NFD" | "NFKD");
    normalizer.iter().any(|step| step["type"].as_str().is_some_and(apart))
}

/// Returns whether a normalizer replaces characters by those that they are compatible with, of
/// which there may be many.
pub(super) fn is_compatible(normalizer: &[Value]) -> bool {
    normalizer.iter().any(|step| step["type"] == "NFKC" || step["type"] == "NFKD")
}

/// Returns whether a decoder takes spaces away that punctuation does not have before it, token by
/// token.
pub(super) fn cleans_up(decoder: &[Value]) -> bool {
    let cleans = |step: &&Value| step["type"] == "CTC" || step["type"] == "WordPiece";
    decoder.iter().filter(|step| cleans(step)).any(|step| step["cleanup"] != false)
}

pub(super) fn normalizer_step(step: &Value) -> u64 {
    match step["type"].as_str() {
        Some("Replace") => replace(step),
        // Once for each stretch between added tokens, and a stretch has at least a byte.
        Some("Prepend") => 1 + text_bytes(&step["prepend"]),
        Some("Precompiled") => step["precompiled_charsmap"].as_str().map_or(1, precompiled),
        // Spaces around Chinese characters, then decomposition, then lower case.
        Some("BertNormalizer") => 12,
        Some("ByteLevel" | "Lowercase") => 2,
        Some("NFC" | "NFD") => 3,
        // U+FDFA becomes 18 characters of 33 bytes.
        Some("NFKC" | "NFKD") => 11,
        _ => 1,
    }
}

fn pre_tokenizer_step(step: &Value) -> u64 {
    match step["type"].as_str() {
        // For each space, and once more at the start of each word.
        Some("Metaspace") => 1 + 2 * text_bytes(&step["replacement"]),
        // A byte becomes a character of at most two bytes, and so does a space before each word.
        Some("ByteLevel") if step["add_prefix_space"] == false => 2,
        Some("ByteLevel") => 4,
        _ => 1,
    }
}

pub(super) fn decoder_step(step: &Value) -> u64 {
    match step["type"].as_str() {
        Some("Replace") => replace(step),
        // A byte that is not UTF-8 becomes U+FFFD.
        Some("ByteLevel") => 3,
        // A space for each piece, or for each empty place.
        Some("BPEDecoder" | "CTC" | "WordPiece") => 2,
        _ => 1,
    }
}

/// What `Replace` does: `content` for each match. A regular expression may match between any two
/// bytes.
fn replace(step: &Value) -> u64 {
    let content = text_bytes(&step["content"]);
    match pattern_bytes(step) {
        0 => 1 + content,
        bytes => content.div_ceil(bytes).max(1),
    }
}

/// The least bytes of what a `Replace` finds.
pub(super) fn pattern_bytes(step: &Value) -> u64 {
    text_bytes(&step["pattern"]["String"])
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

/// The bytes of a text; none where it is not one, which the crate refuses.
fn text_bytes(value: &Value) -> u64 {
    value.as_str().map_or(0, |text| text.len() as u64)
}

/// Most that a step may multiply a text by that puts its own text in: U+2581 for a space or more.
const MAX_REPLACEMENT_GROWTH: u64 = 4;

/// Most that a character map may multiply a text by; that of T5 and XLM-R has 33.
const MAX_MAP_GROWTH: u64 = 64;

/// Most that normalizer and pre-tokenizer may multiply a text by. Honest chains reach some
/// thousands on paper: one that normalizes to NFKD, to lower case, by a SentencePiece map and by
/// Metaspace has 11 * 2 * 33 * 7.
const MAX_GROWTH: u64 = 1 << 14;

/// Most that a decoder may multiply a token by.
const MAX_DECODER_GROWTH: u64 = 8;

/// Longest text of such a token.
const MAX_ADDED_BYTES: u64 = 96;

/// Most tokens that a template puts around a text.
const MAX_ADDED_TOKENS: u64 = 256;
