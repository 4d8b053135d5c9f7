//! The forward pass, layer by layer, so that one layer's weights need be in memory.

use core::ops::Range;

use lazai_coprocessor::{
    architecture::{Architecture, FeedForward, Head, Norm, NormOrder, Positions},
    kernel::Threads,
    table::{cosine_sine, turns_per_position},
};

use super::{
    Checkpoint, LayerPoint, Observer, Point, ReferenceError,
    arithmetic::narrow,
    operators::{add, add_bias, attention, gated, gelu, layer_norm, matmul, rms_norm, rotate},
};

/// Shows `observer` every place of the forward passes of `sequences`, with one layer in memory at a
/// time.
///
/// `progress` is told the pieces done and all there are: the layers, and the scores.
///
/// # Errors
/// [`ReferenceError`] if a weight cannot be read, or a sequence does not fit.
pub(crate) fn observe(
    checkpoint: &Checkpoint,
    threads: &Threads,
    sequences: &[Vec<u32>],
    observer: &mut dyn Observer,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<(), ReferenceError> {
    let layers = checkpoint.architecture().layers as usize;
    let total = layers + 1;
    progress(0, total);
    let mut layerwise = LayerwiseForward::new(checkpoint, threads, sequences, observer)?;
    for index in 0..layers {
        layerwise.layer(checkpoint, observer)?;
        progress(index + 1, total);
    }
    let LayerwiseForward { forward, residuals, .. } = layerwise;
    let last = FinalNorm::load(checkpoint)?;
    let head = match forward.architecture.head {
        Head::None => None,
        Head::Own => Some(checkpoint.tensor("head")?),
        Head::Tied => Some(checkpoint.tensor("embedding")?),
    };
    for residual in &residuals {
        let normed = forward.last_norm(&last, residual, observer);
        let Some(head) = &head else { continue };
        // Scores of a few rows at a time: all of them would fill the memory.
        for rows in normed.chunks(SCORE_ROWS * forward.architecture.hidden as usize) {
            observer.observe(Point::Logits, &forward.scores(head, rows));
        }
    }
    progress(total, total);
    Ok(())
}

/// The forward passes of several sequences, layer by layer.
#[derive(Debug)]
pub(crate) struct LayerwiseForward {
    forward: Forward,
    residuals: Vec<Vec<f32>>,
    /// The layer that comes next.
    next: u32,
}

impl LayerwiseForward {
    /// Embeds the sequences.
    pub(crate) fn new(
        checkpoint: &Checkpoint,
        threads: &Threads,
        sequences: &[Vec<u32>],
        observer: &mut dyn Observer,
    ) -> Result<Self, ReferenceError> {
        let forward = Forward::new(checkpoint.architecture().clone(), threads.clone())?;
        let embeddings = Embeddings::load(checkpoint)?;
        let embed = |tokens: &Vec<u32>| forward.embed(&embeddings, tokens, observer);
        let residuals = sequences.iter().map(embed).collect::<Result<_, _>>()?;
        Ok(Self { forward, residuals, next: 0 })
    }

    /// Returns the residual stream of each sequence.
    pub(crate) fn residuals(&self) -> &[Vec<f32>] {
        &self.residuals
    }

    /// Runs the next layer, with its weights alone in memory.
    pub(crate) fn layer(
        &mut self,
        checkpoint: &Checkpoint,
        observer: &mut dyn Observer,
    ) -> Result<(), ReferenceError> {
        let layer = Layer::load(checkpoint, self.next)?;
        for residual in &mut self.residuals {
            self.forward.layer(&layer, self.next, residual, observer);
        }
        self.next += 1;
        Ok(())
    }
}

/// The parts of the forward pass.
#[derive(Debug)]
pub(super) struct Forward {
    pub(super) architecture: Architecture,
    threads: Threads,
    /// Turns by which each pair of a head rotates from one position to the next, times 2^128.
    turns: Vec<u128>,
}

/// The embeddings, which turn tokens into rows.
#[derive(Debug)]
pub(super) struct Embeddings {
    pub(super) tokens: Vec<f32>,
    positions: Option<Vec<f32>>,
    norm: Option<NormWeights>,
}

/// The norm behind the layers.
#[derive(Debug)]
pub(super) struct FinalNorm {
    norm: Option<NormWeights>,
}

/// The weights of a layer.
#[derive(Debug)]
pub(super) struct Layer {
    attention_norm: NormWeights,
    query: Linear,
    key: Linear,
    value: Linear,
    /// The gains of the heads' norms.
    head_norms: Option<[Vec<f32>; 2]>,
    output: Linear,
    mlp_norm: NormWeights,
    gate: Option<Linear>,
    up: Linear,
    down: Linear,
}

#[derive(Debug)]
struct NormWeights {
    gain: Vec<f32>,
    bias: Option<Vec<f32>>,
}

#[derive(Debug)]
struct Linear {
    weight: Vec<f32>,
    bias: Option<Vec<f32>>,
}

impl Embeddings {
    pub(super) fn load(checkpoint: &Checkpoint) -> Result<Self, ReferenceError> {
        let architecture = checkpoint.architecture();
        let learned = architecture.positions == Positions::Learned;
        let post = architecture.norm_order == NormOrder::Post;
        let norm = || NormWeights::load(checkpoint, "embedding_norm");
        Ok(Self {
            tokens: checkpoint.tensor("embedding")?,
            positions: learned.then(|| checkpoint.tensor("positions")).transpose()?,
            norm: post.then(norm).transpose()?,
        })
    }
}

impl FinalNorm {
    pub(super) fn load(checkpoint: &Checkpoint) -> Result<Self, ReferenceError> {
        let pre = checkpoint.architecture().norm_order == NormOrder::Pre;
        let norm = pre.then(|| NormWeights::load(checkpoint, "final_norm")).transpose()?;
        Ok(Self { norm })
    }
}

impl Layer {
    pub(super) fn load(checkpoint: &Checkpoint, index: u32) -> Result<Self, ReferenceError> {
        let Architecture { biases, feed_forward, head_norm, .. } = *checkpoint.architecture();
        let name = |part: &str| format!("layers.{index}.{part}");
        let product = |part: &str, bias| Linear::load(checkpoint, &name(part), bias);
        let gated = feed_forward == FeedForward::GatedSilu;
        let head_norms = || {
            let [query, key] =
                ["query_norm", "key_norm"].map(|part| checkpoint.tensor(&name(part)));
            Ok::<_, ReferenceError>([query?, key?])
        };
        Ok(Self {
            attention_norm: NormWeights::load(checkpoint, &name("attention_norm"))?,
            query: product("query", biases.query_key_value)?,
            key: product("key", biases.query_key_value)?,
            value: product("value", biases.query_key_value)?,
            head_norms: head_norm.then(head_norms).transpose()?,
            output: product("output", biases.attention_output)?,
            mlp_norm: NormWeights::load(checkpoint, &name("mlp_norm"))?,
            gate: gated.then(|| product("gate", biases.feed_forward)).transpose()?,
            up: product("up", biases.feed_forward)?,
            down: product("down", biases.feed_forward)?,
        })
    }
}

impl NormWeights {
    fn load(checkpoint: &Checkpoint, name: &str) -> Result<Self, ReferenceError> {
        let biased = checkpoint.architecture().norm == Norm::Layer;
        let bias = biased.then(|| checkpoint.tensor(&format!("{name}.bias"))).transpose()?;
        Ok(Self { gain: checkpoint.tensor(name)?, bias })
    }
}

impl Linear {
    fn load(checkpoint: &Checkpoint, name: &str, bias: bool) -> Result<Self, ReferenceError> {
        let bias = bias.then(|| checkpoint.tensor(&format!("{name}.bias"))).transpose()?;
        Ok(Self { weight: checkpoint.tensor(name)?, bias })
    }
}

impl Forward {
    pub(super) fn new(
        architecture: Architecture,
        threads: Threads,
    ) -> Result<Self, ReferenceError> {
        let turns = match &architecture.positions {
            Positions::Learned => Vec::new(),
            Positions::Rotary(rotary) => turns_per_position(architecture.head_dim, rotary)
                .map_err(|error| ReferenceError::Syntax {
                    file: "config.json".to_owned(),
                    problem: error.to_string(),
                })?,
        };
        Ok(Self { architecture, threads, turns })
    }

    /// Computes the residual stream of `tokens` before the first layer.
    pub(super) fn embed(
        &self,
        embeddings: &Embeddings,
        tokens: &[u32],
        observer: &mut dyn Observer,
    ) -> Result<Vec<f32>, ReferenceError> {
        let (max, vocabulary) = (self.architecture.context as usize, self.architecture.vocabulary);
        if tokens.len() > max {
            return Err(ReferenceError::Length { got: tokens.len(), max });
        }
        let hidden = self.architecture.hidden as usize;
        let mut rows = Vec::with_capacity(tokens.len() * hidden);
        for (index, &got) in tokens.iter().enumerate() {
            if got >= vocabulary {
                return Err(ReferenceError::Token { index, got, vocabulary });
            }
            rows.extend_from_slice(&embeddings.tokens[got as usize * hidden..][..hidden]);
        }
        if let Some(positions) = &embeddings.positions {
            observer.observe(Point::Embedding, &rows);
            add(&mut rows, positions);
        }
        observer.observe(Point::Embedding, &rows);
        if let Some(norm) = &embeddings.norm {
            rows = self.norm(norm, &rows, &mut |values| {
                observer.observe(Point::EmbeddingNorm, values);
            });
        }
        Ok(rows)
    }

    /// Runs layer `index`, which changes the residual stream in place.
    pub(super) fn layer(
        &self,
        layer: &Layer,
        index: u32,
        residual: &mut Vec<f32>,
        observer: &mut dyn Observer,
    ) {
        let mut observe = |point, values: &[f32]| {
            observer.observe(Point::Layer(index, point), values);
        };
        self.attend(layer, residual, &mut observe);
        self.feed_forward(layer, residual, &mut observe);
    }

    /// Computes the rows behind the last norm.
    pub(super) fn last_norm(
        &self,
        last: &FinalNorm,
        residual: &[f32],
        observer: &mut dyn Observer,
    ) -> Vec<f32> {
        match &last.norm {
            Some(norm) => {
                self.norm(norm, residual, &mut |values| observer.observe(Point::Norm, values))
            }
            None => residual.to_vec(),
        }
    }

    /// Computes the scores of normalized rows.
    pub(super) fn scores(&self, head: &[f32], rows: &[f32]) -> Vec<f32> {
        matmul(&self.threads, rows, head, self.architecture.hidden as usize)
    }

    fn attend(
        &self,
        layer: &Layer,
        residual: &mut Vec<f32>,
        observe: &mut impl FnMut(LayerPoint, &[f32]),
    ) {
        let architecture = &self.architecture;
        let head_dim = architecture.head_dim as usize;
        let hidden = architecture.hidden as usize;
        let [width, kv_width] =
            [architecture.query_width(), architecture.kv_width()].map(|width| width as usize);
        let opened = self.open(&layer.attention_norm, residual, LayerPoint::AttentionNorm, observe);
        let x = opened.as_deref().unwrap_or(residual);
        let mut queries = self.product(&layer.query, x, hidden, LayerPoint::Query, observe);
        let mut keys = self.product(&layer.key, x, hidden, LayerPoint::Key, observe);
        let values = self.product(&layer.value, x, hidden, LayerPoint::Value, observe);
        if let Some([query, key]) = &layer.head_norms {
            queries = rms_norm(&queries, query, architecture.norm_epsilon);
            observe(LayerPoint::NormedQuery, &queries);
            keys = rms_norm(&keys, key, architecture.norm_epsilon);
            observe(LayerPoint::NormedKey, &keys);
        }
        if !self.turns.is_empty() {
            let angles = self.angles(queries.len() / width);
            rotate(&mut queries, width, head_dim, &angles);
            observe(LayerPoint::RotatedQuery, &queries);
            rotate(&mut keys, kv_width, head_dim, &angles);
            observe(LayerPoint::RotatedKey, &keys);
        }
        let mixed = attention(&self.threads, architecture, &queries, &keys, &values);
        observe(LayerPoint::Attention, &mixed);
        let point = LayerPoint::AttentionResidual;
        self.branch(&layer.output, &mixed, width, residual, point, observe);
        self.close(&layer.attention_norm, residual, LayerPoint::AttentionNorm, observe);
    }

    fn feed_forward(
        &self,
        layer: &Layer,
        residual: &mut Vec<f32>,
        observe: &mut impl FnMut(LayerPoint, &[f32]),
    ) {
        let architecture = &self.architecture;
        let (hidden, intermediate) =
            (architecture.hidden as usize, architecture.intermediate as usize);
        let opened = self.open(&layer.mlp_norm, residual, LayerPoint::FeedForwardNorm, observe);
        let x = opened.as_deref().unwrap_or(residual);
        let gate = layer
            .gate
            .as_ref()
            .map(|gate| self.product(gate, x, hidden, LayerPoint::Gate, observe));
        let up = self.product(&layer.up, x, hidden, LayerPoint::Up, observe);
        let product = match (gate, architecture.feed_forward) {
            (Some(gate), _) => gated(&gate, &up),
            (None, FeedForward::Gelu(form)) => gelu(&up, form),
            (None, FeedForward::GatedSilu) => up,
        };
        observe(LayerPoint::Gated, &product);
        let point = LayerPoint::FeedForwardResidual;
        self.branch(&layer.down, &product, intermediate, residual, point, observe);
        self.close(&layer.mlp_norm, residual, LayerPoint::FeedForwardNorm, observe);
    }

    /// Computes the input of half a layer, if it is normalized there.
    fn open(
        &self,
        norm: &NormWeights,
        residual: &[f32],
        point: LayerPoint,
        observe: &mut impl FnMut(LayerPoint, &[f32]),
    ) -> Option<Vec<f32>> {
        let pre = self.architecture.norm_order == NormOrder::Pre;
        pre.then(|| self.norm(norm, residual, &mut |values| observe(point, values)))
    }

    /// Normalizes the residual stream after half a layer, if it is normalized there.
    fn close(
        &self,
        norm: &NormWeights,
        residual: &mut Vec<f32>,
        point: LayerPoint,
        observe: &mut impl FnMut(LayerPoint, &[f32]),
    ) {
        if self.architecture.norm_order == NormOrder::Post {
            *residual = self.norm(norm, residual, &mut |values| observe(point, values));
        }
    }

    fn norm(&self, norm: &NormWeights, input: &[f32], observe: &mut dyn FnMut(&[f32])) -> Vec<f32> {
        let epsilon = self.architecture.norm_epsilon;
        let mut output = match self.architecture.norm {
            Norm::Layer => layer_norm(input, &norm.gain, epsilon),
            Norm::RootMeanSquare => rms_norm(input, &norm.gain, epsilon),
        };
        observe(&output);
        if let Some(bias) = &norm.bias {
            add_bias(&mut output, bias);
            observe(&output);
        }
        output
    }

    fn product(
        &self,
        product: &Linear,
        input: &[f32],
        width: usize,
        point: LayerPoint,
        observe: &mut impl FnMut(LayerPoint, &[f32]),
    ) -> Vec<f32> {
        let mut output = matmul(&self.threads, input, &product.weight, width);
        observe(point, &output);
        if let Some(bias) = &product.bias {
            add_bias(&mut output, bias);
            observe(point, &output);
        }
        output
    }

    fn branch(
        &self,
        product: &Linear,
        input: &[f32],
        width: usize,
        residual: &mut [f32],
        point: LayerPoint,
        observe: &mut impl FnMut(LayerPoint, &[f32]),
    ) {
        add(residual, &matmul(&self.threads, input, &product.weight, width));
        observe(point, residual);
        if let Some(bias) = &product.bias {
            add_bias(residual, bias);
            observe(point, residual);
        }
    }

    /// Computes cosine and sine for each position and pair of a head.
    fn angles(&self, positions: usize) -> Vec<(f32, f32)> {
        let real = |value: i64| narrow(value as f64 / (1_u64 << 62) as f64);
        let positions: Range<u128> = 0..positions as u128;
        positions
            .flat_map(|position| self.turns.iter().map(move |turns| turns.wrapping_mul(position)))
            .map(cosine_sine)
            .map(|(cosine, sine)| (real(cosine), real(sine)))
            .collect()
    }
}

/// Rows whose scores are in memory at one time.
const SCORE_ROWS: usize = 64;
