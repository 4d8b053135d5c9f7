//! The four kinds of tokenizers: there and back, special tokens, and what they do not know.

use lazai_api_types::Rejection;
use proptest::prelude::*;
use serde_json::{Value, json};
use tokenizers::Model;

use crate::tokenizer::{
    Tokenizer,
    file::WordPieceModel,
    fixtures::{self, byte_level, llama, load, qwen, sentence_piece, unigram, word_piece},
    meter::Meter,
    word_piece::WordPiece,
};

/// The tokens of a text, with those of the template, as texts.
fn pieces(tokenizer: &Tokenizer, text: &str) -> Vec<String> {
    let tokens = tokenizer.encode(text).unwrap();
    tokens.iter().map(|token| tokenizer.inner.id_to_token(*token).unwrap()).collect()
}

#[test]
fn byte_level_texts_come_back_as_they_were() {
    let tokenizer = load(&byte_level());
    let texts =
        ["", "hello world", " two  spaces ", "\u{e9}\u{4f60}\u{1f600}\r\n\t\u{0}", "\u{fdd0}"];
    for text in texts {
        let tokens = tokenizer.encode(text).unwrap();
        assert_eq!(tokenizer.decode(&tokens).unwrap(), text);
    }
    assert!(tokenizer.encode("hello world").unwrap().len() < "hello world".len());
}

#[test]
fn pieces_and_bytes_of_sentencepiece() {
    let tokenizer = load(&sentence_piece());
    assert_eq!(pieces(&tokenizer, "hello he"), ["<s>", "\u{2581}hello", "\u{2581}he"]);
    assert_eq!(pieces(&tokenizer, "a\u{e9}"), ["<s>", "\u{2581}", "a", "<0xC3>", "<0xA9>"]);
    for text in ["", "hello world", "  two", "\u{e9}\u{4f60}\u{1f600}\t", "a b"] {
        let tokens = tokenizer.encode(text).unwrap();
        assert_eq!(tokenizer.decode(&tokens).unwrap(), text);
    }
}

#[test]
fn unigram_pieces_are_the_likeliest() {
    let tokenizer = load(&unigram());
    let expected = ["<s>", "\u{2581}hello", "\u{2581}", "a", "llo", "</s>"];
    assert_eq!(pieces(&tokenizer, "hello allo"), expected);
    // NFKC makes letters of letters in circles.
    let tokens = tokenizer.encode("\u{24d7}ello").unwrap();
    assert_eq!(tokenizer.decode(&tokens).unwrap(), "hello");
}

#[test]
fn words_of_wordpiece() {
    let tokenizer = load(&word_piece());
    assert_eq!(pieces(&tokenizer, "Hello, HE!"), ["[CLS]", "hello", ",", "he", "!", "[SEP]"]);
    assert_eq!(pieces(&tokenizer, "dog"), ["[CLS]", "d", "##o", "##g", "[SEP]"]);
    let tokens = tokenizer.encode("Hello d\u{f3}g!").unwrap();
    assert_eq!(tokenizer.decode(&tokens).unwrap(), "hello dog!");
}

#[test]
fn what_is_not_known_becomes_the_unknown_token() {
    for (json, expected) in [
        (unigram(), vec!["<s>", "\u{2581}", "<unk>", "</s>"]),
        (word_piece(), vec!["[CLS]", "[UNK]", "[SEP]"]),
    ] {
        assert_eq!(pieces(&load(&json), "\u{1f600}"), expected);
    }
}

#[test]
fn what_is_not_known_is_refused_where_there_is_no_unknown_token() {
    // A BPE model would drop it, and say nothing.
    let mut silent = sentence_piece();
    silent["model"]["unk_token"] = Value::Null;
    silent["model"]["byte_fallback"] = json!(false);
    let mut unigram = unigram();
    unigram["model"]["unk_id"] = Value::Null;
    let mut word_piece = word_piece();
    word_piece["model"]["unk_token"] = json!("[NOTHING]");
    let mut bpe = sentence_piece();
    bpe["model"]["unk_token"] = json!("<nothing>");
    bpe["model"]["byte_fallback"] = json!(false);
    for json in [silent, unigram, word_piece, bpe] {
        let tokenizer = load(&json);
        assert_eq!(tokenizer.encode("a\u{1f600}"), Err(Rejection::InvalidText), "{json}");
        assert!(tokenizer.encode("a").is_ok());
    }
}

