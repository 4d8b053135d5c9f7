//! The mapping from the weights of an architecture to the tensors of a checkpoint.
//!
//! [`Architecture::tensors`] names every weight of a network; a [`WeightName`] is such a name,
//! taken apart. Each [family](super::family) maps it to a tensor of its own and a
//! [`WeightTransform`].

use core::ops::Range;
use std::collections::BTreeMap;

use lazai_coprocessor::architecture::Architecture;

use super::ReferenceError;

/// The tensor that holds a weight, and the way from one to the other.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct WeightMapping {
    /// The tensor of the checkpoint.
    tensor: String,
    transform: WeightTransform,
    /// The shape of the weight.
    shape: Vec<usize>,
}

/// The step from a tensor of the checkpoint to a weight.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum WeightTransform {
    /// Taken from a tensor that fuses the outputs of queries, keys and values.
    FusedPart {
        /// 0, 1 or 2.
        index: usize,
        /// Whether the tensor is `[inputs, outputs]`.
        transposed: bool,
    },
    /// Taken as it is.
    Identity,
    /// Reordered within each head, from rotary pairs side by side, `(i, pair)`, to `(pair, i)`.
    Deinterleave {
        /// How many heads there are.
        heads: usize,
    },
    /// Added, row by row, to the first row of another tensor.
    PlusFirstRow {
        /// The name of the other tensor.
        other: String,
        /// Its rows.
        rows: usize,
    },
    /// Transposed from `[inputs, outputs]`.
    Transpose,
}

/// The function of a weight in the network.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum WeightRole {
    /// The norm of the first half of a layer.
    AttentionNorm,
    /// The second product of the feed-forward network.
    Down,
    /// A row for each token.
    Embedding,
    /// The norm of the embedded tokens.
    EmbeddingNorm,
    /// The last norm.
    FinalNorm,
    /// The gate of the feed-forward network.
    Gate,
    /// The projection to scores.
    Head,
    /// The keys of attention.
    Key,
    /// The norm of each key head.
    KeyNorm,
    /// The norm of the second half of a layer.
    MlpNorm,
    /// The output of attention.
    Output,
    /// A row for each position.
    Positions,
    /// The queries of attention.
    Query,
    /// The norm of each query head.
    QueryNorm,
    /// The first product of the feed-forward network.
    Up,
    /// The values of attention.
    Value,
}

/// A name of [`Architecture::tensors`], taken apart.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct WeightName<'a> {
    /// What the weight does.
    pub role: WeightRole,
    /// Whether it is the bias of its role.
    pub bias: bool,
    /// The number of the layer, if it is in one.
    layer: Option<&'a str>,
}

impl WeightMapping {
    /// Maps every weight of `architecture`, by its name in this crate.
    ///
    /// `source` returns the tensor that holds a weight, and its form there.
    pub(super) fn of_all(
        architecture: &Architecture,
        source: impl Fn(&WeightName<'_>) -> (String, WeightTransform),
    ) -> BTreeMap<String, Self> {
        let tensors = architecture.tensors().into_iter();
        tensors
            .map(|(name, shape)| {
                let parsed = WeightName::parse(&name)
                    .expect("invariant: an architecture has weights of known roles alone");
                let (tensor, transform) = source(&parsed);
                (name, Self { tensor, transform, shape })
            })
            .collect()
    }

    /// Returns the tensors that are read, with their shapes.
    pub(super) fn sources(&self) -> Vec<(String, Vec<usize>)> {
        let mut shape = self.shape.clone();
        match &self.transform {
            WeightTransform::FusedPart { transposed, .. } => {
                shape[0] *= FUSED_PARTS;
                if *transposed {
                    shape.reverse();
                }
            }
            WeightTransform::Deinterleave { .. } | WeightTransform::Identity => {}
            WeightTransform::PlusFirstRow { other, rows } => {
                let other = (other.clone(), vec![*rows, shape[1]]);
                return vec![(self.tensor.clone(), shape), other];
            }
            WeightTransform::Transpose => shape.reverse(),
        }
        vec![(self.tensor.clone(), shape)]
    }

    /// Reads the weight; `fetch` returns tensors of the shapes of [`sources`](Self::sources).
    pub(super) fn read(
        &self,
        fetch: impl Fn(&str) -> Result<Vec<f32>, ReferenceError>,
    ) -> Result<Vec<f32>, ReferenceError> {
        let mut values = fetch(&self.tensor)?;
        let (rows, columns) = (self.shape[0], self.shape[1..].iter().product::<usize>());
        Ok(match &self.transform {
            WeightTransform::FusedPart { index, transposed: false } => {
                let part = rows * columns;
                values[index * part..][..part].to_vec()
            }
            WeightTransform::FusedPart { index, transposed: true } => {
                transpose(&values, FUSED_PARTS * rows, index * rows..(index + 1) * rows)
            }
            WeightTransform::Identity => values,
            WeightTransform::Deinterleave { heads } => {
                let half = rows / heads / 2;
                let source = |row: usize| {
                    let (head, row) = (row / (2 * half), row % (2 * half));
                    2 * half * head + 2 * (row % half) + row / half
                };
                (0..rows)
                    .flat_map(|row| &values[source(row) * columns..][..columns])
                    .copied()
                    .collect()
            }
            WeightTransform::PlusFirstRow { other, .. } => {
                let row = fetch(other)?;
                for values in values.chunks_exact_mut(columns) {
                    for (value, added) in values.iter_mut().zip(&row) {
                        *value += added;
                    }
                }
                values
            }
            WeightTransform::Transpose => transpose(&values, rows, 0..rows),
        })
    }
}

impl WeightRole {
    /// Every role with its name in [`Architecture::tensors`].
    const NAMES: [(Self, &'static str); 16] = [
        (Self::AttentionNorm, "attention_norm"),
        (Self::Down, "down"),
        (Self::Embedding, "embedding"),
        (Self::EmbeddingNorm, "embedding_norm"),
        (Self::FinalNorm, "final_norm"),
        (Self::Gate, "gate"),
        (Self::Head, "head"),
        (Self::Key, "key"),
        (Self::KeyNorm, "key_norm"),
        (Self::MlpNorm, "mlp_norm"),
        (Self::Output, "output"),
        (Self::Positions, "positions"),
        (Self::Query, "query"),
        (Self::QueryNorm, "query_norm"),
        (Self::Up, "up"),
        (Self::Value, "value"),
    ];

    fn parse(name: &str) -> Option<Self> {
        Self::NAMES.into_iter().find_map(|(role, known)| (known == name).then_some(role))
    }
}

impl<'a> WeightName<'a> {
    /// The embedding of the tokens.
    pub(super) const EMBEDDING: Self =
        Self { role: WeightRole::Embedding, bias: false, layer: None };

