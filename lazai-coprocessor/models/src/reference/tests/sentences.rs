//! Folders of sentence encoders.

use lazai_coprocessor::architecture::Pooling;

use super::*;

/// A small encoder, or a small decoder, with some files beside it.
fn open(decoder: bool, files: &[(&str, Value)]) -> Result<Checkpoint, ReferenceError> {
    let name = if decoder { "qwen3" } else { "bert" };
    let config = family_configs().into_iter().find(|(known, _)| *known == name).unwrap().1;
    let folder = Folder::new();
    write(folder.path(), &config, &random_tensors(&config, 5));
    for (name, content) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content.to_string()).unwrap();
    }
    Checkpoint::open(folder.path())
}

fn modules(kinds: &[&str]) -> Value {
    let path = |index: usize, kind: &str| match index {
        0 => String::new(),
        _ => format!("{index}_{}", kind.rsplit('.').next().unwrap()),
    };
    let module = |(index, kind): (usize, &&str)| {
        json!({"idx": index, "name": index.to_string(), "path": path(index, kind),
            "type": format!("sentence_transformers.models.{kind}")})
    };
    kinds.iter().enumerate().map(module).collect()
}

fn mean() -> (&'static str, Value) {
    ("1_Pooling/config.json", json!({"pooling_mode": "mean"}))
}

#[test]
fn pooling_is_read_in_every_form() {
    for (config, expected) in [
        (
            json!({"embedding_dimension": 48, "pooling_mode": "mean", "include_prompt": true}),
            Pooling::Mean,
        ),
        (json!({"pooling_mode": ["lasttoken"]}), Pooling::Last),
        (json!({"pooling_mode": "cls"}), Pooling::First),
        (
            json!({"word_embedding_dimension": 48, "pooling_mode_cls_token": true,
            "pooling_mode_mean_tokens": false}),
            Pooling::First,
        ),
        (
            json!({"pooling_mode_mean_sqrt_len_tokens": true, "pooling_mode_max_tokens": false}),
            Pooling::Mean,
        ),
        (json!({"pooling_mode_lasttoken": true}), Pooling::Last),
        (json!({"word_embedding_dimension": 48}), Pooling::Mean),
    ] {
        let opened = open(false, &[("1_Pooling/config.json", config.clone())]).unwrap();
        assert_eq!(opened.architecture().pooling, expected, "{config}");
    }
    for (config, word) in [
        (json!({"pooling_mode": "max"}), "max"),
        (json!({"pooling_mode": ["cls", "mean"]}), "cls and mean"),
        (json!({"pooling_mode_weightedmean_tokens": true}), "pooling_mode_weightedmean_tokens"),
        (
            json!({"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": true}),
            "pooling_mode_",
        ),
        (json!({"pooling_mode_mean_tokens": false}), "pooling_mode"),
        (json!({"pooling_mode": "mean", "attention_weights": 3}), "attention_weights"),
    ] {
        let error = open(false, &[("1_Pooling/config.json", config.clone())]).unwrap_err();
        let error = error.to_string();
        assert!(error.starts_with("1_Pooling/config.json: field "), "{error}");
        assert!(error.contains(word) && error.contains("--pooling"), "{error}");
    }
    let opened = open(true, &[("1_Pooling/config.json", json!({"pooling_mode_lasttoken": true}))]);
    assert_eq!(opened.unwrap().architecture().pooling, Pooling::Last);
    // The first row of a decoder has seen the first token alone.
    let first = open(true, &[("1_Pooling/config.json", json!({"pooling_mode_cls_token": true}))]);
    assert_eq!(first.unwrap().notes(), [Note::FirstRow]);
}

