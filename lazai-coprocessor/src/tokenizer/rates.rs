//! What the steps of a tokenizer are charged: operations for each byte of a text, and for each
//! token and byte that is decoded.
//!
//! The price of a [kind](TokenizerKind::flops_per_byte) holds what published tokenizers of that
//! kind do. A file may list more, or slower, so what its steps take together beyond those is added.
//! The cost of a step is measured over a text whose bytes are all words of their own, where nearly
//! all take longest.

use serde_json::Value;

use super::{TokenizerKind, growth, patterns};

/// Returns the operations charged for each byte that a tokenizer of `kind` with these steps reads.
pub(super) fn reading(
    kind: TokenizerKind,
    normalizer: &[Value],
    pre_tokenizer: &[Value],
    post_processor: &[Value],
) -> u64 {
    let normalizer = sum(normalizer, normalizer_step);
    // Read by hand, in the same pass as the pairs of bytes.
    let is_at_once = kind == TokenizerKind::ByteLevelBpe;
    let pre_tokenizer = if is_at_once { 0 } else { sum(pre_tokenizer, pre_tokenizer_step) };
    let post_processor = sum(post_processor, |_| POST_PROCESSOR_STEP);
    let steps = normalizer + pre_tokenizer + post_processor;
    kind.flops_per_byte() + steps.saturating_sub(published_steps(kind))
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
    pub(super) fn new(decoder: &[Value]) -> Self {
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

fn sum(steps: &[Value], of: fn(&Value) -> u64) -> u64 {
    steps.iter().map(of).sum()
}

/// What the steps of published tokenizers take, which the price of the kind holds.
const fn published_steps(kind: TokenizerKind) -> u64 {
    match kind {
        // Qwen: NFC, and a byte-level post-processor; Llama 3: that and a template.
        TokenizerKind::ByteLevelBpe => 5_000 + 2 * POST_PROCESSOR_STEP,
        // GPT-4o: a pattern of six alternatives beside the spaces, and a byte level.
        TokenizerKind::PatternBpe => 54_000 + 15_000 + 2 * POST_PROCESSOR_STEP,
        // Gemma: one string replaced, and one cut at.
        TokenizerKind::SentencePieceBpe => 10_000 + 16_000 + POST_PROCESSOR_STEP,
        // ALBERT: two strings replaced, three forms, a map whose longest text has 33 bytes, a cut
        // at spaces, and marks of spaces.
        TokenizerKind::Unigram => 20_000 + 15_000 + 66_000 + 16_000 + 24_000 + POST_PROCESSOR_STEP,
        // BERT, behind a form of Unicode.
        TokenizerKind::WordPiece => 20_000 + 28_000 + POST_PROCESSOR_STEP,
    }
}

fn normalizer_step(step: &Value) -> u64 {
    match step["type"].as_str() {
        // What it finds is cut out, and what stands for it put in.
        Some("Replace") => 10_000,
        Some("BertNormalizer") => 15_000,
        // Each character looked up, and the longest text put in for it.
        Some("Precompiled") => 2_000 * growth::normalizer_step(step).max(4),
        Some("Prepend" | "Strip") => 1_000,
        _ => 5_000,
    }
}

fn pre_tokenizer_step(step: &Value) -> u64 {
    match step["type"].as_str() {
        Some("BertPreTokenizer") => 28_000,
        Some("Metaspace") => 24_000,
        // Without a pattern it only spells bytes.
        Some("ByteLevel") if step["use_regex"] == false => 15_000,
        Some("ByteLevel") => 32_000,
        Some("Split") => match step["pattern"]["Regex"].as_str().map(patterns::automata) {
            // One search finds all alternatives.
            Some(None) => 17_000,
            // The engine tries one alternative after another.
            Some(Some(automata)) => 27_000 + 4_500 * automata as u64,
            None => 16_000,
        },
        _ => 16_000,
    }
}

/// For each byte that the tokens spell.
fn decoder_step(step: &Value) -> u64 {
    match step["type"].as_str() {
        Some("ByteFallback" | "Fuse") => 0,
        // As often as what it finds has room in a text; a search for a pattern looks ahead.
        Some("Replace") => match growth::pattern_bytes(step) {
            0 => 8_000,
            bytes => 3_000 / bytes,
        },
        Some("ByteLevel") => 700,
        _ => 400,
    }
}

const POST_PROCESSOR_STEP: u64 = 2_000;

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
    use serde_json::json;

    use super::*;

    fn split(pattern: &str) -> Value {
        json!({"type": "Split", "pattern": {"Regex": pattern}})
    }

    fn step(kind: &str) -> Value {
        json!({"type": kind})
    }

    const GPT_4O: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";
    const DEEPSEEK: &str = r##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"##;

    #[test]
    fn published_steps_are_in_the_price_of_the_kind() {
        let bytes = json!({"type": "ByteLevel", "use_regex": false});
        let level = json!({"type": "ByteLevel", "use_regex": true});
        let replace = json!({"type": "Replace", "pattern": {"String": " "}, "content": "\u{2581}"});
        let template = [step("TemplateProcessing")];
        for (kind, normalizer, pre_tokenizer) in [
            (TokenizerKind::ByteLevelBpe, vec![step("NFC")], vec![split(GPT_4O), bytes.clone()]),
            (TokenizerKind::PatternBpe, vec![], vec![split(GPT_4O), bytes]),
            (TokenizerKind::PatternBpe, vec![], vec![step("Digits"), level]),
            (TokenizerKind::SentencePieceBpe, vec![step("Prepend"), replace.clone()], vec![]),
            (TokenizerKind::SentencePieceBpe, vec![replace], vec![step("Split")]),
            (TokenizerKind::SentencePieceBpe, vec![], vec![step("Metaspace")]),
            (TokenizerKind::Unigram, vec![step("NFKC")], vec![step("Metaspace")]),
            (
                TokenizerKind::WordPiece,
                vec![step("BertNormalizer")],
                vec![step("BertPreTokenizer")],
            ),
        ] {
            let rate = reading(kind, &normalizer, &pre_tokenizer, &template);
            assert_eq!(rate, kind.flops_per_byte(), "{kind:?}");
        }
        let llama = [
            json!({"type": "Replace", "pattern": {"String": "\u{2581}"}, "content": " "}),
            step("ByteFallback"),
            step("Fuse"),
            step("Strip"),
        ];
        for decoder in [&llama[..], &[step("ByteLevel")], &[step("Metaspace")], &[]] {
            assert_eq!(DecodingRates::new(decoder), DecodingRates { token: 30_000, byte: 1_000 });
        }
        let bert = [json!({"type": "WordPiece", "cleanup": true})];
        assert_eq!(DecodingRates::new(&bert), DecodingRates { token: 45_000, byte: 1_000 });
    }

    /// Figures that the benches show to be enough.
    #[test]
    fn more_steps_are_charged() {
        let kind = TokenizerKind::PatternBpe;
        let bytes = json!({"type": "ByteLevel", "use_regex": false});
        let level = [step("ByteLevel")];
        let v3 = [split(r"\p{N}{1,3}"), split("[a-z]+"), split(DEEPSEEK), bytes.clone()];
        assert_eq!(reading(kind, &[], &v3, &level), 107_500);
        let mut llm = vec![split("[a-z]+"); 5];
        llm.extend([step("Digits"), bytes]);
        assert_eq!(reading(kind, &[], &llm, &level), 125_000);

        let kind = TokenizerKind::SentencePieceBpe;
        let mut words = vec![split(r"\s+(?!\S)|[\s\S]")];
        words.extend(vec![step("BertPreTokenizer"); 6]);
        assert_eq!(reading(kind, &[], &words, &[]), 50_000 + 31_500 + 6 * 28_000 - 28_000);
        let replace = |content: &str| json!({"type": "Replace", "pattern": {"String": "a"}, "content": content});
        assert_eq!(reading(kind, &vec![replace("b"); 8], &[], &[]), 50_000 + 80_000 - 28_000);
        assert_eq!(
            DecodingRates::new(&vec![replace("b"); 5]),
            DecodingRates { token: 40_000, byte: 1_000 + 5 * 3_000 - 1_400 }
        );
        // The second reads what the first has made.
        let byte = 1_000 + 3_000 + 8 * 3_000 - 1_400;
        let decoder = [replace("bbbbbbbb"), replace("c")];
        assert_eq!(DecodingRates::new(&decoder), DecodingRates { token: 30_000, byte });
    }
}
