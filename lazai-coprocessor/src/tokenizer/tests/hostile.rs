//! Files that would take the memory or the time of a machine, or read differently on two.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use crate::tokenizer::{
    Tokenizer, TokenizerError,
    file::{MAX_MERGES, MAX_TEXTS},
    fixtures::{byte_level, load, sentence_piece, unigram, word_piece},
    load::MAX_TOKEN_BYTES,
};

/// A tokenizer of three tokens, `<s>`, `a` and `aa`, with changes.
fn tokenizer(change: impl Fn(&mut Value)) -> Result<Tokenizer, TokenizerError> {
    let mut json = json!({
        "version": "1.0", "truncation": null, "padding": null, "normalizer": null,
        "pre_tokenizer": null, "decoder": null,
        "added_tokens": [{
            "id": 0, "content": "<s>", "single_word": false, "lstrip": false,
            "rstrip": false, "normalized": false, "special": true
        }],
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [
                {"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}
            ],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {"<s>": {"id": "<s>", "ids": [0], "tokens": ["<s>"]}}
        },
        "model": {
            "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false,
            "vocab": {"<s>": 0, "a": 1, "aa": 2}, "merges": [["a", "a"]]
        }
    });
    change(&mut json);
    Tokenizer::new(&serde_json::to_vec(&json).unwrap(), 3)
}

#[test]
fn text_is_merged_behind_the_template() {
    let tokenizer = tokenizer(|_| ()).unwrap();
    assert_eq!(tokenizer.encode("aaa").unwrap(), [0, 2, 1]);
}

#[test]
fn a_malformed_decoder_is_refused() {
    for decoder in [json!(3), json!({"type": "Nothing"}), json!([])] {
        let error = tokenizer(|json| json["decoder"] = decoder.clone()).unwrap_err();
        let is_step = matches!(error, TokenizerError::Step { part: "decoder", .. });
        assert!(is_step, "{decoder}: {error}");
    }
    let json = b"{\"version\":\"1.0\",\"decoder\":{\"type\":\"Byte\x01Level\"},\"model\":null}";
    assert!(matches!(Tokenizer::new(json, 3), Err(TokenizerError::Syntax { .. })));
}

#[test]
fn random_merges_are_refused() {
    let error = tokenizer(|json| json["model"]["dropout"] = json!(0.5)).unwrap_err();
    assert_eq!(error, TokenizerError::Dropout);
}

#[test]
fn tokens_of_the_template_must_be_in_the_vocabulary() {
    let error = tokenizer(|json| {
        json["post_processor"]["special_tokens"]["<s>"]["ids"] = json!([3]);
    });
    assert_eq!(error.unwrap_err(), TokenizerError::Vocabulary { got: 3, vocabulary: 3 });
}

#[test]
fn a_token_that_fills_the_memory_is_refused() {
    let error = tokenizer(|json| {
        json["added_tokens"] = json!([]);
        json["model"]["vocab"] = json!({"s".repeat(2_000): 0, "a": 1, "aa": 2});
        json["post_processor"] = Value::Null;
    });
    let expected = TokenizerError::TokenLength { token: 0, got: 2_000, max: MAX_TOKEN_BYTES };
    assert_eq!(error.unwrap_err(), expected);
}

/// Claude has one of 1,024 spaces, each of which is spelled by two bytes.
#[test]
fn a_token_is_as_long_as_the_bytes_that_it_spells() {
    let spaces = |count: usize| {
        let mut json = byte_level();
        json["model"]["vocab"]["\u{120}".repeat(count)] = json!(900);
        Tokenizer::new(&serde_json::to_vec(&json).unwrap(), 1_000)
    };
    assert_eq!(spaces(1_024).unwrap().longest_token(), 1_024);
    let long = TokenizerError::TokenLength { token: 900, got: 1_025, max: MAX_TOKEN_BYTES };
    assert_eq!(spaces(1_025).unwrap_err(), long);
}

