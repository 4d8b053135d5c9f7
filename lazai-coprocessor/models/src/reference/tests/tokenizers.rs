//! `tokenizer.json` with the files beside it, as `transformers` 5.23 puts them together.

use super::*;

fn added(id: u32, content: &str, special: bool) -> Value {
    json!({"id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
        "normalized": false, "special": special})
}

/// A tokenizer of 48 words and `<s>`.
fn tokenizer() -> Value {
    let vocab: serde_json::Map<_, _> = (0..48).map(|id| (format!("w{id}"), json!(id))).collect();
    json!({"version": "1.0", "added_tokens": [added(48, "<s>", true)], "normalizer": null,
        "pre_tokenizer": null, "post_processor": null, "decoder": null,
        "model": {"type": "WordLevel", "vocab": vocab, "unk_token": "w0"}})
}

/// A template with a token before a text and one behind it.
fn framed(before: &str, behind: &str) -> Value {
    let token = |text: &str| json!({"SpecialToken": {"id": text, "type_id": 0}});
    let tokens =
        [before, behind].map(|text| (text, json!({"id": text, "ids": [2], "tokens": [text]})));
    json!({"type": "TemplateProcessing", "pair": [], "special_tokens": Value::from_iter(tokens),
        "single": [token(before), {"Sequence": {"id": "A", "type_id": 0}}, token(behind)]})
}

/// The added tokens that a model of 50 tokens reads, and the notes.
fn read(
    tokenizer: &Value,
    files: &[(&str, Value)],
) -> Result<(Vec<Value>, Vec<Note>), ReferenceError> {
    let (folder, _) = small_checkpoint(true, 5);
    fs::write(folder.path().join("tokenizer.json"), tokenizer.to_string()).unwrap();
    for (name, content) in files {
        fs::write(folder.path().join(name), content.to_string()).unwrap();
    }
    let (json, notes) = Checkpoint::open(folder.path())?.tokenizer()?;
    let mut json: Value = serde_json::from_slice(&json).unwrap();
    let tokens = json["added_tokens"].take().as_array().unwrap().clone();
    let mut rest = tokenizer.clone();
    rest["added_tokens"] = json!(null);
    assert_eq!(json, rest, "nothing else changes");
    Ok((tokens, notes))
}

