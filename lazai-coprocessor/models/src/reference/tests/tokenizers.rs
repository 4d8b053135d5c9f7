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

/// The added tokens that a model of 50 tokens reads, and the note.
fn read(
    tokenizer: &Value,
    files: &[(&str, Value)],
) -> Result<(Vec<Value>, Option<Note>), ReferenceError> {
    let (folder, _) = small_checkpoint(true, 5);
    fs::write(folder.path().join("tokenizer.json"), tokenizer.to_string()).unwrap();
    for (name, content) in files {
        fs::write(folder.path().join(name), content.to_string()).unwrap();
    }
    let (json, note) = Checkpoint::open(folder.path())?.tokenizer()?;
    let mut json: Value = serde_json::from_slice(&json).unwrap();
    let tokens = json["added_tokens"].take().as_array().unwrap().clone();
    let mut rest = tokenizer.clone();
    rest["added_tokens"] = json!(null);
    assert_eq!(json, rest, "nothing else changes");
    Ok((tokens, note))
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
        // Where all are numbered, the older files have no meaning.
        (
            vec![decoder(json!({"48": one})), ("added_tokens.json", json!({"<tool>": 49}))],
            vec![one.clone()],
        ),
    ] {
        let (got, note) = read(&tokenizer(), &files).unwrap();
        assert_eq!((got, note), (expected, None), "{files:?}");
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
fn tokens_without_a_row_are_left_out() {
    let mut json = tokenizer();
    let tokens = json["added_tokens"].as_array_mut().unwrap();
    tokens.extend([added(49, "<a>", true), added(50, "<pad>", false)]);
    let (tokens, note) = read(&json, &[]).unwrap();
    assert_eq!(tokens.len(), 2);
    let dropped = vec!["<pad>".to_owned()];
    assert_eq!(note, Some(Note::DroppedTokens { tokens: dropped, count: 1 }));
    // One that stands around every text is missed.
    json["post_processor"] = json!({"type": "TemplateProcessing", "single": [{"id": "<pad>"}]});
    let (tokens, note) = read(&json, &[]).unwrap();
    assert_eq!((tokens.len(), note), (3, None));
}

#[test]
fn options_that_contradict_the_tokenizer_are_refused() {
    let mut bert = tokenizer();
    bert["normalizer"] = json!({"type": "BertNormalizer", "clean_text": true,
        "handle_chinese_chars": true, "strip_accents": null, "lowercase": false});
    let mut spaced = tokenizer();
    spaced["pre_tokenizer"] = json!({"type": "ByteLevel", "add_prefix_space": true});
    let config = |value: Value| [("tokenizer_config.json", value)];
    for (tokenizer, value) in [
        (&bert, json!({"tokenizer_class": "BertTokenizer", "do_lower_case": false})),
        (&bert, json!({"tokenizer_class": "PreTrainedTokenizerFast", "do_lower_case": true})),
        (&spaced, json!({"tokenizer_class": "GPT2TokenizerFast", "add_prefix_space": true})),
        (&spaced, json!({"tokenizer_class": "LlamaTokenizer"})),
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
    ] {
        let error = read(tokenizer, &config(value)).unwrap_err().to_string();
        assert!(error.contains(field) && error.contains("--tokenizer"), "{error}");
    }
}
