/// Sees the tensors of a forward pass, to calibrate or to compare.
pub trait Observer {
    /// Sees the tensor at `point`, row-major with one row for each token.
    fn observe(&mut self, point: Point, values: &[f32]);
}

/// Observes nothing.
impl Observer for () {
    fn observe(&mut self, _: Point, _: &[f32]) {}
}

/// A place in the forward pass. Where a bias is added, the place is seen before and after.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Point {
    /// The residual stream as the embedding starts it.
    Embedding,
    /// The norm of the embedding.
    EmbeddingNorm,
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
    /// The output of the norm of attention.
    AttentionNorm,
    /// The queries, before they are normalized, rotated or scaled.
    Query,
    /// The keys, before they are normalized or rotated.
    Key,
    /// The values that attention mixes.
    Value,
    /// The queries, normalized by head.
    NormedQuery,
    /// The keys, normalized by head.
    NormedKey,
    /// The queries, rotated, not scaled.
    RotatedQuery,
    /// The keys, rotated.
    RotatedKey,
    /// The values, mixed by attention.
    Attention,
    /// The residual stream after attention.
    AttentionResidual,
    /// The output of the norm of the feed-forward network.
    FeedForwardNorm,
    /// The gate, before its activation.
    Gate,
    /// The factor of the gate, or the input of the activation.
    Up,
    /// The input of the last product.
    Gated,
    /// The residual stream after the feed-forward network.
    FeedForwardResidual,
}
