use serde_json::json;

use crate::{
    architecture::{Architecture, Mask, Positions},
    artifact::{ArtifactBuilder, ArtifactError, Manifest, SPEC_VERSION},
    kernel::WeightMatrix,
    program::{LayerScales, LlamaShape, NormScales, Scales, transformer},
};

/// Makes a Llama of random weights, for tests and benches of any size.
///
/// As [`synthetic_transformer`] of [`LlamaShape::architecture`].
///
/// # Errors
/// [`ArtifactError`] if the rotation table cannot be made for this context and head width.
pub fn synthetic(
    shape: &LlamaShape,
    layers: usize,
    context: u32,
    seed: u64,
) -> Result<ArtifactBuilder, ArtifactError> {
    let layers = u32::try_from(layers).unwrap_or(u32::MAX);
    synthetic_transformer(&shape.architecture(layers, context), seed)
}

/// Makes a transformer of random weights, for tests and benches of any size.
///
/// Its tokens are `<s>`, `</s>` and the 256 bytes, then tokens without a text up to the vocabulary,
/// which is at least
/// 258. The same arguments give the same bytes.
///
/// # Errors
/// [`ArtifactError`] if the rotation table cannot be made for this context and head width.
pub fn synthetic_transformer(
    architecture: &Architecture,
    seed: u64,
) -> Result<ArtifactBuilder, ArtifactError> {
    let norm = |width: u32, input_bits: i8| NormScales {
        gain: NORM_GAIN_BITS - (width.ilog2() / 2) as i8,
        epsilon: 1_u64 << (2 * input_bits as u32).saturating_sub(16),
        output: ACTIVATION_BITS,
    };
    let (row_norm, head_norm) =
        (norm(architecture.hidden, RESIDUAL_BITS), norm(architecture.head_dim, ACTIVATION_BITS));
    let layer = LayerScales {
        attention_norm: row_norm,
        query: ACTIVATION_BITS,
        query_norm: head_norm,
        key: ACTIVATION_BITS,
        key_norm: head_norm,
        value: ACTIVATION_BITS,
        mlp_norm: row_norm,
        gate: ACTIVATION_BITS,
        up: ACTIVATION_BITS,
        product: ACTIVATION_BITS,
    };
    // As the quantizer writes encoders.
    let fine_positions =
        architecture.mask == Mask::Bidirectional && architecture.positions == Positions::Learned;
    let scales = Scales {
        residual: RESIDUAL_BITS,
        fine_positions,
        embedding_norm: row_norm,
        layers: vec![layer; architecture.layers as usize],
        final_norm: row_norm,
        logits: ACTIVATION_BITS,
    };
    let manifest = Manifest {
        spec: SPEC_VERSION,
        name: format!("synthetic-{seed}"),
        context: architecture.context,
        vocabulary: architecture.vocabulary,
        end_tokens: vec![1],
        program: transformer(architecture, &scales),
    };
    let builder = ArtifactBuilder::new(manifest, tokenizer_json());
    let mut writer = Writer { builder, state: seed };
    let mut tensors = architecture.tensors();
    if fine_positions {
        let (rows, columns) = (architecture.context as usize, architecture.hidden as usize);
        tensors.push(("positions.rest".to_owned(), vec![rows, columns]));
    }
    for (name, shape) in tensors {
        match shape.as_slice() {
            [rows, columns] => writer.matrix(&name, *rows, *columns),
            [width] if name.ends_with(".bias") => writer.bias(&name, *width),
            _ => writer.gain(&name, shape.iter().product()),
        }
    }
    let mut builder = writer.builder;
    let hidden = architecture.hidden;
    builder.add_i16("unit", vec![u64::from(hidden)], &vec![1 << 14; hidden as usize]);
    builder
        .add_tables(architecture)
        .map_err(|error| ArtifactError::Table { message: error.to_string() })?;
    Ok(builder)
}

struct Writer {
    builder: ArtifactBuilder,
    state: u64,
}

