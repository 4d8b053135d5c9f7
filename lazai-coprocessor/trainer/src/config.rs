//! The shape of the model and the recipe of its training.

use crate::TrainError;

/// The dimensions of a Llama decoder.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ModelShape {
    /// Tokens in the vocabulary.
    pub vocab: usize,
    /// Width of the residual stream.
    pub hidden: usize,
    /// Width of the gated feed-forward network.
    pub intermediate: usize,
    /// Blocks of attention and feed-forward network.
    pub layers: usize,
    /// Query heads of a block.
    pub heads: usize,
    /// Key and value heads; they divide the query heads.
    pub kv_heads: usize,
    /// Lanes of one head; even, because rotation pairs them.
    pub head_dim: usize,
    /// Tokens the model attends over, at most.
    pub context: usize,
    /// Added to the mean square in each norm.
    pub norm_epsilon: f64,
    /// Base of the rotary frequencies.
    pub rope_theta: f64,
}

/// A training run.
///
/// It fixes the first weights and the order of the data. Two runs still differ in the last bits of
/// their floats, because burn's threads do not sum in a fixed order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrainConfig {
    /// The dimensions of the model.
    pub shape: ModelShape,
    /// Optimizer steps.
    pub steps: usize,
    /// Rows of `shape.context` tokens in one step.
    pub batch: usize,
    /// Equal parts of a batch that run at the same time, each on a thread of its own.
    ///
    /// The sums of the gradients follow the parts, so this is part of the recipe and never derived
    /// from the machine.
    pub shards: usize,
    /// Steps over which the learning rate rises from zero.
    pub warmup: usize,
    /// The highest learning rate; it falls along a cosine to a tenth.
    pub learning_rate: f64,
    /// Decoupled weight decay of every parameter.
    pub weight_decay: f32,
    /// Largest norm of one parameter's gradient.
    pub clip: f32,
    /// Steps between two measurements of the validation loss.
    pub validate_every: usize,
    /// Seed of the first weights.
    pub seed: u64,
}

impl ModelShape {
    /// Counts the weights.
    pub const fn parameters(&self) -> usize {
        let (queries, keys) = (self.heads * self.head_dim, self.kv_heads * self.head_dim);
        let attention = self.hidden * (2 * queries + 2 * keys);
        let feed_forward = 3 * self.hidden * self.intermediate;
        let norms = 2 * self.hidden;
        self.vocab * self.hidden + self.layers * (attention + feed_forward + norms) + self.hidden
    }
}

impl TrainConfig {
    /// Checks what the trainer relies on.
    ///
    /// # Errors
    /// [`TrainError::Config`] names the first field that cannot be used.
    pub fn validate(&self) -> Result<(), TrainError> {
        let shape = &self.shape;
        let counts = [
            ("vocab", shape.vocab),
            ("hidden", shape.hidden),
            ("intermediate", shape.intermediate),
            ("layers", shape.layers),
            ("heads", shape.heads),
            ("kv_heads", shape.kv_heads),
            ("head_dim", shape.head_dim),
            ("context", shape.context),
            ("steps", self.steps),
            ("batch", self.batch),
            ("shards", self.shards),
            ("validate_every", self.validate_every),
        ];
        for (field, value) in counts {
            if value == 0 {
                return Err(TrainError::Config { field, expected: "at least one" });
            }
        }
        let rules = [
            ("kv_heads", shape.heads.is_multiple_of(shape.kv_heads), "a divisor of `heads`"),
            ("head_dim", shape.head_dim.is_multiple_of(2), "an even number"),
            ("shards", self.batch.is_multiple_of(self.shards), "a divisor of `batch`"),
            ("learning_rate", self.learning_rate > 0.0, "a positive number"),
            ("clip", self.clip > 0.0, "a positive number"),
        ];
        rules
            .into_iter()
            .find(|(_, holds, _)| !holds)
            .map_or(Ok(()), |(field, _, expected)| Err(TrainError::Config { field, expected }))
    }

    /// Returns the learning rate of one step: a linear rise, then half a cosine down to a tenth.
    pub fn learning_rate_at(&self, step: usize) -> f64 {
        if step < self.warmup {
            return self.learning_rate * (step + 1) as f64 / self.warmup as f64;
        }
        let length = self.steps.saturating_sub(self.warmup).max(1) as f64;
        let progress = ((step - self.warmup) as f64 / length).min(1.0);
        let cosine = 0.5 * (1.0 + (core::f64::consts::PI * progress).cos());
        self.learning_rate * (FLOOR + (1.0 - FLOOR) * cosine)
    }
}

/// The share of the learning rate that remains at the end.
const FLOOR: f64 = 0.1;
