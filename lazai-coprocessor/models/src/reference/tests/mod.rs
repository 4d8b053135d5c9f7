//! A writer of small random checkpoints, and the model against a plain 64-bit computation.

mod folders;
mod gguf_files;
mod sentences;
mod tokenizers;

use core::sync::atomic::{AtomicU32, Ordering};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use lazai_coprocessor::{
    architecture::{Architecture, Biases, Head, Positions, Rotary},
    kernel::Threads,
};
use safetensors::{Dtype, tensor::TensorView};
use serde_json::{Value, json};

use super::*;
use crate::gguf::{Value as Metadata, writer::Writer};

/// A folder that vanishes with its owner.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("lazai-checkpoint-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The tensors of a checkpoint by name.
pub(crate) type Tensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// The configuration of a small model with two layers and grouped heads.
pub(crate) fn small_config(tied: bool) -> Value {
    json!({
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_act": "silu",
        "hidden_size": 40,
        "intermediate_size": 72,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 12,
        "vocab_size": 50,
        "max_position_embeddings": 64,
        "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0,
        "tie_word_embeddings": tied,
        "eos_token_id": 2,
        "torch_dtype": "float32",
    })
}

/// Configurations of small models of every family.
pub(crate) fn family_configs() -> Vec<(&'static str, Value)> {
    let llama = |changes: Value| {
        let mut config = small_config(true);
        config.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        config
    };
    vec![
        (
            "llama3",
            llama(json!({"rope_parameters": {"rope_type": "llama3", "rope_theta": 5e5,
            "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
            "original_max_position_embeddings": 16}})),
        ),
        ("linear", llama(json!({"rope_scaling": {"type": "linear", "factor": 4.0}}))),
        ("biased llama", llama(json!({"attention_bias": true, "mlp_bias": true}))),
        ("mistral", llama(json!({"model_type": "mistral", "sliding_window": 63}))),
        (
            "qwen2",
            llama(json!({"model_type": "qwen2", "sliding_window": 9,
            "use_sliding_window": false})),
        ),
        ("qwen3", llama(json!({"model_type": "qwen3", "head_dim": 16}))),
        (
            "gpt2",
            json!({"model_type": "gpt2", "n_embd": 48, "n_layer": 2, "n_head": 4,
            "n_positions": 64, "vocab_size": 50, "eos_token_id": 2}),
        ),
        (
            "bert",
            json!({"model_type": "bert", "hidden_size": 48, "num_hidden_layers": 2,
            "num_attention_heads": 4, "intermediate_size": 96, "max_position_embeddings": 64,
            "vocab_size": 50}),
        ),
    ]
}

/// Random tensors for a configuration: gains about one, other weights about zero.
pub(crate) fn random_tensors(config: &Value, seed: u64) -> Tensors {
    let config = Config::from_json(config.to_string().as_bytes()).unwrap();
    let mut state = seed;
    let mut tensors = Tensors::new();
    for (name, shape) in config.tensors() {
        let deviation = 1.0 / (shape.last().copied().unwrap() as f32).sqrt();
        let values = (0..shape.iter().product())
            .map(|_| {
                // The sum of three uniform numbers is nearly normal.
                let noise = 2.0 * (uniform(&mut state) + uniform(&mut state) + uniform(&mut state));
                let norm = ["norm", "ln_", "LayerNorm"].iter().any(|part| name.contains(part));
                if norm && name.ends_with("weight") { 1.0 + 0.2 * noise } else { noise * deviation }
            })
            .collect();
        tensors.insert(name, (shape, values));
    }
    tensors
}

/// Writes a checkpoint.
pub(crate) fn write(folder: &Path, config: &Value, tensors: &Tensors) {
    fs::write(folder.join("config.json"), config.to_string()).unwrap();
    let bytes: Vec<_> = tensors
        .iter()
        .map(|(name, (shape, values))| {
            let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            (name, shape.clone(), bytes)
        })
        .collect();
    let views = bytes.iter().map(|(name, shape, bytes)| {
        (name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap())
    });
    let file = safetensors::serialize(views, None).unwrap();
    fs::write(folder.join("model.safetensors"), file).unwrap();
}

