//! The largest sizes that this version reads, whatever the format of the checkpoint.

/// Positions of a sequence.
pub(super) const MAX_CONTEXT: u32 = 1 << 17;

/// Positions of a sequence that is read in one step, because its tokens attend to those after them.
pub(super) const MAX_WHOLE_CONTEXT: u32 = 1 << 13;

/// Elements of a head.
pub(super) const MAX_HEAD_DIM: u32 = 256;

/// Layers.
pub(super) const MAX_LAYERS: u32 = 1_024;

/// The base of rotary frequencies: all integers up to it are exact in 64-bit floating point.
pub(super) const MAX_THETA: f64 = 9_007_199_254_740_992.0;

/// Elements of a row, of all heads together, and tokens of the vocabulary.
pub(super) const MAX_WIDTH: u32 = 1 << 20;
