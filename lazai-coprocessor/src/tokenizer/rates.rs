//! What the steps of a tokenizer are charged: operations for each byte of a text, and for each
//! token and byte that is decoded.
//!
//! The price of a [kind](TokenizerKind::flops_per_byte) holds what published tokenizers of that
//! kind do. A file may list more, or slower, so what its steps take together beyond those is added.
//! The cost of a step is measured over a text whose bytes are all words of their own, where nearly
//! all take longest.

use super::{
    TokenizerKind,
    added::AddedTexts,
    file::{Decoder, File, Normalizer, Pattern, PreTokenizer},
    growth, patterns,
};

/// Returns the operations charged for each byte that a tokenizer of `kind` with the steps of `file`
/// reads.
pub(super) fn reading(kind: TokenizerKind, file: &File) -> u64 {
    let normalizer = sum(file.normalizer.steps(), normalizer_step);
    // Read by hand, in the same pass as the pairs of bytes.
    let is_at_once = kind == TokenizerKind::ByteLevelBpe;
    let pre_tokenizer =
        if is_at_once { 0 } else { sum(file.pre_tokenizer.steps(), pre_tokenizer_step) };
    let post_processor = sum(file.post_processor.steps(), |_| POST_PROCESSOR_STEP);
    let steps = normalizer + pre_tokenizer + post_processor;
    kind.flops_per_byte() + steps.saturating_sub(published_steps(kind))
}

/// Returns the operations charged besides for each byte where added tokens are found: what cuts a
/// text at one, and what is read again because the search looked for a longer one.
pub(super) fn added_tokens(added: &AddedTexts) -> u64 {
    let again = if added.bytes > CACHED_ADDED_BYTES { FAR_STEP } else { NEAR_STEP };
    let cut = if added.looks_around { 2 * ADDED_TOKEN } else { ADDED_TOKEN };
    // Once as it is written, and once behind the normalizer.
    let of_one = cut + 2 * again * added.longest_gap as u64;
    added.shortest.map_or(0, |shortest| of_one / shortest.max(1) as u64)
}

/// Operations charged for what is decoded.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct DecodingRates {
    /// For each token.
    pub(super) token: u64,
    /// For each byte that the tokens spell.
    pub(super) byte: u64,
}

impl DecodingRates {
    pub(super) fn new(decoder: &[Decoder]) -> Self {
        let more = decoder.len().saturating_sub(LLAMA_DECODER_STEPS) as u64;
        let cleans = growth::cleans_up(decoder);
        let base = if cleans { CLEAN_DECODE_FLOPS_PER_TOKEN } else { DECODE_FLOPS_PER_TOKEN };
        let (mut bytes, mut growth) = (0, 1);
        for step in decoder {
            bytes += decoder_step(step) * growth;
            growth *= growth::decoder_step(step);
        }
        Self {
            token: base + more * DECODER_STEP,
            byte: DECODE_FLOPS_PER_BYTE + bytes.saturating_sub(LLAMA_DECODER_FLOPS),
        }
    }
}

fn sum<S>(steps: &[S], of: fn(&S) -> u64) -> u64 {
    steps.iter().map(of).sum()
}

/// What the steps of published tokenizers take, which the price of the kind holds.
const fn published_steps(kind: TokenizerKind) -> u64 {
    match kind {
        // Qwen: NFC, and a byte-level post-processor; Llama 3: that and a template.
        TokenizerKind::ByteLevelBpe => 5_000 + 2 * POST_PROCESSOR_STEP,
        // StarCoder: digits, and a byte level with its pattern.
        TokenizerKind::PatternBpe => 16_000 + 32_000 + 2 * POST_PROCESSOR_STEP,
        // Gemma: one string replaced, and one cut at.
        TokenizerKind::SentencePieceBpe => 10_000 + 16_000 + POST_PROCESSOR_STEP,
        // ALBERT: two strings replaced, three forms, a map whose longest text has 33 bytes, a cut
        // at spaces, and marks of spaces.
        TokenizerKind::Unigram => 20_000 + 15_000 + 66_000 + 16_000 + 24_000 + POST_PROCESSOR_STEP,
        // BERT, behind a form of Unicode.
        TokenizerKind::WordPiece => 20_000 + 28_000 + POST_PROCESSOR_STEP,
    }
}