/// A small random checkpoint on disk.
pub(crate) fn small_checkpoint(tied: bool, seed: u64) -> (Folder, Tensors) {
    let folder = Folder::new();
    let config = small_config(tied);
    let tensors = random_tensors(&config, seed);
    write(folder.path(), &config, &tensors);
    (folder, tensors)
}

/// A number from -0.5 to 0.5, by the splitmix64 generator.
fn uniform(state: &mut u64) -> f32 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    f32::from(u16::try_from((z ^ z >> 31) >> 48).unwrap()) / 65_535.0 - 0.5
}

/// Llama in 64-bit arithmetic and the platform's library, written apart from the model.
fn plain_logits(config: &Architecture, tensors: &Tensors, tokens: &[u32]) -> Vec<f64> {
    let get = |name: &str| -> Vec<f64> {
        tensors[&format!("{name}.weight")].1.iter().map(|value| f64::from(*value)).collect()
    };
    let apply = |weight: &[f64], x: &[f64]| -> Vec<f64> {
        let row = |row: &[f64]| row.iter().zip(x).map(|(w, x)| w * x).sum();
        weight.chunks(x.len()).map(row).collect()
    };
    let norm = |x: &[f64], gain: &[f64]| -> Vec<f64> {
        let mean = x.iter().map(|x| x * x).sum::<f64>() / x.len() as f64;
        x.iter().zip(gain).map(|(x, g)| x / (mean + config.norm_epsilon).sqrt() * g).collect()
    };
    let d = config.head_dim as usize;
    let Positions::Rotary(rotary) = &config.positions else { panic!("not rotary") };
    let rotate = |x: &mut [f64], position: usize| {
        for head in x.chunks_mut(d) {
            for i in 0..d / 2 {
                let exponent = -2.0 * i as f64 / d as f64;
                let angle = position as f64 * (rotary.theta as f64).powf(exponent);
                let (a, b) = (head[i], head[i + d / 2]);
                head[i] = a * angle.cos() - b * angle.sin();
                head[i + d / 2] = b * angle.cos() + a * angle.sin();
            }
        }
    };
    let embedding = get("model.embed_tokens");
    let hidden = config.hidden as usize;
    let mut rows: Vec<Vec<f64>> = tokens
        .iter()
        .map(|token| embedding[*token as usize * hidden..][..hidden].to_vec())
        .collect();
    let sharing = (config.heads / config.kv_heads) as usize;
    for layer in 0..config.layers {
        let get = |name: &str| get(&format!("model.layers.{layer}.{name}"));
        let [q, k, v, o] = ["q", "k", "v", "o"].map(|m| get(&format!("self_attn.{m}_proj")));
        let [gate, up, down] = ["gate", "up", "down"].map(|m| get(&format!("mlp.{m}_proj")));
        let (before, after) = (get("input_layernorm"), get("post_attention_layernorm"));
        let (mut keys, mut values) = (Vec::new(), Vec::new());
        for (position, x) in rows.iter_mut().enumerate() {
            let normed = norm(x, &before);
            let (mut query, mut key) = (apply(&q, &normed), apply(&k, &normed));
            rotate(&mut query, position);
            rotate(&mut key, position);
            keys.push(key);
            values.push(apply(&v, &normed));
            let mut mixed = vec![0.0; query.len()];
            for head in 0..config.heads as usize {
                let from = head / sharing * d;
                let score = |key: &Vec<f64>| -> f64 {
                    (0..d).map(|i| query[head * d + i] * key[from + i]).sum::<f64>()
                        / (d as f64).sqrt()
                };
                let powers: Vec<f64> = keys.iter().map(|key| score(key).exp()).collect();
                let sum: f64 = powers.iter().sum();
                for (power, value) in powers.iter().zip(&values) {
                    for i in 0..d {
                        mixed[head * d + i] += power / sum * value[from + i];
                    }
                }
            }
            for (x, delta) in x.iter_mut().zip(apply(&o, &mixed)) {
                *x += delta;
            }
            let normed = norm(x, &after);
            let product: Vec<f64> = apply(&gate, &normed)
                .iter()
                .zip(apply(&up, &normed))
                .map(|(gate, up)| gate / (1.0 + (-gate).exp()) * up)
                .collect();
            for (x, delta) in x.iter_mut().zip(apply(&down, &product)) {
                *x += delta;
            }
        }
    }
    let last = get("model.norm");
    let head = if config.head == Head::Tied { embedding } else { get("lm_head") };
    rows.iter().flat_map(|x| apply(&head, &norm(x, &last))).collect()
}

