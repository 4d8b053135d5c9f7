//! What the matrices of a layer read.

use std::collections::BTreeMap;

use lazai_coprocessor::{
    architecture::{Architecture, NormOrder},
    kernel::Threads,
};

use super::moments::{CholeskyFactor, Moments};
use crate::reference::{Checkpoint, LayerPoint, Observer, Point, ReferenceError, Replay};

/// A value that matrices of a layer read.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Input {
    /// Of queries, keys and values.
    Attention,
    /// Of the gate and its factor.
    FeedForward,
    /// Of the output of attention.
    Mixed,
    /// Of the last product.
    Product,
}

/// The moments of the inputs of one layer after the other.
pub(super) struct Inputs<'a> {
    checkpoint: &'a Checkpoint,
    threads: &'a Threads,
    replay: Replay,
}

impl<'a> Inputs<'a> {
    pub(super) fn new(
        checkpoint: &'a Checkpoint,
        threads: &'a Threads,
        sequences: &[Vec<u32>],
    ) -> Result<Self, ReferenceError> {
        let replay = Replay::new(checkpoint, threads, sequences, &mut ())?;
        Ok(Self { checkpoint, threads, replay })
    }

    /// Returns the Cholesky factors of the moments of the next layer.
    pub(super) fn next(&mut self) -> Result<BTreeMap<Input, CholeskyFactor>, ReferenceError> {
        let architecture = self.checkpoint.architecture();
        let mut seen = Seen::new(architecture, self.threads);
        if architecture.norm_order == NormOrder::Post {
            for residual in self.replay.residuals() {
                seen.add(Input::Attention, residual);
            }
        }
        self.replay.layer(self.checkpoint, &mut seen)?;
        seen.flush();
        let factors = seen.moments.into_iter();
        Ok(factors.map(|(input, moments)| (input, moments.into_cholesky())).collect())
    }
}

struct Seen<'a> {
    threads: &'a Threads,
    post: bool,
    moments: BTreeMap<Input, Moments>,
    /// A place with a bias is seen twice; the second time counts.
    pending: Option<(Input, Vec<f32>)>,
}

impl<'a> Seen<'a> {
    fn new(architecture: &Architecture, threads: &'a Threads) -> Self {
        let widths = [
            (Input::Attention, architecture.hidden),
            (Input::FeedForward, architecture.hidden),
            (Input::Mixed, architecture.query_width()),
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
            LayerPoint::Attention => Some(Input::Mixed),
            LayerPoint::AttentionNorm if self.post => Some(Input::FeedForward),
            LayerPoint::AttentionNorm => Some(Input::Attention),
            LayerPoint::FeedForwardNorm if !self.post => Some(Input::FeedForward),
            LayerPoint::Gated => Some(Input::Product),
            _ => None,
        }
    }
}

impl Observer for Seen<'_> {
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
