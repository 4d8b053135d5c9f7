//! Whole checkpoints: determinism, refusals, and the integer model against the reference.

use lazai_coprocessor::{
    Session,
    architecture::{Head, Pooling},
    artifact::{Artifact, ArtifactBytes},
    kernel::{Backend, Threads},
    model::Model,
    program::Target,
    trace::{Input, Trace},
};
use serde_json::{Value, json};

use super::*;
use crate::reference::{
    Checkpoint, OpenOptions, ReferenceModel,
    tests::{Folder, Tensors, family_configs, random_tensors, small_config, write},
};

/// A tokenizer with as many words as the small model has tokens.
fn tokenizer() -> Vec<u8> {
    let vocabulary: serde_json::Map<_, _> =
        (0..50).map(|id| (format!("w{id}"), json!(id))).collect();
    let mut json = json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": [],
        "normalizer": null,
        "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": null,
        "decoder": null,
        "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "w0"}
    });
    // A feature of the JSON crate decides whether objects are sorted.
    json.sort_all_objects();
    json.to_string().into_bytes()
}

fn checkpoint(tied: bool, change: impl Fn(&mut Value, &mut Tensors)) -> (Folder, Checkpoint) {
    let folder = Folder::new();
    let mut config = small_config(tied);
    let mut tensors = random_tensors(&config, 21);
    change(&mut config, &mut tensors);
    write(folder.path(), &config, &tensors);
    let checkpoint = Checkpoint::open(folder.path()).unwrap();
    (folder, checkpoint)
}

fn sequences() -> Vec<Vec<u32>> {
    (0..8_u32).map(|s| (0..40).map(|i| (i * i * 7 + i * s + s * 13) % 50).collect()).collect()
}

fn run(checkpoint: &Checkpoint, options: &QuantizeOptions) -> Result<Quantized, QuantizeError> {
    quantize(checkpoint, &tokenizer(), &sequences(), options, &mut |_| ())
}

fn load(quantized: &Quantized) -> Model {
    let bytes = quantized.artifact.to_bytes().unwrap();
    let artifact = Artifact::new(ArtifactBytes::Owned(bytes)).unwrap();
    Model::load_untrusted(artifact, &Threads::single()).unwrap()
}

/// The scores after each token, as real numbers.
fn integer_logits(model: &Model, tokens: &[u32]) -> Vec<f64> {
    let threads = Threads::single();
    let (count, backend) = (tokens.len(), Backend::Portable);
    let mut session = Session::new(model, Target::Logits, count, count, backend, &threads).unwrap();
    session.feed(tokens, count).unwrap();
    let program = &model.manifest().program;
    let bits = program.values[program.logits.unwrap().index()].bits;
    let logits = session.logits().unwrap();
    logits.iter().map(|score| f64::from(*score) * 2_f64.powi(-i32::from(bits))).collect()
}

/// The cosine of integer and reference scores over all rows, and the integer scores' perplexity
/// divided by the reference's.
fn agreement(checkpoint: &Checkpoint, model: &Model, tokens: &[u32]) -> (f64, f64) {
    let reference = ReferenceModel::new(checkpoint, Threads::single()).unwrap();
    let expected = reference.forward(tokens, &mut ()).unwrap();
    let got = integer_logits(model, tokens);
    assert_eq!(got.len(), expected.len());
    let (mut product, mut squares) = (0.0, (0.0, 0.0));
    for (got, expected) in got.iter().zip(expected) {
        let expected = f64::from(expected);
        product += got * expected;
        squares = (squares.0 + got * got, squares.1 + expected * expected);
    }
    let integer = crate::reference::perplexity(tokens, tokens.len(), |tokens| {
        Ok::<_, ()>(integer_logits(model, tokens))
    });
    let fp32 = reference.perplexity(tokens, tokens.len()).unwrap();
    (product / (squares.0 * squares.1).sqrt(), integer.unwrap().value() / fp32.value())
}

#[test]
fn integer_model_agrees_with_the_reference() {
    // Tokens that the calibration did not see in this order.
    let tokens: Vec<u32> = (0..60).map(|i| (i * i * 11 + 5 * i + 3) % 50).collect();
    for tied in [false, true] {
        let (_folder, checkpoint) = checkpoint(tied, |_, _| ());
        let quantized = run(&checkpoint, &QuantizeOptions::new("small")).unwrap();
        let model = load(&quantized);
        let (cosine, ratio) = agreement(&checkpoint, &model, &tokens);
        assert!(cosine > 0.9995, "tied {tied}: cosine {cosine}\n{}", quantized.report);
        assert!((ratio - 1.0).abs() < 0.01, "tied {tied}: perplexity ratio {ratio}");
    }
}