const TOKENS: [u32; 21] = [7, 1, 49, 0, 12, 12, 3, 30, 41, 5, 6, 7, 8, 1, 1, 1, 22, 23, 9, 10, 11];

#[test]
fn logits_agree_with_a_plain_computation() {
    for tied in [false, true] {
        let (folder, tensors) = small_checkpoint(tied, 7);
        let checkpoint = Checkpoint::open(folder.path()).unwrap();
        let model = ReferenceModel::new(&checkpoint, Threads::single()).unwrap();
        let expected = plain_logits(checkpoint.architecture(), &tensors, &TOKENS);
        let got = model.forward(&TOKENS, &mut ()).unwrap();
        assert_eq!(got.len(), expected.len());
        for (got, expected) in got.iter().zip(expected) {
            assert!((f64::from(*got) - expected).abs() < 1e-5, "{got} is not {expected}");
        }
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    let (folder, _) = small_checkpoint(false, 3);
    let checkpoint = Checkpoint::open(folder.path()).unwrap();
    let run = |count| {
        let model = ReferenceModel::new(&checkpoint, Threads::new(count).unwrap()).unwrap();
        let logits = model.forward(&TOKENS, &mut ()).unwrap();
        logits.iter().map(|value| value.to_bits()).collect::<Vec<_>>()
    };
    assert_eq!(run(1), run(3));
}

#[test]
fn observer_sees_every_point_once() {
    struct Points(Vec<(Point, usize)>);
    impl Observer for Points {
        fn observe(&mut self, point: Point, values: &[f32]) {
            self.0.push((point, values.len()));
        }
    }
    let (folder, _) = small_checkpoint(true, 3);
    let checkpoint = Checkpoint::open(folder.path()).unwrap();
    let model = ReferenceModel::new(&checkpoint, Threads::single()).unwrap();
    let mut points = Points(Vec::new());
    model.forward(&[1, 2, 3], &mut points).unwrap();
    assert_eq!(points.0.len(), 1 + 2 * 13 + 2);
    assert!(points.0.is_sorted_by(|(before, _), (after, _)| before < after));
    let layer = |point| Point::Layer(1, point);
    for (point, width) in [
        (layer(LayerPoint::RotatedQuery), 48),
        (layer(LayerPoint::Value), 24),
        (layer(LayerPoint::Gated), 72),
        (Point::Norm, 40),
        (Point::Logits, 50),
    ] {
        assert!(points.0.contains(&(point, 3 * width)), "{point:?}");
    }
}

#[test]
fn sequences_out_of_range_are_refused() {
    let (folder, _) = small_checkpoint(true, 3);
    let checkpoint = Checkpoint::open(folder.path()).unwrap();
    let model = ReferenceModel::new(&checkpoint, Threads::single()).unwrap();
    assert_eq!(
        model.forward(&[1, 50], &mut ()),
        Err(ReferenceError::Token { index: 1, got: 50, vocabulary: 50 })
    );
    assert_eq!(model.forward(&[0; 65], &mut ()), Err(ReferenceError::Length { got: 65, max: 64 }));
    assert_eq!(model.forward(&[], &mut ()), Ok(Vec::new()));
}

#[test]
fn perplexity_of_random_weights_is_near_the_vocabulary() {
    let (folder, _) = small_checkpoint(false, 11);
    let checkpoint = Checkpoint::open(folder.path()).unwrap();
    let model = ReferenceModel::new(&checkpoint, Threads::single()).unwrap();
    let got = model.perplexity(&TOKENS, 8).unwrap();
    assert_eq!(got.predictions, 7 + 7 + 4);
    assert!((10.0..250.0).contains(&got.value()), "{got:?}");
}

/// Opens a checkpoint whose configuration or tensors were changed, and reads all of it.
fn open_changed(
    change_config: impl Fn(&mut Value),
    change_tensors: impl Fn(&mut Tensors),
) -> Result<ReferenceModel, ReferenceError> {
    let folder = Folder::new();
    let mut config = small_config(true);
    let mut tensors = random_tensors(&config, 5);
    change_config(&mut config);
    change_tensors(&mut tensors);
    write(folder.path(), &config, &tensors);
    ReferenceModel::new(&Checkpoint::open(folder.path())?, Threads::single())
}

#[test]
fn unsupported_configurations_are_refused_by_field() {
    for (field, value) in [
        ("model_type", json!("mamba")),
        ("model_type", json!(null)),
        ("hidden_act", json!("gelu")),
        ("attention_bias", json!("no")),
        ("mlp_bias", json!(1)),
        ("rope_scaling", json!({"type": "dynamic", "factor": 2.0})),
        ("rope_scaling", json!({"type": "linear", "factor": 0.5})),
        (
            "rope_scaling",
            json!({"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 4.0,
            "high_freq_factor": 1.0, "original_max_position_embeddings": 32}),
        ),
        ("rope_scaling", json!("linear")),
        ("sliding_window", json!(4_096)),
        ("use_sliding_window", json!(true)),
        ("layer_types", json!(["full_attention", "sliding_attention"])),
        ("quantization_config", json!({})),
        ("partial_rotary_factor", json!(0.5)),
        ("hidden_size", json!(0)),
        ("hidden_size", json!(1_u64 << 40)),
        ("hidden_size", json!("40")),
        ("num_key_value_heads", json!(3)),
        ("num_key_value_heads", json!(8)),
        ("head_dim", json!(11)),
        ("vocab_size", json!(-50)),
        ("num_hidden_layers", json!(1_000_000)),
        ("rms_norm_eps", json!(null)),
        ("rms_norm_eps", json!(-1e-5)),
        ("rope_theta", json!(10_000.5)),
        ("rope_theta", json!(1)),
        ("rope_parameters", json!({"rope_type": "yarn", "rope_theta": 1e4})),
        ("tie_word_embeddings", json!("yes")),
        ("eos_token_id", json!(50)),
        ("eos_token_id", json!([1, -2])),
    ] {
        let refused = open_changed(|config| config[field] = value.clone(), |_| ());
        let Err(ReferenceError::Field { field: named, got, .. }) = refused else {
            panic!("{field} = {value}: {refused:?}");
        };
        assert_eq!(named, field);
        assert!(got.len() <= 64);
    }
}

#[test]
fn configurations_of_several_writers_are_read() {
    let mut config = small_config(true);
    config["eos_token_id"] = json!([2, 5]);
    config["rope_theta"] = json!(null);
    config["rope_parameters"] = json!({"rope_type": "default", "rope_theta": 500_000.0});
    config["rope_scaling"] = json!(null);
    config["attention_bias"] = json!(false);
    config["hidden_act"] = json!("swish");
    config["num_key_value_heads"] = json!(null);
    let config = Config::from_json(config.to_string().as_bytes()).unwrap();
    assert_eq!(config.architecture.end_tokens, [2, 5]);
    assert_eq!(config.architecture.kv_heads, 4);
    assert_eq!(config.architecture.positions, Positions::Rotary(Rotary::new(500_000)));
}

#[test]
fn tensors_that_do_not_fit_are_refused_by_name() {
    let key = "model.layers.1.self_attn.k_proj.weight";
    assert_eq!(
        open_changed(|_| (), |tensors| drop(tensors.remove(key))).unwrap_err(),
        ReferenceError::MissingTensor { tensor: key.to_owned() }
    );
    assert_eq!(
        open_changed(|_| (), |tensors| tensors.get_mut(key).unwrap().0 = vec![40, 24]).unwrap_err(),
        ReferenceError::Shape { tensor: key.to_owned(), expected: vec![24, 40], got: vec![40, 24] }
    );
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        assert_eq!(
            open_changed(|_| (), |tensors| tensors.get_mut(key).unwrap().1[77] = value)
                .unwrap_err(),
            ReferenceError::NotFinite { tensor: key.to_owned(), index: 77 }
        );
    }
    let bias = "model.layers.0.self_attn.q_proj.bias";
    let add = |tensors: &mut Tensors| drop(tensors.insert(bias.to_owned(), (vec![1], vec![0.0])));
    assert_eq!(
        open_changed(|_| (), add).unwrap_err(),
        ReferenceError::UnexpectedTensor { tensor: bias.to_owned() }
    );
    let untied = open_changed(|config| config["tie_word_embeddings"] = json!(false), |_| ());
    let missing = ReferenceError::MissingTensor { tensor: "lm_head.weight".to_owned() };
    assert_eq!(untied.unwrap_err(), missing);
}