#[test]
fn added_tokens_stand_in_several_files() {
    let (one, two) = (added(48, "<s>", true), added(49, "<tool>", false));
    let decoder =
        |tokens: Value| ("tokenizer_config.json", json!({"added_tokens_decoder": tokens}));
    let both = || vec![one.clone(), two.clone()];
    let as_word = |mut token: Value| {
        token["normalized"] = json!(true);
        token
    };
    for (files, expected) in [
        (vec![], vec![one.clone()]),
        (vec![decoder(json!({"48": one, "49": two}))], both()),
        // A word of the vocabulary keeps its number.
        (
            vec![decoder(json!({"7": added(0, "w7", true)}))],
            vec![added(7, "w7", true), one.clone()],
        ),
        // Another form replaces the one that is there.
        (
            vec![decoder(
                json!({"48": {"content": "<s>", "lstrip": true, "normalized": false, "special": true}}),
            )],
            vec![json!({"id": 48, "content": "<s>", "single_word": false, "lstrip": true,
                "rstrip": false, "normalized": false, "special": true})],
        ),
        (
            vec![("added_tokens.json", json!({"<tool>": 49}))],
            vec![one.clone(), as_word(two.clone())],
        ),
        (
            vec![("special_tokens_map.json", json!({"pad_token": {"content": "<pad>"}}))],
            vec![one.clone(), added(49, "<pad>", true)],
        ),
        // So do its strips.
        (
            vec![(
                "special_tokens_map.json",
                json!({"mask_token": {"content": "<mask>", "lstrip": true, "normalized": false}}),
            )],
            vec![
                one.clone(),
                json!({"id": 49, "content": "<mask>", "single_word": false,
                "lstrip": true, "rstrip": false, "normalized": false, "special": true}),
            ],
        ),
        // A token of the model's own has a name of its own.
        (
            vec![("tokenizer_config.json", json!({"think_token": "<t>"}))],
            vec![one.clone(), added(49, "<t>", true)],
        ),
        (
            vec![("tokenizer_config.json", json!({"eos_token": "</s>", "bos_token": "<s>"}))],
            vec![one.clone(), added(49, "</s>", true)],
        ),
        (
            vec![(
                "tokenizer_config.json",
                json!({"extra_special_tokens": ["<x>"], "pad_token": null}),
            )],
            vec![one.clone(), added(49, "<x>", true)],
        ),
        // Of two lists the older one is left out, and so is that of the older file.
        (
            vec![(
                "tokenizer_config.json",
                json!({"extra_special_tokens": ["<x>"], "additional_special_tokens": ["<y>"]}),
            )],
            vec![one.clone(), added(49, "<x>", true)],
        ),
        (
            vec![
                ("tokenizer_config.json", json!({"additional_special_tokens": ["<x>"]})),
                ("special_tokens_map.json", json!({"additional_special_tokens": ["<y>"]})),
            ],
            vec![one.clone(), added(49, "<x>", true)],
        ),
        (
            vec![
                ("tokenizer_config.json", json!({"extra_special_tokens": ["<s>"]})),
                ("special_tokens_map.json", json!({"extra_special_tokens": ["<x>"]})),
            ],
            vec![one.clone(), added(49, "<x>", true)],
        ),
        // Those under one name are left out beside those under names of their own.
        (
            vec![(
                "tokenizer_config.json",
                json!({"model_specific_special_tokens": {"think_token": "<t>"}}),
            )],
            vec![one.clone(), added(49, "<t>", true)],
        ),
        (
            vec![(
                "tokenizer_config.json",
                json!({"model_specific_special_tokens": {"think_token": "<t>"},
                    "call_token": "<c>"}),
            )],
            vec![one.clone(), added(49, "<c>", true)],
        ),
        // Where all are numbered, the older files have no meaning.
        (
            vec![decoder(json!({"48": one})), ("added_tokens.json", json!({"<tool>": 49}))],
            vec![one.clone()],
        ),
    ] {
        let (got, note) = read(&tokenizer(), &files).unwrap();
        assert_eq!((got, note), (expected, vec![]), "{files:?}");
    }
    for (files, word) in [
        (decoder(json!({"40": two})), "40, not 49"),
        (decoder(json!({"x": two})), "added_tokens_decoder"),
        (decoder(json!([1])), "added_tokens_decoder"),
    ] {
        let error = read(&tokenizer(), &[files]).unwrap_err().to_string();
        assert!(error.contains(word) && error.contains("tokenizer_config.json"), "{error}");
    }
}

#[test]
fn types_of_tokens_are_those_of_a_first_text() {
    let mut tokenizer = tokenizer();
    let template = |kind: u32| {
        json!({"type": "TemplateProcessing", "pair": [],
            "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": kind}}],
            "special_tokens": {"<s>": {"id": "<s>", "ids": [48], "tokens": ["<s>"]}}})
    };
    tokenizer["post_processor"] = template(0);
    assert!(read(&tokenizer, &[]).is_ok());
    tokenizer["post_processor"] = json!({"type": "Sequence", "processors": [template(1)]});
    let error = read(&tokenizer, &[]).unwrap_err().to_string();
    assert!(error.starts_with("tokenizer.json: field type_id must be 0"), "{error}");
}

#[test]
fn tokens_without_a_row_are_left_out() {
    let mut json = tokenizer();
    let tokens = json["added_tokens"].as_array_mut().unwrap();
    tokens.extend([added(49, "<a>", true), added(50, "<pad>", false)]);
    let (tokens, note) = read(&json, &[]).unwrap();
    assert_eq!(tokens.len(), 2);
    let dropped = vec!["<pad>".to_owned()];
    assert_eq!(note, [Note::DroppedTokens { tokens: dropped, count: 1 }]);
    // One that stands around every text is missed.
    json["post_processor"] = json!({"type": "TemplateProcessing", "single": [{"id": "<pad>"}]});
    let (tokens, note) = read(&json, &[]).unwrap();
    assert_eq!((tokens.len(), note), (3, vec![]));
}

