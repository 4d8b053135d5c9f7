//! The forward pass.

use crate::{
    kernel::Threads,
    table::{cosine_sine, turns_per_position},
};

use super::{
    Checkpoint, LayerPoint, LlamaConfig, Observer, Perplexity, Point, ReferenceError,
    arithmetic::narrow,
    layer::{add, attention, gated, matmul, rms_norm, rotate},
    perplexity,
};

/// A Llama decoder in 32-bit floating point.
///
/// The same weights and tokens give the same bits on every machine, with any number of threads.
#[derive(Debug)]
pub struct ReferenceModel {
    config: LlamaConfig,
    threads: Threads,
    /// Turns by which each pair of a head rotates from one position to the next, times 2^128.
    turns: Vec<u128>,
    embedding: Vec<f32>,
    layers: Vec<Layer>,
    norm: Vec<f32>,
    /// `None` if the embedding is the output projection.
    head: Option<Vec<f32>>,
}

#[derive(Debug)]
struct Layer {
    attention_norm: Vec<f32>,
    query: Vec<f32>,
    key: Vec<f32>,
    value: Vec<f32>,
    output: Vec<f32>,
    feed_forward_norm: Vec<f32>,
    gate: Vec<f32>,
    up: Vec<f32>,
    down: Vec<f32>,
}

impl ReferenceModel {
    /// Reads all weights of a checkpoint into memory.
    ///
    /// # Errors
    /// [`ReferenceError`] if a tensor cannot be read or holds a number that is not finite.
    pub fn new(checkpoint: &Checkpoint, threads: Threads) -> Result<Self, ReferenceError> {
        let config = checkpoint.config().clone();
        let turns = turns_per_position(config.head_dim, config.rope_theta).map_err(|error| {
            ReferenceError::Syntax { file: "config.json", problem: error.to_string() }
        })?;
        let layer = |layer: u32| {
            let read =
                |name: &str| checkpoint.tensor(&format!("model.layers.{layer}.{name}.weight"));
            Ok(Layer {
                attention_norm: read("input_layernorm")?,
                query: read("self_attn.q_proj")?,
                key: read("self_attn.k_proj")?,
                value: read("self_attn.v_proj")?,
                output: read("self_attn.o_proj")?,
                feed_forward_norm: read("post_attention_layernorm")?,
                gate: read("mlp.gate_proj")?,
                up: read("mlp.up_proj")?,
                down: read("mlp.down_proj")?,
            })
        };
        let head = (!config.tied).then(|| checkpoint.tensor("lm_head.weight")).transpose()?;
        Ok(Self {
            embedding: checkpoint.tensor("model.embed_tokens.weight")?,
            layers: (0..config.layers).map(layer).collect::<Result<_, ReferenceError>>()?,
            norm: checkpoint.tensor("model.norm.weight")?,
            config,
            threads,
            turns,
            head,
        })
    }

    /// The configuration.
    #[must_use]
    pub const fn config(&self) -> &LlamaConfig {
        &self.config
    }

    /// Computes the scores of the token after each of `tokens`, `[tokens, vocabulary]`.
    ///
    /// # Errors
    /// [`ReferenceError::Token`] if a token is outside the vocabulary, [`ReferenceError::Length`]
    /// if there are more tokens than positions; the observer has then seen nothing.
    pub fn forward(
        &self,
        tokens: &[u32],
        observer: &mut dyn Observer,
    ) -> Result<Vec<f32>, ReferenceError> {
        let hidden = self.config.hidden as usize;
        let mut residual = self.embed(tokens)?;
        observer.observe(Point::Embedding, &residual);
        let angles = self.angles(tokens.len());
        for (index, layer) in (0..).zip(&self.layers) {
            let mut observe = |point, values: &[f32]| {
                observer.observe(Point::Layer(index, point), values);
            };
            self.attend(layer, &angles, &mut residual, &mut observe);
            self.feed_forward(layer, &mut residual, &mut observe);
        }
        let normed = rms_norm(&residual, &self.norm, self.config.norm_epsilon);
        observer.observe(Point::Norm, &normed);
        let head = self.head.as_ref().unwrap_or(&self.embedding);
        let logits = matmul(&self.threads, &normed, head, hidden);
        observer.observe(Point::Logits, &logits);
        Ok(logits)
    }