#[test]
fn damaged_files_are_refused() {
    let (folder, _) = small_checkpoint(true, 5);
    let path = folder.path().join("model.safetensors");
    let whole = fs::read(&path).unwrap();
    let header = usize::from_le_bytes(whole[..8].try_into().unwrap());
    let open = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        Checkpoint::open(folder.path()).map(drop).unwrap_err()
    };
    for cut in [0, 1, 7, 8, 9, header, header + 8, whole.len() - 1] {
        let error = open(&whole[..cut]);
        let fits = matches!(error, ReferenceError::FileLength { got, .. } if got == cut as u64);
        assert!(fits, "cut at {cut}: {error}");
    }
    let longer = [whole.as_slice(), &[0]].concat();
    let (expected, got) = (whole.len() as u64, whole.len() as u64 + 1);
    let file = "model.safetensors".to_owned();
    assert_eq!(open(&longer), ReferenceError::FileLength { file, expected, got });

    let mut huge = whole.clone();
    huge[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    assert!(matches!(open(&huge), ReferenceError::FileSize { got: u64::MAX, .. }));
    let mut garbled = whole.clone();
    garbled[8] = b'[';
    assert!(matches!(open(&garbled), ReferenceError::Syntax { .. }));
    // An offset that points elsewhere.
    let text = String::from_utf8(whole[8..8 + header].to_vec()).unwrap();
    let text = text.replacen("\"data_offsets\":[0,", "\"data_offsets\":[4,", 1);
    let moved = [&whole[..8], text.as_bytes(), &whole[8 + header..]].concat();
    assert!(matches!(open(&moved), ReferenceError::Syntax { .. }));

    fs::write(folder.path().join("config.json"), vec![b' '; (1 << 20) + 1]).unwrap();
    assert!(matches!(open(&whole), ReferenceError::FileSize { part, .. } if part == "config.json"));
    fs::write(folder.path().join("config.json"), "{").unwrap();
    assert!(matches!(open(&whole), ReferenceError::Syntax { .. }));
    let nowhere = Checkpoint::open(&folder.path().join("nowhere")).map(drop).unwrap_err();
    assert!(nowhere.to_string().starts_with("config.json is missing"), "{nowhere}");
    fs::remove_file(folder.path().join("config.json")).unwrap();
    fs::write(folder.path().join("model.gguf"), "GGUF").unwrap();
    assert!(open(&whole).to_string().contains("model.gguf"));
}