/// Adds normalized tokens of these texts to the tokenizer of three tokens, and lowers all letters.
fn lowered(texts: &[(&str, bool)]) -> Result<Tokenizer, TokenizerError> {
    tokenizer(|json| {
        json["normalizer"] = json!({"type": "Sequence", "normalizers": [
            {"type": "Lowercase"}, {"type": "Strip", "strip_left": true, "strip_right": true}
        ]});
        json["model"]["merges"] = json!([]);
        json["model"]["vocab"] = json!({"<s>": 0});
        for ((text, special), id) in texts.iter().zip(1..) {
            json["added_tokens"].as_array_mut().unwrap().push(json!({
                "id": id, "content": text, "single_word": false, "lstrip": false,
                "rstrip": false, "normalized": true, "special": special
            }));
        }
    })
}

#[test]
fn added_tokens_of_one_normalized_text_are_refused() {
    for special in [[false, false], [true, false], [true, true]] {
        let error = lowered(&[("COVID", special[0]), ("covid", special[1])]).unwrap_err();
        let text = "covid".to_owned();
        assert_eq!(error, TokenizerError::AddedTwice { first: 1, second: 2, text });
    }
    for text in ["COVID", "covid"] {
        let tokenizer = lowered(&[(text, false), ("other", false)]).unwrap();
        assert_eq!(tokenizer.encode("CovidcovidOTHER").unwrap(), [0, 1, 1, 2]);
    }
}

#[test]
fn an_added_token_that_normalization_empties_is_refused() {
    let error = lowered(&[("  ", false), ("a", false)]).unwrap_err();
    assert_eq!(error, TokenizerError::AddedEmpty { token: 1 });
}

/// Why a fixture is refused after a change.
fn refused(mut json: Value, change: impl Fn(&mut Value)) -> TokenizerError {
    change(&mut json);
    Tokenizer::new(&serde_json::to_vec(&json).unwrap(), 1_000).unwrap_err()
}

fn sequence(name: &str, kind: &str, steps: &[Value]) -> Value {
    json!({"type": kind, name: steps})
}

#[test]
fn normalizers_that_expand_are_refused_before_they_run() {
    let double = json!({"type": "Replace", "pattern": {"String": "a"}, "content": "aa"});
    let prepend = json!({"type": "Prepend", "prepend": "a".repeat(20_000)});
    let nested = sequence("normalizers", "Sequence", &[double.clone(), double]);
    for normalizer in [
        sequence("normalizers", "Sequence", &vec![prepend.clone(); 4]),
        sequence("normalizers", "Sequence", &[nested, prepend.clone()]),
        prepend,
    ] {
        let error = refused(sentence_piece(), |json| {
            json["normalizer"] = normalizer.clone();
            // The parser runs the normalizer over added tokens.
            json["added_tokens"][0]["normalized"] = json!(true);
        });
        assert!(matches!(error, TokenizerError::Growth { part: "normalizer", .. }), "{error}");
    }
}

/// The crate passes over fields that the type of a step has not.
#[test]
fn fields_that_hide_a_step_are_refused() {
    let expands =
        json!({"type": "Replace", "pattern": {"String": "a"}, "content": "b".repeat(100_000)});
    let hide = |field: &str, value: Value| {
        let mut step = expands.clone();
        step[field] = value;
        step
    };
    let prepends = json!({
        "type": "Prepend", "prepend": "b".repeat(100_000), "content": "x", "pattern": {"String": "z"}
    });
    for (part, step) in [
        ("normalizer", hide("normalizers", json!([]))),
        ("normalizer", prepends),
        ("decoder", hide("decoders", json!([]))),
        (
            "pre_tokenizer",
            json!({"type": "Split", "pretokenizers": [], "pattern": {"Regex": "(?:a|aa)+(?!a)b"},
            "behavior": "Isolated", "invert": false}),
        ),
        (
            "post_processor",
            json!({"type": "TemplateProcessing", "processors": [],
            "single": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [], "special_tokens": {}}),
        ),
    ] {
        let error = refused(sentence_piece(), |json| json[part] = step.clone());
        assert!(
            matches!(error, TokenizerError::Step { part: named, .. } if named == part),
            "{error}"
        );
    }
}