#[test]
fn modules_are_honoured_or_refused_by_name() {
    let good = modules(&["Transformer", "Pooling", "Dropout", "Normalize"]);
    open(false, &[("modules.json", good.clone()), mean()]).unwrap();
    let error = open(false, &[("modules.json", good)]).unwrap_err().to_string();
    assert!(error.contains("1_Pooling/config.json is missing"), "{error}");
    // The folder of the pooling is the one that is named.
    let named = json!([
        {"path": "", "type": "sentence_transformers.models.Transformer"},
        {"path": "pool", "type": "sentence_transformers.models.Pooling"}
    ]);
    let files =
        [("modules.json", named), ("pool/config.json", json!({"pooling_mode": "cls"})), mean()];
    assert_eq!(open(false, &files).unwrap().architecture().pooling, Pooling::First);
    for (kinds, word) in [
        (&["Transformer", "Pooling", "Dense", "Normalize"][..], "Dense in 2_Dense"),
        (&["Transformer", "Pooling", "LayerNorm"], "LayerNorm"),
        (&["Transformer", "WeightedLayerPooling", "Pooling"], "WeightedLayerPooling"),
        (&["Transformer", "Normalize", "Pooling"], "Normalize"),
        (&["Transformer", "Pooling", "Pooling"], "Pooling"),
        (&["Transformer", "custom.Expand"], "Expand"),
    ] {
        let error = open(false, &[("modules.json", modules(kinds)), mean()]).unwrap_err();
        let error = error.to_string();
        assert!(error.starts_with("modules.json: field type") && error.contains(word), "{error}");
    }
    for path in ["../x", "/etc", "a//b", ".."] {
        let outside =
            json!([{"path": "", "type": "Transformer"}, {"path": path, "type": "Pooling"}]);
        assert!(open(false, &[("modules.json", outside)]).is_err(), "{path}");
    }
}

#[test]
fn a_sentence_ends_where_its_files_say() {
    let kinds = ("modules.json", modules(&["Transformer", "Pooling"]));
    let config = |value: Value| ("sentence_bert_config.json", value);
    let tokenizer = |length: Value| ("tokenizer_config.json", json!({"model_max_length": length}));
    for (files, expected) in [
        (vec![config(json!({"max_seq_length": 16}))], (16, "sentence_bert_config.json")),
        (
            vec![config(json!({"max_seq_length": null})), tokenizer(json!(20))],
            (20, "tokenizer_config.json"),
        ),
        (vec![kinds.clone(), mean(), tokenizer(json!(20))], (20, "tokenizer_config.json")),
        (
            vec![config(json!({"max_seq_length": 16})), tokenizer(json!(20))],
            (16, "sentence_bert_config.json"),
        ),
    ] {
        let opened = open(false, &files).unwrap();
        assert_eq!((opened.context(), opened.architecture().context), (expected.0, 64));
        let note = Note::SentenceLength { file: expected.1, length: expected.0 };
        assert_eq!(opened.notes(), [note]);
    }
    for files in [
        vec![config(json!({"max_seq_length": 512}))],
        vec![kinds, mean(), tokenizer(json!(1e30))],
        vec![tokenizer(json!(20))],
    ] {
        let opened = open(false, &files).unwrap();
        assert_eq!((opened.context(), opened.notes()), (64, &[][..]));
    }
}

#[test]
fn what_is_done_to_a_sentence_is_honoured_or_refused() {
    let kinds = || ("modules.json", modules(&["Transformer", "Pooling"]));
    let lower = ("sentence_bert_config.json", json!({"do_lower_case": true}));
    let tokenizer = |normalizer: Value| ("tokenizer.json", json!({"normalizer": normalizer}));
    for normalizer in [
        json!({"type": "BertNormalizer", "lowercase": true}),
        json!({"type": "Sequence", "normalizers": [{"type": "Lowercase"}]}),
    ] {
        open(false, &[lower.clone(), tokenizer(normalizer)]).unwrap();
    }
    let error = open(false, &[lower, tokenizer(json!(null))]).unwrap_err().to_string();
    assert!(error.contains("do_lower_case"), "{error}");
    let prompts = |value: Value| ("config_sentence_transformers.json", value);
    for value in [
        json!({"prompts": {"query": "q: ", "document": ""}, "default_prompt_name": null}),
        json!({"prompts": {"document": ""}, "default_prompt_name": "document"}),
        json!({"__version__": {}, "similarity_fn_name": "cosine", "truncate_dim": null}),
    ] {
        open(false, &[kinds(), mean(), prompts(value)]).unwrap();
    }
    for (value, field) in [
        (
            json!({"prompts": {"query": "q: "}, "default_prompt_name": "query"}),
            "default_prompt_name",
        ),
        (json!({"truncate_dim": 16}), "truncate_dim"),
    ] {
        let error = open(false, &[kinds(), mean(), prompts(value)]).unwrap_err().to_string();
        assert!(error.contains(field), "{error}");
    }
    for (field, value) in [
        ("query_length", json!(32)),
        ("transformer_task", json!("fill-mask")),
        ("module_output_name", json!("logits")),
        ("modality_config", json!({"text": {"method_output_name": "pooler_output"}})),
    ] {
        let files = [("sentence_bert_config.json", Value::from_iter([(field, value)]))];
        assert!(open(false, &files).unwrap_err().to_string().contains(field), "{field}");
    }
}
