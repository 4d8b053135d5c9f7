/// The fraction bits of a transformer, as calibration finds them.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Scales {
    /// The residual stream, i32.
    pub residual: i8,
    /// Whether a second table, `positions.rest`, holds what the first leaves of learned positions.
    pub fine_positions: bool,
    /// The norm of the embedding, in networks that normalize the residual stream.
    pub embedding_norm: NormScales,
    /// Each layer, first to last.
    pub layers: Vec<LayerScales>,
    /// The last norm, in networks that normalize the inputs of layers.
    pub final_norm: NormScales,
    /// Fraction bits of the scores, i32.
    pub logits: i8,
}

/// The fraction bits of one layer.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct LayerScales {
    /// The norm of attention.
    pub attention_norm: NormScales,
    /// Queries, with `1 / sqrt(head_dim)` in them unless a norm follows.
    pub query: i8,
    /// The norm of each head of queries, with `1 / sqrt(head_dim)` in its gain.
    pub query_norm: NormScales,
    /// Fraction bits of the keys.
    pub key: i8,
    /// The norm of each head of keys.
    pub key_norm: NormScales,
    /// Values and their mixture.
    pub value: i8,
    /// The norm of the feed-forward network.
    pub mlp_norm: NormScales,
    /// Fraction bits of the gate.
    pub gate: i8,
    /// The other factor, or the input of the activation.
    pub up: i8,
    /// The input of the last product.
    pub product: i8,
}

/// The constants of one norm.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct NormScales {
    /// Fraction bits of the gain, which has `sqrt(width)` in it.
    pub gain: i8,
    /// `epsilon * width * 4^bits` for the fraction bits of the input, rounded.
    pub epsilon: u64,
    /// Fraction bits of the output as i16.
    pub output: i8,
}
