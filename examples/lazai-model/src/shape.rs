//! Shape and cost of a program, read off its operators.

use std::collections::BTreeMap;

use lazai_coprocessor::{
    model::Model,
    program::{Operator, Program, RowCount, Target, WorkRule},
};
use serde::Serialize;

use crate::error::Error;

/// The sizes of a transformer.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub(crate) struct Shape {
    /// `decoder`, or `encoder` if tokens attend to those after them.
    kind: &'static str,
    layers: usize,
    hidden: u32,
    intermediate: u32,
    heads: u32,
    kv_heads: u32,
    #[serde(rename = "head_width")]
    head_dim: u32,
    norm: &'static str,
    head_norm: bool,
    activation: &'static str,
    positions: &'static str,
    biases: bool,
    pooling: &'static str,
}

/// The cost of a run for one target.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub(crate) struct Cost {
    /// Operations for each token.
    pub(crate) flops_per_token: u64,
    /// Operations for each pair of a token and a position that it attends to.
    pub(crate) flops_per_pair: u64,
    /// Operations for each row of scores.
    pub(crate) flops_per_output: u64,
    /// Operations for the text as a whole.
    pub(crate) flops_once: u64,
    /// Bytes for a text that fills the context, without the weights.
    pub(crate) peak_bytes: u64,
}

impl Shape {
    pub(crate) fn of(program: &Program) -> Self {
        let mut shape = Self {
            kind: if program.is_bidirectional() { "encoder" } else { "decoder" },
            positions: "none",
            pooling: "none",
            ..Self::default()
        };
        let width = |id: lazai_coprocessor::program::ValueId| program.values[id.index()].width;
        for operator in &program.operators {
            match operator {
                Operator::AddBias { bias, .. } => {
                    // Some norms always have one; what tells is that of a product.
                    shape.biases |= !bias.ends_with("norm.bias");
                }
                Operator::AddPositions { .. } => shape.positions = "learned",
                Operator::Attention { query, cache, .. } => {
                    let cache = program.caches[cache.index()];
                    shape.layers += 1;
                    (shape.kv_heads, shape.head_dim) = (cache.heads, cache.head_dim);
                    shape.heads = width(*query) / cache.head_dim.max(1);
                }
                Operator::FirstRow { .. } => shape.pooling = "first",
                // The mean of the rows that were kept, of which there is one.
                Operator::MeanPool { input, .. } => {
                    let last = program.values[input.index()].rows == RowCount::Outputs;
                    if shape.pooling == "none" {
                        shape.pooling = if last { "last" } else { "mean" };
                    }
                }
                Operator::GatedSilu { output, .. } => {
                    (shape.activation, shape.intermediate) = ("gated SiLU", width(*output));
                }
                Operator::Gather { output, .. } => shape.hidden = width(*output),
                Operator::Gelu { output, .. } => {
                    (shape.activation, shape.intermediate) = ("GELU", width(*output));
                }
                Operator::HeadNorm { .. } => shape.head_norm = true,
                Operator::LayerNorm { .. } => shape.norm = "LayerNorm",
                Operator::Relu { output, .. } => {
                    (shape.activation, shape.intermediate) = ("ReLU", width(*output));
                }
                // A unit vector is a norm with a gain of its own.
                Operator::RmsNorm { gain, .. } if gain != "unit" => shape.norm = "RMSNorm",
                Operator::Rope { .. } => shape.positions = "rotary",
                _ => {}
            }
        }
        shape
    }

    /// Returns the lines that people read.
    pub(crate) fn lines(&self) -> [String; 3] {
        let Self { kind, layers, hidden, intermediate, heads, kv_heads, head_dim, .. } = self;
        let mut parts = vec![format!("{} positions", self.positions), self.norm.to_owned()];
        if self.head_norm {
            parts.push("norms of heads".to_owned());
        }
        parts.push(self.activation.to_owned());
        parts.push(if self.biases { "biases" } else { "no biases" }.to_owned());
        parts.push(format!("{} pooling", self.pooling));
        [
            format!("{kind}, {layers} layers, width {hidden}, feed-forward {intermediate}"),
            format!("{heads} heads of {head_dim}, {kv_heads} of keys and values"),
            parts.join(", "),
        ]
    }
}

impl Cost {
    /// Returns what `target` costs, if the program computes it.
    pub(crate) fn of(
        program: &Program,
        target: Target,
        context: u32,
    ) -> Result<Option<Self>, Error> {
        if program.output(target).is_none() {
            return Ok(None);
        }
        let rule = WorkRule::new(program, target)?;
        let step = Model::STEP_TOKENS as u64;
        Ok(Some(Self {
            flops_per_token: rule.per_token,
            flops_per_pair: rule.per_pair,
            flops_per_output: rule.per_output,
            flops_once: rule.once,
            peak_bytes: program.peak_bytes(target, u64::from(context), step)?,
        }))
    }
}

/// Counts each operator of the program.
pub(crate) fn operators(program: &Program) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for operator in &program.operators {
        *counts.entry(operator.name()).or_default() += 1;
    }
    counts
}