/// A pre-tokenizer may make words longer than the text that was paid for.
#[test]
fn words_are_paid_for() {
    let mut json = sentence_piece();
    let split = json!({"type": "Split", "pattern": {"Regex": "[a-z]"}, "behavior": "Isolated", "invert": false});
    let marks = json!({"type": "Metaspace", "replacement": "\u{2581}", "prepend_scheme": "always", "split": true});
    json["pre_tokenizer"] = sequence("pretokenizers", "Sequence", &[split, marks]);
    let tokenizer = load(&json);
    assert!(tokenizer.encode(&"a".repeat(20)).is_ok());
    let rejection = tokenizer.encode(&"a".repeat(1_000)).unwrap_err();
    let (got, max) = (2_001, 1_250 + 32);
    assert_eq!(rejection, lazai_api_types::Rejection::InputTooLong { got, max });
    // Before the next step takes the marks away.
    let steps = json["pre_tokenizer"]["pretokenizers"].as_array_mut().unwrap();
    steps.push(json!({"type": "Split", "pattern": {"String": "\u{2581}"}, "behavior": "Removed", "invert": false}));
    let rejection = load(&json).encode(&"a".repeat(1_000)).unwrap_err();
    assert_eq!(rejection, lazai_api_types::Rejection::InputTooLong { got, max });

    // Bytes stand for a mark that no piece covers.
    let mut json = sentence_piece();
    json["normalizer"] = Value::Null;
    json["pre_tokenizer"] = json!({"type": "Metaspace", "replacement": "\u{2603}", "prepend_scheme": "always", "split": true});
    let rejection = load(&json).encode(&" ".repeat(1_000)).unwrap_err();
    assert_eq!(rejection, lazai_api_types::Rejection::InputTooLong { got: 3_000, max });
}

#[test]
fn character_maps_that_expand_are_refused() {
    let map = |trie: u32, text: &[u8]| {
        let mut bytes = trie.to_le_bytes().to_vec();
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(text);
        json!({"type": "Precompiled", "precompiled_charsmap": BASE64_STANDARD.encode(bytes)})
    };
    let long = map(4, &[b'a'; 20_000]);
    // The crate would reserve four gigabytes.
    let claimed = map(u32::MAX, b"");
    let broken = json!({"type": "Precompiled", "precompiled_charsmap": "?"});
    for normalizer in [long, claimed, broken] {
        let error = refused(unigram(), |json| json["normalizer"] = normalizer.clone());
        assert!(matches!(error, TokenizerError::Growth { part: "normalizer", .. }), "{error}");
    }
}

