use std::path::{Path, PathBuf};

use lazai_coprocessor::{
    Session,
    artifact::{Artifact, ArtifactBytes},
    kernel::{Backend, Threads},
    model::Model,
    program::Target,
};
use lazai_models::{
    quantize::{QuantizeOptions, Rounding, quantize},
    reference::Checkpoint,
};
use safetensors::SafeTensors;

/// The folder of a reference model, unless the reference was not made.
pub(crate) fn reference(name: &str) -> Option<PathBuf> {
    let Some(root) = std::env::var_os("LAZAI_REFERENCE") else {
        eprintln!(
            "skipped: LAZAI_REFERENCE is not set; see examples/lazai-model/reference/README.md"
        );
        return None;
    };
    let folder = Path::new(&root).join(name);
    assert!(folder.is_dir(), "{} is missing; run make.py again", folder.display());
    Some(folder)
}

/// A sequence and what the model makes of it.
pub(crate) struct Sequence {
    pub(crate) tokens: Vec<u32>,
    /// `[tokens, vocabulary]`, empty for encoders.
    pub(crate) logits: Vec<f32>,
    /// Pooled by mean and by the first token, empty for decoders.
    pub(crate) embeddings: [Vec<f32>; 2],
}

/// Reads `sequence.N.*` of an expectation.
pub(crate) fn sequences(path: &Path) -> Vec<Sequence> {
    let bytes = std::fs::read(path).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let floats =
        |name: String| file.tensor(&name).map_or_else(|_| Vec::new(), |t| floats(t.data()));
    (0..)
        .map_while(|index| {
            let tokens = file.tensor(&format!("sequence.{index}.ids")).ok()?;
            let token = |bytes: &[u8; 4]| u32::from_le_bytes(*bytes);
            Some(Sequence {
                tokens: tokens.data().as_chunks().0.iter().map(token).collect(),
                logits: floats(format!("sequence.{index}.logits")),
                embeddings: ["mean", "cls"]
                    .map(|kind| floats(format!("sequence.{index}.embedding.{kind}"))),
            })
        })
        .collect()
}

pub(crate) fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

/// Quantizes a checkpoint, with every second sequence as its calibration.
pub(crate) fn integers(
    checkpoint: &Checkpoint,
    tokenizer: &[u8],
    sequences: &[Sequence],
    rounding: Rounding,
) -> Model {
    let calibration: Vec<Vec<u32>> =
        sequences.iter().step_by(2).map(|sequence| sequence.tokens.clone()).collect();
    quantized(checkpoint, tokenizer, &calibration, rounding)
}

/// Quantizes a checkpoint.
pub(crate) fn quantized(
    checkpoint: &Checkpoint,
    tokenizer: &[u8],
    calibration: &[Vec<u32>],
    rounding: Rounding,
) -> Model {
    let threads = Threads::new(2).unwrap();
    let options =
        QuantizeOptions { rounding, threads: threads.clone(), ..QuantizeOptions::new("reference") };
    let quantized = quantize(checkpoint, tokenizer, calibration, &options, &mut |_| ()).unwrap();
    let bytes = quantized.artifact.to_bytes().unwrap();
    let artifact = Artifact::new(ArtifactBytes::Owned(bytes)).unwrap();
    Model::load_untrusted(artifact, &threads).unwrap()
}

/// The integer model's scores after each token, as real numbers.
pub(crate) fn logits(model: &Model, tokens: &[u32]) -> Vec<f64> {
    let mut session = session(model, Target::Logits, tokens.len(), tokens.len());
    session.feed(tokens, tokens.len()).unwrap();
    let program = &model.manifest().program;
    let unit = (-f64::from(program.values[program.logits.unwrap().index()].bits)).exp2();
    session.logits().unwrap().iter().map(|score| f64::from(*score) * unit).collect()
}

/// The integer model's unit vector.
pub(crate) fn embedding(model: &Model, tokens: &[u32]) -> Vec<f32> {
    let mut session = session(model, Target::Embedding, tokens.len(), 1);
    session.feed(tokens, 1).unwrap();
    session.embedding().unwrap().iter().map(|x| f32::from(*x) / 16_384.0).collect()
}

fn session(model: &Model, target: Target, count: usize, outputs: usize) -> Session<'_> {
    Session::new(model, target, count, outputs, Backend::detect(), &Threads::single()).unwrap()
}

pub(crate) fn cosine(left: &[f32], right: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    };
    dot(left, right) / (dot(left, left) * dot(right, right)).sqrt()
}
