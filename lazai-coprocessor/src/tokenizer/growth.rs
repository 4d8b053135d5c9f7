//! How much longer the parts of a tokenizer can make a text. Each rule is an upper bound for one
//! byte of any text, and the bounds of a chain multiply, so that a file cannot hide a text of
//! gigabytes behind a few steps.

use base64::{Engine, prelude::BASE64_STANDARD};

use super::{
    TokenizerError,
    file::{AddedToken, Decoder, Normalizer, Pattern, PostProcessor, PreTokenizer, TemplatePiece},
};

/// Returns the bound of a normalizer followed by a pre-tokenizer.
pub(super) fn text(
    normalizer: &[Normalizer],
    pre_tokenizer: &[PreTokenizer],
) -> Result<u64, TokenizerError> {
    for step in normalizer {
        let max = match step {
            Normalizer::Prepend { .. } | Normalizer::Replace { .. } => MAX_REPLACEMENT_GROWTH,
            Normalizer::Precompiled { .. } => MAX_MAP_GROWTH,
            _ => continue,
        };
        let got = normalizer_step(step);
        if got > max {
            return Err(TokenizerError::Growth { part: "normalizer", got, max });
        }
    }
    let normalizer = bounded("normalizer", self::normalizer(normalizer))?;
    let pre = bounded("pre_tokenizer", chain(pre_tokenizer, pre_tokenizer_step))?;
    bounded("normalizer and pre_tokenizer", normalizer.saturating_mul(pre))
}

/// Returns the bound of a normalizer.
fn normalizer(steps: &[Normalizer]) -> u64 {
    chain(steps, normalizer_step)
}

/// Checks a decoder, which may put the texts of its steps in at each token, and look for them.
pub(super) fn decoder(steps: &[Decoder]) -> Result<(), TokenizerError> {
    let part = "decoder";
    for step in steps {
        if let Decoder::BytePairs { suffix: text } | Decoder::WordPiece { prefix: text, .. } = step
            && text.len() > MAX_AFFIX_BYTES
        {
            return Err(TokenizerError::TextLength { part, got: text.len(), max: MAX_AFFIX_BYTES });
        }
        // The crate counts back from the end of a text that may be shorter.
        if let Decoder::Strip { stop: 1.., .. } = step {
            return Err(TokenizerError::syntax("a Strip of the decoder takes from the end"));
        }
    }
    let got = chain(steps, decoder_step);
    if got > MAX_DECODER_GROWTH {
        return Err(TokenizerError::Growth { part, got, max: MAX_DECODER_GROWTH });
    }
    // It counts down from the last token, and overflows where there is none.
    if steps.iter().skip(1).any(|step| matches!(step, Decoder::BytePairs { .. })) {
        return Err(TokenizerError::LateStep { step: "BPEDecoder" });
    }
    Ok(())
}

/// Checks that a post-processor uses a text once, and adds few tokens of short texts, which the
/// crate copies for each text.
pub(super) fn post_processor(steps: &[PostProcessor]) -> Result<(), TokenizerError> {
    let part = "post_processor";
    for step in steps {
        let (texts, added) = match step {
            PostProcessor::ByteLevel(_) => continue,
            PostProcessor::BertProcessing { sep, cls }
            | PostProcessor::RobertaProcessing { sep, cls, .. } => (vec![&sep.0, &cls.0], 2),
            PostProcessor::TemplateProcessing { single, special_tokens, .. } => {
                let uses = |piece: &&TemplatePiece| matches!(piece, TemplatePiece::Sequence(_));
                let got = single.iter().filter(uses).count() as u64;
                if got > 1 {
                    return Err(TokenizerError::Growth { part, got, max: 1 });
                }
                let added = single.iter().map(|piece| match piece {
                    TemplatePiece::Sequence(_) => Some(0),
                    TemplatePiece::SpecialToken(token) => {
                        let tokens = special_tokens.get(&token.id)?;
                        Some(tokens.ids.len().max(tokens.tokens.len()) as u64)
                    }
                });
                let form = || TokenizerError::Step { part, got: "TemplateProcessing".to_owned() };
                let added = added.sum::<Option<u64>>().ok_or_else(form)?;
                (special_tokens.values().flat_map(|token| &token.tokens).collect(), added)
            }
        };
        if let Some(long) = texts.into_iter().find(|text| text.len() > MAX_ADDED_BYTES) {
            let (got, max) = (long.len(), MAX_ADDED_BYTES);
            return Err(TokenizerError::TextLength { part, got, max });
        }
        if added > MAX_TEMPLATE_TOKENS {
            return Err(TokenizerError::Growth { part, got: added, max: MAX_TEMPLATE_TOKENS });
        }
    }
    Ok(())
}