impl Writer {
    /// Weights of a variance of about `1 / columns`.
    fn matrix(&mut self, name: &str, n: usize, k: usize) {
        let values: Vec<i8> = self.bytes(n * k).map(|byte| (byte as i8).max(-127)).collect();
        let bytes = WeightMatrix::exponent_bytes(k);
        let groups = k.div_ceil(WeightMatrix::GROUP);
        let mut exponents: Vec<u8> = self.bytes(n * bytes).collect();
        if !groups.is_multiple_of(4) {
            for row in exponents.chunks_exact_mut(bytes) {
                row[bytes - 1] &= (1 << (2 * (groups % 4))) - 1;
            }
        }
        let row_bits = vec![8 + (k.max(1).ilog2() / 2) as i8; n];
        let (rows, columns) = (n as u64, k as u64);
        self.builder.add_i8(format!("{name}.values"), vec![rows, columns], &values);
        self.builder.add_u8(format!("{name}.exponents"), vec![rows, bytes as u64], exponents);
        self.builder.add_i8(format!("{name}.row_bits"), vec![rows], &row_bits);
    }

    /// Gains from about 0.75 to 1.25.
    fn gain(&mut self, name: &str, width: usize) {
        let gain: Vec<i16> = self.bytes(width).map(|byte| 12_288 + 32 * i16::from(byte)).collect();
        self.builder.add_i16(name, vec![width as u64], &gain);
    }

    /// Biases from about -1/16 to 1/16 of an activation.
    fn bias(&mut self, name: &str, width: usize) {
        let bias: Vec<i32> = self.bytes(width).map(|byte| i32::from(byte as i8)).collect();
        self.builder.add_i32(name, vec![width as u64], &bias);
    }

    /// Bytes of the splitmix64 generator.
    fn bytes(&mut self, count: usize) -> impl Iterator<Item = u8> {
        (0..count.div_ceil(8)).flat_map(|_| self.word().to_le_bytes()).take(count)
    }

    const fn word(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.state;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }
}

/// A tokenizer whose tokens are single bytes; `<s>` starts every text.
fn tokenizer_json() -> Vec<u8> {
    let mut characters: Vec<char> = (0..=255_u8).map(char::from).collect();
    let mut spare = 256_u32;
    for character in &mut characters {
        let printable = matches!(*character, '!'..='~' | '\u{a1}'..='\u{ac}' | '\u{ae}'..='\u{ff}');
        if !printable {
            *character = char::from_u32(spare).unwrap_or(*character);
            spare += 1;
        }
    }
    let mut vocabulary = serde_json::Map::new();
    vocabulary.insert("<s>".to_owned(), json!(0));
    vocabulary.insert("</s>".to_owned(), json!(1));
    for (byte, character) in characters.iter().enumerate() {
        vocabulary.insert(character.to_string(), json!(byte + 2));
    }
    let special = |id: u32, content: &str| {
        json!({
            "id": id, "content": content, "single_word": false, "lstrip": false,
            "rstrip": false, "normalized": false, "special": true
        })
    };
    let byte_level = json!({
        "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false
    });
    let mut json = json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": [special(0, "<s>"), special(1, "</s>")],
        "normalizer": null,
        "pre_tokenizer": byte_level,
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [
                {"SpecialToken": {"id": "<s>", "type_id": 0}},
                {"Sequence": {"id": "A", "type_id": 0}}
            ],
            "pair": [
                {"Sequence": {"id": "A", "type_id": 0}},
                {"Sequence": {"id": "B", "type_id": 1}}
            ],
            "special_tokens": {"<s>": {"id": "<s>", "ids": [0], "tokens": ["<s>"]}}
        },
        "decoder": byte_level,
        "model": {
            "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false,
            "vocab": vocabulary, "merges": []
        }
    });
    // A feature of the JSON crate decides whether objects are sorted.
    json.sort_all_objects();
    json.to_string().into_bytes()
}

const RESIDUAL_BITS: i8 = 12;
const ACTIVATION_BITS: i8 = 11;
/// Fraction bits of a gain of 1 without the square root of the width.
const NORM_GAIN_BITS: i8 = 14;
