//! Folders as tools write them: names, heads, files of weights, ends of texts, downloads.

use super::*;

/// A small model on disk, changed before it is written.
fn changed(
    mut config: Value,
    change_config: impl Fn(&mut Value),
    change_tensors: impl Fn(&mut Tensors),
) -> Folder {
    let mut tensors = random_tensors(&config, 5);
    change_config(&mut config);
    change_tensors(&mut tensors);
    let folder = Folder::new();
    write(folder.path(), &config, &tensors);
    folder
}

fn small(tied: bool) -> Folder {
    changed(small_config(tied), |_| (), |_| ())
}

fn renamed(tensors: &mut Tensors, rename: impl Fn(&str) -> String) {
    *tensors = core::mem::take(tensors).into_iter().map(|(k, v)| (rename(&k), v)).collect();
}

fn refused(folder: &Folder) -> ReferenceError {
    Checkpoint::open(folder.path()).map(drop).unwrap_err()
}

fn put(folder: &Folder, name: &str, content: impl AsRef<[u8]>) {
    let path = folder.path().join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

/// All weights of a checkpoint.
fn weights(folder: &Folder) -> Vec<Vec<f32>> {
    let checkpoint = Checkpoint::open(folder.path()).unwrap();
    let names = checkpoint.architecture().tensors().into_iter();
    names.map(|(name, _)| checkpoint.tensor(&name).unwrap()).collect()
}

fn bert_config() -> Value {
    family_configs().into_iter().find(|(name, _)| *name == "bert").unwrap().1
}

#[test]
fn biases_are_those_that_a_family_builds() {
    for (kind, [query_key_value, attention_output, feed_forward]) in [
        ("llama", [true, true, true]),
        ("mistral", [false, false, false]),
        ("qwen2", [true, false, false]),
        ("qwen3", [true, true, false]),
    ] {
        let mut config = small_config(true);
        config["model_type"] = json!(kind);
        let folder = |tensor: &str| {
            let insert = |tensors: &mut Tensors| {
                tensors.entry(tensor.to_owned()).or_insert((vec![40], vec![0.5; 40]));
            };
            let mut config = config.clone();
            config["attention_bias"] = json!(true);
            config["mlp_bias"] = json!(true);
            changed(config, |_| (), insert)
        };
        let norm = "model.norm.weight";
        let checkpoint = Checkpoint::open(folder(norm).path()).unwrap();
        let biases = Biases { query_key_value, attention_output, feed_forward };
        assert_eq!(checkpoint.architecture().biases, biases, "{kind}");
        // A bias that would be computed without meaning is refused.
        for (tensor, is_there) in [
            ("model.layers.1.self_attn.o_proj.bias", attention_output),
            ("model.layers.0.mlp.down_proj.bias", feed_forward),
        ] {
            let opened = Checkpoint::open(folder(tensor).path()).map(drop);
            let unexpected = ReferenceError::UnexpectedTensor { tensor: tensor.to_owned() };
            assert_eq!(opened, if is_there { Ok(()) } else { Err(unexpected) }, "{kind}");
        }
    }
}

#[test]
fn texts_end_where_generation_config_says() {
    let folder = small(true);
    let ends = || Checkpoint::open(folder.path()).unwrap().architecture().end_tokens.clone();
    assert_eq!(ends(), [2]);
    for (content, expected) in [
        (json!({"eos_token_id": [1, 3], "temperature": 0.6, "do_sample": true}), vec![1, 3]),
        (json!({"eos_token_id": 4, "repetition_penalty": 1.05, "suppress_tokens": []}), vec![4]),
        (json!({"eos_token_id": null}), vec![2]),
        (json!({}), vec![2]),
    ] {
        put(&folder, "generation_config.json", content.to_string());
        assert_eq!(ends(), expected, "{content}");
    }
    for (field, value) in [
        ("eos_token_id", json!([1, 50])),
        ("suppress_tokens", json!([7])),
        ("forced_bos_token_id", json!(0)),
        ("sequence_bias", json!([[[1], 2.0]])),
        ("stop_strings", json!(["Human:"])),
        ("dola_layers", json!("low")),
        ("token_healing", json!(true)),
        ("watermarking_config", json!({"bias": 2.5})),
    ] {
        let content = Value::from_iter([(field, value)]);
        put(&folder, "generation_config.json", content.to_string());
        let error = refused(&folder).to_string();
        assert!(error.contains("generation_config.json") && error.contains(field), "{error}");
    }
    // An encoder ends no text.
    let folder = changed(bert_config(), |_| (), |_| ());
    put(&folder, "generation_config.json", r#"{"eos_token_id": 1}"#);
    assert!(Checkpoint::open(folder.path()).unwrap().architecture().end_tokens.is_empty());
}

#[test]
fn ways_to_choose_tokens_are_told() {
    let folder = small(true);
    let notes = || Checkpoint::open(folder.path()).unwrap().notes().to_vec();
    put(&folder, "generation_config.json", r#"{"temperature": 1.0, "do_sample": true}"#);
    assert_eq!(notes(), []);
    put(
        &folder,
        "generation_config.json",
        r#"{"repetition_penalty": 1.05, "top_h": 1, "top_k": 20}"#,
    );
    let choices = ["repetition_penalty 1.05", "top_h 1", "top_k 20"].map(str::to_owned).to_vec();
    assert_eq!(notes(), [Note::Choices { file: "generation_config.json", choices }]);
    // Older folders have no file for it.
    let old =
        changed(small_config(true), |config| config["repetition_penalty"] = json!(1.3), |_| ());
    let choices = vec!["repetition_penalty 1.3".to_owned()];
    let note = Note::Choices { file: "config.json", choices };
    assert_eq!(Checkpoint::open(old.path()).unwrap().notes(), [note]);
}

#[test]
fn texts_end_at_the_token_that_a_family_always_has() {
    let ends = |kind: &str, eos: Option<Value>| {
        let (_, mut config) =
            family_configs().into_iter().find(|(known, _)| *known == kind).unwrap();
        match eos {
            Some(eos) => config["eos_token_id"] = eos,
            None => drop(config.as_object_mut().unwrap().remove("eos_token_id")),
        }
        Config::from_json(config.to_string().as_bytes()).unwrap().architecture.end_tokens
    };
    for kind in ["linear", "mistral"] {
        assert_eq!(ends(kind, None), [2], "{kind}");
        assert!(ends(kind, Some(json!(null))).is_empty(), "{kind}");
    }
    // Of GPT-2 it is beyond this vocabulary; the others have none.
    for kind in ["gpt2", "qwen2", "qwen3"] {
        assert!(ends(kind, None).is_empty(), "{kind}");
    }
}

#[test]
fn an_adapter_is_refused() {
    let folder = small(true);
    put(&folder, "adapter_config.json", r#"{"peft_type": "LORA"}"#);
    let error = refused(&folder).to_string();
    assert!(error.starts_with("adapter_config.json") && error.contains("merge"), "{error}");
    fs::remove_file(folder.path().join("config.json")).unwrap();
    assert!(refused(&folder).to_string().starts_with("adapter_config.json"));
}

#[test]
fn elements_of_64_bits_are_rounded() {
    let (folder, expected) = (small(true), weights(&small(true)));
    let tensors = random_tensors(&small_config(true), 5);
    let store = |first: f64| {
        let bytes: Vec<_> = tensors
            .iter()
            .enumerate()
            .map(|(index, (name, (shape, values)))| {
                let mut values: Vec<f64> = values.iter().map(|x| f64::from(*x)).collect();
                if index == 0 {
                    values[0] = first;
                }
                let bytes: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
                (name, shape.clone(), bytes)
            })
            .collect();
        let views = bytes.iter().map(|(name, shape, bytes)| {
            (name.as_str(), TensorView::new(Dtype::F64, shape.clone(), bytes).unwrap())
        });
        put(&folder, "model.safetensors", safetensors::serialize(views, None).unwrap());
    };
    let first = f64::from(tensors.values().next().unwrap().1[0]);
    store(first * (1.0 + 1e-12));
    assert_eq!(weights(&folder), expected);
    store(1e300);
    let opened = Checkpoint::open(folder.path()).unwrap();
    let error = ReferenceModel::new(&opened, Threads::single()).unwrap_err();
    assert!(matches!(error, ReferenceError::NotFinite { index: 0, .. }), "{error}");
}

#[test]
fn tensors_that_contradict_their_index_are_named() {
    let folder = small(true);
    let parts = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];
    let whole = fs::read(folder.path().join("model.safetensors")).unwrap();
    fs::remove_file(folder.path().join("model.safetensors")).unwrap();
    for part in parts {
        put(&folder, part, &whole);
    }
    let index = json!({"weight_map": {"a": parts[0], "b": parts[1]}});
    put(&folder, "model.safetensors.index.json", index.to_string());
    let error = refused(&folder).to_string();
    assert!(error.starts_with(parts[1]) && error.contains("is in two files"), "{error}");
    // Fewer layers than the configuration says, more, and one without elements.
    let layer = "model.layers.1.mlp.up_proj.weight";
    let fewer = changed(
        small_config(true),
        |_| (),
        |tensors| tensors.retain(|name, _| !name.contains("layers.1.")),
    );
    assert!(refused(&fewer).to_string().contains("model.layers.1."));
    let more = changed(small_config(true), |config| config["num_hidden_layers"] = json!(1), |_| ());
    assert!(refused(&more).to_string().contains("model.layers.1."));
    for (name, shape) in [(layer, vec![0, 40]), ("model.extra", vec![0])] {
        let empty = changed(
            small_config(true),
            |_| (),
            |tensors| drop(tensors.insert(name.to_owned(), (shape.clone(), Vec::new()))),
        );
        assert!(refused(&empty).to_string().contains(name), "{name}");
    }
}

#[test]
fn the_first_names_of_bert_are_read() {
    let expected = changed(bert_config(), |_| (), |_| ());
    let old = changed(
        bert_config(),
        |_| (),
        |tensors| {
            renamed(tensors, |name| {
                let name = name.replace("LayerNorm.weight", "LayerNorm.gamma");
                format!("bert.{}", name.replace("LayerNorm.bias", "LayerNorm.beta"))
            });
        },
    );
    assert_eq!(weights(&old), weights(&expected));
    let twice = changed(
        bert_config(),
        |_| (),
        |tensors| {
            let (name, tensor) = ("embeddings.LayerNorm.gamma", (vec![48], vec![0.0; 48]));
            tensors.insert(name.to_owned(), tensor);
        },
    );
    let error = refused(&twice).to_string();
    assert!(
        error.contains("LayerNorm.gamma and") || error.contains("LayerNorm.weight and"),
        "{error}"
    );
}

#[test]
fn names_may_have_wrappers_and_no_prefix() {
    let expected = weights(&small(true));
    for wrapper in ["_orig_mod.", "base_model.model.", "module._orig_mod."] {
        let folder = changed(
            small_config(true),
            |_| (),
            |tensors| renamed(tensors, |name| format!("{wrapper}{name}")),
        );
        assert_eq!(weights(&folder), expected, "{wrapper}");
    }
    let bare = |name: &str| name.replace("model.", "");
    let folder = changed(small_config(true), |_| (), |tensors| renamed(tensors, bare));
    assert_eq!(weights(&folder), expected);
    // Saved without its head, the network only embeds.
    let folder = changed(
        small_config(true),
        |config| config["tie_word_embeddings"] = json!(false),
        |tensors| renamed(tensors, bare),
    );
    let checkpoint = Checkpoint::open(folder.path()).unwrap();
    assert_eq!(checkpoint.architecture().head, Head::None);
    assert!(checkpoint.architecture().end_tokens.is_empty());
    assert_eq!(checkpoint.notes(), [Note::NoHead]);
}

#[test]
fn a_stored_head_is_the_head() {
    let (expected, config) = (weights(&small(true)), small_config(true));
    let with_head = |change: f32| {
        changed(
            config.clone(),
            |_| (),
            move |tensors| {
                let mut head = tensors["model.embed_tokens.weight"].clone();
                *head.1.last_mut().unwrap() += change;
                tensors.insert("lm_head.weight".to_owned(), head);
            },
        )
    };
    // A copy of the embedding is left out.
    assert_eq!(weights(&with_head(0.0)), expected);
    let folder = with_head(1.0);
    let checkpoint = Checkpoint::open(folder.path()).unwrap();
    assert_eq!(checkpoint.architecture().head, Head::Own);
    assert_ne!(checkpoint.tensor("head").unwrap(), checkpoint.tensor("embedding").unwrap());
    assert_eq!(checkpoint.notes(), [Note::OwnHead { tensor: "lm_head.weight".to_owned() }]);
}

#[test]
fn one_file_of_weights_comes_before_an_index() {
    let folder = small(true);
    let expected = weights(&folder);
    let index = json!({"weight_map": {"model.norm.weight": "model-00001-of-00001.safetensors"}});
    put(&folder, "model.safetensors.index.json", index.to_string());
    assert_eq!(weights(&folder), expected);
    let (one, part) = ("model.safetensors", "model-00001-of-00001.safetensors");
    fs::rename(folder.path().join(one), folder.path().join(part)).unwrap();
    assert_eq!(weights(&folder), expected);
}

#[test]
fn a_long_context_is_cut_and_a_window_ends_it() {
    let context = |config: Value| {
        let folder = changed(config, |_| (), |_| ());
        let checkpoint = Checkpoint::open(folder.path()).unwrap();
        (checkpoint.context(), checkpoint.notes().to_vec())
    };
    let with = |changes: Value| {
        let mut config = small_config(true);
        config.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        context(config)
    };
    let note = Note::Context { positions: 262_144, context: 131_072 };
    assert_eq!(with(json!({"max_position_embeddings": 262_144})), (131_072, vec![note]));
    let mistral = |window: Value| {
        with(
            json!({"model_type": "mistral", "max_position_embeddings": 32_768, "sliding_window": window}),
        )
    };
    assert_eq!(mistral(json!(24)), (24, vec![Note::Window { window: 24 }]));
    assert_eq!(mistral(json!(null)), (32_768, vec![]));
    let absent = with(json!({"model_type": "mistral", "max_position_embeddings": 32_768}));
    assert_eq!(absent, (4_096, vec![Note::Window { window: 4_096 }]));
}

#[test]
fn fields_of_other_networks_are_refused_by_name() {
    for (field, value) in [
        ("is_causal", json!(false)),
        ("use_bidirectional_attention", json!(true)),
        ("final_logit_softcapping", json!(30.0)),
        ("num_local_experts", json!(8)),
        ("residual_multiplier", json!(0.22)),
        ("pruned_heads", json!({"0": [1]})),
        ("quantization_config", json!({})),
        ("quantization", json!({"bits": 4})),
        ("auto_map", json!({"AutoModel": "modeling_llama_encoder.LlamaEncoderModel"})),
        ("transformers_weights", json!("other.safetensors")),
        ("per_layer_config", json!({"0": {"skip": ["attention"]}})),
        ("suppress_tokens", json!([7])),
        ("rope_scaling", json!({"rope_type": "linear", "factor": 2.0, "beta_fast": 32})),
        (
            "rope_scaling",
            json!({"rope_type": "linear", "factor": 2.0, "partial_rotary_factor": 0.5}),
        ),
        ("rope_parameters", json!({"full_attention": {"rope_type": "default", "rope_theta": 1e6}})),
    ] {
        let folder = changed(small_config(true), |config| config[field] = value.clone(), |_| ());
        assert!(refused(&folder).to_string().contains(field), "{field}");
    }
    let neutral = json!({"is_causal": true, "num_local_experts": 0, "residual_multiplier": 1.0,
        "final_logit_softcapping": null, "pruned_heads": {}, "unsloth_version": "2025.1"});
    let mut config = small_config(true);
    config.as_object_mut().unwrap().extend(neutral.as_object().unwrap().clone());
    Checkpoint::open(changed(config, |_| (), |_| ()).path()).unwrap();
}

#[test]
fn names_of_one_field_must_agree() {
    let with = |kind: &str, changes: Value| {
        let (_, mut config) =
            family_configs().into_iter().find(|(known, _)| *known == kind).unwrap();
        config.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        Config::from_json(config.to_string().as_bytes())
    };
    let linear = json!({"rope_type": "linear", "factor": 4.0, "rope_theta": 1e4});
    let same = json!({"rope_scaling": linear, "rope_parameters": linear});
    with("qwen3", same).unwrap();
    let other = json!({"rope_type": "default", "rope_theta": 1e6});
    let both = json!({"rope_scaling": linear, "rope_parameters": other});
    assert!(with("qwen3", both).unwrap_err().to_string().contains("rope_scaling"));
    let outside = json!({"original_max_position_embeddings": 32});
    let error = with("llama3", outside).unwrap_err().to_string();
    assert!(error.contains("original_max_position_embeddings"), "{error}");
    with("llama3", json!({"original_max_position_embeddings": 16})).unwrap();
    with("gpt2", json!({"hidden_size": 48, "num_hidden_layers": 2})).unwrap();
    for (field, value) in [
        ("hidden_size", 96),
        ("max_position_embeddings", 32),
        ("num_attention_heads", 2),
        ("num_hidden_layers", 1),
    ] {
        let error = with("gpt2", Value::from_iter([(field, value)])).unwrap_err().to_string();
        assert!(error.contains(field), "{error}");
    }
}

#[test]
fn numbers_of_python_do_not_matter_in_unused_fields() {
    let folder = small(true);
    let with = |field: &str| {
        let text = small_config(true).to_string();
        put(&folder, "config.json", text.replacen('{', &format!("{{\"{field}\": Infinity, "), 1));
    };
    with("unused");
    Checkpoint::open(folder.path()).unwrap();
    put(&folder, "config.json", small_config(true).to_string().replace("10000.0", "Infinity"));
    let ReferenceError::Field { field, got, .. } = refused(&folder) else { panic!("no field") };
    assert_eq!((field.as_str(), got.as_str()), ("rope_theta", "\"Infinity\""));
}

#[test]
fn broken_downloads_are_named() {
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 2471645608\n";
    for name in ["config.json", "model.safetensors", "generation_config.json"] {
        for (content, word) in [(pointer, "git lfs pull"), ("<!DOCTYPE html><html>", "web page")] {
            let folder = small(true);
            put(&folder, name, content);
            let error = refused(&folder).to_string();
            assert!(error.starts_with(name) && error.contains(word), "{error}");
        }
    }
    let folder = small(true);
    put(&folder, "tokenizer.json", pointer);
    let error = Checkpoint::open(folder.path()).unwrap().tokenizer_json().unwrap_err();
    assert!(error.to_string().contains("tokenizer.json is a pointer of Git LFS"), "{error}");

    let folder = small(true);
    let parts = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];
    fs::rename(folder.path().join("model.safetensors"), folder.path().join(parts[0])).unwrap();
    let index = json!({"weight_map": {"a": parts[0], "b": parts[1]}});
    put(&folder, "model.safetensors.index.json", index.to_string());
    let error = refused(&folder).to_string();
    assert!(error.contains(parts[1]) && error.contains("download"), "{error}");
    let whole = fs::read(folder.path().join(parts[0])).unwrap();
    put(&folder, parts[1], &whole[..whole.len() / 2]);
    let error = refused(&folder).to_string();
    assert!(error.contains(parts[1]) && error.contains("download it again"), "{error}");

    let folder = small(true);
    fs::rename(
        folder.path().join("model.safetensors"),
        folder.path().join("pytorch_model-00001-of-00002.bin"),
    )
    .unwrap();
    let error = refused(&folder).to_string();
    assert!(error.contains("pytorch_model-00001-of-00002.bin"), "{error}");
    assert!(error.contains("safetensors") && error.contains("transformers"), "{error}");
    fs::remove_file(folder.path().join("pytorch_model-00001-of-00002.bin")).unwrap();
    let error = refused(&folder).to_string();
    assert!(error.contains("model.safetensors is missing"), "{error}");
    for (file, hint) in [
        ("model.fp16.safetensors", "name it model.safetensors"),
        ("consolidated.safetensors", "download model.safetensors"),
        ("model-00001-of-00002.safetensors", "model.safetensors.index.json"),
        ("adapter_model.safetensors", "merge it"),
    ] {
        put(&folder, file, "");
        let error = refused(&folder).to_string();
        assert!(error.contains(file) && error.contains(hint), "{error}");
    }
}