/// Checks tokens that are looked for in a text: the crate normalizes them when they are added, and
/// looks for all of them at each byte.
pub(super) fn added_tokens(
    added: &[AddedToken],
    normalizer: &[Normalizer],
) -> Result<(), TokenizerError> {
    let (got, max) = (added.len() as u64, MAX_ADDED_TOKENS);
    if got > max {
        return Err(TokenizerError::Growth { part: "added_tokens", got, max });
    }
    let max = MAX_ADDED_BYTES;
    if let Some(long) = added.iter().find(|token| token.content.len() > max) {
        let (token, got) = (long.id, long.content.len());
        return Err(TokenizerError::TokenLength { token, got, max });
    }
    let growth = self::normalizer(normalizer);
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

const fn bounded(part: &'static str, got: u64) -> Result<u64, TokenizerError> {
    if got > MAX_GROWTH {
        return Err(TokenizerError::Growth { part, got, max: MAX_GROWTH });
    }
    Ok(got)
}

/// The product over the steps of a part.
fn chain<S>(steps: &[S], step: fn(&S) -> u64) -> u64 {
    steps.iter().map(step).fold(1, u64::saturating_mul)
}

/// Returns whether a normalizer spells bytes.
pub(super) fn spells_bytes(normalizer: &[Normalizer]) -> bool {
    normalizer.iter().any(|step| matches!(step, Normalizer::ByteLevel {}))
}

/// Returns whether texts of the alphabet of bytes are decoded to bytes.
pub(super) fn decodes_bytes(decoder: &[Decoder]) -> bool {
    decoder.iter().any(|step| matches!(step, Decoder::ByteLevel(_)))
}

/// Returns whether a normalizer takes characters apart, and leaves the parts in the text.
pub(super) fn takes_apart(normalizer: &[Normalizer]) -> bool {
    use Normalizer::{Bert, Nfd, Nfkd};
    normalizer.iter().any(|step| matches!(step, Bert { .. } | Nfd {} | Nfkd {}))
}

/// Returns whether a normalizer replaces characters by those that they are compatible with, of
/// which there may be many.
pub(super) fn is_compatible(normalizer: &[Normalizer]) -> bool {
    normalizer.iter().any(|step| matches!(step, Normalizer::Nfkc {} | Normalizer::Nfkd {}))
}

/// Returns whether a decoder takes spaces away that punctuation does not have before it, token by
/// token.
pub(super) fn cleans_up(decoder: &[Decoder]) -> bool {
    decoder.iter().any(|step| matches!(step, Decoder::WordPiece { cleanup: true, .. }))
}

pub(super) fn normalizer_step(step: &Normalizer) -> u64 {
    match step {
        Normalizer::Replace { pattern, content } => replace(pattern, content),
        // Once for each stretch between added tokens, and a stretch has at least a byte.
        Normalizer::Prepend { prepend } => 1 + prepend.len() as u64,
        Normalizer::Precompiled { precompiled_charsmap } => precompiled(precompiled_charsmap),
        // Spaces around Chinese characters, then decomposition, then lower case.
        Normalizer::Bert { .. } => 12,
        Normalizer::ByteLevel {} | Normalizer::Lowercase {} => 2,
        Normalizer::Nfc {} | Normalizer::Nfd {} => 3,
        // U+FDFA becomes 18 characters of 33 bytes.
        Normalizer::Nfkc {} | Normalizer::Nfkd {} => 11,
        Normalizer::Nmt {} | Normalizer::Strip { .. } | Normalizer::StripAccents {} => 1,
    }
}

fn pre_tokenizer_step(step: &PreTokenizer) -> u64 {
    match step {
        // For each space, and once more at the start of each word.
        PreTokenizer::Metaspace(marks) => 1 + 2 * marks.replacement.len_utf8() as u64,
        // A byte becomes a character of at most two bytes, and so does a space before each word.
        PreTokenizer::ByteLevel(bytes) if bytes.add_prefix_space == Some(false) => 2,
        PreTokenizer::ByteLevel(_) => 4,
        _ => 1,
    }
}

pub(super) fn decoder_step(step: &Decoder) -> u64 {
    match step {
        Decoder::Replace { pattern, content } => replace(pattern, content),
        // A byte that is not UTF-8 becomes U+FFFD.
        Decoder::ByteLevel(_) => 3,
        // A space for each piece, or for each empty place.
        Decoder::BytePairs { .. } | Decoder::WordPiece { .. } => 2,
        Decoder::ByteFallback {}
        | Decoder::Fuse {}
        | Decoder::Metaspace(_)
        | Decoder::Strip { .. } => 1,
    }
}

/// What `Replace` does: `content` for each match. A regular expression may match between any two
/// bytes.
fn replace(pattern: &Pattern, content: &str) -> u64 {
    let content = content.len() as u64;
    match pattern_bytes(pattern) {
        0 => 1 + content,
        bytes => content.div_ceil(bytes).max(1),
    }
}

/// The least bytes of what a pattern finds.
pub(super) const fn pattern_bytes(pattern: &Pattern) -> u64 {
    match pattern {
        Pattern::Regex(_) => 0,
        Pattern::String(text) => text.len() as u64,
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

/// Most that a step may multiply a text by that puts its own text in: U+2581 for a space or more.
const MAX_REPLACEMENT_GROWTH: u64 = 4;

/// Most that a character map may multiply a text by; that of T5 and XLM-R has 33.
const MAX_MAP_GROWTH: u64 = 36;

/// Most that normalizer and pre-tokenizer may multiply a text by. Honest chains reach some
/// thousands on paper: one that normalizes to NFKD, to lower case, by a SentencePiece map and by
/// Metaspace has 11 * 2 * 33 * 7.
const MAX_GROWTH: u64 = 1 << 14;

/// Most that a decoder may multiply a token by.
const MAX_DECODER_GROWTH: u64 = 8;

/// Longest prefix or suffix that a decoder looks for in each token.
const MAX_AFFIX_BYTES: usize = 16;

/// Longest added token, in bytes, and text of a token of a template; the 31 spaces of Gemma have
/// 93.
const MAX_ADDED_BYTES: usize = 96;

/// Most added tokens; models of speech have tens of thousands.
const MAX_ADDED_TOKENS: u64 = 1 << 17;

/// Most bytes of all added tokens, and of what the normalizer may make of them.
const MAX_NORMALIZED_BYTES: u64 = 1 << 20;

/// Most tokens that a template puts around a text.
const MAX_TEMPLATE_TOKENS: u64 = 256;
