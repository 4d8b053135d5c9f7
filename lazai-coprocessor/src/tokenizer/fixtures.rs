//! Small tokenizers of every kind, as `tokenizer.json`.

#![allow(clippy::missing_panics_doc, clippy::unwrap_used, reason = "fixtures are sound")]

use serde_json::{Value, json};
use tokenizers::{
    AddedToken, Tokenizer as Inner,
    models::bpe::{BPE, BpeTrainerBuilder},
    pre_tokenizers::byte_level::ByteLevel,
};

use super::{Tokenizer, json};

/// Tokens of the models of these tokenizers.
pub const VOCABULARY: u32 = 1_000;

/// Reads a fixture.
#[must_use]
pub fn load(json: &Value) -> Tokenizer {
    Tokenizer::new(&serde_json::to_vec(json).unwrap(), VOCABULARY).unwrap()
}

/// Returns the tokens of `text` as the crate reads it with a file, whatever it spells.
#[must_use]
pub fn tokens_of_the_crate(json: &Value, text: &str) -> Vec<u32> {
    of_the_crate(json).encode(text, false).unwrap().get_ids().to_vec()
}

/// Returns the tokenizer that the crate makes of a file.
pub(super) fn of_the_crate(json: &Value) -> Inner {
    Inner::from_bytes(serde_json::to_vec(json).unwrap()).unwrap()
}

/// Returns every fixture, by name.
#[must_use]
pub fn all() -> [(&'static str, Value); 4] {
    [
        ("byte-level BPE", byte_level()),
        ("SentencePiece BPE", sentence_piece()),
        ("unigram", unigram()),
        ("WordPiece", word_piece()),
    ]
}

/// Byte-level BPE as in GPT-2, Llama 3 and Qwen, learnt from a few sentences.
#[must_use]
pub fn byte_level() -> Value {
    let mut inner = Inner::new(BPE::default());
    inner
        .with_pre_tokenizer(Some(ByteLevel::new(false, true, true)))
        .with_decoder(Some(ByteLevel::default()))
        .with_post_processor(Some(ByteLevel::default()));
    let special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];
    let mut trainer = tokenizers::models::TrainerWrapper::from(
        BpeTrainerBuilder::new()
            .show_progress(false)
            .vocab_size(400)
            .initial_alphabet(ByteLevel::alphabet().into_iter().collect())
            .special_tokens(special.map(|text| AddedToken::from(text, true)).to_vec())
            .build(),
    );
    inner.train(&mut trainer, TEXTS.iter()).unwrap();
    serde_json::from_str(&inner.to_string(false).unwrap()).unwrap()
}

/// Byte-level BPE that splits words as Llama 3 does, and takes a word whole if it is a token.
#[must_use]
pub fn llama() -> Value {
    let mut json = byte_level();
    json["pre_tokenizer"] = split(LLAMA);
    json["model"]["ignore_merges"] = json!(true);
    json
}

/// Byte-level BPE that composes characters and splits words as Qwen 2 does.
#[must_use]
pub fn qwen() -> Value {
    let mut json = byte_level();
    json["normalizer"] = json!({"type": "NFC"});
    json["pre_tokenizer"] = split(QWEN);
    json
}

/// Byte-level BPE that splits words by a pattern that no family has.
#[must_use]
pub fn pattern() -> Value {
    let mut json = byte_level();
    json["pre_tokenizer"] = split(r"\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+");
    json
}

fn split(pattern: &str) -> Value {
    json!({"type": "Sequence", "pretokenizers": [
        {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": false},
        {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false}
    ]})
}

/// BPE over pieces with spaces as `U+2581`, and bytes for what no piece covers, as in Llama 2 and
/// Mistral.
#[must_use]
pub fn sentence_piece() -> Value {
    let mut vocabulary = vec!["<unk>".to_owned(), "<s>".to_owned(), "</s>".to_owned()];
    vocabulary.extend((0..=255).map(|byte| format!("<0x{byte:02X}>")));
    vocabulary.push("\u{2581}".to_owned());
    vocabulary.extend(LETTERS.chars().map(String::from));
    let merges = [("h", "e"), ("l", "l"), ("\u{2581}", "he"), ("ll", "o"), ("\u{2581}he", "llo")];
    vocabulary.extend(merges.map(|(left, right)| format!("{left}{right}")));
    json::sentence_piece(
        &vocabulary,
        &merges.map(|(left, right)| (left.to_owned(), right.to_owned())),
    )
}

/// Unigram behind NFKC, as in T5 and XLM-R. The model knows the texts of its special tokens.
#[must_use]
pub fn unigram() -> Value {
    let mut pieces = vec![("<s>".to_owned(), 0), ("<pad>".to_owned(), 0)];
    pieces.extend([("</s>".to_owned(), 0), ("<unk>".to_owned(), 0)]);
    pieces.push(("\u{2581}".to_owned(), -4 << 24));
    pieces.extend(LETTERS.chars().map(|letter| (letter.to_string(), -6 << 24)));
    pieces.extend([("\u{2581}hello".to_owned(), -3 << 24), ("llo".to_owned(), -5 << 24)]);
    json::unigram(&pieces)
}

/// Unigram behind a map of characters of SentencePiece, with bytes for what no piece covers.
#[must_use]
pub fn mapped_unigram() -> Value {
    let mut json = unigram();
    let map = include_str!("../../testdata/charsmap.base64").trim();
    json["normalizer"] = json!({"type": "Sequence", "normalizers": [
        {"type": "Precompiled", "precompiled_charsmap": map},
        {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": "\u{2581}"}
    ]});
    let pieces = json["model"]["vocab"].as_array_mut().unwrap();
    pieces.extend((0..=255).map(|byte| json!([format!("<0x{byte:02X}>"), -20 << 24])));
    json["model"]["byte_fallback"] = json!(true);
    json["decoder"] =
        json!({"type": "Sequence", "decoders": [{"type": "ByteFallback"}, json["decoder"]]});
    json
}

/// Returns `WordPiece` as in BERT.
#[must_use]
pub fn word_piece() -> Value {
    let mut vocabulary: Vec<String> =
        ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "hello", "world", "he", "##llo"]
            .map(String::from)
            .to_vec();
    vocabulary.extend("abcdefghijklmnopqrstuvwxyz[]<>/|,.!?0123456789".chars().map(String::from));
    vocabulary.extend(('a'..='z').map(|letter| format!("##{letter}")));
    json::word_piece(&vocabulary)
}

/// Characters that have pieces of their own.
const LETTERS: &str = "abcdefghijklmnopqrstuvwxyz<>/|[]_,.!?:\n0123456789";

/// How Llama 3 splits words.
const LLAMA: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// How Qwen 2 splits words.
const QWEN: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// What the byte pairs are learnt from.
const TEXTS: [&str; 5] = [
    "Once upon a time there was a little model that told stories.",
    "hello world, hello again; the world says hello to the model.",
    "user assistant system user assistant system start end im",
    "The model said: I am a model, and I told you a story once upon a time.",
    "Gr\u{fc}\u{df}e aus K\u{f6}ln! \u{4f60}\u{597d}\u{ff0c}\u{4e16}\u{754c} \u{1f600}\u{1f600}",
];
