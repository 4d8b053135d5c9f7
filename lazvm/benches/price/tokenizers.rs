//! Small tokenizers of other kinds than that of the shipped model, as `tokenizer.json`.

use serde_json::{Value, json};

/// Tokens that a model of any of these tokenizers has.
pub(crate) const VOCABULARY: u32 = 2_048;

/// Byte-level BPE as in GPT-2, with tokens of 128 bytes: runs of spaces, letters and digits.
pub(crate) fn byte_level() -> Value {
    let mut vocabulary: Vec<String> = vec!["<s>".into(), "</s>".into()];
    vocabulary.extend((0..=255_u8).map(|byte| spelled(byte).to_string()));
    let mut merges = Vec::new();
    for letter in [' ', '\n', '\t', 'a', 'e', '0', '='] {
        let mut piece = spelled(letter as u8).to_string();
        for _ in 0..7 {
            merges.push((piece.clone(), piece.clone()));
            piece = format!("{piece}{piece}");
            vocabulary.push(piece.clone());
        }
    }
    for first in ('a'..='z').chain([spelled(b' ')]) {
        for second in 'a'..='z' {
            let piece = format!("{first}{second}");
            if !vocabulary.contains(&piece) {
                merges.push((first.to_string(), second.to_string()));
                vocabulary.push(piece);
            }
        }
    }
    let level = json!({
        "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true
    });
    json!({
        "version": "1.0", "truncation": null, "padding": null,
        "added_tokens": added(&[(0, "<s>"), (1, "</s>")]),
        "normalizer": null, "pre_tokenizer": level, "post_processor": level, "decoder": level,
        "model": {
            "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false,
            "vocab": numbered(&vocabulary), "merges": merges
        }
    })
}

/// BPE over pieces with spaces as `U+2581`, and bytes for what no piece covers, as in Llama 2.
pub(crate) fn sentence_piece() -> Value {
    let mut vocabulary = vec!["<unk>".to_owned(), "<s>".to_owned(), "</s>".to_owned()];
    vocabulary.extend((0..=255).map(|byte| format!("<0x{byte:02X}>")));
    vocabulary.push("\u{2581}".to_owned());
    vocabulary.extend(LETTERS.chars().map(String::from));
    let mut merges = Vec::new();
    for letter in ['\u{2581}', 'a', 'e', '0', '.'] {
        let mut piece = letter.to_string();
        for _ in 0..4 {
            merges.push((piece.clone(), piece.clone()));
            piece = format!("{piece}{piece}");
            vocabulary.push(piece.clone());
        }
    }
    for first in ('a'..='z').chain(['\u{2581}']) {
        for second in 'a'..='z' {
            let piece = format!("{first}{second}");
            if !vocabulary.contains(&piece) {
                merges.push((first.to_string(), second.to_string()));
                vocabulary.push(piece);
            }
        }
    }
    json!({
        "version": "1.0", "truncation": null, "padding": null,
        "added_tokens": added(&[(0, "<unk>"), (1, "<s>"), (2, "</s>")]),
        "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "Prepend", "prepend": "\u{2581}"},
            {"type": "Replace", "pattern": {"String": " "}, "content": "\u{2581}"}
        ]},
        "pre_tokenizer": null,
        "post_processor": template("<s>", 1, None),
        "decoder": {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": "\u{2581}"}, "content": " "},
            {"type": "ByteFallback"}, {"type": "Fuse"},
            {"type": "Strip", "content": " ", "start": 1, "stop": 0}
        ]},
        "model": {
            "type": "BPE", "dropout": null, "unk_token": "<unk>", "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": true, "byte_fallback": true,
            "vocab": numbered(&vocabulary), "merges": merges
        }
    })
}

