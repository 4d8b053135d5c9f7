//! How checkpoints name and store the weights of an architecture.

use std::collections::BTreeMap;

use lazai_coprocessor::architecture::Architecture;

use super::{Config, Family, ReferenceError};

/// Where a weight comes from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Reading {
    /// The tensor of the checkpoint.
    tensor: String,
    form: Form,
    /// The shape of the weight.
    shape: Vec<usize>,
}

/// How a tensor of the checkpoint holds a weight.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Form {
    /// A third of the outputs.
    Part { index: usize, transposed: bool },
    /// Inputs and outputs exchanged.
    Transposed,
    /// Rows of each head in another order, `(i, pair)` for `(pair, i)`.
    Unpaired { heads: usize },
    /// As it is.
    Whole,
    /// To be added to the first row of another tensor of so many rows.
    WithRow { other: String, rows: usize },
}

/// What may stand before the names of a family.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Names {
    /// Whether the names start with that of the whole network.
    pub(super) prefixed: bool,
}

impl Names {
    pub(super) const PLAIN: Self = Self { prefixed: false };
}

impl Reading {
    /// The tensors that are read, with their shapes.
    pub(super) fn sources(&self) -> Vec<(String, Vec<usize>)> {
        let mut shape = self.shape.clone();
        match &self.form {
            Form::Part { transposed, .. } => {
                shape[0] *= PARTS;
                if *transposed {
                    shape.reverse();
                }
            }
            Form::Transposed => shape.reverse(),
            Form::Unpaired { .. } | Form::Whole => {}
            Form::WithRow { other, rows } => {
                let other = (other.clone(), vec![*rows, shape[1]]);
                return vec![(self.tensor.clone(), shape), other];
            }
        }
        vec![(self.tensor.clone(), shape)]
    }

    /// Reads the weight; `fetch` gives tensors of the shapes of [`sources`](Self::sources).
    pub(super) fn read(
        &self,
        fetch: impl Fn(&str) -> Result<Vec<f32>, ReferenceError>,
    ) -> Result<Vec<f32>, ReferenceError> {
        let mut values = fetch(&self.tensor)?;
        let (rows, columns) = (self.shape[0], self.shape[1..].iter().product::<usize>());
        Ok(match &self.form {
            Form::Part { index, transposed: false } => {
                let part = rows * columns;
                values[index * part..][..part].to_vec()
            }
            Form::Part { index, transposed: true } => {
                transpose(&values, PARTS * rows, index * rows..(index + 1) * rows)
            }
            Form::Transposed => transpose(&values, rows, 0..rows),
            Form::Unpaired { heads } => {
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
            Form::Whole => values,
            Form::WithRow { other, .. } => {
                let row = fetch(other)?;
                for values in values.chunks_exact_mut(columns) {
                    for (value, added) in values.iter_mut().zip(&row) {
                        *value += added;
                    }
                }
                values
            }
        })
    }
}

/// Where every weight of `config` comes from in a Hugging Face folder, by its name in this crate.
pub(super) fn hugging_face(config: &Config, names: Names) -> BTreeMap<String, Reading> {
    readings(&config.architecture, |name| match config.family {
        Family::Bert => bert(config, &name, if names.prefixed { "bert." } else { "" }),
        Family::Gpt2 => gpt2(&name, if names.prefixed { "transformer." } else { "" }),
        Family::Llama => llama(&name),
    })
}

/// Where every weight of `architecture` comes from in a GGUF file of the architecture called `kind`.
pub(super) fn gguf(
    architecture: &Architecture,
    kind: &str,
    token_types: usize,
) -> BTreeMap<String, Reading> {
    readings(architecture, |name| {
        let (query, kv) = (architecture.heads as usize, architecture.kv_heads as usize);
        let pairs = |heads| if kind == "llama" { Form::Unpaired { heads } } else { Form::Whole };
        let post = kind == "bert";
        let (module, form) = match name.part {
            "attention_norm" if post => ("attn_output_norm", Form::Whole),
            "attention_norm" => ("attn_norm", Form::Whole),
            "down" => ("ffn_down", Form::Whole),
            "embedding" => ("token_embd", Form::Whole),
            "embedding_norm" => ("token_embd_norm", Form::Whole),
            "final_norm" => ("output_norm", Form::Whole),
            "gate" => ("ffn_gate", Form::Whole),
            "head" => ("output", Form::Whole),
            "key" if kind == "gpt2" => ("attn_qkv", Form::Part { index: 1, transposed: false }),
            "key" => ("attn_k", pairs(kv)),
            "key_norm" => ("attn_k_norm", Form::Whole),
            "mlp_norm" if post => ("layer_output_norm", Form::Whole),
            "mlp_norm" => ("ffn_norm", Form::Whole),
            "output" => ("attn_output", Form::Whole),
            "positions" if post => {
                let other = "token_types.weight".to_owned();
                ("position_embd", Form::WithRow { other, rows: token_types })
            }
            "positions" => ("position_embd", Form::Whole),
            "query" if kind == "gpt2" => ("attn_qkv", Form::Part { index: 0, transposed: false }),
            "query" => ("attn_q", pairs(query)),
            "query_norm" => ("attn_q_norm", Form::Whole),
            "up" => ("ffn_up", Form::Whole),
            "value" if kind == "gpt2" => ("attn_qkv", Form::Part { index: 2, transposed: false }),
            "value" => ("attn_v", Form::Whole),
            other => (other, Form::Whole),
        };
        (name.join("", "blk", module), form)
    })
}

/// Whether a tensor that no weight is read from says nothing new.
pub(super) fn is_redundant(family: Family, name: &str) -> bool {
    match family {
        // The pooler and the heads of training follow the last layer.
        Family::Bert => {
            let name = name.strip_prefix("bert.").unwrap_or(name);
            name == "embeddings.position_ids"
                || name.starts_with("pooler.")
                || name.starts_with("cls.")
        }
        Family::Gpt2 => {
            name == "lm_head.weight"
                || name.ends_with(".attn.bias")
                || name.ends_with(".attn.masked_bias")
        }
        // A copy of the tied embedding, and a constant of old files.
        Family::Llama => name == "lm_head.weight" || name.ends_with(".rotary_emb.inv_freq"),
    }
}

fn readings(
    architecture: &Architecture,
    source: impl Fn(Name<'_>) -> (String, Form),
) -> BTreeMap<String, Reading> {
    let tensors = architecture.tensors().into_iter();
    tensors
        .map(|(name, shape)| {
            let (tensor, form) = source(Name::new(&name));
            (name, Reading { tensor, form, shape })
        })
        .collect()
}

/// The parts of a name of this crate.
struct Name<'a> {
    layer: Option<&'a str>,
    part: &'a str,
    suffix: &'static str,
}

impl<'a> Name<'a> {
    fn new(name: &'a str) -> Self {
        let (name, suffix) = match name.strip_suffix(".bias") {
            Some(name) => (name, "bias"),
            None => (name, "weight"),
        };
        let layer = name.strip_prefix("layers.").and_then(|rest| rest.split_once('.'));
        match layer {
            Some((layer, part)) => Self { layer: Some(layer), part, suffix },
            None => Self { layer: None, part: name, suffix },
        }
    }