#[test]
fn special_tokens_have_no_text_and_cannot_be_written() {
    for (name, json) in fixtures::all() {
        let tokenizer = load(&json);
        let added = json["added_tokens"].as_array().unwrap();
        for special in added {
            let (token, text) = (&special["id"], special["content"].as_str().unwrap());
            let token = u32::try_from(token.as_u64().unwrap()).unwrap();
            assert_eq!(tokenizer.decode(&[token]).unwrap(), "", "{name}");
            let rejection = Rejection::SpecialToken { token, offset: 2 };
            assert_eq!(tokenizer.encode(&format!("a {text}")), Err(rejection), "{name}");
        }
    }
}

#[test]
fn control_tokens_that_are_not_called_special_cannot_be_written() {
    for text in ["<|user|>", "<\u{ff5c}User\u{ff5c}>"] {
        let mut json = sentence_piece();
        let added = json["added_tokens"].as_array_mut().unwrap();
        let plain = |id: u32, content: &str| {
            json!({
                "id": id, "content": content, "single_word": false, "lstrip": false,
                "rstrip": false, "normalized": false, "special": false
            })
        };
        let next = 3 + 256 + 1 + 50 + 5;
        added.extend([plain(next, text), plain(next + 1, "<think>")]);
        let tokenizer = load(&json);
        let rejection = tokenizer.encode(&format!("a{text}")).unwrap_err();
        assert!(matches!(rejection, Rejection::SpecialToken { offset: 1, .. }), "{rejection}");
        assert_eq!(pieces(&tokenizer, "a<think>"), ["<s>", "\u{2581}", "a", "<think>"]);
    }
}

#[test]
fn a_normalizer_cannot_spell_special_tokens() {
    // The model would make its special token of the pieces that NFKC makes of these.
    let tokenizer = load(&unigram());
    let rejection = tokenizer.encode("a \u{ff1c}/s\u{ff1e}").unwrap_err();
    assert_eq!(rejection, Rejection::SpecialToken { token: 2, offset: 2 });
    // The added vocabulary would, if the token is looked for behind the normalizer.
    let mut json = unigram();
    json["added_tokens"][2]["normalized"] = json!(true);
    let rejection = load(&json).encode("a \u{ff1c}/s\u{ff1e}").unwrap_err();
    assert_eq!(rejection, Rejection::SpecialToken { token: 2, offset: 2 });
}

