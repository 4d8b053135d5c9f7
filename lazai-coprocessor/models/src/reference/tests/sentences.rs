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
    let unlisted = Note::Unlisted { file: "1_Pooling/config.json" };
    assert_eq!(first.unwrap().notes(), [unlisted, Note::FirstRow]);
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
    // A module of the folder's own may have any name, and the weights may lie elsewhere.
    let own = json!([
        {"path": "", "type": "sentence_transformers.models.Transformer"},
        {"path": "1_Pooling", "type": "custom_st.Pooling"}
    ]);
    let error = open(false, &[("modules.json", own), mean()]).unwrap_err().to_string();
    assert!(error.contains("custom_st.Pooling in 1_Pooling"), "{error}");
    let elsewhere = json!([{"path": "0_BERT", "type": "sentence_transformers.models.Transformer"}]);
    let error = open(false, &[("modules.json", elsewhere)]).unwrap_err().to_string();
    assert!(error.contains("field path") && error.contains("0_BERT"), "{error}");
    for path in ["../x", "/etc", "a//b", ".."] {
        let outside = json!([{"path": "", "type": "sentence_transformers.models.Transformer"},
                {"path": path, "type": "sentence_transformers.models.Pooling"}]);
        assert!(open(false, &[("modules.json", outside)]).is_err(), "{path}");
    }
}

#[test]
fn a_sentence_ends_where_its_files_say() {
    let kinds = ("modules.json", modules(&["Transformer", "Pooling", "Normalize"]));
    let config = |value: Value| ("sentence_bert_config.json", value);
    let tokenizer = |length: Value| ("tokenizer_config.json", json!({"model_max_length": length}));
    let listed = |files: Vec<(&'static str, Value)>| [vec![kinds.clone(), mean()], files].concat();
    for (files, expected) in [
        (listed(vec![config(json!({"max_seq_length": 16}))]), (16, "sentence_bert_config.json")),
        (
            listed(vec![config(json!({"max_seq_length": null})), tokenizer(json!(20))]),
            (20, "tokenizer_config.json"),
        ),
        (listed(vec![tokenizer(json!(20))]), (20, "tokenizer_config.json")),
        (
            listed(vec![config(json!({"max_seq_length": 16})), tokenizer(json!(20))]),
            (16, "sentence_bert_config.json"),
        ),
        (
            listed(vec![
                config(json!({})),
                ("sentence_roberta_config.json", json!({"max_seq_length": 8})),
            ]),
            (8, "sentence_roberta_config.json"),
        ),
    ] {
        let opened = open(false, &files).unwrap();
        assert_eq!((opened.context(), opened.architecture().context), (expected.0, 64));
        let note = Note::SentenceLength { file: expected.1, length: expected.0 };
        assert_eq!(opened.notes(), [note]);
    }
    for files in [
        listed(vec![config(json!({"max_seq_length": 512}))]),
        listed(vec![tokenizer(json!(1e30))]),
        vec![tokenizer(json!(20))],
    ] {
        let opened = open(false, &files).unwrap();
        assert_eq!((opened.context(), opened.notes()), (64, &[][..]));
    }
}

#[test]
fn what_is_done_to_a_sentence_is_honoured_or_refused() {
    let kinds = || ("modules.json", modules(&["Transformer", "Pooling", "Normalize"]));
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
        json!({"__version__": {}, "similarity_fn_name": "dot", "truncate_dim": null}),
        json!({"model_type": "SentenceTransformer", "similarity_fn_name": "cosine"}),
    ] {
        open(false, &[kinds(), mean(), prompts(value)]).unwrap();
    }
    for (value, field) in [
        (
            json!({"prompts": {"query": "q: "}, "default_prompt_name": "query"}),
            "default_prompt_name",
        ),
        (json!({"default_prompt_name": "query"}), "default_prompt_name"),
        (json!({"truncate_dim": 16}), "truncate_dim"),
        (json!({"model_type": "SparseEncoder"}), "model_type"),
    ] {
        let error = open(false, &[kinds(), mean(), prompts(value)]).unwrap_err().to_string();
        assert!(error.contains(field), "{error}");
    }
    for (field, value) in [
        ("query_length", json!(32)),
        ("transformer_task", json!("fill-mask")),
        ("module_output_name", json!("logits")),
        ("modality_config", json!({"text": {"method_output_name": "pooler_output"}})),
        ("modality_config", json!({"text": {"method": "get_text_features"}})),
        ("modality_config", json!({"message": {"method": "forward"}})),
        (
            "modality_config",
            json!({"text": {"method": "forward"}, "message": {"method": "forward"}}),
        ),
        ("something_new", json!(1)),
        ("model_args", json!({"num_hidden_layers": 1})),
        ("config_kwargs", json!({"is_decoder": true})),
        ("tokenizer_args", json!({"add_eos_token": true})),
        ("processing_kwargs", json!({"text": {"max_length": 8}})),
    ] {
        let files = [("sentence_bert_config.json", Value::from_iter([(field, value)]))];
        assert!(open(false, &files).unwrap_err().to_string().contains(field), "{field}");
    }
}

#[test]
fn options_of_the_run_do_not_matter() {
    for (field, value) in [
        ("model_args", json!({"torch_dtype": "float16", "attn_implementation": "sdpa"})),
        ("tokenizer_args", json!({"padding_side": "left"})),
        ("processing_kwargs", json!({})),
        ("modality_config", json!({"text": {"method": "forward"}})),
    ] {
        let files = [("sentence_bert_config.json", Value::from_iter([(field, value)]))];
        open(false, &files).unwrap();
    }
}

#[test]
fn what_a_vector_lacks_is_told() {
    let prompts = |value: Value| ("config_sentence_transformers.json", value);
    let notes = |kinds: &[&str], value: Value| {
        let files = [("modules.json", modules(kinds)), mean(), prompts(value)];
        open(false, &files).map(|checkpoint| checkpoint.notes().to_vec())
    };
    let normalized = &["Transformer", "Pooling", "Normalize"];
    assert_eq!(notes(normalized, json!({"prompts": {"query": "", "document": ""}})), Ok(vec![]));
    let names = vec!["query".to_owned()];
    let value = json!({"prompts": {"query": "q: ", "document": ""}});
    assert_eq!(notes(normalized, value), Ok(vec![Note::Prompts { names }]));
    // Without a length of 1, other comparisons are others.
    let free = &["Transformer", "Pooling"];
    assert_eq!(notes(free, json!({"similarity_fn_name": "cosine"})), Ok(vec![Note::UnitVectors]));
    for name in ["dot", "euclidean", "manhattan"] {
        let error = notes(free, json!({"similarity_fn_name": name})).unwrap_err().to_string();
        assert!(error.contains("similarity_fn_name"), "{error}");
        notes(normalized, json!({"similarity_fn_name": name})).unwrap();
    }
}