#[test]
fn every_family_agrees_with_the_reference() {
    let tokens: Vec<u32> = (0..60).map(|i| (i * i * 11 + 5 * i + 3) % 50).collect();
    for (name, config) in family_configs() {
        let folder = Folder::new();
        write(folder.path(), &config, &random_tensors(&config, 33));
        for pooling in [Pooling::First, Pooling::Last, Pooling::Mean] {
            let options = OpenOptions { pooling: Some(pooling), ..OpenOptions::default() };
            let checkpoint = Checkpoint::open_with(folder.path(), &options).unwrap();
            let embeds = checkpoint.architecture().head == Head::None;
            assert_eq!(embeds, name == "bert" || pooling == Pooling::First, "{name}");
            let quantized = run(&checkpoint, &QuantizeOptions::new("small")).unwrap();
            let model = load(&quantized);
            let reference = ReferenceModel::new(&checkpoint, Threads::single()).unwrap();
            let expected = reference.embed(&tokens).unwrap();
            let cosine = cosine(&integer_embedding(&model, &tokens), &expected);
            assert!(cosine > 0.999, "{name}: cosine of embeddings {cosine}\n{}", quantized.report);
            if !embeds {
                let (cosine, ratio) = agreement(&checkpoint, &model, &tokens);
                assert!(cosine > 0.999, "{name}: cosine {cosine}\n{}", quantized.report);
                assert!((ratio - 1.0).abs() < 0.02, "{name}: perplexity ratio {ratio}");
            }
        }
    }
}

fn integer_embedding(model: &Model, tokens: &[u32]) -> Vec<f64> {
    let (count, threads) = (tokens.len(), Threads::single());
    let mut session =
        Session::new(model, Target::Embedding, count, 1, Backend::Portable, &threads).unwrap();
    session.feed(tokens, 1).unwrap();
    assert_eq!(
        session.flops(),
        model.work_rule(Target::Embedding).flops(count as u64, 1).unwrap(),
        "counted operations differ from the rule"
    );
    session.embedding().unwrap().iter().map(|x| f64::from(*x)).collect()
}

fn cosine(got: &[f64], expected: &[f32]) -> f64 {
    let expected: Vec<f64> = expected.iter().map(|x| f64::from(*x)).collect();
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    dot(got, &expected) / (dot(got, got) * dot(&expected, &expected)).sqrt()
}

#[test]
fn same_checkpoint_gives_same_bytes() {
    let (_folder, checkpoint) = checkpoint(true, |_, _| ());
    let options = QuantizeOptions::new("small");
    let first = run(&checkpoint, &options).unwrap();
    let threads = Threads::new(3).unwrap();
    let second = run(&checkpoint, &QuantizeOptions { threads, ..options.clone() }).unwrap();
    assert_eq!(first.artifact.to_bytes().unwrap(), second.artifact.to_bytes().unwrap());
    assert_eq!(first.report, second.report);
    let other = run(&checkpoint, &QuantizeOptions { headroom_bits: 2, ..options }).unwrap();
    assert_ne!(first.artifact.to_bytes().unwrap(), other.artifact.to_bytes().unwrap());
}

/// A small encoder of random weights.
fn encoder() -> (Folder, Checkpoint) {
    let configs = family_configs();
    let (_, config) = configs.iter().find(|(name, _)| *name == "bert").unwrap();
    let folder = Folder::new();
    write(folder.path(), config, &random_tensors(config, 33));
    let checkpoint = Checkpoint::open(folder.path()).unwrap();
    (folder, checkpoint)
}

/// Texts of one to four tokens between those that start and end each, none of which calibrates.
fn short_texts() -> Vec<Vec<u32>> {
    let text = |index: u32| {
        let inner = (0..=index % 4).map(|i| (index * index * 7 + i * 13 + index) % 46 + 3);
        [1].into_iter().chain(inner).chain([2]).collect()
    };
    (0..60).map(text).collect()
}