    /// How well the model predicts `tokens`, in windows as [`perplexity`](super::perplexity()) cuts
    /// them.
    ///
    /// # Errors
    /// As [`forward`](Self::forward).
    pub fn perplexity(&self, tokens: &[u32], window: usize) -> Result<Perplexity, ReferenceError> {
        perplexity(tokens, window, |tokens| self.forward(tokens, &mut ()))
    }

    /// The rows of the embedding for `tokens`.
    fn embed(&self, tokens: &[u32]) -> Result<Vec<f32>, ReferenceError> {
        let (max, vocabulary) = (self.config.context as usize, self.config.vocabulary);
        if tokens.len() > max {
            return Err(ReferenceError::Length { got: tokens.len(), max });
        }
        let hidden = self.config.hidden as usize;
        let mut rows = Vec::with_capacity(tokens.len() * hidden);
        for (index, &got) in tokens.iter().enumerate() {
            if got >= vocabulary {
                return Err(ReferenceError::Token { index, got, vocabulary });
            }
            rows.extend_from_slice(&self.embedding[got as usize * hidden..][..hidden]);
        }
        Ok(rows)
    }

    /// Cosine and sine for each position and pair of a head.
    fn angles(&self, positions: usize) -> Vec<(f32, f32)> {
        let real = |value: i64| narrow(value as f64 / (1_u64 << 62) as f64);
        (0..positions as u128)
            .flat_map(|position| self.turns.iter().map(move |turns| turns.wrapping_mul(position)))
            .map(cosine_sine)
            .map(|(cosine, sine)| (real(cosine), real(sine)))
            .collect()
    }

    fn attend(
        &self,
        layer: &Layer,
        angles: &[(f32, f32)],
        residual: &mut [f32],
        observe: &mut impl FnMut(LayerPoint, &[f32]),
    ) {
        let (config, threads) = (&self.config, &self.threads);
        let hidden = config.hidden as usize;
        let head_dim = config.head_dim as usize;
        let [width, kv_width] = [config.heads, config.kv_heads].map(|n| n as usize * head_dim);
        let normed = rms_norm(residual, &layer.attention_norm, config.norm_epsilon);
        observe(LayerPoint::AttentionNorm, &normed);
        let mut queries = matmul(threads, &normed, &layer.query, hidden);
        observe(LayerPoint::Query, &queries);
        let mut keys = matmul(threads, &normed, &layer.key, hidden);
        observe(LayerPoint::Key, &keys);
        let values = matmul(threads, &normed, &layer.value, hidden);
        observe(LayerPoint::Value, &values);
        rotate(&mut queries, width, head_dim, angles);
        observe(LayerPoint::RotatedQuery, &queries);
        rotate(&mut keys, kv_width, head_dim, angles);
        observe(LayerPoint::RotatedKey, &keys);
        let mixed = attention(threads, config, &queries, &keys, &values);
        observe(LayerPoint::Attention, &mixed);
        add(residual, &matmul(threads, &mixed, &layer.output, width));
        observe(LayerPoint::AttentionResidual, residual);
    }

    fn feed_forward(
        &self,
        layer: &Layer,
        residual: &mut [f32],
        observe: &mut impl FnMut(LayerPoint, &[f32]),
    ) {
        let (config, threads) = (&self.config, &self.threads);
        let (hidden, intermediate) = (config.hidden as usize, config.intermediate as usize);
        let normed = rms_norm(residual, &layer.feed_forward_norm, config.norm_epsilon);
        observe(LayerPoint::FeedForwardNorm, &normed);
        let gate = matmul(threads, &normed, &layer.gate, hidden);
        observe(LayerPoint::Gate, &gate);
        let up = matmul(threads, &normed, &layer.up, hidden);
        observe(LayerPoint::Up, &up);
        let product = gated(&gate, &up);
        observe(LayerPoint::Gated, &product);
        add(residual, &matmul(threads, &product, &layer.down, intermediate));
        observe(LayerPoint::FeedForwardResidual, residual);
    }
}
