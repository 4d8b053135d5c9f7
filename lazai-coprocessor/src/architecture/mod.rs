//! What a network is: its sizes and its choices, before any weight.
//!
//! One description covers Llama's family, GPT-2 and BERT. A checkpoint names its weights by
//! it, and [`transformer`](crate::program::transformer) turns it into an integer program.

mod tensors;

use serde::{Deserialize, Serialize};

/// The shape of a transformer.
#[derive(Clone, Debug, PartialEq)]
pub struct Architecture {
    /// Tokens of the vocabulary.
    pub vocabulary: u32,
    /// Width of the residual stream.
    pub hidden: u32,
    /// Width of the feed-forward network.
    pub intermediate: u32,
    /// Blocks of attention and feed-forward network.
    pub layers: u32,
    /// Number of query heads.
    pub heads: u32,
    /// Key and value heads; divides `heads`.
    pub kv_heads: u32,
    /// Elements of a head; even.
    pub head_dim: u32,
    /// Most positions of a sequence.
    pub context: u32,
    /// Which positions a token attends to.
    pub mask: Mask,
    /// Which products have a bias.
    pub biases: Biases,
    /// Whether each head of queries and keys is divided by its root mean square.
    pub head_norm: bool,
    /// How rows are normalized.
    pub norm: Norm,
    /// Where rows are normalized.
    pub norm_order: NormOrder,
    /// What is added to a mean square before its root is taken.
    pub norm_epsilon: f64,
    /// How a token knows its position.
    pub positions: Positions,
    /// Form of the feed-forward network.
    pub feed_forward: FeedForward,
    /// The projection to scores.
    pub head: Head,
    /// How the rows of a text become one.
    pub pooling: Pooling,
    /// Tokens that end a text.
    pub end_tokens: Vec<u32>,
}

/// Which positions a token attends to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mask {
    /// All of the text.
    Bidirectional,
    /// Its own and those before it.
    Causal,
}

/// Which products have a bias.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Biases {
    /// Queries, keys and values.
    pub query_key_value: bool,
    /// The output of attention.
    pub attention_output: bool,
    /// Both products of the feed-forward network.
    pub feed_forward: bool,
}

/// How rows are normalized.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Norm {
    /// The mean is subtracted, then as `RootMeanSquare`, then a bias is added.
    Layer,
    /// Divided by the root mean square and multiplied by a gain.
    RootMeanSquare,
}

/// Where rows are normalized.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NormOrder {
    /// The residual stream itself, after the embedding and after each half of a layer.
    Post,
    /// The input of each half of a layer, and the last residual stream.
    Pre,
}

/// How a token knows its position.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Positions {
    /// A row for each position is added to the embedding.
    Learned,
    /// Queries and keys are rotated.
    Rotary(Rotary),
}

/// The frequencies of rotary positions.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rotary {
    /// Base of the frequencies, at least 2.
    pub theta: u64,
    /// What stretches them over a longer context.
    pub scaling: RotaryScaling,
}

impl Rotary {
    /// Frequencies of base `theta` as they are.
    #[must_use]
    pub const fn new(theta: u64) -> Self {
        Self { theta, scaling: RotaryScaling::None }
    }
}

/// What stretches rotary frequencies over a longer context; real numbers have 32 fraction bits.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum RotaryScaling {
    /// Each frequency is divided by a number of its own, at least 1.
    Divisors {
        /// A number for each pair of a head.
        divisors_q32: Vec<u64>,
    },
    /// Every frequency is divided by the factor.
    Linear {
        /// The factor, at least 1.
        factor_q32: u64,
    },
    /// Low frequencies are divided by the factor, high ones are kept, those between are mixed.
    Llama3 {
        /// The factor, at least 1.
        factor_q32: u64,
        /// A pair that turns fewer times over the original context is divided.
        low_q32: u64,
        /// A pair that turns more often is kept; above `low_q32`.
        high_q32: u64,
        /// Positions that the model was first trained on.
        original_context: u32,
    },
    /// Frequencies are as they are.
    None,
}

/// Form of the feed-forward network.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FeedForward {
    /// `down(SiLU(gate(x)) * up(x))`.
    GatedSilu,
    /// `down(GELU(up(x)))`.
    Gelu(Gelu),
}

/// The form of the Gaussian error linear unit, `x * P(X <= x)`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Gelu {
    /// By the error function.
    Exact,
    /// By a hyperbolic tangent.
    Tanh,
}

/// The projection to scores.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Head {
    /// There is none: the network only embeds.
    None,
    /// A matrix of its own.
    Own,
    /// The embedding.
    Tied,
}

/// How the rows of a text become one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Pooling {
    /// The first row; where it has seen the first token alone, the network has no scores.
    First,
    /// The last row.
    Last,
    /// The mean of all rows.
    Mean,
}