/// The mean and the largest distance of the integers from fp32, as one less the cosine.
fn distances(checkpoint: &Checkpoint, options: &QuantizeOptions) -> (f64, f64) {
    let calibration: Vec<Vec<u32>> =
        sequences().into_iter().map(|sequence| [vec![1], sequence, vec![2]].concat()).collect();
    let quantized = quantize(checkpoint, &tokenizer(), &calibration, options, &mut |_| ()).unwrap();
    let model = load(&quantized);
    let reference = ReferenceModel::new(checkpoint, Threads::single()).unwrap();
    let distance = |text: &Vec<u32>| {
        1.0 - cosine(&integer_embedding(&model, text), &reference.embed(text).unwrap())
    };
    let distances: Vec<f64> = short_texts().iter().map(distance).collect();
    let mean = distances.iter().sum::<f64>() / distances.len() as f64;
    (mean, distances.into_iter().fold(0.0, f64::max))
}

#[test]
fn short_texts_come_near_if_they_are_prepared_for() {
    let (_folder, checkpoint) = encoder();
    let rounding = Rounding::Gptq;
    let options = QuantizeOptions { rounding, ..QuantizeOptions::new("small") };
    let (mean, largest) = distances(&checkpoint, &options);
    let plain = QuantizeOptions { short_texts: false, ..options };
    let (plain_mean, plain_largest) = distances(&checkpoint, &plain);
    assert!(mean * 1.5 < plain_mean, "{plain_mean:e} becomes {mean:e}");
    assert!(largest * 1.5 < plain_largest, "{plain_largest:e} becomes {largest:e}");
}

#[test]
fn two_tables_of_positions_are_nearer_than_one() {
    let (_folder, checkpoint) = encoder();
    let quantized = run(&checkpoint, &QuantizeOptions::new("small")).unwrap();
    let ratio = |name: &str| {
        let tensor = quantized.report.tensors.iter().find(|tensor| tensor.name == name).unwrap();
        tensor.signal_to_noise_db
    };
    let (one, both) = (ratio("positions"), ratio("positions.rest"));
    assert!(both > one + 35.0, "{one} dB become {both} dB");
}

#[test]
fn traces_of_two_tables_of_positions_are_those_of_the_run() {
    let (_folder, checkpoint) = encoder();
    let quantized = run(&checkpoint, &QuantizeOptions::new("small")).unwrap();
    let model = load(&quantized);
    let tokens = [1, 7, 11, 2];
    let trace =
        Trace::record(model.network(), Target::Embedding, Input::Tokens(&tokens), 1).unwrap();
    let integers: Vec<f64> = trace.output().integers.iter().map(|x| f64::from(*x)).collect();
    assert_eq!(integers, integer_embedding(&model, &tokens));
}

#[test]
fn decoders_are_not_prepared_for_short_texts() {
    let (_folder, checkpoint) = checkpoint(true, |config, _| {
        config["attention_bias"] = json!(false);
    });
    for rounding in [Rounding::Gptq, Rounding::Nearest] {
        let options = QuantizeOptions { rounding, ..QuantizeOptions::new("small") };
        let plain = QuantizeOptions { short_texts: false, ..options.clone() };
        let bytes = |options| run(&checkpoint, options).unwrap().artifact.to_bytes().unwrap();
        assert_eq!(bytes(&options), bytes(&plain));
    }
}

/// The integers are those that another machine found.
#[test]
fn encoders_have_their_committed_identities() {
    let (_folder, checkpoint) = encoder();
    let identity = |rounding, short_texts| {
        let options = QuantizeOptions { rounding, short_texts, ..QuantizeOptions::new("small") };
        load(&run(&checkpoint, &options).unwrap()).id().0.to_string()
    };
    let identities = [
        identity(Rounding::Nearest, true),
        identity(Rounding::Gptq, true),
        identity(Rounding::Nearest, false),
        identity(Rounding::Gptq, false),
    ];
    assert_eq!(
        identities,
        [
            "0x22257c921b0d5ddba499d1d76422be819f2ad7e7995c9a069d88c57d501dac3c",
            "0xce12107caafbefc844097478d2be063b91ebf1b3adb05892eb55f34f4c31b49b",
            "0x92812a5136fa23394da8a9beb215e7ba8a560f59848a104946c715d7c2b1a89a",
            "0xfe78b7fbc9a25ee5ba45c550d39c20d191bdf055c21cac825eeca8d42611939f",
        ]
    );
}

/// The integers are those that another machine found.
#[test]
fn artifact_has_its_committed_identity() {
    let (_folder, checkpoint) = checkpoint(false, |_, _| ());
    let quantized = run(&checkpoint, &QuantizeOptions::new("small")).unwrap();
    let id = load(&quantized).id();
    assert_eq!(
        id.0.to_string(),
        "0xbb30dc972b600e6be4a14ac4adf0954638e73b04117951477ef6e940277d2d35"
    );
}

