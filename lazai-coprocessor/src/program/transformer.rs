use super::{Cache, CacheId, Format, Operator, Program, RowCount, Scales, Value, ValueId};
use crate::{
    architecture::{Architecture, FeedForward, Head, Mask, Norm, NormOrder, Pooling, Positions},
    numeric::POOL_BITS,
    program::{LayerScales, NormScales},
};

/// Builds the program of a transformer: scores of the next token if it has a head, and a unit
/// vector of the text.
///
/// Tensors have the names of [`Architecture::tensors`]; `unit` is a gain of `2^14` everywhere, and
/// `positions.rest` has the shape of `positions`.
///
/// # Source
/// Touvron et al. 2023 (Llama), Radford et al. 2019 (GPT-2), Devlin et al. 2019 (BERT).
#[must_use]
pub fn transformer(architecture: &Architecture, scales: &Scales) -> Program {
    let mut writer = Writer::new(architecture, scales);
    let mut stream = writer.embed();
    for (layer, scales) in scales.layers.iter().enumerate() {
        stream = writer.attention(stream, layer, scales);
        stream = writer.feed_forward(stream, layer, scales);
    }
    let logits = writer.scores(&stream);
    let embedding = writer.embedding(&stream);
    let Writer { values, caches, operators, .. } = writer;
    Program { values, caches, operators, logits, embedding: Some(embedding) }
}

/// Where the network stands between two halves of a layer.
#[derive(Clone, Copy)]
struct Stream {
    /// The residual stream, i32.
    residual: ValueId,
    /// The same, narrowed to i16, if it was just normalized.
    narrow: Option<ValueId>,
}

struct Writer<'a> {
    architecture: &'a Architecture,
    scales: &'a Scales,
    values: Vec<Value>,
    caches: Vec<Cache>,
    operators: Vec<Operator>,
}

impl<'a> Writer<'a> {
    const fn new(architecture: &'a Architecture, scales: &'a Scales) -> Self {
        Self { architecture, scales, values: Vec::new(), caches: Vec::new(), operators: Vec::new() }
    }

    fn embed(&mut self) -> Stream {
        let hidden = self.architecture.hidden;
        let residual = self.value(RowCount::Tokens, hidden, Format::I32, self.scales.residual);
        self.push(Operator::Gather { table: "embedding".to_owned(), output: residual });
        if self.architecture.positions == Positions::Learned {
            self.push(Operator::AddPositions { table: "positions".to_owned(), residual });
            if self.scales.fine_positions {
                let table = "positions.rest".to_owned();
                self.push(Operator::AddPositions { table, residual });
            }
        }
        let norm = self.scales.embedding_norm;
        self.close(residual, "embedding_norm".to_owned(), &norm)
    }

    fn attention(&mut self, stream: Stream, layer: usize, scales: &LayerScales) -> Stream {
        let Architecture { heads, kv_heads, head_dim, biases, .. } = *self.architecture;
        let name = |part: &str| format!("layers.{layer}.{part}");
        let x = self.open(&stream, name("attention_norm"), &scales.attention_norm);
        let (width, kv_width) = (heads * head_dim, kv_heads * head_dim);
        let bias = biases.query_key_value;
        let query = self.product(x, name("query"), width, scales.query, bias);
        let key = self.product(x, name("key"), kv_width, scales.key, bias);
        let value = self.product(x, name("value"), kv_width, scales.value, bias);
        let (query, key, key_bits) = if self.architecture.head_norm {
            let query = self.head_norm(query, name("query_norm"), &scales.query_norm);
            let key = self.head_norm(key, name("key_norm"), &scales.key_norm);
            (query, key, scales.key_norm.output)
        } else {
            (query, key, scales.key)
        };
        if matches!(self.architecture.positions, Positions::Rotary(_)) {
            self.push(Operator::Rope { value: query, head_dim });
            self.push(Operator::Rope { value: key, head_dim });
        }
        let cache = CacheId(self.caches.len() as u32);
        let value_bits = scales.value;
        self.caches.push(Cache { heads: kv_heads, head_dim, key_bits, value_bits });
        self.push(Operator::CacheAppend { key, value, cache });
        let mixed = self.value(RowCount::Tokens, width, Format::I16, scales.value);
        let bidirectional = self.architecture.mask == Mask::Bidirectional;
        self.push(Operator::Attention { query, cache, output: mixed, bidirectional });
        self.branch(mixed, name("output"), stream.residual, biases.attention_output);
        self.close(stream.residual, name("attention_norm"), &scales.attention_norm)
    }

