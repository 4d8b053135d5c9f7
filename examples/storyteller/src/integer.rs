//! From the trained checkpoint to the shipped integers.

use std::path::Path;

use indicatif::{ProgressBar, ProgressStyle};
use lazai_coprocessor::{artifact::Artifact, kernel::Threads};
use lazai_models::{
    quantize::{Progress, QuantizeOptions, Quantized, Stage, quantize},
    reference::Checkpoint,
};

use crate::{corpus::Corpus, error::RecipeError, recipe::TRAIN_SEED, tokenizer};

/// Quantizes `checkpoint` and writes the artifact; the same checkpoint gives the same bytes.
pub(crate) fn write_artifact(checkpoint: &Path, artifact: &Path) -> Result<(), RecipeError> {
    let Quantized { artifact: built, report } = quantize_checkpoint(checkpoint)?;
    built.write(artifact).map_err(RecipeError::model("writing the artifact"))?;
    let opened = Artifact::open(artifact).map_err(RecipeError::model("reading the artifact"))?;
    println!("{report}");
    println!(
        "{}: {} bytes\nmodel {}",
        artifact.display(),
        opened.bytes().len(),
        opened.id(&Threads::single())
    );
    Ok(())
}

/// Quantizes `checkpoint`, calibrated on documents of the training seed.
pub(crate) fn quantize_checkpoint(checkpoint: &Path) -> Result<Quantized, RecipeError> {
    let (tokenizer, json) = tokenizer::load(&checkpoint.join("tokenizer.json"))?;
    let documents: Vec<String> = Corpus::new(TRAIN_SEED).take(CALIBRATION_DOCUMENTS).collect();
    let checkpoint = Checkpoint::open(checkpoint).map_err(RecipeError::model("the checkpoint"))?;
    let context = checkpoint.architecture().context as usize;
    let mut calibration = tokenizer::encode(&tokenizer, &documents)?;
    calibration.iter_mut().for_each(|tokens| tokens.truncate(context));
    let mut options = QuantizeOptions::new("lazvm-storyteller");
    options.threads = Threads::new(0).map_err(RecipeError::model("starting threads"))?;
    let bar = ProgressBar::new(0);
    bar.set_style(
        ProgressStyle::with_template("{msg:20} {bar:30} {pos}/{len}")
            .unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    let mut progress = |progress: Progress| {
        bar.set_message(match progress.stage {
            Stage::Calibrate => "calibrating",
            Stage::Quantize => "quantizing",
        });
        bar.set_length(progress.total as u64);
        bar.set_position(progress.done as u64);
    };
    let quantized = quantize(&checkpoint, &json, &calibration, &options, &mut progress)
        .map_err(RecipeError::model("quantizing"))?;
    bar.finish_and_clear();
    Ok(quantized)
}

/// Documents that fix the scales of the activations.
const CALIBRATION_DOCUMENTS: usize = 64;

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::quantize_checkpoint;
    use crate::report::Report;

    fn shipped(name: &str) -> PathBuf {
        PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/model")).join(name)
    }

    #[test]
    fn the_checkpoint_gives_the_shipped_artifact() {
        let built = quantize_checkpoint(&shipped("checkpoint")).unwrap().artifact;
        let shipped = std::fs::read(shipped("storyteller.safetensors")).unwrap();
        assert!(built.to_bytes().unwrap() == shipped, "the artifact is not the checkpoint's");
        assert!(shipped.len() <= 8 << 20, "{} bytes", shipped.len());
    }

    #[test]
    fn the_shipped_integers_are_within_the_gate() {
        let artifact = shipped("storyteller.safetensors");
        let report = Report::measure(&shipped("checkpoint"), &artifact, 12).unwrap();
        assert!(report.passes(), "{report}");
        assert!(report.ratio() > 0.99, "{report}");
    }
}