/// Unigram behind NFKC, as in T5 and XLM-R.
pub(crate) fn unigram() -> Value {
    let mut pieces: Vec<(String, i64)> =
        ["<s>", "<pad>", "</s>", "<unk>"].map(|text| (text.to_owned(), 0)).to_vec();
    pieces.push(("\u{2581}".to_owned(), -4 << 24));
    pieces.extend(LETTERS.chars().map(|letter| (letter.to_string(), -6 << 24)));
    for first in ('a'..='z').chain(['\u{2581}']) {
        for second in 'a'..='z' {
            pieces.push((format!("{first}{second}"), -7 << 24));
        }
    }
    for length in 3..=16 {
        pieces.push(("a".repeat(length), -8 << 24));
        pieces.push(("\u{644}".repeat(length), -8 << 24));
    }
    let metaspace = json!({
        "type": "Metaspace", "replacement": "\u{2581}", "prepend_scheme": "always", "split": true
    });
    json!({
        "version": "1.0", "truncation": null, "padding": null,
        "added_tokens": added(&[(0, "<s>"), (1, "<pad>"), (2, "</s>"), (3, "<unk>")]),
        "normalizer": {"type": "NFKC"},
        "pre_tokenizer": metaspace,
        "post_processor": template("<s>", 0, Some(("</s>", 2))),
        "decoder": metaspace,
        "model": {
            "type": "Unigram", "unk_id": 3, "score_fraction_bits": 24, "vocab": pieces,
            "byte_fallback": false
        }
    })
}

/// `WordPiece` as in BERT.
pub(crate) fn word_piece() -> Value {
    let mut vocabulary: Vec<String> =
        ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"].map(String::from).to_vec();
    vocabulary.extend("abcdefghijklmnopqrstuvwxyz[]<>/|,.!?0123456789".chars().map(String::from));
    vocabulary.extend(('a'..='z').map(|letter| format!("##{letter}")));
    for first in 'a'..='z' {
        for second in 'a'..='z' {
            vocabulary.push(format!("{first}{second}"));
            vocabulary.push(format!("##{first}{second}"));
        }
    }
    let special = [(0, "[PAD]"), (1, "[UNK]"), (2, "[CLS]"), (3, "[SEP]"), (4, "[MASK]")];
    json!({
        "version": "1.0", "truncation": null, "padding": null,
        "added_tokens": added(&special),
        "normalizer": {
            "type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
            "strip_accents": null, "lowercase": true
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": template("[CLS]", 2, Some(("[SEP]", 3))),
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true},
        "model": {
            "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100, "vocab": numbered(&vocabulary)
        }
    })
}

/// How byte-level tokenizers spell a byte.
fn spelled(byte: u8) -> char {
    let printable = |byte: u8| matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    if printable(byte) {
        return char::from(byte);
    }
    let before = (0..byte).filter(|byte| !printable(*byte)).count() as u32;
    char::from_u32(256 + before).unwrap()
}

fn added(tokens: &[(u32, &str)]) -> Value {
    let token = |(id, content): &(u32, &str)| {
        json!({
            "id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
            "normalized": false, "special": true
        })
    };
    tokens.iter().map(token).collect()
}

fn numbered(texts: &[String]) -> Value {
    let pairs = texts.iter().enumerate().map(|(id, text)| (text.clone(), json!(id)));
    Value::Object(pairs.collect())
}

/// A template of a first token, the text and perhaps a last token.
fn template(first: &str, first_id: u32, last: Option<(&str, u32)>) -> Value {
    let token = |text: &str| json!({"SpecialToken": {"id": text, "type_id": 0}});
    let entry = |text: &str, id: u32| json!({"id": text, "ids": [id], "tokens": [text]});
    let text = |id: &str, kind: u32| json!({"Sequence": {"id": id, "type_id": kind}});
    let mut single = vec![token(first), text("A", 0)];
    let mut tokens = json!({first: entry(first, first_id)});
    if let Some((last, id)) = last {
        single.push(token(last));
        tokens[last] = entry(last, id);
    }
    json!({
        "type": "TemplateProcessing", "single": single, "pair": [text("A", 0), text("B", 1)],
        "special_tokens": tokens
    })
}

/// Characters that have pieces of their own.
const LETTERS: &str = "abcdefghijklmnopqrstuvwxyz<>/|[]_,.!?:\n0123456789\u{644}\u{627}\u{4e00}";
