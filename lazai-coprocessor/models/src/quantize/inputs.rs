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
}

impl<'a> Inputs<'a> {
    pub(super) fn new(
        checkpoint: &'a Checkpoint,
        threads: &'a Threads,
        sequences: &[Vec<u32>],
    ) -> Result<Self, ReferenceError> {
        let forward = LayerwiseForward::new(checkpoint, threads, sequences, &mut ())?;
        Ok(Self { checkpoint, threads, forward })
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
        observed.flush();
        let factors = observed.moments.into_iter();
        Ok(factors.map(|(input, moments)| (input, moments.into_cholesky())).collect())
    }
}

struct InputMoments<'a> {
    threads: &'a Threads,
    post: bool,
    moments: BTreeMap<Input, Moments>,
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
        Self { threads, post, moments: moments.into(), pending: None }
    }

    fn add(&mut self, input: Input, rows: &[f32]) {
        if let Some(moments) = self.moments.get_mut(&input) {
            moments.add(rows, self.threads);
        }
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
