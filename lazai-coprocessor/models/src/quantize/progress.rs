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
