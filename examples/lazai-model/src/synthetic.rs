//! Checkpoints of random weights, of any size, written piece by piece: to measure memory and time
//! without a download.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::Path,
};

use clap::ValueEnum;
use indicatif::{HumanBytes, HumanCount};
use lazai_models::reference::Config;
use serde_json::{Value, json};

use crate::{error::Error, options::Synthetic, page::Page, progress::Progress};

/// The shape of a network.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Shape {
    /// A Llama of 110 million weights
    #[value(name = "110m")]
    Llama110m,
    /// A Llama of 1.1 billion weights, that of `TinyLlama`
    #[value(name = "1.1b")]
    Llama1b,
    /// A sentence encoder, that of `MiniLM`
    #[value(name = "minilm")]
    MiniLm,
    /// A BERT for tests
    TinyBert,
    /// A Llama for tests
    TinyLlama,
}

/// Writes `config.json`, `tokenizer.json`, `tokenizer_config.json` and the weights in BF16, in
/// files of bounded size.
pub(crate) fn run(options: &Synthetic) -> Result<(), Error> {
    let folder = &options.out;
    fs::create_dir_all(folder).map_err(Error::writing(folder))?;
    let json = options.shape.config();
    let config =
        Config::from_json(json.to_string().as_bytes()).map_err(Error::checkpoint(folder))?;
    for (name, json) in [
        ("config.json", json),
        ("tokenizer.json", options.shape.tokenizer()),
        ("tokenizer_config.json", options.shape.tokenizer_config()),
    ] {
        let path = folder.join(name);
        fs::write(&path, format!("{json:#}\n")).map_err(Error::writing(&path))?;
    }
    let tensors: Vec<Tensor> = config.tensors().into_iter().map(Tensor::new).collect();
    let written = write_weights(folder, &tensors, options)?;
    let mut page = Page::default();
    page.title("Random weights")
        .item("folder", folder.display())
        .item("parameters", HumanCount(tensors.iter().map(|tensor| tensor.elements).sum::<u64>()))
        .item("size", HumanBytes(written));
    page.show();
    Ok(())
}

/// Writes the files of weights, and their index if there are several; returns their bytes.
fn write_weights(folder: &Path, tensors: &[Tensor], options: &Synthetic) -> Result<u64, Error> {
    let shards = shards(tensors, options.shard_bytes);
    let mut bar = Progress::new();
    let mut random = Random(options.seed);
    let mut map = serde_json::Map::new();
    let (mut written, mut done) = (0, 0);
    for (index, shard) in shards.iter().enumerate() {
        let name = match shards.len() {
            1 => "model.safetensors".to_owned(),
            count => format!("model-{:05}-of-{count:05}.safetensors", index + 1),
        };
        let path = folder.join(&name);
        let write = || -> io::Result<u64> {
            let mut file = BufWriter::new(File::create(&path)?);
            let header = header(shard);
            file.write_all(&(header.len() as u64).to_le_bytes())?;
            file.write_all(&header)?;
            for tensor in *shard {
                tensor.write(&mut random, &mut file)?;
                done += 1;
                bar.set("writing", done, tensors.len());
            }
            let file = file.into_inner()?;
            Ok(file.metadata()?.len())
        };
        written += { write }().map_err(Error::writing(&path))?;
        for tensor in *shard {
            map.insert(tensor.name.clone(), json!(name));
        }
    }
    if shards.len() > 1 {
        let index = json!({"metadata": {"total_size": written}, "weight_map": map});
        let path = folder.join("model.safetensors.index.json");
        fs::write(&path, format!("{index:#}\n")).map_err(Error::writing(&path))?;
    }
    Ok(written)
}

/// Tensors in files of at most `max` bytes, or of one tensor.
fn shards(tensors: &[Tensor], max: u64) -> Vec<&[Tensor]> {
    let mut shards = Vec::new();
    let (mut start, mut size) = (0, 0);
    for (index, tensor) in tensors.iter().enumerate() {
        if index > start && size + tensor.bytes() > max {
            shards.push(&tensors[start..index]);
            (start, size) = (index, 0);
        }
        size += tensor.bytes();
    }
    shards.push(&tensors[start..]);
    shards
}

/// Writes the header of a file of weights.
fn header(tensors: &[Tensor]) -> Vec<u8> {
    let mut entries = BTreeMap::from([("__metadata__", json!({"format": "pt"}))]);
    let mut start = 0;
    for tensor in tensors {
        let end = start + tensor.bytes();
        let entry = json!({"dtype": "BF16", "shape": tensor.shape, "data_offsets": [start, end]});
        entries.insert(&tensor.name, entry);
        start = end;
    }
    let mut header = json!(entries).to_string().into_bytes();
    header.resize(header.len().next_multiple_of(8), b' ');
    header
}

#[derive(Clone, Debug)]
struct Tensor {
    name: String,
    shape: Vec<usize>,
    elements: u64,
}

impl Tensor {
    fn new((name, shape): (String, Vec<usize>)) -> Self {
        let elements = shape.iter().map(|size| *size as u64).product();
        Self { name, shape, elements }
    }

    const fn bytes(&self) -> u64 {
        2 * self.elements
    }