fn normalizer_step(step: &Normalizer) -> u64 {
    match step {
        // What it finds is cut out, and what stands for it put in.
        Normalizer::Replace { .. } => 10_000,
        Normalizer::Bert { .. } => 15_000,
        // Each character looked up, and the longest text put in for it.
        Normalizer::Precompiled { .. } => 2_000 * growth::normalizer_step(step).max(4),
        Normalizer::Prepend { .. } | Normalizer::Strip { .. } => 1_000,
        _ => 5_000,
    }
}

fn pre_tokenizer_step(step: &PreTokenizer) -> u64 {
    match step {
        PreTokenizer::Bert {} => 28_000,
        PreTokenizer::Metaspace(_) => 24_000,
        // Without a pattern it only spells bytes.
        PreTokenizer::ByteLevel(bytes) if bytes.use_regex == Some(false) => 15_000,
        PreTokenizer::ByteLevel(_) => 32_000,
        // One automaton before the spaces, and one behind them.
        PreTokenizer::Split { pattern: Pattern::Regex(pattern), .. } => {
            if patterns::has_spaces(pattern) { 27_000 } else { 17_000 }
        }
        _ => 16_000,
    }
}

/// For each byte that the tokens spell.
const fn decoder_step(step: &Decoder) -> u64 {
    match step {
        Decoder::ByteFallback {} | Decoder::Fuse {} => 0,
        // As often as what it finds has room in a text; a search for a pattern looks ahead.
        Decoder::Replace { pattern, .. } => match growth::pattern_bytes(pattern) {
            0 => 8_000,
            bytes => 3_000 / bytes,
        },
        Decoder::ByteLevel(_) => 700,
        _ => 400,
    }
}

const POST_PROCESSOR_STEP: u64 = 2_000;

/// For an added token that is found.
const ADDED_TOKEN: u64 = 50_000;

/// For a byte of a token that the search reads again.
const NEAR_STEP: u64 = 400;

/// The same where the automaton has no room in the caches.
const FAR_STEP: u64 = 4_000;

/// Bytes of added tokens whose automaton has; those of Gemma have a hundred thousand.
const CACHED_ADDED_BYTES: usize = 1 << 17;

/// Operations charged for each token that is decoded, where no step looks for spaces to take away.
const DECODE_FLOPS_PER_TOKEN: u64 = 30_000;

/// The same where a step looks in each token for the spaces that punctuation does not have before
/// it: 500 to 540 nanoseconds.
const CLEAN_DECODE_FLOPS_PER_TOKEN: u64 = 45_000;

/// For each token and step beyond those of Llama.
const DECODER_STEP: u64 = 10_000;

/// Operations charged for each byte of the texts of the tokens that are decoded.
const DECODE_FLOPS_PER_BYTE: u64 = 1_000;

/// The steps of Llama's decoder: U+2581 replaced, bytes, all joined, a space stripped.
const LLAMA_DECODER_STEPS: usize = 4;