#[test]
fn other_parts_that_expand_are_refused() {
    let spaces = json!({"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true});
    let chain = sequence("pretokenizers", "Sequence", &vec![spaces; 8]);
    let error = refused(sentence_piece(), |json| json["pre_tokenizer"] = chain.clone());
    assert_eq!(error, TokenizerError::Steps { part: "pre_tokenizer", got: 8, max: 1 });
    let long = json!({"type": "Metaspace", "replacement": "a".repeat(9_000)});
    let error = refused(sentence_piece(), |json| json["pre_tokenizer"] = long.clone());
    let got = "Metaspace".to_owned();
    assert_eq!(error, TokenizerError::Step { part: "pre_tokenizer", got });

    let replace = json!({"type": "Replace", "pattern": {"String": "a"}, "content": "a".repeat(9)});
    let error = refused(sentence_piece(), |json| json["decoder"] = replace.clone());
    assert_eq!(error, TokenizerError::Growth { part: "decoder", got: 9, max: 8 });

    let twice = |json: &mut Value| {
        let text = json["post_processor"]["single"][1].clone();
        json["post_processor"]["single"].as_array_mut().unwrap().push(text);
    };
    let error = refused(sentence_piece(), twice);
    assert_eq!(error, TokenizerError::Growth { part: "post_processor", got: 2, max: 1 });

    let many = |json: &mut Value| {
        let token = &mut json["post_processor"]["special_tokens"]["<s>"];
        token["ids"] = json!(vec![1; 300]);
        token["tokens"] = json!(vec!["<s>"; 300]);
    };
    let error = refused(sentence_piece(), many);
    assert_eq!(error, TokenizerError::Growth { part: "post_processor", got: 300, max: 256 });
    // The fields may be a list, too.
    let listed = |json: &mut Value| {
        json["post_processor"]["special_tokens"]["<s>"] = json!(["<s>", [1], vec!["<s>"; 300]]);
    };
    assert_eq!(refused(sentence_piece(), listed), error);
    let missing = |json: &mut Value| {
        json["post_processor"]["special_tokens"] = json!({});
    };
    let form =
        TokenizerError::Step { part: "post_processor", got: "TemplateProcessing".to_owned() };
    assert_eq!(refused(sentence_piece(), missing), form);
}

#[test]
fn texts_are_shorter_where_a_normalizer_may_expand_them() {
    let json = |content: usize| {
        let mut json = unigram();
        let content = "a".repeat(content);
        json["normalizer"] =
            json!({"type": "Replace", "pattern": {"String": "a"}, "content": content});
        load(&json)
    };
    // Metaspace may make 7 bytes of one besides.
    assert_eq!(json(2).max_text_bytes, 1 << 20);
    let tokenizer = json(4);
    assert_eq!(tokenizer.max_text_bytes, (16 << 20) / 28);
    let max = tokenizer.max_text_bytes as u64;
    let rejection = tokenizer.encode(&"b".repeat(600_000)).unwrap_err();
    assert_eq!(rejection, lazai_api_types::Rejection::InputTooLong { got: 600_000, max });
}

/// One step makes much of a text, and the next little of that.
#[test]
fn what_a_step_makes_is_paid_for_also_where_the_next_takes_it_away() {
    let replace = |pattern: &str, content: &str| json!({"type": "Replace", "pattern": {"String": pattern}, "content": content});
    let load = |steps: &[Value]| {
        let mut json = unigram();
        json["normalizer"] = sequence("normalizers", "Sequence", steps);
        Tokenizer::new(&serde_json::to_vec(&json).unwrap(), 1_000)
    };
    let error = load(&[replace("a", &"b".repeat(1_000)), replace(&"b".repeat(1_000), "a")]);
    let growth = TokenizerError::Growth { part: "normalizer", got: 1_000, max: 4 };
    assert_eq!(error.unwrap_err(), growth);

    // Three bytes and one character, then three characters.
    let [mark, unmark] = [replace("a", "\u{20ac}"), replace("\u{20ac}", "a")];
    let three = load(&[mark.clone(), unmark.clone()]).unwrap();
    assert!(three.encode(&"a".repeat(1_000)).is_ok());
    let nine = load(&[mark, replace("\u{20ac}", "\u{20ac}aa"), unmark]).unwrap();
    let rejection = lazai_api_types::Rejection::InputTooLong { got: 5_000, max: 3_032 };
    assert_eq!(nine.encode(&"a".repeat(1_000)), Err(rejection));
    let [grow, shrink] = [replace("a", "aa"), replace("aa", "a")];
    let two = load(&[grow, shrink]).unwrap();
    let rejection = lazai_api_types::Rejection::InputTooLong { got: 2_000, max: 1_532 };
    assert_eq!(two.encode(&"a".repeat(1_000)), Err(rejection));
    // What is put before each piece counts for all of them together.
    let prepend = json!({"type": "Prepend", "prepend": "bbb"});
    let mut json = unigram();
    json["normalizer"] = sequence("normalizers", "Sequence", &[prepend, replace("bbb", "")]);
    json["added_tokens"][3]["special"] = json!(false);
    let pieces = Tokenizer::new(&serde_json::to_vec(&json).unwrap(), 1_000).unwrap();
    assert!(pieces.encode(&"a<unk>".repeat(100)).is_ok());
}

/// Each would take in the white space of all others.
#[test]
fn added_white_space_that_takes_in_what_is_beside_it_is_refused() {
    let added = |content: &str, side: &str, normalized: bool| {
        let mut json = sentence_piece();
        let token = &mut json["added_tokens"][2];
        token["content"] = json!(content);
        token["special"] = json!(false);
        token["normalized"] = json!(normalized);
        token[side] = json!(true);
        json["normalizer"] = json!({"type": "Replace", "pattern": {"String": "."}, "content": " "});
        Tokenizer::new(&serde_json::to_vec(&json).unwrap(), 1_000)
    };
    for side in ["lstrip", "rstrip"] {
        for (content, normalized) in [(" ", false), ("\n\t", true), (".", true)] {
            let error = added(content, side, normalized).unwrap_err();
            assert!(
                matches!(error, TokenizerError::AddedSpaces { .. }),
                "{content:?} {side}: {error}"
            );
        }
        assert!(added(".", side, false).is_ok() && added(" a", side, false).is_ok());
    }
}

#[test]
fn long_added_tokens_are_refused_before_they_are_normalized() {
    let added = |content: String| {
        let mut json = sentence_piece();
        json["added_tokens"][2]["content"] = json!(content);
        json["added_tokens"][2]["normalized"] = json!(true);
        let grow = json!({"type": "Replace", "pattern": {"String": "a"}, "content": "aaaa"});
        json["normalizer"] = sequence("normalizers", "Sequence", &vec![grow; 7]);
        let more = json!({
            "content": "b".repeat(96), "single_word": false, "lstrip": false, "rstrip": false,
            "normalized": true, "special": false
        });
        for id in 0..40 {
            let mut more = more.clone();
            more["id"] = json!(400 + id);
            json["added_tokens"].as_array_mut().unwrap().push(more);
        }
        Tokenizer::new(&serde_json::to_vec(&json).unwrap(), 1_000).unwrap_err()
    };
    assert_eq!(added("a".repeat(97)), TokenizerError::TokenLength { token: 2, got: 97, max: 96 });
    // The first two are not normalized.
    let (got, max) = (((41 * 96) << 14) + 8, 1 << 20);
    assert_eq!(added("a".repeat(96)), TokenizerError::Growth { part: "added_tokens", got, max });
}

/// The crate's tree of pieces overflows the stack, and takes hundreds of bytes for each.
#[test]
fn long_pieces_are_refused_before_the_crate_reads_them() {
    let pieces = |count: usize, bytes: usize| {
        let mut json = unigram();
        let list = json["model"]["vocab"].as_array_mut().unwrap();
        list.extend(
            (0..count).map(|index| json!([format!("{index:06}{}", "x".repeat(bytes - 6)), -1])),
        );
        Tokenizer::new(&serde_json::to_vec(&json).unwrap(), 1_000_000).unwrap_err()
    };
    let first = unigram()["model"]["vocab"].as_array().unwrap().len() as u32;
    let long = TokenizerError::TokenLength { token: first, got: 100_000, max: 96 };
    assert_eq!(pieces(1, 100_000), long);
    assert!(matches!(pieces(90_000, 96), TokenizerError::TextLength { part: "vocab", .. }));

    let mut json = word_piece();
    json["model"]["vocab"]["a".repeat(65)] = json!(900);
    let long = Tokenizer::new(&serde_json::to_vec(&json).unwrap(), 1_000).unwrap_err();
    assert_eq!(long, TokenizerError::TokenLength { token: 900, got: 65, max: 64 });
}

/// They are copied for each text, and compiled with hundreds of bytes for each of theirs.
#[test]
fn long_texts_of_steps_are_refused() {
    let long = "a".repeat(97);
    let growth = TokenizerError::TextLength { part: "post_processor", got: 97, max: 96 };
    let error = refused(sentence_piece(), |json| {
        json["post_processor"]["special_tokens"]["<s>"]["tokens"] = json!([long]);
    });
    assert_eq!(error, growth);
    for end in ["sep", "cls"] {
        let error = refused(word_piece(), |json| {
            let mut ends = json!({"type": "BertProcessing", "sep": ["b", 3], "cls": ["b", 2]});
            ends[end][0] = json!(long);
            json["post_processor"] = ends;
        });
        assert_eq!(error, growth);
    }
    let text = "a".repeat(1_025);
    let got = "a".repeat(64);
    for (part, step) in [
        ("normalizer", json!({"type": "Replace", "pattern": {"String": text}, "content": ""})),
        (
            "pre_tokenizer",
            json!({"type": "Split", "pattern": {"String": text}, "behavior": "Isolated", "invert": false}),
        ),
        ("decoder", json!({"type": "Replace", "pattern": {"String": text}, "content": ""})),
    ] {
        let error = refused(sentence_piece(), |json| json[part] = step.clone());
        assert_eq!(error, TokenizerError::Pattern { got: got.clone() }, "{part}");
    }
}

#[test]
fn patterns_that_look_to_the_end_for_each_word_are_refused() {
    let split = |pattern: &str| {
        json!({
            "type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": false
        })
    };
    for pattern in ["[^x]+y|a", r"\s*[\r\n]+|\s", r"\p{L}{100}|a"] {
        let got = TokenizerError::Pattern { got: pattern.to_owned() };
        assert_eq!(refused(sentence_piece(), |json| json["pre_tokenizer"] = split(pattern)), got);
        let replace = json!({"type": "Replace", "pattern": {"Regex": pattern}, "content": "c"});
        assert_eq!(refused(sentence_piece(), |json| json["normalizer"] = replace.clone()), got);
        assert_eq!(refused(sentence_piece(), |json| json["decoder"] = replace.clone()), got);
    }
}

#[test]
fn texts_of_characters_that_grow_are_refused() {
    let tokenizer = load(&unigram());
    let text = "\u{fdfa}".repeat(100);
    let rejection = lazai_api_types::Rejection::InputTooLong { got: 1_800, max: 375 + 32 };
    assert_eq!(tokenizer.encode(&text), Err(rejection));
    assert!(tokenizer.encode("\u{fdfa}").is_ok());
}

#[test]
fn patterns_that_step_back_are_refused() {
    let split = |pattern: &str| {
        json!({
            "type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": false
        })
    };
    // One search would take up to a million steps, and a text has one for each word.
    for pattern in ["(?:a|aa)+(?!a)b|[\\s\\S]", "[^\\S\\r\\n]+(?!\\S)(?<=\\n)|\\s"] {
        let got = TokenizerError::Pattern { got: pattern.to_owned() };
        assert_eq!(refused(sentence_piece(), |json| json["pre_tokenizer"] = split(pattern)), got);
    }
    let replace = json!({"type": "Replace", "pattern": {"Regex": "a(?!b)"}, "content": "c"});
    let pattern = TokenizerError::Pattern { got: "a(?!b)".to_owned() };
    assert_eq!(refused(sentence_piece(), |json| json["normalizer"] = replace.clone()), pattern);
    assert_eq!(refused(sentence_piece(), |json| json["decoder"] = replace.clone()), pattern);
}

#[test]
fn long_words_and_affixes_are_refused() {
    let error = refused(word_piece(), |json| {
        json["model"]["max_input_chars_per_word"] = json!(1_000_000);
    });
    assert_eq!(error, TokenizerError::WordLength { got: 1_000_000, max: 256 });
    for part in ["continuing_subword_prefix", "end_of_word_suffix"] {
        let error = refused(sentence_piece(), |json| json["model"][part] = json!("a".repeat(17)));
        assert_eq!(error, TokenizerError::TextLength { part, got: 17, max: 16 });
    }
}

#[test]
fn merges_must_start_with_the_prefix_that_is_dropped() {
    let prefixed = |merges: Value| {
        refused(sentence_piece(), |json| {
            json["model"]["byte_fallback"] = json!(false);
            json["model"]["continuing_subword_prefix"] = json!("h");
            json["model"]["merges"] = merges.clone();
        })
    };
    let error = prefixed(json!([["h", "e"]]));
    assert_eq!(error, TokenizerError::Merge { index: 0 });
    let error = prefixed(json!(["#version: 0.2", "h hello", "l l"]));
    assert_eq!(error, TokenizerError::Merge { index: 1 });
}

#[test]
fn merges_of_unknown_pieces_are_refused() {
    let error =
        refused(sentence_piece(), |json| json["model"]["merges"][0] = json!(["h", "\u{e9}"]));
    assert!(matches!(error, TokenizerError::Syntax { .. }), "{error}");
}

#[test]
fn tokens_with_two_texts_are_refused() {
    let error = refused(sentence_piece(), |json| json["model"]["vocab"]["hello"] = json!(300));
    let TokenizerError::Ambiguous { texts, tokens } = error else { panic!("{error}") };
    assert_eq!(texts, tokens + 1);
}

#[test]
fn decoders_that_would_panic_on_a_text_are_refused() {
    // The crate counts back from the end of a text that may be shorter.
    let strip = json!({"type": "Strip", "content": "a", "start": 0, "stop": 9});
    let error = refused(sentence_piece(), |json| json["decoder"] = strip.clone());
    assert!(error.to_string().contains("a Strip of the decoder takes from the end"), "{error}");
    // No token, nothing to count down from.
    let mut json = sentence_piece();
    json["decoder"] = json!({"type": "BPEDecoder", "suffix": "</w>"});
    assert_eq!(load(&json).decode(&[1]).unwrap(), "");
    // Nor behind a step that drops the only one.
    let steps = json!([{"type": "Fuse"}, {"type": "BPEDecoder", "suffix": "</w>"}]);
    let decoder = json!({"type": "Sequence", "decoders": steps});
    let late = TokenizerError::LateStep { step: "BPEDecoder" };
    assert_eq!(refused(sentence_piece(), |json| json["decoder"] = decoder.clone()), late);
    let untyped = json!([{"type": "Fuse"}, {"suffix": "</w>"}]);
    let decoder = json!({"type": "Sequence", "decoders": untyped});
    let form = TokenizerError::Step { part: "decoder", got: String::new() };
    assert_eq!(refused(sentence_piece(), |json| json["decoder"] = decoder.clone()), form);
}

/// Each character would become as many tokens as there are bytes in it and the prefix.
#[test]
fn bytes_of_an_affix_are_refused() {
    for part in ["continuing_subword_prefix", "end_of_word_suffix"] {
        let change = |affix: &'static str| {
            move |json: &mut Value| {
                json["model"][part] = json!(affix);
                json["model"]["merges"] = json!([]);
            }
        };
        assert_eq!(refused(sentence_piece(), change("</w>")), TokenizerError::AffixBytes);
        let mut json = sentence_piece();
        change("")(&mut json);
        let _ = load(&json);
    }
}

/// A decoder copies them at each token.
#[test]
fn long_texts_of_a_decoder_are_refused() {
    let long = "a".repeat(17);
    for decoder in [
        json!({"type": "BPEDecoder", "suffix": long}),
        json!({"type": "WordPiece", "prefix": long, "cleanup": false}),
    ] {
        let error = refused(sentence_piece(), |json| json["decoder"] = decoder.clone());
        assert_eq!(error, TokenizerError::TextLength { part: "decoder", got: 17, max: 16 });
    }
    // None looks for the silence of speech.
    let ctc =
        json!({"type": "CTC", "pad_token": "a", "word_delimiter_token": "|", "cleanup": true});
    let form = TokenizerError::Step { part: "decoder", got: "CTC".to_owned() };
    assert_eq!(refused(sentence_piece(), |json| json["decoder"] = ctc.clone()), form);
}

/// It is copied for each character that is not known.
#[test]
fn a_long_unknown_token_is_refused() {
    let error =
        refused(sentence_piece(), |json| json["model"]["unk_token"] = json!("a".repeat(33)));
    assert_eq!(error, TokenizerError::TextLength { part: "unk_token", got: 33, max: 32 });
}

/// A tree of such values would take hundreds of bytes for each of the file.
#[test]
fn trees_of_values_are_refused_where_they_are_written() {
    let tree = format!("[{}1]", "{\"\":0},".repeat(100_000));
    let json = sentence_piece().to_string();
    let added = |field: &str| json.replacen('{', &format!("{{\"{field}\":{tree},"), 1);
    let in_model = json.replacen("\"model\":{", &format!("\"model\":{{\"x\":{tree},"), 1);
    for (json, message) in [
        (added("x"), "unknown field `x`"),
        (in_model, "unknown field `x`"),
        (added("added_tokens"), "unknown field ``"),
    ] {
        let error = Tokenizer::new(json.as_bytes(), 1_000).unwrap_err();
        let TokenizerError::Syntax { message: got } = &error else { panic!("{error}") };
        assert!(got.contains(message), "{got}");
    }
    let mut long = sentence_piece();
    long["decoder"] = serde_json::from_str(&tree).unwrap();
    let error = Tokenizer::new(long.to_string().as_bytes(), 1_000).unwrap_err();
    assert!(matches!(error, TokenizerError::TextLength { part: "decoder", .. }), "{error}");
}

#[test]
fn entries_are_counted_as_they_are_read() {
    let syntax = |json: String| {
        let error = Tokenizer::new(json.as_bytes(), u32::MAX).unwrap_err();
        let TokenizerError::Syntax { message } = error else { panic!("{error}") };
        message
    };
    let bpe = |vocab: &str, merges: &str| {
        format!("{{\"model\":{{\"type\":\"BPE\",\"vocab\":{{{vocab}}},\"merges\":[{merges}]}}}}")
    };
    let texts: Vec<String> = (0..=MAX_TEXTS).map(|id| format!("\"{id:x}\":{id}")).collect();
    let message = syntax(bpe(&texts.join(","), ""));
    assert!(message.starts_with("more than 524288 texts"), "{message}");
    let merges = vec!["\"a b\""; MAX_MERGES + 1].join(",");
    let message = syntax(bpe("\"a\":0,\"b\":1,\"ab\":2", &merges));
    assert!(message.starts_with("more than 1048576 merges"), "{message}");
    let pieces = vec!["[\"\",0]"; MAX_TEXTS + 1].join(",");
    let unigram = format!("{{\"model\":{{\"type\":\"Unigram\",\"vocab\":[{pieces}]}}}}");
    let message = syntax(unigram);
    assert!(message.starts_with("more than 524288 pieces"), "{message}");
}

/// No merge makes another one harder to find, and of equal ones the last counts.
#[test]
fn equal_merges_are_one() {
    let mut json = byte_level();
    let merges = json["model"]["merges"].as_array_mut().unwrap();
    let (first, last) = (merges[0].clone(), merges.len());
    merges.extend(vec![first; 100_000]);
    let tokenizer = load(&json);
    let merges = json["model"]["merges"].as_array_mut().unwrap();
    merges.drain(last + 1..);
    merges.remove(0);
    let text = "once upon a time a model said hello to the other model";
    assert_eq!(tokenizer.encode(text), load(&json).encode(text));
    assert!(tokenizer.byte_pairs.is_some());
}

#[test]
fn equal_pieces_are_refused() {
    let error = refused(unigram(), |json| {
        let pieces = json["model"]["vocab"].as_array_mut().unwrap();
        pieces.push(pieces[5].clone());
    });
    let TokenizerError::Ambiguous { texts, tokens } = error else { panic!("{error}") };
    assert_eq!(tokens, texts + 1);
}

/// Files of the first years do not name the kind of their model, and hold a merge in one text.
#[test]
fn older_forms_are_read() {
    for json in [byte_level(), sentence_piece(), unigram(), word_piece()] {
        let named = load(&json);
        let mut older = json.clone();
        older["model"].as_object_mut().unwrap().remove("type");
        if let Some(merges) = older["model"]["merges"].as_array_mut() {
            let line = |merge: &Value| {
                format!("{} {}", merge[0].as_str().unwrap(), merge[1].as_str().unwrap())
            };
            let lines = ["#version: 0.2".to_owned()].into_iter().chain(merges.iter().map(line));
            *merges = lines.map(Value::from).collect();
        }
        let older = load(&older);
        let text = "hello world, hello d";
        assert_eq!(older.kind(), named.kind());
        assert_eq!(older.encode(text), named.encode(text));
    }
}