#[test]
fn options_that_contradict_the_tokenizer_are_refused() {
    let mut bert = tokenizer();
    bert["normalizer"] = json!({"type": "BertNormalizer", "clean_text": true,
        "handle_chinese_chars": true, "strip_accents": null, "lowercase": false});
    bert["post_processor"] = json!({"type": "BertProcessing", "sep": ["[SEP]", 3],
        "cls": ["[CLS]", 2]});
    bert["model"]["type"] = json!("WordPiece");
    bert["model"]["unk_token"] = json!("[UNK]");
    // Older files do not say which model they hold.
    let mut old = bert.clone();
    old["model"] = json!({"continuing_subword_prefix": "##", "unk_token": "[UNK]",
        "vocab": bert["model"]["vocab"]});
    let mut spaced = tokenizer();
    spaced["pre_tokenizer"] = json!({"type": "ByteLevel", "add_prefix_space": true});
    // What the class has of its own.
    let bert_with = |model: Value| {
        let mut changed = bert.clone();
        changed["model"].as_object_mut().unwrap().extend(model.as_object().unwrap().clone());
        changed
    };
    let usual = bert_with(json!({"max_input_chars_per_word": 100,
        "continuing_subword_prefix": "##"}));
    let short = bert_with(json!({"max_input_chars_per_word": 6}));
    let marked = bert_with(json!({"continuing_subword_prefix": "@@"}));
    let bert_around = |processor: Value| {
        let mut changed = bert.clone();
        changed["post_processor"] = processor;
        changed
    };
    let framed_once = bert_around(json!({"type": "Sequence",
        "processors": [framed("[CLS]", "[SEP]")]}));
    let turned = bert_around(framed("[SEP]", "[CLS]"));
    let mut twice = bert_around(framed("[CLS]", "[SEP]"));
    let single = twice["post_processor"]["single"].as_array_mut().unwrap();
    single.insert(1, single[2].clone());
    let mut in_pairs = bert_around(framed("[CLS]", "[SEP]"));
    let pieces = in_pairs["post_processor"]["single"].take();
    in_pairs["post_processor"]["single"] = json!([pieces[0], pieces[1]]);
    in_pairs["post_processor"]["pair"] = pieces;
    let mut numbered = bert_around(framed("[CLS]", "[SEP]"));
    numbered["model"]["vocab"]["[CLS]"] = json!(1);
    let of_bert = || json!({"tokenizer_class": "BertTokenizer", "do_lower_case": false});
    let mut plain = bert.clone();
    plain["normalizer"] = json!({"type": "NFC"});
    let config = |value: Value| [("tokenizer_config.json", value)];
    for (tokenizer, value) in [
        (&bert, json!({"tokenizer_class": "BertTokenizer", "do_lower_case": false})),
        (&bert, json!({"tokenizer_class": "PreTrainedTokenizerFast", "do_lower_case": true})),
        (&spaced, json!({"tokenizer_class": "GPT2TokenizerFast", "add_prefix_space": true})),
        (&spaced, json!({"tokenizer_class": "LlamaTokenizer"})),
        (&bert, json!({"do_lower_case": true, "fast_tokenizer_files": ["tokenizer.json"]})),
        (&usual, of_bert()),
        (&framed_once, of_bert()),
        (&twice, json!({"tokenizer_class": "PreTrainedTokenizerFast"})),
        (&bert, json!({"split_special_tokens": false})),
    ] {
        read(tokenizer, &config(value.clone())).unwrap();
    }
    for (tokenizer, value, field) in [
        (
            &bert,
            json!({"tokenizer_class": "BertTokenizer", "do_lower_case": true}),
            "do_lower_case",
        ),
        (&bert, json!({"tokenizer_class": "BertTokenizerFast"}), "do_lower_case"),
        (&bert, json!({"tokenizer_class": "DistilBertTokenizer"}), "do_lower_case"),
        (&old, json!({"tokenizer_class": "BertTokenizer"}), "do_lower_case"),
        (
            &bert,
            json!({"tokenizer_class": "BertTokenizer", "do_lower_case": false, "strip_accents": true}),
            "strip_accents",
        ),
        (
            &spaced,
            json!({"tokenizer_class": "GPT2Tokenizer", "add_prefix_space": false}),
            "add_prefix_space",
        ),
        (
            &spaced,
            json!({"tokenizer_class": "Qwen2Tokenizer", "add_prefix_space": false}),
            "add_prefix_space",
        ),
        (&plain, json!({"tokenizer_class": "BertTokenizer"}), "tokenizer_class"),
        (
            &bert,
            json!({"tokenizer_class": "BertTokenizer", "do_lower_case": false, "unk_token": "<unk>"}),
            "unk_token",
        ),
        (
            &bert,
            json!({"tokenizer_class": "BertTokenizer", "do_lower_case": false, "sep_token": "</s>"}),
            "sep_token",
        ),
        (&short, of_bert(), "max_input_chars_per_word must be 100"),
        (&marked, of_bert(), "continuing_subword_prefix must be \"##\""),
        (&turned, of_bert(), "cls_token"),
        (&twice, of_bert(), "post_processor"),
        (&in_pairs, of_bert(), "post_processor"),
        (&numbered, of_bert(), "cls_token"),
        (
            &bert,
            json!({"tokenizer_class": "SqueezeBertTokenizer", "do_lower_case": true}),
            "do_lower_case",
        ),
        (
            &bert,
            json!({"tokenizer_class": "BertTokenizer", "do_lower_case": false, "cls_token": null}),
            "cls_token",
        ),
        (&bert, json!({"auto_map": {"AutoTokenizer": ["own.Tokenizer", null]}}), "auto_map"),
        (
            &bert,
            json!({"fast_tokenizer_files": ["tokenizer.json", "tokenizer.4.0.0.json"]}),
            "fast_tokenizer_files",
        ),
    ] {
        let error = read(tokenizer, &config(value)).unwrap_err().to_string();
        assert!(error.contains(field) && error.contains("--tokenizer"), "{error}");
    }
}