    fn feed_forward(&mut self, stream: Stream, layer: usize, scales: &LayerScales) -> Stream {
        let Architecture { intermediate, biases, feed_forward, .. } = *self.architecture;
        let name = |part: &str| format!("layers.{layer}.{part}");
        let x = self.open(&stream, name("mlp_norm"), &scales.mlp_norm);
        let bias = biases.feed_forward;
        let product = |writer: &mut Self| {
            writer.value(RowCount::Tokens, intermediate, Format::I16, scales.product)
        };
        let output = match feed_forward {
            FeedForward::GatedSilu => {
                let gate = self.product(x, name("gate"), intermediate, scales.gate, bias);
                let up = self.product(x, name("up"), intermediate, scales.up, bias);
                let output = product(self);
                self.push(Operator::GatedSilu { gate, up, output });
                output
            }
            FeedForward::Gelu(form) => {
                let input = self.product(x, name("up"), intermediate, scales.up, bias);
                let output = product(self);
                self.push(Operator::Gelu { input, form, output });
                output
            }
        };
        self.branch(output, name("down"), stream.residual, bias);
        self.close(stream.residual, name("mlp_norm"), &scales.mlp_norm)
    }

    fn scores(&mut self, stream: &Stream) -> Option<ValueId> {
        let Architecture { hidden, vocabulary, head, .. } = *self.architecture;
        let weight = match head {
            Head::None => return None,
            Head::Own => "head",
            Head::Tied => "embedding",
        };
        let last = self.value(RowCount::Outputs, hidden, Format::I32, self.scales.residual);
        self.push(Operator::LastRows { input: stream.residual, output: last });
        let norm = self.scales.final_norm;
        let last = Stream { residual: last, narrow: None };
        let x = self.last_norm(&last, &norm);
        let logits = self.value(RowCount::Outputs, vocabulary, Format::I32, self.scales.logits);
        self.push(Operator::MatMul { input: x, weight: weight.to_owned(), output: logits });
        Some(logits)
    }

    fn embedding(&mut self, stream: &Stream) -> ValueId {
        let (hidden, input) = (self.architecture.hidden, stream.residual);
        let (bits, norm) = (self.scales.residual, self.scales.final_norm);
        let row = match self.architecture.pooling {
            Pooling::First => {
                let first = self.value(RowCount::One, hidden, Format::I32, bits);
                self.push(Operator::FirstRow { input, output: first });
                match stream.narrow {
                    Some(_) => first,
                    None => {
                        let first = Stream { residual: first, narrow: None };
                        let x = self.last_norm(&first, &norm);
                        self.mean(x)
                    }
                }
            }
            Pooling::Last => {
                let last = self.value(RowCount::Outputs, hidden, Format::I32, bits);
                self.push(Operator::LastRows { input, output: last });
                match stream.narrow {
                    Some(narrow) => {
                        let bits = self.values[narrow.index()].bits;
                        let x = self.value(RowCount::Outputs, hidden, Format::I16, bits);
                        self.push(Operator::Narrow { input: last, output: x });
                        self.mean(x)
                    }
                    None => {
                        let last = Stream { residual: last, narrow: None };
                        let x = self.last_norm(&last, &norm);
                        self.mean(x)
                    }
                }
            }
            Pooling::Mean => {
                let x = stream.narrow.unwrap_or_else(|| self.last_norm(stream, &norm));
                self.mean(x)
            }
        };
        let output = self.value(RowCount::One, hidden, Format::I16, UNIT_BITS);
        let (gain, gain_bits) = ("unit".to_owned(), UNIT_BITS);
        self.push(Operator::RmsNorm { input: row, gain, gain_bits, epsilon: 0, output });
        output
    }