#[test]
fn unusual_weights_still_fit_the_kernels() {
    let scale = |tensors: &mut Tensors, name: &str, factor: f32| {
        for (key, (_, values)) in tensors.iter_mut() {
            if key.contains(name) {
                values.iter_mut().for_each(|value| *value *= factor);
            }
        }
    };
    type Change<'a> = (&'a str, &'a dyn Fn(&mut Tensors));
    let changes: [Change<'_>; 7] = [
        ("large down", &|tensors| scale(tensors, "down_proj", 30.0)),
        ("tiny up", &|tensors| scale(tensors, "up_proj", 1e-7)),
        ("tiny everything", &|tensors| scale(tensors, "proj", 1e-6)),
        ("zero values", &|tensors| scale(tensors, "v_proj", 0.0)),
        ("zero embedding row", &|tensors| {
            let (shape, values) = tensors.get_mut("model.embed_tokens.weight").unwrap();
            values[..shape[1]].fill(0.0);
        }),
        ("one tiny and one huge row", &|tensors| {
            for (key, (shape, values)) in tensors.iter_mut() {
                if shape.len() == 2 {
                    values[..shape[1]].iter_mut().for_each(|value| *value *= 1e-9);
                    if key.contains("k_proj") {
                        values[shape[1]..2 * shape[1]].iter_mut().for_each(|value| *value *= 50.0);
                    }
                }
            }
        }),
        ("large gains", &|tensors| scale(tensors, "norm", 3.0)),
    ];
    let tokens: Vec<u32> = (0..30).map(|i| (i * 7 + 1) % 50).collect();
    for (name, change) in changes {
        let (_folder, checkpoint) = checkpoint(true, |_, tensors| change(tensors));
        let quantized = run(&checkpoint, &QuantizeOptions::new("small")).unwrap();
        // Loading checks every shift and every bound.
        let (cosine, _) = agreement(&checkpoint, &load(&quantized), &tokens);
        assert!(cosine > 0.98, "{name}: cosine {cosine}\n{}", quantized.report);
    }
}

#[test]
fn what_cannot_be_quantized_is_refused() {
    let (_folder, usual) = checkpoint(true, |_, _| ());
    let options = QuantizeOptions::new("small");
    for calibration in [vec![], vec![vec![], vec![]]] {
        let refused = quantize(&usual, &tokenizer(), &calibration, &options, &mut |_| ());
        assert_eq!(refused.unwrap_err(), QuantizeError::NoCalibration);
    }
    for context in [0, 65, u32::MAX] {
        let options = QuantizeOptions { context: Some(context), ..options.clone() };
        let refused = QuantizeError::Context { got: context, max: 64 };
        assert_eq!(run(&usual, &options).unwrap_err(), refused);
    }
    let key = "model.layers.0.mlp.up_proj.weight";
    let (_folder, huge) = checkpoint(true, |_, tensors| {
        tensors.get_mut(key).unwrap().1[40 * 3] = 1e30;
    });
    let refused = run(&huge, &options).unwrap_err();
    assert!(matches!(refused, QuantizeError::TooLarge { .. }), "{refused}");
    let (_folder, overflowing) = checkpoint(true, |_, tensors| {
        let scale = |value: &mut f32| *value *= 1e38;
        tensors.get_mut(key).unwrap().1.iter_mut().for_each(scale);
    });
    let refused = run(&overflowing, &options).unwrap_err();
    assert!(matches!(refused, QuantizeError::NotFinite { .. }), "{refused}");
}

#[test]
fn progress_counts_to_the_end() {
    let (_folder, checkpoint) = checkpoint(false, |_, _| ());
    let mut seen = Vec::new();
    let options = QuantizeOptions { context: Some(16), ..QuantizeOptions::new("small") };
    let quantized =
        quantize(&checkpoint, &tokenizer(), &sequences(), &options, &mut |p| seen.push(p)).unwrap();
    for (stage, total) in [(Stage::Calibrate, 3), (Stage::Quantize, 16)] {
        let done: Vec<_> =
            seen.iter().filter(|p| p.stage == stage && p.total == total).map(|p| p.done).collect();
        assert_eq!(done, (0..=total).collect::<Vec<_>>());
    }
    assert_eq!(load(&quantized).manifest().context, 16);
    assert_eq!(quantized.report.tensors.len(), 16);
    let table = quantized.report.to_string();
    assert!(table.contains("layers.1.down") && table.contains("residual"), "{table}");
}
