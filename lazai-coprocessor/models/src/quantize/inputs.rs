//! The inputs of the matrices of a layer, as second moments.

use std::collections::BTreeMap;

use lazai_coprocessor::{
    architecture::{Architecture, NormOrder},
    kernel::Threads,
};

use super::moments::{CholeskyFactor, Moments};
use crate::reference::{Checkpoint, LayerPoint, LayerwiseForward, Observer, Point, ReferenceError};

/// A value that matrices of a layer read.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Input {
    /// The input of queries, keys and values.
    Attention,
    /// The input of the gate and its factor.
    FeedForward,
    /// The mixed values, which the output of attention reads.
    AttentionOutput,
    /// The input of the last product.
    Product,
}

/// The moments of the inputs of one layer after the other.
pub(super) struct Inputs<'a> {
    checkpoint: &'a Checkpoint,
    threads: &'a Threads,
    forward: LayerwiseForward,
    /// Whether biases make up for the mean error of their matrices.
    corrects_biases: bool,
}

impl<'a> Inputs<'a> {
    pub(super) fn new(
        checkpoint: &'a Checkpoint,
        threads: &'a Threads,
        sequences: &[Vec<u32>],
        corrects_biases: bool,
    ) -> Result<Self, ReferenceError> {
        let forward = LayerwiseForward::new(checkpoint, threads, sequences, &mut ())?;
        Ok(Self { checkpoint, threads, forward, corrects_biases })
    }

    /// Returns the Cholesky factors of the moments of the next layer.
    pub(super) fn next(&mut self) -> Result<BTreeMap<Input, CholeskyFactor>, ReferenceError> {
        let architecture = self.checkpoint.architecture();
        let mut observed = InputMoments::new(architecture, self.threads);
        if architecture.norm_order == NormOrder::Post {
            for residual in self.forward.residuals() {
                observed.add(Input::Attention, residual);
            }
        }
        self.forward.layer(self.checkpoint, &mut observed)?;
        let biases = &architecture.biases;
        let factor = |(input, moments): (Input, Moments)| {
            let biased = match input {
                Input::Attention => biases.query_key_value,
                Input::AttentionOutput => biases.attention_output,
                Input::FeedForward | Input::Product => biases.feed_forward,
            };
            // A matrix without a bias must get the mean of its results right by itself.
            let factor = if biased && self.corrects_biases {
                moments.into_centered_cholesky()
            } else {
                moments.into_cholesky()
            };
            (input, factor)
        };
        Ok(observed.finish().into_iter().map(factor).collect())
    }
}

struct InputMoments<'a> {
    threads: &'a Threads,
    post: bool,
    moments: BTreeMap<Input, Moments>,
    /// Rows that are not in the moments yet: short texts are added many at once.
    waiting: BTreeMap<Input, Vec<f32>>,
    /// A place with a bias is seen twice; the second time counts.
    pending: Option<(Input, Vec<f32>)>,
}

impl<'a> InputMoments<'a> {
    fn new(architecture: &Architecture, threads: &'a Threads) -> Self {
        let widths = [
            (Input::Attention, architecture.hidden),
            (Input::FeedForward, architecture.hidden),
            (Input::AttentionOutput, architecture.query_width()),
            (Input::Product, architecture.intermediate),
        ];
        let moments = widths.map(|(input, width)| (input, Moments::new(width as usize)));
        let post = architecture.norm_order == NormOrder::Post;
        let (moments, waiting) = (moments.into(), BTreeMap::new());
        Self { threads, post, moments, waiting, pending: None }
    }

    fn add(&mut self, input: Input, rows: &[f32]) {
        let waiting = self.waiting.entry(input).or_default();
        waiting.extend_from_slice(rows);
        if waiting.len() >= WAITING_ELEMENTS {
            let rows = core::mem::take(waiting);
            self.add_all(input, &rows);
        }
    }

    fn add_all(&mut self, input: Input, rows: &[f32]) {
        if let Some(moments) = self.moments.get_mut(&input) {
            moments.add(rows, self.threads);
        }
    }

    /// Returns the moments of all that was seen.
    fn finish(mut self) -> BTreeMap<Input, Moments> {
        self.flush();
        for (input, rows) in core::mem::take(&mut self.waiting) {
            self.add_all(input, &rows);
        }
        self.moments
    }

    fn flush(&mut self) {
        if let Some((input, rows)) = self.pending.take() {
            self.add(input, &rows);
        }
    }

    /// Returns the input that is seen at a point.
    const fn input(&self, point: LayerPoint) -> Option<Input> {
        match point {
            LayerPoint::Attention => Some(Input::AttentionOutput),
            LayerPoint::AttentionNorm if self.post => Some(Input::FeedForward),
            LayerPoint::AttentionNorm => Some(Input::Attention),
            LayerPoint::FeedForwardNorm if !self.post => Some(Input::FeedForward),
            LayerPoint::Gated => Some(Input::Product),
            _ => None,
        }
    }
}

impl Observer for InputMoments<'_> {
    fn observe(&mut self, point: Point, values: &[f32]) {
        let Point::Layer(_, point) = point else { return };
        let input = self.input(point);
        if self.pending.as_ref().is_some_and(|(pending, _)| Some(*pending) != input) {
            self.flush();
        }
        if let Some(input) = input {
            self.pending = Some((input, values.to_vec()));
        }
    }
}

/// As many elements are added to the moments at once, at the least.
const WAITING_ELEMENTS: usize = 1 << 17;
