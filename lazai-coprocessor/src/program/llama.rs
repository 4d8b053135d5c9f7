use super::{Cache, CacheId, Format, Operator, Program, RowCount, Value, ValueId};
use crate::kernel::POOL_BITS;

/// The sizes of a Llama decoder.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LlamaShape {
    /// Tokens of the vocabulary.
    pub vocabulary: u32,
    /// Width of the residual stream.
    pub hidden: u32,
    /// Width of the gated unit.
    pub intermediate: u32,
    /// Query heads.
    pub heads: u32,
    /// Key and value heads; divides `heads`.
    pub kv_heads: u32,
    /// Elements of a head.
    pub head_width: u32,
    /// Whether the embedding matrix is also the output head.
    pub tied: bool,
}

/// The fraction bits of a Llama decoder, as calibration finds them.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct LlamaScales {
    /// The residual stream, i32.
    pub residual: i8,
    /// Each layer, first to last.
    pub layers: Vec<LayerScales>,
    /// The last norm.
    pub final_norm: NormScales,
    /// The scores, i32.
    pub logits: i8,
}

/// The fraction bits of one layer.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct LayerScales {
    /// The norm before attention.
    pub attention_norm: NormScales,
    /// Queries, with `1 / sqrt(head_width)` in them.
    pub query: i8,
    /// Keys.
    pub key: i8,
    /// Values and their mixture.
    pub value: i8,
    /// The norm before the gated unit.
    pub mlp_norm: NormScales,
    /// The gate.
    pub gate: i8,
    /// The other factor.
    pub up: i8,
    /// Their product.
    pub product: i8,
}

/// The constants of one norm.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct NormScales {
    /// Fraction bits of the gain, which has `sqrt(hidden)` in it.
    pub gain: i8,
    /// `epsilon * hidden * 4^residual`, rounded.
    pub epsilon: u64,
    /// Fraction bits of the output.
    pub output: i8,
}

/// The program of a Llama decoder: scores of the next token, and the mean of the last norm as an embedding.
///
/// Tensors are named `embedding`, `layers.N.{query,key,value,output,gate,up,down}` and `head` for matrices,
/// `layers.N.{attention_norm,mlp_norm}`, `final_norm` and `unit` for gains. `unit` holds `2^14` everywhere.
///
/// # Source
/// Touvron et al. 2023, with grouped queries (Ainslie et al. 2023).
#[must_use]
pub fn llama(shape: &LlamaShape, scales: &LlamaScales) -> Program {
    let mut writer = Writer::default();
    let kv_width = shape.kv_heads * shape.head_width;
    let query_width = shape.heads * shape.head_width;
    let residual = writer.value(RowCount::Tokens, shape.hidden, Format::I32, scales.residual);
    writer.push(Operator::Gather { table: "embedding".to_owned(), output: residual });
    for (layer, scales) in scales.layers.iter().enumerate() {
        let name = |part: &str| format!("layers.{layer}.{part}");
        let x = writer.norm(residual, name("attention_norm"), &scales.attention_norm);
        let query = writer.product(x, name("query"), query_width, scales.query);
        let key = writer.product(x, name("key"), kv_width, scales.key);
        let value = writer.product(x, name("value"), kv_width, scales.value);
        writer.push(Operator::Rope { value: query, head_width: shape.head_width });
        writer.push(Operator::Rope { value: key, head_width: shape.head_width });
        let cache = writer.cache(shape, scales);
        writer.push(Operator::CacheAppend { key, value, cache });
        let mixed = writer.value(RowCount::Tokens, query_width, Format::I16, scales.value);
        writer.push(Operator::Attention { query, cache, output: mixed });
        writer.push(Operator::MatMulAdd { input: mixed, weight: name("output"), residual });
        let x = writer.norm(residual, name("mlp_norm"), &scales.mlp_norm);
        let gate = writer.product(x, name("gate"), shape.intermediate, scales.gate);
        let up = writer.product(x, name("up"), shape.intermediate, scales.up);
        let product =
            writer.value(RowCount::Tokens, shape.intermediate, Format::I16, scales.product);
        writer.push(Operator::GatedSilu { gate, up, output: product });
        writer.push(Operator::MatMulAdd { input: product, weight: name("down"), residual });
    }
    let last = writer.value(RowCount::Outputs, shape.hidden, Format::I32, scales.residual);
    writer.push(Operator::LastRows { input: residual, output: last });
    let x = writer.norm(last, "final_norm".to_owned(), &scales.final_norm);
    let logits = writer.value(RowCount::Outputs, shape.vocabulary, Format::I32, scales.logits);
    let head = if shape.tied { "embedding" } else { "head" };
    writer.push(Operator::MatMul { input: x, weight: head.to_owned(), output: logits });

    let x = writer.norm(residual, "final_norm".to_owned(), &scales.final_norm);
    let bits = scales.final_norm.output + POOL_BITS as i8;
    let mean = writer.value(RowCount::One, shape.hidden, Format::I32, bits);
    writer.push(Operator::MeanPool { input: x, output: mean });
    let unit = NormScales { gain: UNIT_BITS, epsilon: 0, output: UNIT_BITS };
    let embedding = writer.norm(mean, "unit".to_owned(), &unit);
    let Writer { values, caches, operators } = writer;
    Program { values, caches, operators, logits: Some(logits), embedding: Some(embedding) }
}

#[derive(Default)]
struct Writer {
    values: Vec<Value>,
    caches: Vec<Cache>,
    operators: Vec<Operator>,
}

impl Writer {
    fn value(&mut self, rows: RowCount, width: u32, format: Format, bits: i8) -> ValueId {
        let id = ValueId(self.values.len() as u32);
        self.values.push(Value { rows, width, format, bits });
        id
    }

    fn push(&mut self, operator: Operator) {
        self.operators.push(operator);
    }

    fn norm(&mut self, input: ValueId, gain: String, scales: &NormScales) -> ValueId {
        let Value { rows, width, .. } = self.values[input.index()];
        let output = self.value(rows, width, Format::I16, scales.output);
        let (gain_bits, epsilon) = (scales.gain, scales.epsilon);
        self.push(Operator::RmsNorm { input, gain, gain_bits, epsilon, output });
        output
    }

    fn product(&mut self, input: ValueId, weight: String, width: u32, bits: i8) -> ValueId {
        let output = self.value(RowCount::Tokens, width, Format::I16, bits);
        self.push(Operator::MatMul { input, weight, output });
        output
    }

    fn cache(&mut self, shape: &LlamaShape, scales: &LayerScales) -> CacheId {
        let id = CacheId(self.caches.len() as u32);
        let (heads, head_width) = (shape.kv_heads, shape.head_width);
        let (key_bits, value_bits) = (scales.key, scales.value);
        self.caches.push(Cache { heads, head_width, key_bits, value_bits });
        id
    }
}

/// Fraction bits of a unit vector.
const UNIT_BITS: i8 = 14;