#[test]
fn brain_floats_keep_their_value() {
    let (folder, tensors) = small_checkpoint(true, 5);
    let bytes: Vec<_> = tensors
        .iter()
        .map(|(name, (shape, values))| {
            let upper = values.iter().flat_map(|value| value.to_be_bytes()[..2].to_vec());
            let mut bytes: Vec<u8> = upper.collect();
            bytes.as_chunks_mut::<2>().0.iter_mut().for_each(|pair| pair.reverse());
            (name, shape.clone(), bytes)
        })
        .collect();
    let views = bytes.iter().map(|(name, shape, bytes)| {
        (name.as_str(), TensorView::new(Dtype::BF16, shape.clone(), bytes).unwrap())
    });
    let file = safetensors::serialize(views, None).unwrap();
    fs::write(folder.path().join("model.safetensors"), file).unwrap();
    let got = Checkpoint::open(folder.path()).unwrap().tensor("final_norm").unwrap();
    for (got, value) in got.iter().zip(&tensors["model.norm.weight"].1) {
        assert_eq!(got.to_bits(), value.to_bits() & 0xffff_0000);
    }
}

/// A GGUF file of a checkpoint, with the names and the order of rows that llama.cpp's converter
/// gives.
fn gguf_twin(family: &str, config: &Value, tensors: &Tensors, path: &Path) {
    fs::write(path, gguf_writer(family, config, tensors).to_bytes()).unwrap();
}