    /// The name with its layer behind `layers`, and the suffix.
    fn join(&self, prefix: &str, layers: &str, module: &str) -> String {
        let suffix = self.suffix;
        match self.layer {
            Some(layer) => format!("{prefix}{layers}.{layer}.{module}.{suffix}"),
            None => format!("{prefix}{module}.{suffix}"),
        }
    }
}

fn llama(name: &Name<'_>) -> (String, Form) {
    let module = match name.part {
        "attention_norm" => "input_layernorm",
        "down" => "mlp.down_proj",
        "embedding" => "embed_tokens",
        "final_norm" => "norm",
        "gate" => "mlp.gate_proj",
        "head" => return (format!("lm_head.{}", name.suffix), Form::Whole),
        "key" => "self_attn.k_proj",
        "key_norm" => "self_attn.k_norm",
        "mlp_norm" => "post_attention_layernorm",
        "output" => "self_attn.o_proj",
        "query" => "self_attn.q_proj",
        "query_norm" => "self_attn.q_norm",
        "up" => "mlp.up_proj",
        "value" => "self_attn.v_proj",
        other => other,
    };
    (name.join("model.", "layers", module), Form::Whole)
}

fn gpt2(name: &Name<'_>, prefix: &str) -> (String, Form) {
    let weight = name.suffix == "weight";
    // Linear layers are stored as [inputs, outputs].
    let linear = if weight { Form::Transposed } else { Form::Whole };
    let part = |index| Form::Part { index, transposed: weight };
    let (module, form) = match name.part {
        "attention_norm" => ("ln_1", Form::Whole),
        "down" => ("mlp.c_proj", linear),
        "embedding" => ("wte", Form::Whole),
        "final_norm" => ("ln_f", Form::Whole),
        "head" => return ("lm_head.weight".to_owned(), Form::Whole),
        "key" => ("attn.c_attn", part(1)),
        "mlp_norm" => ("ln_2", Form::Whole),
        "output" => ("attn.c_proj", linear),
        "positions" => ("wpe", Form::Whole),
        "query" => ("attn.c_attn", part(0)),
        "up" => ("mlp.c_fc", linear),
        "value" => ("attn.c_attn", part(2)),
        other => (other, Form::Whole),
    };
    (name.join(prefix, "h", module), form)
}

fn bert(config: &Config, name: &Name<'_>, prefix: &str) -> (String, Form) {
    let module = match name.part {
        "attention_norm" => "attention.output.LayerNorm",
        "down" => "output.dense",
        "embedding" => "embeddings.word_embeddings",
        "embedding_norm" => "embeddings.LayerNorm",
        "key" => "attention.self.key",
        "mlp_norm" => "output.LayerNorm",
        "output" => "attention.output.dense",
        "positions" => {
            let other = format!("{prefix}embeddings.token_type_embeddings.weight");
            let form = Form::WithRow { other, rows: config.token_types as usize };
            return (name.join(prefix, "", "embeddings.position_embeddings"), form);
        }
        "query" => "attention.self.query",
        "up" => "intermediate.dense",
        "value" => "attention.self.value",
        other => other,
    };
    (name.join(prefix, "encoder.layer", module), Form::Whole)
}

/// Columns of a matrix of `width` columns, as rows.
fn transpose(values: &[f32], width: usize, columns: core::ops::Range<usize>) -> Vec<f32> {
    let rows = values.len() / width.max(1);
    columns.flat_map(|column| (0..rows).map(move |row| values[row * width + column])).collect()
}

/// Queries, keys and values in one tensor.
const PARTS: usize = 3;
