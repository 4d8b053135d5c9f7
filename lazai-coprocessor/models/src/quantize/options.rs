use lazai_coprocessor::{
    architecture::{Architecture, Mask, Positions},
    kernel::Threads,
};

/// The choices that [`quantize`](super::quantize) leaves to its caller.
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
    pub(super) fn reads_short_texts(&self, architecture: &Architecture) -> bool {
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