#[test]
fn special_tokens_are_not_split() {
    let config = json!({"split_special_tokens": true});
    let error = read(&tokenizer(), &[("tokenizer_config.json", config)]).unwrap_err().to_string();
    assert!(error.contains("split_special_tokens must be false"), "{error}");
}

#[test]
fn added_tokens_that_a_class_leaves_out_are_refused() {
    let mut json = tokenizer();
    let tokens = json["added_tokens"].as_array_mut().unwrap();
    tokens.extend([added(49, "<q>", false), added(50, "<beyond>", false)]);
    let config = |class: &str, changes: Value| {
        let mut config = json!({"tokenizer_class": class,
            "added_tokens_decoder": {"48": added(48, "<s>", true)}});
        config.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        [("tokenizer_config.json", config)]
    };
    let numbered = json!({"added_tokens_decoder": {"48": added(48, "<s>", true),
        "49": added(49, "<q>", false)}});
    for class in ["BertTokenizer", "CodeLlamaTokenizer", "GPT2TokenizerFast", "Qwen2Tokenizer"] {
        let error = read(&json, &config(class, json!({}))).unwrap_err().to_string();
        assert!(error.contains("added_tokens_decoder") && error.contains("49 <q>"), "{error}");
        for changes in
            [&numbered, &json!({"call_token": "<q>"}), &json!({"added_tokens_decoder": null})]
        {
            assert_eq!(read(&json, &config(class, changes.clone())).unwrap().0.len(), 2, "{class}");
        }
    }
    let as_it_stands = config("PreTrainedTokenizerFast", json!({}));
    assert_eq!(read(&json, &as_it_stands).unwrap().0.len(), 2);
    // A class has some by itself.
    json["added_tokens"][1]["content"] = json!("</s>");
    assert!(read(&json, &config("LlamaTokenizer", json!({}))).is_ok());
    assert!(read(&json, &config("GPT2Tokenizer", json!({}))).is_err());
}

#[test]
fn a_token_of_two_forms_is_refused() {
    let config = |second: Value| {
        let first = json!({"content": "<m>", "lstrip": true, "normalized": false});
        [("tokenizer_config.json", json!({"mask_token": first, "call_token": second}))]
    };
    let same = json!({"content": "<m>", "lstrip": true, "normalized": false});
    assert_eq!(read(&tokenizer(), &config(same)).unwrap().0.len(), 2);
    let error = read(&tokenizer(), &config(json!("<m>"))).unwrap_err().to_string();
    assert!(error.contains("added_tokens_decoder") && error.contains("<m>"), "{error}");
    // The form of tokenizer.json counts, where it has the token.
    let mut known = tokenizer();
    known["added_tokens"].as_array_mut().unwrap().push(added(49, "<m>", true));
    assert_eq!(
        read(&known, &config(json!("<m>"))).unwrap().0,
        known["added_tokens"].as_array().unwrap().clone()
    );
}