    /// The projection to scores.
    pub(super) const HEAD: Self = Self { role: WeightRole::Head, bias: false, layer: None };

    /// Takes a name of [`Architecture::tensors`] apart; `None` if its role is unknown.
    pub(super) fn parse(name: &'a str) -> Option<Self> {
        let (name, bias) = match name.strip_suffix(".bias") {
            Some(name) => (name, true),
            None => (name, false),
        };
        let layer = name.strip_prefix("layers.").and_then(|rest| rest.split_once('.'));
        let (layer, role) = match layer {
            Some((layer, role)) => (Some(layer), role),
            None => (None, name),
        };
        Some(Self { role: WeightRole::parse(role)?, bias, layer })
    }

    /// Returns the name of the tensor of `module`, in the layer that `layers` numbers if the weight
    /// is in one.
    #[must_use]
    pub fn tensor(&self, prefix: &str, layers: &str, module: &str) -> String {
        let suffix = if self.bias { "bias" } else { "weight" };
        match self.layer {
            Some(layer) => format!("{prefix}{layers}.{layer}.{module}.{suffix}"),
            None => format!("{prefix}{module}.{suffix}"),
        }
    }

    /// Returns the name of the tensor in a GGUF file, where all families share the names of most.
    #[must_use]
    pub fn gguf_tensor(&self) -> String {
        let module = match self.role {
            WeightRole::AttentionNorm => "attn_norm",
            WeightRole::Down => "ffn_down",
            WeightRole::Embedding => "token_embd",
            WeightRole::EmbeddingNorm => "token_embd_norm",
            WeightRole::FinalNorm => "output_norm",
            WeightRole::Gate => "ffn_gate",
            WeightRole::Head => "output",
            WeightRole::Key => "attn_k",
            WeightRole::KeyNorm => "attn_k_norm",
            WeightRole::MlpNorm => "ffn_norm",
            WeightRole::Output => "attn_output",
            WeightRole::Positions => "position_embd",
            WeightRole::Query => "attn_q",
            WeightRole::QueryNorm => "attn_q_norm",
            WeightRole::Up => "ffn_up",
            WeightRole::Value => "attn_v",
        };
        self.gguf_module(module)
    }

    /// Returns the name of the tensor of `module` in a GGUF file.
    #[must_use]
    pub fn gguf_module(&self, module: &str) -> String {
        self.tensor("", "blk", module)
    }
}

/// Returns columns of a matrix of `width` columns, as rows.
fn transpose(values: &[f32], width: usize, columns: Range<usize>) -> Vec<f32> {
    let rows = values.len() / width.max(1);
    columns.flat_map(|column| (0..rows).map(move |row| values[row * width + column])).collect()
}

/// Queries, keys and values in one tensor.
const FUSED_PARTS: usize = 3;
