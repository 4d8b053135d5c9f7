use core::ops::ControlFlow;
use std::collections::BTreeMap;

use burn::tensor::{Device, Int, Tensor, TensorData};
use safetensors::SafeTensors;

use crate::{
    Dataset, ModelShape, TrainConfig, TrainError, TrainedModel,
    model::{Decoder, Positions},
    train,
};

const SHAPE: ModelShape = ModelShape {
    vocab: 32,
    hidden: 32,
    intermediate: 64,
    layers: 2,
    heads: 4,
    kv_heads: 2,
    head_dim: 8,
    context: 12,
    norm_epsilon: 1.0e-5,
    rope_theta: 10_000.0,
};

const CONFIG: TrainConfig = TrainConfig {
    shape: SHAPE,
    steps: 60,
    batch: 4,
    shards: 2,
    warmup: 5,
    learning_rate: 1.0e-2,
    weight_decay: 0.0,
    clip: 1.0,
    validate_every: 30,
    seed: 7,
};

/// As many rows as one batch has, of tokens without a pattern.
fn batch() -> Dataset {
    let document = |seed: u32| (0..13).map(move |place| (seed * 17 + place * place * 5) % 32);
    Dataset::pack((0..4).map(|seed| document(seed).collect::<Vec<_>>()), 12)
}

fn losses(config: &TrainConfig) -> Vec<f32> {
    let mut losses = Vec::new();
    train(config, &batch(), &batch(), |progress| {
        losses.push(progress.loss);
        ControlFlow::Continue(())
    })
    .unwrap();
    losses
}

fn untrained() -> TrainedModel {
    TrainedModel::new(SHAPE, Decoder::new(&SHAPE, 7, &Device::flex()))
}

#[test]
fn one_batch_is_learnt_by_heart() {
    let losses = losses(&CONFIG);
    let (first, last) = (losses[0], losses[losses.len() - 1]);
    assert!((first - 32.0_f32.ln()).abs() < 0.2, "the first loss {first} is not that of a guess");
    assert!(last < first / 10.0, "the loss fell from {first} to {last} only");
}

#[test]
fn shards_change_only_the_rounding() {
    let whole = losses(&TrainConfig { steps: 4, shards: 1, ..CONFIG });
    let parts = losses(&TrainConfig { steps: 4, shards: 4, ..CONFIG });
    for (whole, parts) in whole.iter().zip(&parts) {
        assert!((whole - parts).abs() < 1.0e-3, "{whole} is not {parts}");
    }
}