#[test]
fn named_tokens_of_qwen_strip_nothing() {
    let config = |class: &str, strips: bool| {
        let token = json!({"content": "<m>", "lstrip": strips, "normalized": false});
        [("tokenizer_config.json", json!({"tokenizer_class": class, "mask_token": token}))]
    };
    assert!(read(&tokenizer(), &config("Qwen2Tokenizer", false)).is_ok());
    assert!(read(&tokenizer(), &config("GPT2Tokenizer", true)).is_ok());
    let error = read(&tokenizer(), &config("Qwen2Tokenizer", true)).unwrap_err().to_string();
    assert!(error.contains("tokenizer_class") && error.contains("<m>"), "{error}");
}

#[test]
fn a_corrected_mistral_is_refused_unless_its_file_is_corrected() {
    let (_, mut config) =
        family_configs().into_iter().find(|(name, _)| *name == "mistral").unwrap();
    let folder = Folder::new();
    write(folder.path(), &config, &random_tensors(&config, 5));
    let mut json = tokenizer();
    let vocab: serde_json::Map<_, _> =
        (0..100_001).map(|id| (format!("w{id}"), json!(id))).collect();
    let bytes = json!({"type": "ByteLevel", "add_prefix_space": false, "use_regex": false});
    let mut read = |version: Option<&str>, large: bool, pattern: &str| {
        config["transformers_version"] = json!(version);
        json["model"]["vocab"] = if large { json!(vocab) } else { json!({"w0": 0}) };
        let split = json!({"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated",
            "invert": false});
        json["pre_tokenizer"] = json!({"type": "Sequence", "pretokenizers": [split, bytes]});
        for (name, content) in [
            ("config.json", &config),
            ("tokenizer.json", &json),
            ("tokenizer_config.json", &json!({"fix_mistral_regex": true})),
        ] {
            fs::write(folder.path().join(name), content.to_string()).unwrap();
        }
        Checkpoint::open(folder.path()).unwrap().tokenizer().map(drop)
    };
    for version in [None, Some("4.57.1"), Some("5.0.0rc1"), Some("unknown")] {
        let error = read(version, true, "\\d").unwrap_err().to_string();
        assert!(error.contains("fix_mistral_regex must be false"), "{error}");
    }
    // Where the flag has no effect, it is passed over.
    assert_eq!(read(Some("5.0.0"), true, "\\d"), Ok(()));
    assert_eq!(read(Some("10.1"), true, "\\d"), Ok(()));
    assert_eq!(read(None, false, "\\d"), Ok(()));
    assert_eq!(read(None, true, crate::gguf::TEKKEN_WORDS), Ok(()));
}

#[test]
fn a_folder_of_bert_has_its_tokenizer_without_a_name() {
    let (_, config) = family_configs().into_iter().find(|(name, _)| *name == "bert").unwrap();
    let folder = Folder::new();
    write(folder.path(), &config, &random_tensors(&config, 5));
    let mut json = tokenizer();
    json["model"]["type"] = json!("WordPiece");
    json["model"]["unk_token"] = json!("[UNK]");
    json["normalizer"] = json!({"type": "BertNormalizer", "lowercase": true});
    json["pre_tokenizer"] = json!({"type": "BertPreTokenizer"});
    json["post_processor"] = framed("[CLS]", "[SEP]");
    let read = |options: Value| {
        fs::write(folder.path().join("tokenizer.json"), json.to_string()).unwrap();
        fs::write(folder.path().join("tokenizer_config.json"), options.to_string()).unwrap();
        Checkpoint::open(folder.path()).unwrap().tokenizer().map(|(_, notes)| notes)
    };
    // An encoder writes no text.
    assert_eq!(read(json!({"clean_up_tokenization_spaces": true})), Ok(vec![]));
    let error = read(json!({"do_lower_case": false})).unwrap_err().to_string();
    assert!(error.contains("do_lower_case"), "{error}");
    read(json!({"do_lower_case": false, "tokenizer_class": "PreTrainedTokenizerFast"})).unwrap();
}