/// The same, to add something to.
fn gguf_writer(family: &str, config: &Value, tensors: &Tensors) -> Writer {
    let mut writer = Writer::new().entry("general.architecture", family);
    let number = |name: &str| config[name].as_u64().map(|value| value as u32);
    let heads = number("num_attention_heads").or_else(|| number("n_head")).unwrap();
    let kv_heads = number("num_key_value_heads").unwrap_or(heads);
    let hidden = number("hidden_size").or_else(|| number("n_embd")).unwrap();
    let layers = number("num_hidden_layers").or_else(|| number("n_layer")).unwrap();
    for (key, value) in [
        ("attention.head_count", heads),
        ("attention.head_count_kv", kv_heads),
        ("block_count", layers),
        ("context_length", 64),
        ("embedding_length", hidden),
        ("feed_forward_length", number("intermediate_size").unwrap_or(4 * hidden)),
        ("attention.key_length", number("head_dim").unwrap_or(hidden / heads)),
    ] {
        writer = writer.entry(&format!("{family}.{key}"), Metadata::U32(value));
    }
    let rms = config.get("rms_norm_eps").is_some();
    let (key, epsilon) = if rms {
        ("attention.layer_norm_rms_epsilon", 1e-5)
    } else {
        ("attention.layer_norm_epsilon", if family == "bert" { 1e-12 } else { 1e-5 })
    };
    writer = writer.entry(&format!("{family}.{key}"), Metadata::F32(epsilon));
    if family != "bert" {
        writer = writer.entry("tokenizer.ggml.eos_token_id", Metadata::U32(2));
    }
    for (name, (shape, values)) in tensors {
        let (mut shape, mut values) = (shape.clone(), values.clone());
        let mut renamed = name.clone();
        for (from, to) in [
            ("embeddings.word_embeddings.", "token_embd."),
            ("embeddings.position_embeddings.", "position_embd."),
            ("embeddings.token_type_embeddings.", "token_types."),
            ("embeddings.LayerNorm.", "token_embd_norm."),
            ("encoder.layer.", "blk."),
            (".attention.self.query.", ".attn_q."),
            (".attention.self.key.", ".attn_k."),
            (".attention.self.value.", ".attn_v."),
            (".attention.output.dense.", ".attn_output."),
            (".attention.output.LayerNorm.", ".attn_output_norm."),
            (".intermediate.dense.", ".ffn_up."),
            (".output.dense.", ".ffn_down."),
            (".output.LayerNorm.", ".layer_output_norm."),
            ("model.embed_tokens.", "token_embd."),
            ("model.layers.", "blk."),
            ("model.norm.", "output_norm."),
            ("lm_head.", "output."),
            (".input_layernorm.", ".attn_norm."),
            (".post_attention_layernorm.", ".ffn_norm."),
            (".self_attn.o_proj.", ".attn_output."),
            (".self_attn.q_proj.", ".attn_q."),
            (".self_attn.k_proj.", ".attn_k."),
            (".self_attn.v_proj.", ".attn_v."),
            (".self_attn.q_norm.", ".attn_q_norm."),
            (".self_attn.k_norm.", ".attn_k_norm."),
            (".mlp.gate_proj.", ".ffn_gate."),
            (".mlp.up_proj.", ".ffn_up."),
            (".mlp.down_proj.", ".ffn_down."),
            (".attn.c_attn.", ".attn_qkv."),
            (".attn.c_proj.", ".attn_output."),
            (".mlp.c_fc.", ".ffn_up."),
            (".mlp.c_proj.", ".ffn_down."),
            (".ln_1.", ".attn_norm."),
            (".ln_2.", ".ffn_norm."),
            ("ln_f.", "output_norm."),
            ("wte.", "token_embd."),
            ("wpe.", "position_embd."),
        ] {
            renamed = renamed.replace(from, to);
        }
        if family == "gpt2" {
            renamed = renamed.replacen("h.", "blk.", usize::from(renamed.starts_with("h.")));
            if shape.len() == 2 && renamed.starts_with("blk.") {
                let (rows, columns) = (shape[0], shape[1]);
                values =
                    (0..rows * columns).map(|i| values[i % rows * columns + i / rows]).collect();
                shape.reverse();
            }
        }
        let paired = renamed.contains(".attn_q.") || renamed.contains(".attn_k.");
        if family == "llama" && paired {
            // Row (head, i, pair) of the file is row (head, pair, i) of the checkpoint.
            let heads = if renamed.contains("attn_q") { heads } else { kv_heads } as usize;
            let (width, columns) = (shape[0] / heads, shape.get(1).copied().unwrap_or(1));
            let rows = (0..shape[0]).map(|row| {
                let (head, i, pair) = (row / width, row % width / 2, row % 2);
                head * width + pair * (width / 2) + i
            });
            values = rows.flat_map(|row| values[row * columns..][..columns].to_vec()).collect();
        }
        writer = writer.f32s(&renamed, &shape, &values);
    }
    writer
}

#[test]
fn gguf_files_hold_the_same_weights() {
    for (name, config) in family_configs() {
        let family = match name {
            "llama3" | "linear" | "mistral" => continue,
            "biased llama" => "llama",
            other => other,
        };
        let folder = Folder::new();
        let tensors = random_tensors(&config, 9);
        write(folder.path(), &config, &tensors);
        let path = folder.path().join("model.gguf");
        gguf_twin(family, &config, &tensors, &path);
        let expected = Checkpoint::open(folder.path()).unwrap();
        let got = Checkpoint::open(&path).unwrap();
        assert_eq!(got.architecture(), expected.architecture(), "{name}");
        for (tensor, _) in expected.architecture().tensors() {
            assert_eq!(got.tensor(&tensor), expected.tensor(&tensor), "{name}: {tensor}");
        }
    }
}

#[test]
fn every_weight_of_every_family_has_a_role() {
    for (family, json) in family_configs() {
        let config = Config::from_json(json.to_string().as_bytes()).unwrap();
        for (name, _) in config.architecture.tensors() {
            assert!(WeightName::parse(&name).is_some(), "{family}: {name}");
        }
    }
    assert_eq!(WeightName::parse("layers.0.queries"), None);
}