    /// Gains about one, other weights about zero with a variance of one over the inputs.
    fn write(&self, random: &mut Random, file: &mut impl Write) -> io::Result<()> {
        let norm = ["norm", "LayerNorm"].iter().any(|part| self.name.contains(part));
        let gain = norm && self.name.ends_with("weight");
        let inputs = self.shape.last().copied().unwrap_or(1).max(1) as f32;
        let (middle, deviation) = if gain { (1.0, 0.1) } else { (0.0, 1.0 / inputs.sqrt()) };
        let mut piece = Vec::with_capacity(PIECE_BYTES);
        for _ in 0..self.elements {
            let weight: f32 = middle + deviation * random.normal();
            // The upper half of a 32-bit number is a bfloat.
            piece.extend_from_slice(&weight.to_le_bytes()[2..]);
            if piece.len() == PIECE_BYTES {
                file.write_all(&piece)?;
                piece.clear();
            }
        }
        file.write_all(&piece)
    }
}

/// The splitmix64 generator.
struct Random(u64);

impl Random {
    /// Draws the sum of four uniform numbers, which is nearly normal, of variance one.
    fn normal(&mut self) -> f32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        let parts = [z, z >> 16, z >> 32, z >> 48].map(|part| (part & 0xffff) as f32);
        let sum: f32 = parts.iter().sum();
        (sum - 2.0 * 65_535.0) / 65_536.0 * SQRT_3
    }
}

impl Shape {
    fn config(self) -> Value {
        let llama = |hidden: u32,
                     intermediate: u32,
                     layers: u32,
                     heads: [u32; 2],
                     vocabulary: u32| {
            json!({
                "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu",
                "hidden_size": hidden, "intermediate_size": intermediate, "num_hidden_layers": layers,
                "num_attention_heads": heads[0], "num_key_value_heads": heads[1],
                "vocab_size": vocabulary, "max_position_embeddings": if layers > 2 { 2_048 } else { 512 },
                "rms_norm_eps": 1e-5, "rope_theta": 10_000.0, "tie_word_embeddings": false,
                "bos_token_id": 0, "eos_token_id": 1, "torch_dtype": "bfloat16"
            })
        };
        let bert = |hidden: u32, intermediate: u32, layers: u32, heads: u32, vocabulary: u32| {
            json!({
                "architectures": ["BertModel"], "model_type": "bert", "hidden_act": "gelu",
                "hidden_size": hidden, "intermediate_size": intermediate, "num_hidden_layers": layers,
                "num_attention_heads": heads, "vocab_size": vocabulary, "type_vocab_size": 2,
                "max_position_embeddings": 512, "layer_norm_eps": 1e-12, "torch_dtype": "bfloat16"
            })
        };
        match self {
            Self::Llama110m => llama(768, 2_048, 12, [12, 12], 32_000),
            Self::Llama1b => llama(2_048, 5_632, 22, [32, 4], 32_000),
            Self::MiniLm => bert(384, 1_536, 6, 12, 30_522),
            Self::TinyBert => bert(64, 128, 2, 4, 300),
            Self::TinyLlama => llama(64, 128, 2, [4, 2], 300),
        }
    }

    const fn is_bert(self) -> bool {
        matches!(self, Self::MiniLm | Self::TinyBert)
    }

    /// Returns the marks of a text's start and end.
    const fn marks(self) -> [&'static str; 2] {
        if self.is_bert() { ["[CLS]", "[SEP]"] } else { ["<s>", "</s>"] }
    }

    /// Returns a tokenizer whose tokens are single bytes.
    fn tokenizer(self) -> Value {
        let [start, end] = self.marks();
        let mut vocabulary = serde_json::Map::new();
        vocabulary.insert(start.to_owned(), json!(0));
        vocabulary.insert(end.to_owned(), json!(1));
        let mut spare = 256_u32;
        for byte in 0..=255_u8 {
            let mut character = char::from(byte);
            if !matches!(character, '!'..='~' | '\u{a1}'..='\u{ac}' | '\u{ae}'..='\u{ff}') {
                character = char::from_u32(spare).unwrap_or(character);
                spare += 1;
            }
            vocabulary.insert(character.to_string(), json!(u32::from(byte) + 2));
        }
        let special = |id: u32, content: &str| {
            json!({"id": id, "content": content, "single_word": false, "lstrip": false,
                "rstrip": false, "normalized": false, "special": true})
        };
        let mark = |id: &str| json!({"SpecialToken": {"id": id, "type_id": 0}});
        let text = |id: &str, number: u32| json!({"Sequence": {"id": id, "type_id": number}});
        let mut single = vec![mark(start), text("A", 0)];
        if self.is_bert() {
            single.push(mark(end));
        }
        let byte_level = json!({"type": "ByteLevel", "add_prefix_space": false,
            "trim_offsets": false, "use_regex": false});
        json!({
            "version": "1.0", "truncation": null, "padding": null,
            "added_tokens": [special(0, start), special(1, end)],
            "normalizer": null, "pre_tokenizer": byte_level,
            "post_processor": {
                "type": "TemplateProcessing", "single": single, "pair": [text("A", 0), text("B", 1)],
                "special_tokens": {
                    start: {"id": start, "ids": [0], "tokens": [start]},
                    end: {"id": end, "ids": [1], "tokens": [end]}
                }
            },
            "decoder": byte_level,
            "model": {
                "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
                "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false,
                "vocab": vocabulary, "merges": []
            }
        })
    }

    fn tokenizer_config(self) -> Value {
        let [start, end] = self.marks();
        if self.is_bert() {
            return json!({"cls_token": start, "sep_token": end});
        }
        json!({"bos_token": start, "eos_token": end, "chat_template": CHAT_TEMPLATE})
    }
}

/// A turn is the role, the text and a mark.
const CHAT_TEMPLATE: &str = "{{ bos_token }}{% for message in messages %}{{ message.role }}: \
{{ message.content }}{{ eos_token }}{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}";

const SQRT_3: f32 = 1.732_050_8;

const PIECE_BYTES: usize = 1 << 16;