#[test]
fn what_a_tokenizer_does_otherwise_is_told() {
    let config = |value: Value| [("tokenizer_config.json", value)];
    let clean = json!({"clean_up_tokenization_spaces": true});
    assert_eq!(read(&tokenizer(), &config(clean.clone())).unwrap().1, [Note::Spaces]);
    let mut merged = tokenizer();
    merged["model"]["type"] = json!("BPE");
    assert_eq!(read(&merged, &config(clean)).unwrap().1, []);
    let forced = "clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output";
    let error = read(&merged, &config(Value::from_iter([(forced, true)]))).unwrap_err();
    assert!(error.to_string().contains(forced), "{error}");
    let mut scored = tokenizer();
    scored["model"] = json!({"type": "Unigram", "unk_id": 0,
        "vocab": [["<unk>", 0.0], ["a", -1.5], ["b", -0.1]]});
    let notes = read(&scored, &[]).unwrap().1;
    assert_eq!(notes, [Note::RoundedScores { count: 1 }]);
}

#[test]
fn classes_with_rules_of_their_own_are_told() {
    let bytes = |digits: bool| {
        let bytes = json!({"type": "ByteLevel", "add_prefix_space": false});
        let digits = digits.then(|| json!({"type": "Digits", "individual_digits": true}));
        match digits {
            Some(digits) => json!({"type": "Sequence", "pretokenizers": [digits, bytes]}),
            None => bytes,
        }
    };
    let prepend = json!({"type": "Sequence", "normalizers": [
        {"type": "Prepend", "prepend": "\u{2581}"},
        {"type": "Replace", "pattern": {"String": " "}, "content": "\u{2581}"}]});
    let first = json!({"type": "Metaspace", "replacement": "\u{2581}", "prepend_scheme": "first",
        "split": false});
    let null = || Value::Null;
    let cleaned = |clean: bool| json!({"type": "BertNormalizer", "clean_text": clean});
    let words = || json!({"type": "BertPreTokenizer"});
    for (class, legacy, normalizer, words, part) in [
        ("GPT2Tokenizer", None, null(), bytes(false), None),
        ("GPT2Tokenizer", None, null(), bytes(true), Some("words")),
        ("GPT2Tokenizer", None, json!({"type": "NFC"}), bytes(false), Some("normalization")),
        ("Qwen2TokenizerFast", None, json!({"type": "NFC"}), bytes(false), Some("words")),
        ("BertTokenizer", None, cleaned(true), words(), None),
        ("BertTokenizer", None, cleaned(false), words(), Some("normalization")),
        ("BertTokenizer", None, cleaned(true), json!({"type": "Whitespace"}), Some("words")),
        ("LlamaTokenizer", Some(true), prepend.clone(), null(), Some("marks of spaces")),
        ("LlamaTokenizer", None, prepend.clone(), null(), Some("marks of spaces")),
        ("LlamaTokenizer", Some(true), null(), first.clone(), Some("marks of spaces")),
        ("LlamaTokenizer", Some(false), null(), first.clone(), None),
        // This class has no older form.
        ("CodeLlamaTokenizerFast", Some(true), null(), first, None),
        ("CodeLlamaTokenizer", None, prepend.clone(), null(), Some("marks of spaces")),
        ("PreTrainedTokenizerFast", None, prepend, bytes(true), None),
    ] {
        let mut json = tokenizer();
        (json["normalizer"], json["pre_tokenizer"]) = (normalizer, words);
        json["model"]["type"] = json!(if class.starts_with("Bert") { "WordPiece" } else { "BPE" });
        json["model"]["byte_fallback"] = json!(true);
        json["model"]["unk_token"] = json!("[UNK]");
        json["post_processor"] = framed("[CLS]", "[SEP]");
        let mut options = json!({"tokenizer_class": class});
        if let Some(legacy) = legacy {
            options["legacy"] = json!(legacy);
        }
        let notes = read(&json, &[("tokenizer_config.json", options)]).unwrap().1;
        let got = notes.iter().find_map(|note| match note {
            Note::TokenizerClass { part, .. } => Some(*part),
            _ => None,
        });
        assert_eq!(got.is_some(), part.is_some(), "{class} {legacy:?}: {notes:?}");
        assert!(got.unwrap_or_default().starts_with(part.unwrap_or_default()), "{class}: {got:?}");
    }
}