#[test]
fn a_report_may_end_the_run_and_sees_the_validation() {
    let mut seen = Vec::new();
    train(&CONFIG, &batch(), &batch(), |progress| {
        seen.push(progress.validation.is_some());
        if progress.step == 31 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
    .unwrap();
    assert_eq!(seen.len(), 31);
    assert_eq!(seen.iter().position(|&measured| measured), Some(29));
}

#[test]
fn rows_start_where_documents_start() {
    let documents: [&[u32]; 4] = [&[0, 1, 2], &[0, 3, 4, 5], &[0, 6, 7, 8, 9, 10, 11], &[0, 12]];
    let data = Dataset::pack(documents, 4);
    assert_eq!(data.len(), 2);
    let (inputs, targets) = data.rows(0, 2);
    assert_eq!(inputs, [0, 1, 2, 0, 0, 6, 7, 8]);
    assert_eq!(targets, [1, 2, 0, 3, 6, 7, 8, 9]);
    let (around, _) = data.rows(1, 2);
    assert_eq!(around, [0, 6, 7, 8, 0, 1, 2, 0]);
}

#[test]
fn the_rate_rises_and_falls() {
    let config = TrainConfig { steps: 105, ..CONFIG };
    let rate = |step| config.learning_rate_at(step) / config.learning_rate;
    let near = |left: f64, right: f64| (left - right).abs() < 1.0e-9;
    assert!(near(rate(0), 0.2));
    assert!(near(rate(4), 1.0));
    assert!(near(rate(5), 1.0));
    assert!(near(rate(55), 0.55));
    assert!(near(rate(105), 0.1));
}

#[test]
fn what_cannot_be_trained_is_refused() {
    let refuse = |config: TrainConfig, data: &Dataset| {
        train(&config, data, data, |_| ControlFlow::Continue(())).unwrap_err()
    };
    let field = |config: TrainConfig| match refuse(config, &batch()) {
        TrainError::Config { field, .. } => field,
        other => panic!("{other}"),
    };
    assert_eq!(field(TrainConfig { steps: 0, ..CONFIG }), "steps");
    assert_eq!(field(TrainConfig { shards: 3, ..CONFIG }), "shards");
    let odd = ModelShape { head_dim: 7, ..SHAPE };
    assert_eq!(field(TrainConfig { shape: odd, ..CONFIG }), "head_dim");
    let long = ModelShape { context: 13, ..SHAPE };
    assert_eq!(field(TrainConfig { shape: long, ..CONFIG }), "context");
    let small = refuse(TrainConfig { batch: 8, ..CONFIG }, &batch());
    assert!(matches!(small, TrainError::DataTooSmall { expected: 8, got: 4 }));
    let narrow = ModelShape { vocab: 31, ..SHAPE };
    let range = refuse(TrainConfig { shape: narrow, ..CONFIG }, &batch());
    assert!(matches!(range, TrainError::TokenOutOfRange { got: 31, vocab: 31 }), "{range}");
}

#[test]
fn a_folder_holds_the_public_names_and_shapes() {
    let folder = std::env::temp_dir().join(format!("lazai-train-{}", std::process::id()));
    untrained().save(&folder, b"{}").unwrap();
    let bytes = std::fs::read(folder.join("model.safetensors")).unwrap();
    let config = std::fs::read(folder.join("config.json")).unwrap();
    let tokenizer = std::fs::read(folder.join("tokenizer.json")).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();

    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(tensors.len(), 2 + 9 * SHAPE.layers);
    let expected = [
        ("model.embed_tokens.weight", &[32, 32][..]),
        ("model.norm.weight", &[32]),
        ("model.layers.1.self_attn.q_proj.weight", &[32, 32]),
        ("model.layers.1.self_attn.k_proj.weight", &[16, 32]),
        ("model.layers.1.self_attn.v_proj.weight", &[16, 32]),
        ("model.layers.1.self_attn.o_proj.weight", &[32, 32]),
        ("model.layers.1.mlp.gate_proj.weight", &[64, 32]),
        ("model.layers.1.mlp.up_proj.weight", &[64, 32]),
        ("model.layers.1.mlp.down_proj.weight", &[32, 64]),
        ("model.layers.1.input_layernorm.weight", &[32]),
        ("model.layers.1.post_attention_layernorm.weight", &[32]),
    ];
    for (name, shape) in expected {
        assert_eq!(tensors.tensor(name).unwrap().shape(), shape, "{name}");
    }
    let weights: usize =
        tensors.tensors().iter().map(|(_, view)| view.shape().iter().product::<usize>()).sum();
    assert_eq!(weights, SHAPE.parameters());

    let config: serde_json::Value = serde_json::from_slice(&config).unwrap();
    assert_eq!(config["architectures"][0], "LlamaForCausalLM");
    assert_eq!(config["num_key_value_heads"], 2);
    assert_eq!(config["tie_word_embeddings"], true);
    assert_eq!(tokenizer, b"{}");
}

/// The saved weights, read by the definition of the architecture, give the logits of the trainer.
#[test]
fn the_saved_weights_mean_what_their_names_say() {
    let model = untrained();
    let tokens = [0_i32, 5, 9, 31, 2, 5, 17];
    let positions = Positions::new(&SHAPE, tokens.len(), &Device::flex());
    let input = TensorData::new(tokens.to_vec(), [1, tokens.len()]);
    let input = Tensor::<2, Int>::from_data(input, &Device::flex());
    let logits = model.decoder.forward(&SHAPE, &positions, input);
    let logits: Vec<f32> = logits.try_into_vec_as().unwrap();

    let weights: BTreeMap<String, Vec<f64>> = model
        .weights()
        .unwrap()
        .into_iter()
        .map(|weight| {
            let values = weight
                .bytes
                .chunks_exact(4)
                .map(|bytes| f64::from(f32::from_le_bytes(bytes.try_into().unwrap())));
            (weight.name, values.collect())
        })
        .collect();
    let expected = reference::logits(&weights, &tokens);
    assert_eq!(logits.len(), expected.len());
    for (place, (got, expected)) in logits.iter().zip(&expected).enumerate() {
        assert!((f64::from(*got) - expected).abs() < 1.0e-4, "{place}: {got}, not {expected}");
    }
}

#[test]
fn a_continuation_is_the_likeliest_and_ends_with_the_context() {
    let model = train(&CONFIG, &batch(), &batch(), |_| ControlFlow::Continue(())).unwrap();
    let (inputs, targets) = batch().rows(2, 1);
    let prompt: Vec<u32> = inputs[..4].iter().map(|&token| token as u32).collect();
    let learnt: Vec<u32> = targets[3..11].iter().map(|&token| token as u32).collect();
    assert_eq!(model.continue_greedily(&prompt, 100).unwrap(), learnt);
    assert_eq!(model.continue_greedily(&prompt, 2).unwrap(), learnt[..2]);
    assert!(model.continue_greedily(&[], 2).unwrap().is_empty());
}

/// The architecture, one number at a time.
mod reference {
    use super::{BTreeMap, SHAPE};

    pub(crate) fn logits(weights: &BTreeMap<String, Vec<f64>>, tokens: &[i32]) -> Vec<f64> {
        let embedding = &weights["model.embed_tokens.weight"];
        let mut rows: Vec<Vec<f64>> = tokens
            .iter()
            .map(|&token| embedding[token as usize * SHAPE.hidden..][..SHAPE.hidden].to_vec())
            .collect();
        for layer in 0..SHAPE.layers {
            let weight = |name: &str| &weights[&format!("model.layers.{layer}.{name}.weight")];
            let normed: Vec<_> =
                rows.iter().map(|row| norm(row, weight("input_layernorm"))).collect();
            let project = |name: &str, turn: bool| -> Vec<Vec<f64>> {
                let projected = normed.iter().map(|row| product(weight(name), row));
                let place = |(place, row): (usize, Vec<f64>)| {
                    if turn { rotate(&row, place) } else { row }
                };
                projected.enumerate().map(place).collect()
            };
            let queries = project("self_attn.q_proj", true);
            let keys = project("self_attn.k_proj", true);
            let values = project("self_attn.v_proj", false);
            for (place, row) in rows.iter_mut().enumerate() {
                let mixed = attend(&queries[place], &keys[..=place], &values);
                add(row, &product(weight("self_attn.o_proj"), &mixed));
                let normed = norm(row, weight("post_attention_layernorm"));
                let gate = product(weight("mlp.gate_proj"), &normed);
                let up = product(weight("mlp.up_proj"), &normed);
                let gated: Vec<f64> = gate
                    .iter()
                    .zip(&up)
                    .map(|(gate, up)| gate / (1.0 + (-gate).exp()) * up)
                    .collect();
                add(row, &product(weight("mlp.down_proj"), &gated));
            }
        }
        let last = &weights["model.norm.weight"];
        rows.iter().flat_map(|row| product(embedding, &norm(row, last))).collect()
    }

    fn attend(query: &[f64], keys: &[Vec<f64>], values: &[Vec<f64>]) -> Vec<f64> {
        let width = SHAPE.head_dim;
        let group = SHAPE.heads / SHAPE.kv_heads;
        let mut mixed = Vec::new();
        for (head, query) in query.chunks_exact(width).enumerate() {
            let start = head / group * width;
            let weights: Vec<f64> = keys
                .iter()
                .map(|key| (dot(query, &key[start..][..width]) / (width as f64).sqrt()).exp())
                .collect();
            let total: f64 = weights.iter().sum();
            for lane in start..start + width {
                let lanes = weights.iter().zip(values);
                mixed.push(lanes.map(|(weight, value)| weight / total * value[lane]).sum());
            }
        }
        mixed
    }

    fn rotate(row: &[f64], place: usize) -> Vec<f64> {
        let half = SHAPE.head_dim / 2;
        let mut rotated = row.to_vec();
        for start in (0..row.len()).step_by(SHAPE.head_dim) {
            for lane in 0..half {
                let angle = place as f64 * SHAPE.rope_theta.powf(-(lane as f64) / half as f64);
                let (low, high) = (row[start + lane], row[start + half + lane]);
                rotated[start + lane] = low * angle.cos() - high * angle.sin();
                rotated[start + half + lane] = high * angle.cos() + low * angle.sin();
            }
        }
        rotated
    }

    fn norm(row: &[f64], gamma: &[f64]) -> Vec<f64> {
        let mean = dot(row, row) / row.len() as f64;
        let scale = (mean + SHAPE.norm_epsilon).sqrt();
        row.iter().zip(gamma).map(|(value, gamma)| value / scale * gamma).collect()
    }

    /// `matrix` lies `[out, in]`.
    fn product(matrix: &[f64], row: &[f64]) -> Vec<f64> {
        matrix.chunks_exact(row.len()).map(|weights| dot(weights, row)).collect()
    }

    fn dot(left: &[f64], right: &[f64]) -> f64 {
        left.iter().zip(right).map(|(left, right)| left * right).sum()
    }

    fn add(row: &mut [f64], more: &[f64]) {
        for (value, more) in row.iter_mut().zip(more) {
            *value += more;
        }
    }
}