/// The offset is that of the text as it was written, whatever normalizer and prefix made of it.
#[test]
fn a_special_token_that_byte_pairs_spell_is_found_where_it_was_written() {
    // The bytes of U+E9 are a special token, which no text spells as its file does.
    let forging = |mut json: Value, prefix: bool| {
        let token = json["model"]["vocab"].as_object().unwrap().len();
        json["model"]["vocab"]["\u{c3}\u{a9}"] = json!(token);
        let merges = json["model"]["merges"].as_array_mut().unwrap();
        merges.insert(0, json!(["\u{c3}", "\u{a9}"]));
        json["added_tokens"].as_array_mut().unwrap().push(json!({
            "id": token, "content": "\u{c3}\u{a9}", "single_word": false, "lstrip": false,
            "rstrip": false, "normalized": false, "special": true
        }));
        if json["pre_tokenizer"]["type"] == "ByteLevel" {
            json["pre_tokenizer"]["add_prefix_space"] = json!(prefix);
        }
        (load(&json), u32::try_from(token).unwrap())
    };
    for (json, prefix, text, offset) in [
        (qwen(), false, "Gru\u{308}n, cafe\u{301}", 11),
        (qwen(), false, "u\u{308}u\u{308} e\u{301}e\u{301}", 7),
        (byte_level(), true, "at \u{e9}", 3),
        (byte_level(), true, "\u{e9}", 0),
        (byte_level(), false, "at \u{e9}", 3),
        (llama(), false, "1234 \u{e9}", 5),
    ] {
        let (mut tokenizer, token) = forging(json, prefix);
        let rejection = Err(Rejection::SpecialToken { token, offset });
        assert_eq!(tokenizer.encode(text), rejection, "{text}");
        assert!(core::mem::take(&mut tokenizer.byte_pairs).is_some());
        assert_eq!(tokenizer.encode(text), rejection, "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_of_lossless_kinds_comes_back(text in "\\PC{0,40}") {
        for json in [byte_level(), sentence_piece()] {
            let tokenizer = load(&json);
            if let Ok(tokens) = tokenizer.encode(&text) {
                // The mark of a space is itself a space to SentencePiece.
                let expected = if json["model"]["byte_fallback"] == true {
                    text.replace('\u{2581}', " ")
                } else {
                    text.clone()
                };
                prop_assert_eq!(tokenizer.decode(&tokens).unwrap(), expected);
            } else {
                prop_assert!(tokenizer.special.find(&text).is_some());
            }
        }
    }

    #[test]
    fn byte_pairs_are_those_of_the_crate(
        text in prop_oneof!["[a-dhelo tm\n'.]{0,40}", "\\PC{0,20}", "(once upon| a | model|hello){0,8}"],
        prefix in any::<bool>(),
    ) {
        for mut json in [byte_level(), llama(), qwen()] {
            if json["pre_tokenizer"]["type"] == "ByteLevel" {
                json["pre_tokenizer"]["add_prefix_space"] = json!(prefix);
            }
            let mut tokenizer = load(&json);
            let fast = tokenizer.encode(&text);
            prop_assert!(core::mem::take(&mut tokenizer.byte_pairs).is_some());
            prop_assert_eq!(fast, tokenizer.encode(&text));
        }
    }

    #[test]
    fn word_pieces_are_those_of_the_crate(
        words in prop::collection::btree_set("[abc\u{e9}]{1,4}", 1..20),
        rest in prop::collection::btree_set("[abc\u{e9}]{1,4}", 0..20),
        text in "[abc\u{e9}?]{0,10}",
        max_chars in 1_usize..12,
    ) {
        let pieces = words.into_iter().chain(rest.into_iter().map(|piece| format!("##{piece}")));
        let vocabulary: std::collections::BTreeMap<String, u32> =
            pieces.chain(["[UNK]".to_owned()]).zip(0..).collect();
        let json = json!({
            "type": "WordPiece", "vocab": vocabulary, "unk_token": "[UNK]",
            "continuing_subword_prefix": "##", "max_input_chars_per_word": max_chars
        });
        let theirs: tokenizers::models::wordpiece::WordPiece =
            serde_json::from_str(&json.to_string()).unwrap();
        let expected: Vec<_> = theirs.tokenize(&text).unwrap();
        let expected: Vec<_> = expected.iter().map(|token| (token.id, token.offsets)).collect();
        let (unknown, prefix) = ("[UNK]".to_owned(), "##".to_owned());
        let model = WordPieceModel { vocabulary, unknown, prefix, max_chars };
        let ours = WordPiece::new(&model).tokenize(&text, &Meter::new(u64::MAX)).unwrap();
        let ours: Vec<_> = ours.iter().map(|piece| (piece.token, piece.range())).collect();
        prop_assert_eq!(ours, expected);
    }

    #[test]
    fn tokens_are_those_of_the_crate(text in "[a-z <>/,\u{e9}]{0,30}") {
        for (name, json) in fixtures::all() {
            let tokenizer = load(&json);
            if let Ok(tokens) = tokenizer.encode(&text) {
                let theirs = fixtures::of_the_crate(&json);
                let expected = theirs.encode(text.as_str(), true).unwrap();
                prop_assert_eq!(&tokens, expected.get_ids(), "{}", name);
            }
        }
    }
}

#[test]
fn no_token_spells_more_bytes_than_are_paid_for() {
    // Neither is in the alphabet of bytes; the second grows by a byte when it is lowered.
    let added = ["\u{4f60}\u{597d}\u{4f60}\u{597d}", "\u{130}\u{4f60}", "<|tool|>"];
    let mut json = byte_level();
    json["normalizer"] = json!({"type": "Lowercase"});
    for (text, id) in added.iter().zip(900..) {
        json["added_tokens"].as_array_mut().unwrap().push(json!({
            "id": id, "content": text, "single_word": false, "lstrip": false, "rstrip": false,
            "normalized": true, "special": false
        }));
    }
    let tokenizer = load(&json);
    let bytes = added.map(|text| {
        let token = tokenizer.inner.token_to_id(text).unwrap();
        let decoded = tokenizer.decode(&[token]).unwrap().len() as u64;
        (tokenizer.token_bytes([token].into_iter()).unwrap(), decoded)
    });
    assert_eq!(bytes, [(12, 12), (6, 6), (8, 8)]);
    let all = fixtures::all().map(|(_, json)| json);
    for json in all.into_iter().chain([json]) {
        let tokenizer = load(&json);
        for token in 0..fixtures::VOCABULARY {
            let text = tokenizer.decode(&[token]).unwrap();
            let bytes = tokenizer.token_bytes([token].into_iter()).unwrap();
            // A part of a character is shown as another, which is longer.
            let broken = text.contains(char::REPLACEMENT_CHARACTER);
            assert!(broken || bytes >= text.len() as u64, "{token}: {text:?}, {bytes}");
        }
    }
}
