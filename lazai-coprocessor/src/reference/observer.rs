/// Sees the tensors of a forward pass, to calibrate or to compare.
pub trait Observer {
    /// Sees the tensor at `point`, row-major with one row for each token.
    fn observe(&mut self, point: Point, values: &[f32]);
}

/// Looks away.
impl Observer for () {
    fn observe(&mut self, _: Point, _: &[f32]) {}
}

/// A place in the forward pass.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Point {
    /// The residual stream as the embedding starts it.
    Embedding,
    /// A place in a layer.
    Layer(u32, LayerPoint),
    /// The output of the last norm.
    Norm,
    /// The scores of every token to come next.
    Logits,
}

/// A place in a layer, in the order of the computation.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum LayerPoint {
    /// The output of the norm before attention.
    AttentionNorm,
    /// The queries, before they are rotated or scaled.
    Query,
    /// The keys, before they are rotated.
    Key,
    /// The values.
    Value,
    /// The queries, rotated, not scaled.
    RotatedQuery,
    /// The keys, rotated.
    RotatedKey,
    /// The mixed values.
    Attention,
    /// The residual stream after attention.
    AttentionResidual,
    /// The output of the norm before the feed-forward network.
    FeedForwardNorm,
    /// The gate, before its activation.
    Gate,
    /// The factor of the gate.
    Up,
    /// The product of the activated gate and its factor.
    Gated,
    /// The residual stream after the feed-forward network.
    FeedForwardResidual,
}