/// The class that is told of, with the part that differs if it is known.
fn told(json: &Value, options: Value) -> Option<(String, Option<&'static str>)> {
    let notes = read(json, &[("tokenizer_config.json", options)]).unwrap().1;
    notes.into_iter().find_map(|note| match note {
        Note::TokenizerClass { class, part } => Some((class, Some(part))),
        Note::OtherTokenizerClass { class } => Some((class, None)),
        _ => None,
    })
}

#[test]
fn classes_that_are_not_known_are_told() {
    for class in ["GPTNeoXTokenizerFast", "RobertaTokenizer", "GemmaTokenizer", "OwnTokenizer"] {
        let expected = class.trim_end_matches("Fast").to_owned();
        let got = told(&tokenizer(), json!({"tokenizer_class": class}));
        assert_eq!(got, Some((expected, None)));
    }
    for class in ["BloomTokenizerFast", "PreTrainedTokenizerFast", "RetriBertTokenizer"] {
        assert_eq!(told(&tokenizer(), json!({"tokenizer_class": class})), None, "{class}");
    }
}

#[test]
fn classes_that_build_another_model_are_told() {
    let first = json!({"type": "Metaspace", "replacement": "\u{2581}", "prepend_scheme": "first"});
    let mut json = tokenizer();
    json["pre_tokenizer"] = first;
    json["model"]["type"] = json!("BPE");
    let told = |json: &Value| told(json, json!({"tokenizer_class": "LlamaTokenizer"}));
    let part = |part| Some(("LlamaTokenizer".to_owned(), Some(part)));
    assert_eq!(told(&json), part("bytes"));
    json["model"]["byte_fallback"] = json!(true);
    assert_eq!(told(&json), None);
    json["model"]["type"] = json!("WordLevel");
    assert_eq!(told(&json), part("tokens"));
}

#[test]
fn unigram_tokenizers_of_the_usual_form_need_no_note() {
    let charsmap = || json!({"type": "Precompiled", "precompiled_charsmap": ""});
    let marks = |scheme: &str| json!({"type": "Metaspace", "replacement": "\u{2581}", "prepend_scheme": scheme});
    let words = |scheme: &str| json!({"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, marks(scheme)]});
    let newer = json!({"type": "Sequence", "normalizers": [charsmap(),
        {"type": "Strip", "strip_left": false, "strip_right": true},
        {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": "\u{2581}"}]});
    let with = |normalizer: Value, words: Value, frame: Value, unk: u32| {
        let mut json = tokenizer();
        json["normalizer"] = normalizer;
        json["pre_tokenizer"] = words;
        json["post_processor"] = frame;
        json["model"] = json!({"type": "Unigram", "unk_id": unk, "vocab": [["<s>", 0.0],
            ["<pad>", 0.0], ["</s>", 0.0], ["<unk>", 0.0], ["a", -1.5]]});
        json
    };
    let frame = || framed("<s>", "</s>");
    let class = || json!({"tokenizer_class": "XLMRobertaTokenizerFast"});
    let unspaced = json!({"tokenizer_class": "XLMRobertaTokenizer", "add_prefix_space": null});
    let nfkc = json!({"type": "NFKC"});
    for (json, options, same) in [
        (with(charsmap(), words("always"), frame(), 3), class(), true),
        (with(newer.clone(), marks("always"), frame(), 3), class(), true),
        (with(charsmap(), words("never"), frame(), 3), unspaced.clone(), true),
        (with(charsmap(), words("always"), frame(), 3), unspaced, false),
        (with(charsmap(), words("first"), frame(), 3), class(), false),
        (with(newer, words("always"), frame(), 3), class(), false),
        (with(nfkc, words("always"), frame(), 3), class(), false),
        (with(Value::Null, marks("always"), frame(), 3), class(), false),
        (with(charsmap(), words("always"), framed("<s>", "<s>"), 3), class(), false),
        (with(charsmap(), words("always"), frame(), 0), class(), false),
        (
            with(charsmap(), words("always"), frame(), 0),
            json!({"tokenizer_class": "CamembertTokenizer"}),
            true,
        ),
    ] {
        assert_eq!(told(&json, options.clone()).is_none(), same, "{json} {options}");
    }
}
