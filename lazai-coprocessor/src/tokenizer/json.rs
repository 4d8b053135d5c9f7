//! Makes a `tokenizer.json` of each kind from its vocabulary, for tests and benches.

use serde_json::{Value, json};

/// Returns byte-level BPE as in GPT-2; token 0 starts and token 1 ends a text.
#[must_use]
pub fn byte_level(vocabulary: &[String], merges: &[(String, String)]) -> Value {
    let level = json!({
        "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true
    });
    json!({
        "version": "1.0", "truncation": null, "padding": null,
        "added_tokens": added(&vocabulary[..2]),
        "normalizer": null, "pre_tokenizer": level, "post_processor": level, "decoder": level,
        "model": byte_pairs(vocabulary, merges, false)
    })
}

/// Returns BPE over pieces with spaces as `U+2581`, and bytes for what no piece covers, as in Llama
/// 2 and Mistral; the first tokens are the unknown one, that which starts and that which ends a
/// text.
#[must_use]
pub fn sentence_piece(vocabulary: &[String], merges: &[(String, String)]) -> Value {
    json!({
        "version": "1.0", "truncation": null, "padding": null,
        "added_tokens": added(&vocabulary[..3]),
        "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "Prepend", "prepend": "\u{2581}"},
            {"type": "Replace", "pattern": {"String": " "}, "content": "\u{2581}"}
        ]},
        "pre_tokenizer": null,
        "post_processor": template((&vocabulary[1], 1), None),
        "decoder": {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": "\u{2581}"}, "content": " "},
            {"type": "ByteFallback"}, {"type": "Fuse"},
            {"type": "Strip", "content": " ", "start": 1, "stop": 0}
        ]},
        "model": byte_pairs(vocabulary, merges, true)
    })
}

/// Returns unigram behind NFKC, as in T5 and XLM-R; the first tokens start, pad and end a text, and
/// the fourth is the unknown one.
#[must_use]
pub fn unigram(pieces: &[(String, i64)]) -> Value {
    let special: Vec<String> = pieces[..4].iter().map(|(piece, _)| piece.clone()).collect();
    let metaspace = json!({
        "type": "Metaspace", "replacement": "\u{2581}", "prepend_scheme": "always", "split": true
    });
    json!({
        "version": "1.0", "truncation": null, "padding": null,
        "added_tokens": added(&special),
        "normalizer": {"type": "NFKC"},
        "pre_tokenizer": metaspace,
        "post_processor": template((&special[0], 0), Some((&special[2], 2))),
        "decoder": metaspace,
        "model": {
            "type": "Unigram", "unk_id": 3, "score_fraction_bits": 24, "vocab": pieces,
            "byte_fallback": false
        }
    })
}

/// Returns `WordPiece` as in BERT; the first tokens are padding, the unknown one, those that start
/// and end a text, and the mask.
#[must_use]
pub fn word_piece(vocabulary: &[String]) -> Value {
    json!({
        "version": "1.0", "truncation": null, "padding": null,
        "added_tokens": added(&vocabulary[..5]),
        "normalizer": {
            "type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
            "strip_accents": null, "lowercase": true
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": template((&vocabulary[2], 2), Some((&vocabulary[3], 3))),
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true},
        "model": {
            "type": "WordPiece", "unk_token": vocabulary[1], "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100, "vocab": numbered(vocabulary)
        }
    })
}

/// Returns a tokenizer whose texts are brought to a form, such as NFC, before its own normalizer
/// sees them.
#[must_use]
pub fn behind(form: &str, mut tokenizer: Value) -> Value {
    let own = tokenizer["normalizer"].take();
    let own = (!own.is_null()).then_some(own);
    let steps: Vec<Value> = [json!({"type": form})].into_iter().chain(own).collect();
    tokenizer["normalizer"] = json!({"type": "Sequence", "normalizers": steps});
    tokenizer
}

fn byte_pairs(vocabulary: &[String], merges: &[(String, String)], byte_fallback: bool) -> Value {
    json!({
        "type": "BPE", "dropout": null, "unk_token": byte_fallback.then_some(&vocabulary[0]),
        "continuing_subword_prefix": null, "end_of_word_suffix": null, "fuse_unk": byte_fallback,
        "byte_fallback": byte_fallback, "vocab": numbered(vocabulary), "merges": merges
    })
}

/// The first tokens, as special ones.
fn added(texts: &[String]) -> Value {
    let token = |(id, content): (usize, &String)| {
        json!({
            "id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
            "normalized": false, "special": true
        })
    };
    texts.iter().enumerate().map(token).collect()
}

fn numbered(texts: &[String]) -> Value {
    let pairs = texts.iter().enumerate().map(|(id, text)| (text.clone(), json!(id)));
    Value::Object(pairs.collect())
}

/// A template of a first token, the text and perhaps a last token.
fn template(first: (&str, u32), last: Option<(&str, u32)>) -> Value {
    let token = |text: &str| json!({"SpecialToken": {"id": text, "type_id": 0}});
    let entry = |(text, id): (&str, u32)| json!({"id": text, "ids": [id], "tokens": [text]});
    let text = |id: &str, kind: u32| json!({"Sequence": {"id": id, "type_id": kind}});
    let mut single = vec![token(first.0), text("A", 0)];
    let mut tokens = json!({first.0: entry(first)});
    if let Some(last) = last {
        single.push(token(last.0));
        tokens[last.0] = entry(last);
    }
    json!({
        "type": "TemplateProcessing", "single": single, "pair": [text("A", 0), text("B", 1)],
        "special_tokens": tokens
    })
}
