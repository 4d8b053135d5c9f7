//! The integer form of a transformer.

use lazai_coprocessor::{
    architecture::{Architecture, FeedForward, Head, Norm, NormOrder, Positions},
    artifact::{Manifest, SPEC_VERSION},
    program::{LayerScales, NormScales, Scales, transformer},
};

use super::{
    Progress, QuantizeError, QuantizeOptions, Quantized, Rounding,
    calibration::Calibration,
    collector::{Branch, Collector, MatrixSource, NormSource},
    inputs::{Input, Inputs},
    smooth_quant::SmoothQuant,
};
use crate::reference::{Checkpoint, LayerPoint, Point};

/// Quantizes the weights of a checkpoint and writes its program, with scales from the calibration.
pub(super) fn quantize(
    checkpoint: &Checkpoint,
    tokenizer: &[u8],
    context: u32,
    sequences: &[Vec<u32>],
    calibration: &Calibration,
    options: &QuantizeOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<Quantized, QuantizeError> {
    let architecture = Architecture { context, ..checkpoint.architecture().clone() };
    let short_texts = options.reads_short_texts(&architecture);
    let fine_positions = options.has_fine_positions(&architecture);
    let matrices = architecture.tensors().iter().filter(|(_, shape)| shape.len() == 2).count()
        + usize::from(fine_positions);
    let inputs = match options.rounding {
        Rounding::Gptq => Some(Inputs::new(checkpoint, &options.threads, sequences, short_texts)?),
        Rounding::Nearest => None,
    };
    let mut collector = Collector::new(checkpoint, calibration, options, progress, matrices);
    let scales = TransformerQuantizer {
        architecture: &architecture,
        collector: &mut collector,
        inputs,
        fine_positions,
    }
    .collect()?;
    let program = transformer(&architecture, &scales);
    program.check()?;
    let manifest = Manifest {
        spec: SPEC_VERSION,
        name: options.name.clone(),
        context,
        vocabulary: architecture.vocabulary,
        end_tokens: architecture.end_tokens.clone(),
        program,
    };
    let (mut artifact, report) = collector.finish(manifest, tokenizer);
    artifact.add_tables(&architecture)?;
    Ok(Quantized { artifact, report })
}

struct TransformerQuantizer<'a, 'c> {
    architecture: &'a Architecture,
    collector: &'a mut Collector<'c>,
    /// The inputs of the layers, if rounding asks for them.
    inputs: Option<Inputs<'a>>,
    /// Whether learned positions are the sum of two tables.
    fine_positions: bool,
}

impl TransformerQuantizer<'_, '_> {
    /// Collects all tensors and finds the scales.
    fn collect(&mut self) -> Result<Scales, QuantizeError> {
        let Architecture { hidden, layers, norm_epsilon, .. } = *self.architecture;
        let mut scales = Scales::default();
        let mut points = vec![Point::Embedding];
        let mut branches = Vec::new();
        if self.is_post() {
            scales.embedding_norm = self.norm("embedding_norm".to_owned(), Point::EmbeddingNorm)?;
            points.push(Point::EmbeddingNorm);
        }
        for layer in 0..layers {
            let mut layer_scales = LayerScales::default();
            let input = input_bits(&scales);
            if let Some(inputs) = &mut self.inputs {
                self.collector.read(inputs.next()?);
            }
            branches.push(self.attention(layer, input, &mut layer_scales)?);
            branches.push(self.feed_forward(layer, &mut layer_scales)?);
            scales.layers.push(layer_scales);
            for point in [LayerPoint::AttentionResidual, LayerPoint::FeedForwardResidual] {
                points.push(Point::Layer(layer, point));
            }
            if self.is_post() {
                for point in [LayerPoint::AttentionNorm, LayerPoint::FeedForwardNorm] {
                    points.push(Point::Layer(layer, point));
                }
            }
        }
        if !self.is_post() {
            scales.final_norm = self.norm("final_norm".to_owned(), Point::Norm)?;
        }
        let embedding = self.matrix("embedding".to_owned(), self.architecture.vocabulary, hidden);
        let input_bits = scales.final_norm.output;
        scales.logits = match self.architecture.head {
            Head::None => {
                self.collector.table(embedding)?;
                0
            }
            Head::Own => {
                self.collector.table(embedding)?;
                let head = self.matrix("head".to_owned(), self.architecture.vocabulary, hidden);
                self.collector.scores(head, input_bits)?
            }
            Head::Tied => self.collector.scores(embedding, input_bits)?,
        };
        if self.architecture.positions == Positions::Learned {
            let rows = self.architecture.context;
            let positions = self.matrix("positions".to_owned(), rows, hidden);
            if self.fine_positions {
                self.collector.split_table(&positions)?;
            } else {
                self.collector.table(positions)?;
            }
        }
        scales.fine_positions = self.fine_positions;
        let epsilon = norm_epsilon * f64::from(hidden);
        let (bits, epsilon) = self.collector.residual(&points, &branches, epsilon)?;
        scales.residual = bits;
        scales.embedding_norm.epsilon = epsilon;
        scales.final_norm.epsilon = epsilon;
        for layer in &mut scales.layers {
            layer.attention_norm.epsilon = epsilon;
            layer.mlp_norm.epsilon = epsilon;
        }
        self.residual_biases(bits)?;
        self.collector.integer_gain("unit", vec![UNIT_GAIN; hidden as usize]);
        Ok(scales)
    }

    /// Collects the first half of a layer, whose input has `input` fraction bits if it is not
    /// normalized here.
    fn attention(
        &mut self,
        layer: u32,
        input: i8,
        scales: &mut LayerScales,
    ) -> Result<Branch, QuantizeError> {
        let Architecture { hidden, head_dim, biases, head_norm, .. } = *self.architecture;
        let (width, kv_width) = (self.architecture.query_width(), self.architecture.kv_width());
        let at = |point| Point::Layer(layer, point);
        let name = |part: &str| format!("layers.{layer}.{part}");
        scales.attention_norm = self.norm(name("attention_norm"), at(LayerPoint::AttentionNorm))?;
        let input = if self.is_post() { input } else { scales.attention_norm.output };
        self.smooth_keys(layer);
        // Scores are divided by the root of the head's width: here, once.
        let factor = 1.0 / f64::from(head_dim).sqrt();
        let bias = biases.query_key_value;
        let rotated = matches!(self.architecture.positions, Positions::Rotary(_)) && !head_norm;
        let points =
            |plain, after| if rotated { vec![at(plain), at(after)] } else { vec![at(plain)] };
        let query = MatrixSource {
            factor: if head_norm { 1.0 } else { factor },
            ..self.product(name("query"), width, hidden, Input::Attention)
        };
        let seen = points(LayerPoint::Query, LayerPoint::RotatedQuery);
        scales.query = self.collector.product(query, input, &seen, bias)?;
        let key = self.product(name("key"), kv_width, hidden, Input::Attention);
        let seen = points(LayerPoint::Key, LayerPoint::RotatedKey);
        scales.key = self.collector.product(key, input, &seen, bias)?;
        let value = self.product(name("value"), kv_width, hidden, Input::Attention);
        scales.value = self.collector.product(value, input, &[at(LayerPoint::Value)], bias)?;
        if head_norm {
            let (normed, rotated) = (LayerPoint::NormedQuery, LayerPoint::RotatedQuery);
            scales.query_norm = self.head_norm(
                name("query_norm"),
                factor,
                scales.query,
                [normed, rotated].map(at),
            )?;
            let (normed, rotated) = (LayerPoint::NormedKey, LayerPoint::RotatedKey);
            scales.key_norm =
                self.head_norm(name("key_norm"), 1.0, scales.key, [normed, rotated].map(at))?;
        }
        let output = self.product(name("output"), hidden, width, Input::AttentionOutput);
        self.collector.branch(output, scales.value)
    }

    /// Moves what is large in the keys of a layer to its queries.
    fn smooth_keys(&mut self, layer: u32) {
        let architecture = self.architecture;
        let smoothing = SmoothQuant::new(architecture, layer, self.collector.calibration());
        let (query, key) = (&smoothing.queries, &smoothing.keys);
        let name = |part: &str| format!("layers.{layer}.{part}");
        let points: &[(LayerPoint, &[f64])] = if architecture.head_norm {
            let width = architecture.head_dim as usize;
            self.collector.scale_rows(&name("query_norm"), &query[..width]);
            self.collector.scale_rows(&name("key_norm"), &key[..width]);
            &[
                (LayerPoint::NormedQuery, query),
                (LayerPoint::RotatedQuery, query),
                (LayerPoint::NormedKey, key),
                (LayerPoint::RotatedKey, key),
            ]
        } else {
            self.collector.scale_rows(&name("query"), query);
            self.collector.scale_rows(&name("key"), key);
            &[
                (LayerPoint::Query, query),
                (LayerPoint::RotatedQuery, query),
                (LayerPoint::Key, key),
                (LayerPoint::RotatedKey, key),
            ]
        };
        for (point, factors) in points {
            self.collector.scale_columns(Point::Layer(layer, *point), factors);
        }
    }

    /// Collects the second half of a layer.
    fn feed_forward(
        &mut self,
        layer: u32,
        scales: &mut LayerScales,
    ) -> Result<Branch, QuantizeError> {
        let Architecture { hidden, intermediate, biases, feed_forward, .. } = *self.architecture;
        let at = |point| Point::Layer(layer, point);
        let name = |part: &str| format!("layers.{layer}.{part}");
        scales.mlp_norm = self.norm(name("mlp_norm"), at(LayerPoint::FeedForwardNorm))?;
        // The input is normalized by this half, or by the one before.
        let input =
            if self.is_post() { scales.attention_norm.output } else { scales.mlp_norm.output };
        let bias = biases.feed_forward;
        if feed_forward == FeedForward::GatedSilu {
            let gate = self.product(name("gate"), intermediate, hidden, Input::FeedForward);
            scales.gate = self.collector.product(gate, input, &[at(LayerPoint::Gate)], bias)?;
        }
        let up = self.product(name("up"), intermediate, hidden, Input::FeedForward);
        scales.up = self.collector.product(up, input, &[at(LayerPoint::Up)], bias)?;
        let product = name("product");
        scales.product = self.collector.activation(&product, &[at(LayerPoint::Gated)], 1.0)?;
        let down = self.product(name("down"), hidden, intermediate, Input::Product);
        self.collector.branch(down, scales.product)
    }

    /// Collects a norm of the residual stream.
    fn norm(&mut self, name: String, point: Point) -> Result<NormScales, QuantizeError> {
        let factor = f64::from(self.architecture.hidden).sqrt();
        let biased = self.architecture.norm == Norm::Layer && !self.is_post();
        let source = NormSource { name, factor, points: &[point], point_factor: 1.0, biased };
        // The epsilon waits for the scale of the residual stream.
        self.collector.norm(source)
    }

    /// Collects a norm of each head, whose results are multiplied by `factor`.
    fn head_norm(
        &mut self,
        name: String,
        factor: f64,
        input_bits: i8,
        points: [Point; 2],
    ) -> Result<NormScales, QuantizeError> {
        let width = f64::from(self.architecture.head_dim);
        let source = NormSource {
            name,
            factor: width.sqrt() * factor,
            points: &points,
            point_factor: factor,
            biased: false,
        };
        let scales = self.collector.norm(source)?;
        let epsilon = self.architecture.norm_epsilon * width;
        Ok(NormScales { epsilon: self.collector.epsilon(epsilon, input_bits)?, ..scales })
    }

    /// Stores what is added to the residual stream, whose scale is known last.
    fn residual_biases(&mut self, bits: i8) -> Result<(), QuantizeError> {
        let Architecture { layers, biases, norm, .. } = *self.architecture;
        let normed = self.is_post() && norm == Norm::Layer;
        if normed {
            self.collector.bias("embedding_norm", bits, 1.0)?;
        }
        for layer in 0..layers {
            for (part, present) in [
                ("output", biases.attention_output),
                ("down", biases.feed_forward),
                ("attention_norm", normed),
                ("mlp_norm", normed),
            ] {
                if present {
                    self.collector.bias(&format!("layers.{layer}.{part}"), bits, 1.0)?;
                }
            }
        }
        Ok(())
    }

    fn is_post(&self) -> bool {
        self.architecture.norm_order == NormOrder::Post
    }

    const fn matrix(&self, name: String, rows: u32, columns: u32) -> MatrixSource {
        MatrixSource { name, rows, columns, factor: 1.0, input: None }
    }

    /// Describes a matrix of a layer, which reads `input`.
    const fn product(&self, name: String, rows: u32, columns: u32, input: Input) -> MatrixSource {
        MatrixSource { name, rows, columns, factor: 1.0, input: Some(input) }
    }
}

/// Returns the fraction bits of the next layer's input, if the residual stream was normalized
/// before.
fn input_bits(scales: &Scales) -> i8 {
    scales.layers.last().map_or(scales.embedding_norm.output, |layer| layer.mlp_norm.output)
}

/// One, with the fraction bits of a unit vector.
const UNIT_GAIN: i16 = 1 << 14;
