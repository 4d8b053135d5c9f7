//! From a checkpoint and its tokenizer to an artifact.

use std::borrow::Cow;

use super::{
    Progress, QuantizeError, QuantizeOptions, Quantized, Stage, calibration::Calibration,
    short_texts::with_short_texts, transformer,
};
use crate::{
    reference::{Checkpoint, observe},
    tokenizer::with_integer_scores,
};

/// Quantizes a checkpoint.
///
/// `tokenizer` is the content of the `tokenizer.json` that belongs to it; it is stored as it is,
/// but for the scores of a unigram model, which become integers
/// ([`with_integer_scores`]). `calibration` holds sequences
/// of tokens as the model will meet them: some thousand tokens are enough. `progress` is told
/// before the first and after each piece of work.
///
/// # Errors
/// [`QuantizeError`] if the checkpoint cannot be read or run, or its numbers do not fit the
/// integers.
///
/// # Examples
/// ```no_run
/// use lazai_models::{
///     quantize::{QuantizeOptions, quantize},
///     reference::Checkpoint,
/// };
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let folder = std::path::Path::new("checkpoint");
/// let checkpoint = Checkpoint::open(folder)?;
/// let tokenizer = std::fs::read(folder.join("tokenizer.json"))?;
/// let calibration = [vec![1, 2, 3]];
/// let options = QuantizeOptions::new("my-model");
/// let quantized = quantize(&checkpoint, &tokenizer, &calibration, &options, &mut |_| ())?;
/// println!("{}", quantized.report);
/// quantized.artifact.write(std::path::Path::new("my-model.safetensors"))?;
/// # Ok(())
/// # }
/// ```
pub fn quantize(
    checkpoint: &Checkpoint,
    tokenizer: &[u8],
    calibration: &[Vec<u32>],
    options: &QuantizeOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<Quantized, QuantizeError> {
    let max = checkpoint.architecture().context;
    let context = options.context.unwrap_or_else(|| checkpoint.context());
    if !(1..=max).contains(&context) {
        return Err(QuantizeError::Context { got: context, max });
    }
    let tokenizer = &with_integer_scores(tokenizer)?;
    let calibration = if options.reads_short_texts(checkpoint.architecture()) {
        Cow::Owned(with_short_texts(calibration, checkpoint.architecture()))
    } else {
        Cow::Borrowed(calibration)
    };
    let measured = calibrate(checkpoint, &calibration, options, progress)?;
    transformer::quantize(
        checkpoint,
        tokenizer,
        context,
        &calibration,
        &measured,
        options,
        progress,
    )
}

/// Runs the reference model over the calibration text.
fn calibrate(
    checkpoint: &Checkpoint,
    sequences: &[Vec<u32>],
    options: &QuantizeOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<Calibration, QuantizeError> {
    if sequences.iter().all(Vec::is_empty) {
        return Err(QuantizeError::NoCalibration);
    }
    let mut calibration = Calibration::new(checkpoint.architecture());
    observe(checkpoint, &options.threads, sequences, &mut calibration, &mut |done, total| {
        progress(Progress { stage: Stage::Calibrate, done, total });
    })?;
    Ok(calibration)
}