    /// The mean of the rows of `x`; of a single one, the row itself.
    fn mean(&mut self, x: ValueId) -> ValueId {
        let Value { width, bits, .. } = self.values[x.index()];
        let output = self.value(RowCount::One, width, Format::I32, bits + POOL_BITS as i8);
        self.push(Operator::MeanPool { input: x, output });
        output
    }

    /// The i16 input of half a layer.
    fn open(&mut self, stream: &Stream, name: String, scales: &NormScales) -> ValueId {
        match stream.narrow {
            Some(narrow) => narrow,
            None => self.norm(stream.residual, name, scales, Format::I16, scales.output),
        }
    }

    /// Ends half a layer whose product was added to the residual stream.
    fn close(&mut self, residual: ValueId, name: String, scales: &NormScales) -> Stream {
        if self.architecture.norm_order == NormOrder::Pre {
            return Stream { residual, narrow: None };
        }
        let residual = self.norm(residual, name, scales, Format::I32, self.scales.residual);
        let Value { rows, width, .. } = self.values[residual.index()];
        let narrow = self.value(rows, width, Format::I16, scales.output);
        self.push(Operator::Narrow { input: residual, output: narrow });
        Stream { residual, narrow: Some(narrow) }
    }

    fn last_norm(&mut self, stream: &Stream, scales: &NormScales) -> ValueId {
        self.open(stream, "final_norm".to_owned(), scales)
    }

    fn norm(
        &mut self,
        input: ValueId,
        gain: String,
        scales: &NormScales,
        format: Format,
        bits: i8,
    ) -> ValueId {
        let Value { rows, width, .. } = self.values[input.index()];
        let output = self.value(rows, width, format, bits);
        let (gain_bits, epsilon) = (scales.gain, scales.epsilon);
        match self.architecture.norm {
            Norm::Layer => {
                let bias = format!("{gain}.bias");
                self.push(Operator::LayerNorm { input, gain, gain_bits, epsilon, output });
                self.push(Operator::AddBias { value: output, bias });
            }
            Norm::RootMeanSquare => {
                self.push(Operator::RmsNorm { input, gain, gain_bits, epsilon, output });
            }
        }
        output
    }

    fn head_norm(&mut self, input: ValueId, gain: String, scales: &NormScales) -> ValueId {
        let Value { rows, width, .. } = self.values[input.index()];
        let output = self.value(rows, width, Format::I16, scales.output);
        let (gain_bits, epsilon) = (scales.gain, scales.epsilon);
        let head_dim = self.architecture.head_dim;
        self.push(Operator::HeadNorm { input, gain, gain_bits, epsilon, head_dim, output });
        output
    }

    fn product(
        &mut self,
        input: ValueId,
        weight: String,
        width: u32,
        bits: i8,
        bias: bool,
    ) -> ValueId {
        let output = self.value(RowCount::Tokens, width, Format::I16, bits);
        let bias = bias.then(|| format!("{weight}.bias"));
        self.push(Operator::MatMul { input, weight, output });
        if let Some(bias) = bias {
            self.push(Operator::AddBias { value: output, bias });
        }
        output
    }

    fn branch(&mut self, input: ValueId, weight: String, residual: ValueId, bias: bool) {
        let bias = bias.then(|| format!("{weight}.bias"));
        self.push(Operator::MatMulAdd { input, weight, residual });
        if let Some(bias) = bias {
            self.push(Operator::AddBias { value: residual, bias });
        }
    }

    fn value(&mut self, rows: RowCount, width: u32, format: Format, bits: i8) -> ValueId {
        let id = ValueId(self.values.len() as u32);
        self.values.push(Value { rows, width, format, bits });
        id
    }

    fn push(&mut self, operator: Operator) {
        self.operators.push(operator);
    }
}

/// Fraction bits of a unit vector.
const UNIT_BITS: i8 = 14;
