//! The Llama decoder, over burn.

use burn::{
    module::{Module, Param},
    tensor::{
        Device, Int, Tensor, TensorData,
        activation::{silu, softmax},
    },
};

use crate::config::ModelShape;

/// A Llama decoder with tied embeddings.
#[derive(Debug, Module)]
pub(crate) struct Decoder {
    /// `[vocab, hidden]`; also the output projection.
    pub(crate) embedding: Param<Tensor<2>>,
    pub(crate) layers: Vec<Layer>,
    /// `[hidden]`.
    pub(crate) norm: Param<Tensor<1>>,
}

/// One block: attention, then the gated feed-forward network, each behind a norm.
///
/// Matrices lie `[in, out]`, the order in which the products read them.
#[derive(Debug, Module)]
pub(crate) struct Layer {
    pub(crate) input_norm: Param<Tensor<1>>,
    pub(crate) query: Param<Tensor<2>>,
    pub(crate) key: Param<Tensor<2>>,
    pub(crate) value: Param<Tensor<2>>,
    pub(crate) output: Param<Tensor<2>>,
    pub(crate) post_norm: Param<Tensor<1>>,
    pub(crate) gate: Param<Tensor<2>>,
    pub(crate) up: Param<Tensor<2>>,
    pub(crate) down: Param<Tensor<2>>,
}

/// The constants of one sequence length: rotation angles and the causal mask.
#[derive(Clone, Debug)]
pub(crate) struct Positions {
    /// `[1, 1, length, head_dim]`, both halves equal.
    cos: Tensor<4>,
    sin: Tensor<4>,
    /// `[1, 1, group * length, length]`, added to the scores.
    mask: Tensor<4>,
}

impl Decoder {
    /// Draws the weights from a stream of their own: burn's is shared by the whole process.
    pub(crate) fn new(shape: &ModelShape, seed: u64, device: &Device) -> Self {
        let mut normal = Normal::new(seed);
        let mut matrix = |rows: usize, columns: usize, std: f64| {
            let values: Vec<f32> =
                (0..rows * columns).map(|_| (normal.draw() * std) as f32).collect();
            Param::from_data(TensorData::new(values, [rows, columns]), device)
        };
        let ones = || {
            Param::from_data(TensorData::new(vec![1.0_f32; shape.hidden], [shape.hidden]), device)
        };
        let std = INITIAL_STD;
        // The branches that feed the residual stream start smaller, or its variance would grow
        // with the depth.
        let residual = std / (2.0 * shape.layers as f64).sqrt();
        let queries = shape.heads * shape.head_dim;
        let keys = shape.kv_heads * shape.head_dim;
        let embedding = matrix(shape.vocab, shape.hidden, std);
        let layer = |_| Layer {
            input_norm: ones(),
            query: matrix(shape.hidden, queries, std),
            key: matrix(shape.hidden, keys, std),
            value: matrix(shape.hidden, keys, std),
            output: matrix(queries, shape.hidden, residual),
            post_norm: ones(),
            gate: matrix(shape.hidden, shape.intermediate, std),
            up: matrix(shape.hidden, shape.intermediate, std),
            down: matrix(shape.intermediate, shape.hidden, residual),
        };
        Self { embedding, layers: (0..shape.layers).map(layer).collect(), norm: ones() }
    }

    /// Computes the logits `[batch * length, vocab]` of token ids `[batch, length]`.
    pub(crate) fn forward(
        &self,
        shape: &ModelShape,
        positions: &Positions,
        tokens: Tensor<2, Int>,
    ) -> Tensor<2> {
        let [batch, length] = tokens.dims();
        let embedding = self.embedding.val();
        let mut hidden = embedding.clone().select(0, tokens.reshape([batch * length]));
        for layer in &self.layers {
            let normed = rms_norm(hidden.clone(), &layer.input_norm, shape.norm_epsilon);
            hidden = hidden + layer.attention(shape, positions, normed, batch);
            let normed = rms_norm(hidden.clone(), &layer.post_norm, shape.norm_epsilon);
            hidden = hidden + layer.feed_forward(normed);
        }
        rms_norm(hidden, &self.norm, shape.norm_epsilon).matmul(embedding.transpose())
    }
}

