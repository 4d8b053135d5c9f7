/// A 32-bit floating-point network that reads rows of numbers, with inputs to calibrate its
/// integers by.
///
/// It is a *perceptron*, whose layers are products with an optional bias and `Relu` between them;
/// or a *block* of a transformer: `LayerNorm` without a gain, attention of every row to every row,
/// the residual, `LayerNorm`, two products with `Relu` between them, the residual.
/// [`quantize_network`](crate::quantize::quantize_network) turns it into integers.
///
/// # File
/// A safetensors file of F32 tensors, whose metadata has under `network` a JSON object: `kind` is
/// `perceptron` or `block`, `name` is for people, and a block has the numbers `heads` and
/// `epsilon`. Weights are `[outputs, inputs]`.
///
/// | tensor | shape |
/// | --- | --- |
/// | `input` | `[samples, rows, width]`: calibration; the first sample is the one to run |
/// | `output`, optional | `[samples, rows, outputs]`: what another implementation computed |
/// | perceptron: `layers.0.weight`, `layers.1.weight`, ... | `[outputs, inputs]` |
/// | perceptron, optional: `layers.0.bias`, ... | `[outputs]` |
/// | block: `query`, `key`, `value`, `out` | `[width, width]` |
/// | block: `up`, `down` | `[intermediate, width]`, `[width, intermediate]` |
#[derive(Clone, Debug, PartialEq)]
pub struct FloatNetwork {
    pub(super) name: String,
    pub(super) layers: Layers,
    pub(super) rows: usize,
    pub(super) inputs: Vec<f32>,
    pub(super) outputs: Vec<f32>,
}

/// The weights.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Layers {
    Block(Box<Block>),
    Perceptron(Vec<Dense>),
}

/// A product with the transpose of a matrix.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Dense {
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    /// `[outputs, inputs]`.
    pub(crate) weight: Vec<f32>,
    /// `[outputs]`.
    pub(crate) bias: Option<Vec<f32>>,
}

/// A block of a transformer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Block {
    pub(crate) width: usize,
    pub(crate) intermediate: usize,
    pub(crate) heads: usize,
    pub(crate) epsilon: f64,
    pub(crate) query: Dense,
    pub(crate) key: Dense,
    pub(crate) value: Dense,
    pub(crate) out: Dense,
    pub(crate) up: Dense,
    pub(crate) down: Dense,
}

impl FloatNetwork {
    /// Returns a name for people.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the number of rows of a sample.
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// Returns the elements of a row of the input.
    #[must_use]
    pub fn width(&self) -> usize {
        match &self.layers {
            Layers::Block(block) => block.width,
            Layers::Perceptron(layers) => layers.first().map_or(1, |layer| layer.inputs),
        }
    }

    /// Returns the elements of a row of the output.
    #[must_use]
    pub fn output_width(&self) -> usize {
        match &self.layers {
            Layers::Block(block) => block.width,
            Layers::Perceptron(layers) => layers.last().map_or(1, |layer| layer.outputs),
        }
    }

    /// Iterates over the samples, each `[rows, width]`; at least one.
    pub fn inputs(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.inputs.chunks_exact(self.rows * self.width())
    }

    /// Iterates over what another implementation computed of the samples, each
    /// `[rows, output_width]`; none if the file does not say.
    pub fn outputs(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.outputs.chunks_exact(self.rows * self.output_width())
    }

    pub(crate) const fn layers(&self) -> &Layers {
        &self.layers
    }
}
