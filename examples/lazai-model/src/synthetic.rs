//! Checkpoints of random weights, of any size, written piece by piece: to measure memory and time
//! without a download.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::Path,
};

use indicatif::{HumanBytes, HumanCount};
use lazai_models::reference::Config;
use serde_json::json;

use crate::{error::Error, options::Synthetic, page::Page, progress::Progress};

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

const SQRT_3: f32 = 1.732_050_8;

const PIECE_BYTES: usize = 1 << 16;
