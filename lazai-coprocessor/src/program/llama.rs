use crate::architecture::{
    Architecture, Biases, FeedForward, Gelu, Head, Mask, Norm, NormOrder, Pooling, Positions,
    Rotary,
};

/// The sizes of a Llama decoder, or of an encoder of its shape.
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
    /// Returns a shape that runs at once: 258 tokens, as a tokenizer of bytes has, and two query
    /// heads that share keys and values.
    #[must_use]
    pub const fn small() -> Self {
        Self {
            vocabulary: 258,
            hidden: 32,
            intermediate: 32,
            heads: 2,
            kv_heads: 1,
            head_dim: 16,
            tied: true,
        }
    }

    /// Builds the encoder of this shape, with the norms, biases and positions of BERT.
    #[must_use]
    pub const fn encoder(&self, layers: u32, context: u32) -> Architecture {
        let mut encoder = self.with_positions(layers, context, Positions::Learned);
        encoder.mask = Mask::Bidirectional;
        encoder.biases =
            Biases { query_key_value: true, attention_output: true, feed_forward: true };
        encoder.norm = Norm::Layer;
        encoder.norm_order = NormOrder::Post;
        encoder.feed_forward = FeedForward::Gelu(Gelu::Exact);
        encoder.head = Head::None;
        encoder
    }

    /// Builds the decoder of this shape with so many layers and positions, and Llama's customary
    /// constants.
    #[must_use]
    pub const fn architecture(&self, layers: u32, context: u32) -> Architecture {
        self.with_positions(layers, context, Positions::Rotary(Rotary::new(10_000)))
    }

    const fn with_positions(
        &self,
        layers: u32,
        context: u32,
        positions: Positions,
    ) -> Architecture {
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
            positions,
            feed_forward: FeedForward::GatedSilu,
            head: if self.tied { Head::Tied } else { Head::Own },
            pooling: Pooling::Mean,
            end_tokens: Vec::new(),
        }
    }
}