/// What they take for each byte.
const LLAMA_DECODER_FLOPS: u64 = 1_400;

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::tokenizer::fixtures::sentence_piece;

    fn split(pattern: &str) -> Value {
        json!({"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": false})
    }

    fn step(kind: &str) -> Value {
        json!({"type": kind})
    }

    fn replace(pattern: &str, content: &str) -> Value {
        json!({"type": "Replace", "pattern": {"String": pattern}, "content": content})
    }

    fn bytes(use_regex: bool) -> Value {
        json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": use_regex})
    }

    fn metaspace() -> Value {
        json!({"type": "Metaspace", "replacement": "\u{2581}", "prepend_scheme": "always", "split": true})
    }

    fn part(list: &str, steps: &[Value]) -> Value {
        if steps.is_empty() { Value::Null } else { json!({"type": "Sequence", list: steps}) }
    }

    /// A file with these steps, whatever its model is.
    fn file(
        normalizer: &[Value],
        pre_tokenizer: &[Value],
        post_processor: &[Value],
        decoder: &[Value],
    ) -> File {
        let mut json = sentence_piece();
        json["normalizer"] = part("normalizers", normalizer);
        json["pre_tokenizer"] = part("pretokenizers", pre_tokenizer);
        json["post_processor"] = part("processors", post_processor);
        json["decoder"] = part("decoders", decoder);
        File::new(&serde_json::to_vec(&json).unwrap()).unwrap()
    }

    fn reading(
        kind: TokenizerKind,
        normalizer: &[Value],
        pre_tokenizer: &[Value],
        post_processor: &[Value],
    ) -> u64 {
        super::reading(kind, &file(normalizer, pre_tokenizer, post_processor, &[]))
    }

    fn decoding(decoder: &[Value]) -> DecodingRates {
        DecodingRates::new(file(&[], &[], &[], decoder).decoder.steps())
    }

    const GPT_4O: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";
    const DEEPSEEK: &str = r##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"##;

    #[test]
    fn published_steps_are_in_the_price_of_the_kind() {
        let marks = replace(" ", "\u{2581}");
        let prepend = json!({"type": "Prepend", "prepend": "\u{2581}"});
        let digits = json!({"type": "Digits", "individual_digits": true});
        let bert = json!({
            "type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
            "strip_accents": null, "lowercase": true
        });
        let template =
            [json!({"type": "TemplateProcessing", "single": [], "pair": [], "special_tokens": {}})];
        for (kind, normalizer, pre_tokenizer) in [
            (TokenizerKind::ByteLevelBpe, vec![step("NFC")], vec![split(GPT_4O), bytes(false)]),
            (TokenizerKind::PatternBpe, vec![], vec![split(GPT_4O), bytes(false)]),
            (TokenizerKind::PatternBpe, vec![], vec![digits, bytes(true)]),
            (TokenizerKind::SentencePieceBpe, vec![prepend, marks.clone()], vec![]),
            (
                TokenizerKind::SentencePieceBpe,
                vec![marks],
                vec![
                    json!({"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": false}),
                ],
            ),
            (TokenizerKind::SentencePieceBpe, vec![], vec![metaspace()]),
            (TokenizerKind::Unigram, vec![step("NFKC")], vec![metaspace()]),
            (TokenizerKind::WordPiece, vec![bert], vec![step("BertPreTokenizer")]),
        ] {
            let rate = reading(kind, &normalizer, &pre_tokenizer, &template);
            assert_eq!(rate, kind.flops_per_byte(), "{kind:?}");
        }
        let strip = json!({"type": "Strip", "content": " ", "start": 1, "stop": 0});
        let llama = [replace("\u{2581}", " "), step("ByteFallback"), step("Fuse"), strip];
        for decoder in [&llama[..], &[bytes(true)], &[metaspace()], &[]] {
            assert_eq!(decoding(decoder), DecodingRates { token: 30_000, byte: 1_000 });
        }
        let bert = [json!({"type": "WordPiece", "prefix": "##", "cleanup": true})];
        assert_eq!(decoding(&bert), DecodingRates { token: 45_000, byte: 1_000 });
    }

    /// Figures that the benches show to be enough.
    #[test]
    fn more_steps_are_charged() {
        let kind = TokenizerKind::PatternBpe;
        let level = [bytes(true)];
        let v3 = [split(r"\p{N}{1,3}"), split("[a-z]+"), split(DEEPSEEK), bytes(false)];
        assert_eq!(reading(kind, &[], &v3, &level), 106_000);
        let mut llm = vec![split("[a-z]+"); 5];
        llm.extend([json!({"type": "Digits", "individual_digits": true}), bytes(false)]);
        assert_eq!(reading(kind, &[], &llm, &level), 146_000);

        let kind = TokenizerKind::SentencePieceBpe;
        let mut words = vec![split(r"\s+(?!\S)|[\s\S]")];
        words.extend(vec![step("BertPreTokenizer"); 6]);
        assert_eq!(reading(kind, &[], &words, &[]), 60_000 + 27_000 + 6 * 28_000 - 28_000);
        assert_eq!(reading(kind, &vec![replace("a", "b"); 8], &[], &[]), 60_000 + 80_000 - 28_000);
        assert_eq!(
            decoding(&vec![replace("a", "b"); 5]),
            DecodingRates { token: 40_000, byte: 1_000 + 5 * 3_000 - 1_400 }
        );
        // The second reads what the first has made.
        let byte = 1_000 + 3_000 + 8 * 3_000 - 1_400;
        let decoder = [replace("a", "bbbbbbbb"), replace("a", "c")];
        assert_eq!(decoding(&decoder), DecodingRates { token: 30_000, byte });
    }
}
