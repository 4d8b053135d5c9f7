use crate::architecture::{
    Architecture, Biases, FeedForward, Head, Mask, Norm, NormOrder, Pooling, Positions, Rotary,
};

/// The sizes of a Llama decoder.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LlamaShape {
    /// Tokens of the vocabulary.
    pub vocabulary: u32,
    /// Width of the residual stream.
    pub hidden: u32,
    /// Width of the gated unit.
    pub intermediate: u32,
    /// Number of query heads.
    pub heads: u32,
    /// Key and value heads; divides `heads`.
    pub kv_heads: u32,
    /// Elements of a head.
    pub head_dim: u32,
    /// Whether the embedding matrix is also the output head.
    pub tied: bool,
}

impl LlamaShape {
    /// Builds the decoder of this shape with so many layers and positions, and Llama's customary
    /// constants.
    #[must_use]
    pub const fn architecture(&self, layers: u32, context: u32) -> Architecture {
        Architecture {
            vocabulary: self.vocabulary,
            hidden: self.hidden,
            intermediate: self.intermediate,
            layers,
            heads: self.heads,
            kv_heads: self.kv_heads,
            head_dim: self.head_dim,
            context,
            mask: Mask::Causal,
            biases: Biases { query_key_value: false, attention_output: false, feed_forward: false },
            head_norm: false,
            norm: Norm::RootMeanSquare,
            norm_order: NormOrder::Pre,
            norm_epsilon: 1e-5,
            positions: Positions::Rotary(Rotary::new(10_000)),
            feed_forward: FeedForward::GatedSilu,
            head: if self.tied { Head::Tied } else { Head::Own },
            pooling: Pooling::Mean,
            end_tokens: Vec::new(),
        }
    }
}