impl Layer {
    /// Attends over `[batch * length, hidden]`.
    ///
    /// The query heads of one group lie below each other in one `[group * length, head_dim]`
    /// matrix, so that keys and values are never repeated.
    fn attention(
        &self,
        shape: &ModelShape,
        positions: &Positions,
        hidden: Tensor<2>,
        batch: usize,
    ) -> Tensor<2> {
        let [rows, _] = hidden.dims();
        let length = rows / batch;
        let (heads, kv_heads, head_dim) = (shape.heads, shape.kv_heads, shape.head_dim);
        let group = heads / kv_heads;
        let split = |projected: Tensor<2>, heads: usize| {
            projected.reshape([batch, length, heads, head_dim]).swap_dims(1, 2)
        };
        let query = split(hidden.clone().matmul(self.query.val()), heads);
        let key = split(hidden.clone().matmul(self.key.val()), kv_heads);
        let value = split(hidden.matmul(self.value.val()), kv_heads);
        let query = positions.rotate(query) * (head_dim as f64).powf(-0.5);
        let query = query.reshape([batch, kv_heads, group * length, head_dim]);
        let scores = query.matmul(positions.rotate(key).transpose());
        let weights = softmax(scores + positions.mask.clone(), 3);
        let mixed = weights.matmul(value).reshape([batch, heads, length, head_dim]);
        mixed.swap_dims(1, 2).reshape([rows, heads * head_dim]).matmul(self.output.val())
    }

    /// Computes `down(silu(gate(x)) * up(x))`.
    fn feed_forward(&self, hidden: Tensor<2>) -> Tensor<2> {
        let gate = silu(hidden.clone().matmul(self.gate.val()));
        (gate * hidden.matmul(self.up.val())).matmul(self.down.val())
    }
}

impl Positions {
    /// Tabulates the first `length` positions.
    pub(crate) fn new(shape: &ModelShape, length: usize, device: &Device) -> Self {
        let half = shape.head_dim / 2;
        let angles: Vec<f64> = (0..length)
            .flat_map(|position| {
                (0..shape.head_dim).map(move |lane| {
                    let exponent = -((lane % half) as f64) / half as f64;
                    position as f64 * shape.rope_theta.powf(exponent)
                })
            })
            .collect();
        let table = |function: fn(f64) -> f64| {
            let values: Vec<f32> = angles.iter().map(|&angle| function(angle) as f32).collect();
            Tensor::<1>::from_floats(values.as_slice(), device).reshape([
                1,
                1,
                length,
                shape.head_dim,
            ])
        };
        let group = shape.heads / shape.kv_heads;
        let mask: Vec<f32> = (0..group * length)
            .flat_map(|row| {
                (0..length).map(move |column| if column > row % length { MASKED } else { 0.0 })
            })
            .collect();
        let mask = Tensor::<1>::from_floats(mask.as_slice(), device);
        Self {
            cos: table(f64::cos),
            sin: table(f64::sin),
            mask: mask.reshape([1, 1, group * length, length]),
        }
    }

    /// Rotates `[batch, heads, length, head_dim]`: lane `i` pairs with lane `i + head_dim / 2`.
    fn rotate(&self, heads: Tensor<4>) -> Tensor<4> {
        let half = heads.dims()[3] / 2;
        let low = heads.clone().narrow(3, 0, half);
        let high = heads.clone().narrow(3, half, half);
        heads * self.cos.clone() + Tensor::cat(vec![-high, low], 3) * self.sin.clone()
    }
}

/// Normal draws by Box and Muller, over splitmix64.
struct Normal(u64);

impl Normal {
    const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn draw(&mut self) -> f64 {
        let (radius, angle) = (self.uniform(), self.uniform());
        (-2.0 * radius.ln()).sqrt() * (core::f64::consts::TAU * angle).cos()
    }

    /// Draws a number above zero, at most one.
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        ((mixed >> 11) + 1) as f64 / (1_u64 << 53) as f64
    }
}

/// Divides each row by its root mean square and scales it by `gamma`.
fn rms_norm(hidden: Tensor<2>, gamma: &Param<Tensor<1>>, epsilon: f64) -> Tensor<2> {
    let mean = hidden.clone().square().mean_dim(1);
    hidden / (mean + epsilon).sqrt() * gamma.val().unsqueeze()
}

/// Standard deviation of the first weights.
const INITIAL_STD: f64 = 0.02;

/// Finite, because an infinite score turns the gradient of a masked entry into NaN.
const MASKED: f32 = -1.0e9;
