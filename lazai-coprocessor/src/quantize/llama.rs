//! The integer form of a Llama decoder.

use crate::{
    artifact::{Manifest, SPEC_VERSION},
    program::{LayerScales, LlamaScales, LlamaShape, llama},
    reference::{Checkpoint, LayerPoint, LlamaConfig, Point},
    table,
};

use super::{
    Progress, QuantizeError, QuantizeOptions, Quantized,
    calibration::Calibration,
    collector::{Branch, Collector, Source},
};

/// Quantizes the weights of a checkpoint and writes its program, with scales from the calibration.
pub(super) fn quantize(
    checkpoint: &Checkpoint,
    tokenizer: &[u8],
    context: u32,
    calibration: &Calibration,
    options: &QuantizeOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<Quantized, QuantizeError> {
    let config = checkpoint.config();
    let rotary = table::rotary(context, config.head_dim, config.rope_theta)?;
    let matrices = 7 * config.layers as usize + if config.tied { 1 } else { 2 };
    let mut collector = Collector::new(checkpoint, calibration, options, progress, matrices);
    let scales = decoder(&mut collector, config)?;
    let shape = LlamaShape {
        vocabulary: config.vocabulary,
        hidden: config.hidden,
        intermediate: config.intermediate,
        heads: config.heads,
        kv_heads: config.kv_heads,
        head_width: config.head_dim,
        tied: config.tied,
    };
    let program = llama(&shape, &scales);
    program.check()?;
    let manifest = Manifest {
        spec: SPEC_VERSION,
        name: options.name.clone(),
        context,
        vocabulary: config.vocabulary,
        end_tokens: config.end_tokens.clone(),
        program,
    };
    let (mut artifact, report) = collector.finish(manifest, tokenizer);
    let shape = vec![u64::from(context), u64::from(config.head_dim / 2), 2];
    artifact.add_i16("table.rope", shape, &rotary);
    for (name, table) in [
        ("table.exp", table::exp()),
        ("table.rsqrt", table::reciprocal_sqrt()),
        ("table.sigmoid", table::sigmoid()),
    ] {
        artifact.add_u16(name, vec![table.len() as u64], &table);
    }
    Ok(Quantized { artifact, report })
}

/// Collects the tensors of the whole decoder and finds its scales.
fn decoder(
    collector: &mut Collector<'_>,
    config: &LlamaConfig,
) -> Result<LlamaScales, QuantizeError> {
    let mut scales = LlamaScales::default();
    let mut points = vec![Point::Embedding];
    let mut branches = Vec::new();
    for layer in 0..config.layers {
        let mut layer_scales = LayerScales::default();
        branches.push(attention(collector, config, layer, &mut layer_scales)?);
        branches.push(feed_forward(collector, config, layer, &mut layer_scales)?);
        scales.layers.push(layer_scales);
        points.push(Point::Layer(layer, LayerPoint::AttentionResidual));
        points.push(Point::Layer(layer, LayerPoint::FeedForwardResidual));
    }
    scales.final_norm =
        collector.norm("final_norm".to_owned(), "model.norm.weight", Point::Norm)?;
    let vocabulary = |name: &str, tensor: &str| Source {
        name: name.to_owned(),
        tensor: tensor.to_owned(),
        rows: config.vocabulary,
        columns: config.hidden,
        factor: 1.0,
    };
    let embedding = vocabulary("embedding", "model.embed_tokens.weight");
    let input_bits = scales.final_norm.output;
    scales.logits = if config.tied {
        collector.scores(embedding, input_bits)?
    } else {
        collector.table(embedding)?;
        collector.scores(vocabulary("head", "lm_head.weight"), input_bits)?
    };
    let epsilon = config.norm_epsilon * f64::from(config.hidden);
    let (bits, epsilon) = collector.residual(&points, &branches, epsilon)?;
    scales.residual = bits;
    scales.final_norm.epsilon = epsilon;
    for layer in &mut scales.layers {
        layer.attention_norm.epsilon = epsilon;
        layer.mlp_norm.epsilon = epsilon;
    }
    collector.integer_gain("unit", vec![UNIT_GAIN; config.hidden as usize]);
    Ok(scales)
}

/// The first half of a layer.
fn attention(
    collector: &mut Collector<'_>,
    config: &LlamaConfig,
    layer: u32,
    scales: &mut LayerScales,
) -> Result<Branch, QuantizeError> {
    let LlamaConfig { hidden, heads, kv_heads, head_dim, .. } = *config;
    let at = |point| Point::Layer(layer, point);
    let matrix = |part: &str, letter: &str, rows, columns, factor| Source {
        name: format!("layers.{layer}.{part}"),
        tensor: format!("model.layers.{layer}.self_attn.{letter}_proj.weight"),
        rows,
        columns,
        factor,
    };
    scales.attention_norm = collector.norm(
        format!("layers.{layer}.attention_norm"),
        &format!("model.layers.{layer}.input_layernorm.weight"),
        at(LayerPoint::AttentionNorm),
    )?;
    let input_bits = scales.attention_norm.output;
    // Scores are divided by the root of the head's width: here, once.
    let factor = 1.0 / f64::from(head_dim).sqrt();
    let query = matrix("query", "q", heads * head_dim, hidden, factor);
    let points = [at(LayerPoint::Query), at(LayerPoint::RotatedQuery)];
    scales.query = collector.product(query, input_bits, &points)?;
    let key = matrix("key", "k", kv_heads * head_dim, hidden, 1.0);
    let points = [at(LayerPoint::Key), at(LayerPoint::RotatedKey)];
    scales.key = collector.product(key, input_bits, &points)?;
    let value = matrix("value", "v", kv_heads * head_dim, hidden, 1.0);
    scales.value = collector.product(value, input_bits, &[at(LayerPoint::Value)])?;
    collector.branch(matrix("output", "o", hidden, heads * head_dim, 1.0), scales.value)
}

/// The second half of a layer.
fn feed_forward(
    collector: &mut Collector<'_>,
    config: &LlamaConfig,
    layer: u32,
    scales: &mut LayerScales,
) -> Result<Branch, QuantizeError> {
    let LlamaConfig { hidden, intermediate, .. } = *config;
    let at = |point| Point::Layer(layer, point);
    let matrix = |part: &str, rows, columns| Source {
        name: format!("layers.{layer}.{part}"),
        tensor: format!("model.layers.{layer}.mlp.{part}_proj.weight"),
        rows,
        columns,
        factor: 1.0,
    };
    scales.mlp_norm = collector.norm(
        format!("layers.{layer}.mlp_norm"),
        &format!("model.layers.{layer}.post_attention_layernorm.weight"),
        at(LayerPoint::FeedForwardNorm),
    )?;
    let input_bits = scales.mlp_norm.output;
    let gate = matrix("gate", intermediate, hidden);
    scales.gate = collector.product(gate, input_bits, &[at(LayerPoint::Gate)])?;
    let up = matrix("up", intermediate, hidden);
    scales.up = collector.product(up, input_bits, &[at(LayerPoint::Up)])?;
    let product = format!("layers.{layer}.product");
    scales.product = collector.activation(&product, &[at(LayerPoint::Gated)], 1.0)?;
    collector.branch(matrix("down", hidden, intermediate), scales.product)
}

/// One, with the fraction bits of a unit vector.
const UNIT_GAIN: i16 = 1 << 14;
