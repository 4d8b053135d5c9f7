use lazai_coprocessor::{
    architecture::{Architecture, Mask},
    kernel::Threads,
    program::LlamaShape,
};

use super::{Block, Dense, FloatNetwork, FloatNetworkError, Layers};
use crate::reference::operators::{add, add_bias, attention, layer_norm, matmul};

/// A place whose numbers decide a scale.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Place {
    /// The normalized input of attention.
    AttentionNorm,
    /// The normalized input of the products.
    FeedForwardNorm,
    /// The input of the network.
    Input,
    Key,
    /// The product of a layer of a perceptron, negative numbers gone if `Relu` follows, and before
    /// a bias is added as it is.
    Product(usize),
    Query,
    Residual,
    /// The larger product of a block, negative numbers gone.
    Up,
    Value,
}

impl FloatNetwork {
    /// Runs the network on rows of one sample, `[rows, width]`; returns `[rows, output_width]`.
    ///
    /// # Errors
    /// [`FloatNetworkError::Limit`] if the input does not have the numbers of a sample.
    pub fn run(&self, input: &[f32]) -> Result<Vec<f32>, FloatNetworkError> {
        self.observe(input, &Threads::single(), &mut |_, _| ())
    }

    /// Runs the network and shows what it computes.
    pub(crate) fn observe(
        &self,
        input: &[f32],
        threads: &Threads,
        observer: &mut dyn FnMut(Place, &[f32]),
    ) -> Result<Vec<f32>, FloatNetworkError> {
        let (got, expected) = (input.len() as u64, (self.rows() * self.width()) as u64);
        if got != expected {
            let what = "the length of the input";
            return Err(FloatNetworkError::Limit { what, got, min: expected, max: expected });
        }
        observer(Place::Input, input);
        Ok(match self.layers() {
            Layers::Block(block) => block.run(input, threads, observer),
            Layers::Perceptron(layers) => perceptron(layers, input, threads, observer),
        })
    }
}

fn perceptron(
    layers: &[Dense],
    input: &[f32],
    threads: &Threads,
    observer: &mut dyn FnMut(Place, &[f32]),
) -> Vec<f32> {
    let mut x = input.to_vec();
    for (index, layer) in layers.iter().enumerate() {
        x = layer.run(&x, threads);
        if let Some(bias) = &layer.bias {
            observer(Place::Product(index), &x);
            add_bias(&mut x, bias);
        }
        if index + 1 < layers.len() {
            relu(&mut x);
        }
        observer(Place::Product(index), &x);
    }
    x
}

impl Block {
    fn run(
        &self,
        input: &[f32],
        threads: &Threads,
        observer: &mut dyn FnMut(Place, &[f32]),
    ) -> Vec<f32> {
        let ones = vec![1.0; self.width];
        let mut residual = input.to_vec();
        observer(Place::Residual, &residual);
        let x = layer_norm(&residual, &ones, self.epsilon);
        observer(Place::AttentionNorm, &x);
        let mut product = |place, layer: &Dense| {
            let y = layer.run(&x, threads);
            observer(place, &y);
            y
        };
        let query = product(Place::Query, &self.query);
        let key = product(Place::Key, &self.key);
        let value = product(Place::Value, &self.value);
        let mixed = attention(threads, &self.architecture(), &query, &key, &value);
        add(&mut residual, &self.out.run(&mixed, threads));
        observer(Place::Residual, &residual);
        let x = layer_norm(&residual, &ones, self.epsilon);
        observer(Place::FeedForwardNorm, &x);
        let mut up = self.up.run(&x, threads);
        relu(&mut up);
        observer(Place::Up, &up);
        add(&mut residual, &self.down.run(&up, threads));
        observer(Place::Residual, &residual);
        residual
    }

    /// Returns the sizes as attention reads them; the file bounds each below 2^16.
    fn architecture(&self) -> Architecture {
        let [hidden, intermediate, heads, head_dim] =
            [self.width, self.intermediate, self.heads, self.width / self.heads]
                .map(|size| u32::try_from(size).unwrap_or(u32::MAX));
        let (vocabulary, tied, kv_heads) = (1, true, heads);
        let shape =
            LlamaShape { vocabulary, hidden, intermediate, heads, kv_heads, head_dim, tied };
        Architecture { mask: Mask::Bidirectional, ..shape.architecture(1, 1) }
    }
}

impl Dense {
    /// Computes the product without the bias.
    fn run(&self, input: &[f32], threads: &Threads) -> Vec<f32> {
        matmul(threads, input, &self.weight, self.inputs)
    }
}

fn relu(values: &mut [f32]) {
    for value in values {
        *value = value.max(0.0);
    }
}
