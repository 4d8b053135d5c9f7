//! Turns a floating-point checkpoint into a model artifact of integers.
//!
//! First the [reference model](crate::reference) reads the calibration text, and the largest
//! magnitude of every activation fixes its scale. Then each weight matrix is quantized by least
//! squared error, and scales give way where the kernels need it: a product's shift must be from 1
//! to 31. Everything is computed in basic operations of fixed order, so the same checkpoint and
//! calibration give the same bytes on every machine.

mod calibration;
mod collector;
mod error;
mod gptq;
mod inputs;
mod integers;
mod matrix;
mod moments;
mod network;
mod report;
mod scale;
mod short_texts;
mod smooth_quant;
mod transformer;

#[cfg(test)]
mod tests;

pub use error::QuantizeError;
pub use integers::to_integers;
pub use matrix::{QuantizedMatrix, RowOutOfRange, quantize_matrix};
pub use network::quantize_network;
pub use report::{QuantizeReport, TensorReport, ValueReport};

use std::borrow::Cow;

use calibration::Calibration;
use lazai_coprocessor::{
    architecture::{Architecture, Mask, Positions},
    artifact::ArtifactBuilder,
    kernel::Threads,
};
use short_texts::with_short_texts;

use crate::{
    reference::{Checkpoint, observe},
    tokenizer::with_integer_scores,
};

/// The choices that [`quantize`] leaves to its caller.
#[derive(Clone, Debug)]
pub struct QuantizeOptions {
    /// The name of the model, for people.
    pub name: String,
    /// Most positions of a sequence; `None` for as many as the checkpoint has.
    pub context: Option<u32>,
    /// Bits by which an activation may exceed the largest one of the calibration; at most 12.
    pub headroom_bits: u8,
    /// The way in which weights are rounded.
    pub rounding: Rounding,
    /// Whether an encoder is prepared for texts of a few words: they are part of its calibration,
    /// its biases make up for mean errors, and its positions are the sum of two tables. Decoders
    /// are not changed by it.
    pub short_texts: bool,
    /// Cores to work on; they change no byte.
    pub threads: Threads,
}

impl QuantizeOptions {
    /// Keeps the whole context, one bit of headroom, the nearest integers and one thread, and
    /// prepares encoders for short texts.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            context: None,
            headroom_bits: 1,
            rounding: Rounding::Nearest,
            short_texts: true,
            threads: Threads::single(),
        }
    }

    /// Returns whether the program adds two tables of positions to the tokens of the network.
    #[must_use]
    pub fn has_fine_positions(&self, architecture: &Architecture) -> bool {
        self.reads_short_texts(architecture) && architecture.positions == Positions::Learned
    }

    /// Returns whether the network is one that short texts are prepared for.
    fn reads_short_texts(&self, architecture: &Architecture) -> bool {
        self.short_texts && architecture.mask == Mask::Bidirectional
    }
}

/// The way in which the weights of the layers are rounded.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Rounding {
    /// By GPTQ: each to the integer that best compensates the errors of the others, over the inputs
    /// of the calibration. Takes memory of the square of a matrix' inputs, and time of their cube.
    Gptq,
    /// Each to the nearest integer.
    Nearest,
}

/// The part of the work that is being done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Stage {
    /// Measuring activations; counted in layers.
    Calibrate,
    /// Quantizing weights; counted in matrices.
    Quantize,
}

/// How far the work is, in the pieces of a [`Stage`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Progress {
    /// The part of the work.
    pub stage: Stage,
    /// Pieces of this stage that are done.
    pub done: usize,
    /// All pieces of this stage.
    pub total: usize,
}

/// A quantized model, ready to be written.
#[derive(Clone, Debug)]
pub struct Quantized {
    /// The artifact, not yet written.
    pub artifact: ArtifactBuilder,
    /// The scales that were chosen, and the errors they cause.
    pub report: QuantizeReport,
}

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
