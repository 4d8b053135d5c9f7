//! The files of a Hugging Face folder.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use lazai_coprocessor::architecture::Pooling;
use safetensors::{Dtype, tensor::Metadata};
use serde_json::Value;

use super::{ReferenceError, TensorSource};
use crate::float::{from_bfloat, from_half};

/// The tensors of one or several safetensors files; they stay on disk until they are asked for.
#[derive(Debug)]
pub(super) struct Tensors {
    folder: PathBuf,
    shards: Vec<Shard>,
    /// The shard of each tensor.
    index: BTreeMap<String, usize>,
}

#[derive(Debug)]
struct Shard {
    metadata: Metadata,
    /// The byte of the file at which the tensors start.
    base: u64,
    file: Mutex<File>,
}

impl Tensors {
    /// Opens `model.safetensors`, or the files that `model.safetensors.index.json` names.
    ///
    /// The cost is that of the headers: no weight is read.
    pub(super) fn open(folder: &Path) -> Result<Self, ReferenceError> {
        let index = read_bounded(folder, INDEX, MAX_INDEX_BYTES);
        let files = match index {
            Ok(json) => shard_names(&json)?,
            Err(ReferenceError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                vec![TENSORS.to_owned()]
            }
            Err(error) => return Err(error),
        };
        let mut tensors =
            Self { folder: folder.to_owned(), shards: Vec::new(), index: BTreeMap::new() };
        for name in files {
            let failed = failed(TENSORS);
            let mut file = File::open(folder.join(&name)).map_err(&failed)?;
            let length = file.metadata().map_err(&failed)?.len();
            let (metadata, base) = read_header(&mut file, length)?;
            for tensor in metadata.tensors().into_keys() {
                let repeated = tensors.index.insert(tensor.clone(), tensors.shards.len()).is_some();
                if repeated {
                    let problem = format!("tensor {} is in two files", cut(&tensor));
                    return Err(ReferenceError::Syntax { file: INDEX, problem });
                }
            }
            tensors.shards.push(Shard { metadata, base, file: Mutex::new(file) });
        }
        Ok(tensors)
    }
}

impl TensorSource for Tensors {
    fn names(&self) -> Vec<String> {
        self.index.keys().cloned().collect()
    }

    fn shape(&self, name: &str) -> Result<Vec<usize>, ReferenceError> {
        let missing = || ReferenceError::MissingTensor { tensor: name.to_owned() };
        let shard = self.index.get(name).ok_or_else(missing)?;
        let info = self.shards[*shard].metadata.info(name).ok_or_else(missing)?;
        if !matches!(info.dtype, Dtype::F32 | Dtype::F16 | Dtype::BF16) {
            let got = format!("{:?}", info.dtype);
            return Err(ReferenceError::Type { tensor: name.to_owned(), got });
        }
        Ok(info.shape.clone())
    }

    fn read(&self, name: &str) -> Result<Vec<f32>, ReferenceError> {
        let missing = || ReferenceError::MissingTensor { tensor: name.to_owned() };
        let shard = &self.shards[*self.index.get(name).ok_or_else(missing)?];
        let info = shard.metadata.info(name).ok_or_else(missing)?;
        let (start, end) = info.data_offsets;
        let mut bytes = vec![0; end - start];
        {
            let mut file = shard.file.lock().unwrap_or_else(PoisonError::into_inner);
            file.seek(SeekFrom::Start(shard.base + start as u64))
                .and_then(|_| file.read_exact(&mut bytes))
                .map_err(failed(TENSORS))?;
        }
        let values: Vec<f32> = match info.dtype {
            Dtype::F32 => {
                bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
            }
            Dtype::BF16 => bytes
                .as_chunks()
                .0
                .iter()
                .map(|bytes| from_bfloat(u16::from_le_bytes(*bytes)))
                .collect(),
            _ => bytes
                .as_chunks()
                .0
                .iter()
                .map(|bytes| from_half(u16::from_le_bytes(*bytes)))
                .collect(),
        };
        match values.iter().position(|value| !value.is_finite()) {
            Some(index) => Err(ReferenceError::NotFinite { tensor: name.to_owned(), index }),
            None => Ok(values),
        }
    }

    fn tokenizer_json(&self) -> Result<Vec<u8>, ReferenceError> {
        read_bounded(&self.folder, TOKENIZER, MAX_TOKENIZER_BYTES)
    }
}

/// Reads `config.json`.
pub(super) fn read_config(folder: &Path) -> Result<Vec<u8>, ReferenceError> {
    read_bounded(folder, CONFIG, MAX_CONFIG_BYTES)
}

/// Reads the pooling of a sentence encoder, if the folder says one.
pub(super) fn read_pooling(folder: &Path) -> Result<Option<Pooling>, ReferenceError> {
    let json = match read_bounded(folder, POOLING, MAX_CONFIG_BYTES) {
        Err(ReferenceError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            return Ok(None);
        }
        json => json?,
    };
    let value: Value = serde_json::from_slice(&json)
        .map_err(|error| ReferenceError::Syntax { file: POOLING, problem: error.to_string() })?;
    let modes = value.as_object().into_iter().flatten();
    let mut chosen = modes
        .filter(|(name, value)| name.starts_with("pooling_mode_") && **value == true)
        .map(|(name, _)| name.as_str());
    match (chosen.next(), chosen.next()) {
        (Some("pooling_mode_cls_token"), None) => Ok(Some(Pooling::First)),
        (Some("pooling_mode_mean_tokens"), None) => Ok(Some(Pooling::Mean)),
        (got, _) => Err(ReferenceError::Field {
            field: "1_Pooling/config.json",
            expected: "pooling_mode_cls_token or pooling_mode_mean_tokens alone",
            got: cut(got.unwrap_or("nothing")),
        }),
    }
}

/// Reads at most `max` bytes of a file.
fn read_bounded(folder: &Path, name: &'static str, max: u64) -> Result<Vec<u8>, ReferenceError> {
    let failed = failed(name);
    let file = File::open(folder.join(name)).map_err(&failed)?;
    let mut bytes = Vec::new();
    file.take(max + 1).read_to_end(&mut bytes).map_err(&failed)?;
    let got = bytes.len() as u64;
    if got > max {
        return Err(ReferenceError::FileSize { part: name, got, max });
    }
    Ok(bytes)
}

/// Reads the files that an index names, each once, in order.
fn shard_names(json: &[u8]) -> Result<Vec<String>, ReferenceError> {
    let refused = |problem: String| ReferenceError::Syntax { file: INDEX, problem };
    let index: Value = serde_json::from_slice(json).map_err(|error| refused(error.to_string()))?;
    let map = index.get("weight_map").and_then(Value::as_object);
    let map = map.ok_or_else(|| refused("weight_map must be an object".to_owned()))?;
    let mut files = BTreeSet::new();
    for file in map.values() {
        let plain = |name: &&str| {
            let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
            name.ends_with(".safetensors") && !name.starts_with('.') && name.bytes().all(fits)
        };
        let name = file.as_str().filter(plain);
        let name = name.ok_or_else(|| {
            refused(format!("weight_map names {}, not a file beside it", cut(&file.to_string())))
        })?;
        files.insert(name.to_owned());
    }
    if files.is_empty() || files.len() > MAX_SHARDS {
        return Err(refused(format!(
            "weight_map names {} files, not 1 to {MAX_SHARDS}",
            files.len()
        )));
    }
    Ok(files.into_iter().collect())
}

/// Returns what makes an error of the file system one of `file`.
fn failed(file: &'static str) -> impl Fn(io::Error) -> ReferenceError {
    move |error| ReferenceError::Io { file, source: error.into() }
}

fn cut(text: &str) -> String {
    text.chars().take(64).collect()
}

/// Reads the header of a safetensors file of `length` bytes; returns where the tensors start.
fn read_header(file: &mut File, length: u64) -> Result<(Metadata, u64), ReferenceError> {
    let failed = failed(TENSORS);
    let mut prefix = [0; 8];
    file.read_exact(&mut prefix).map_err(&failed)?;
    let got = u64::from_le_bytes(prefix);
    if got > MAX_HEADER_BYTES {
        let part = "the header of model.safetensors";
        return Err(ReferenceError::FileSize { part, got, max: MAX_HEADER_BYTES });
    }
    let base = 8 + got;
    if base > length {
        return Err(ReferenceError::FileLength { expected: base, got: length });
    }
    let mut header = Vec::new();
    file.take(got).read_to_end(&mut header).map_err(&failed)?;
    // This also checks that the tensors follow one another and fill their shapes.
    let metadata: Metadata = serde_json::from_slice(&header)
        .map_err(|error| ReferenceError::Syntax { file: TENSORS, problem: error.to_string() })?;
    let end = metadata.tensors().values().map(|info| info.data_offsets.1).max().unwrap_or(0);
    let expected = base.saturating_add(end as u64);
    if expected != length {
        return Err(ReferenceError::FileLength { expected, got: length });
    }
    Ok((metadata, base))
}

const CONFIG: &str = "config.json";
const INDEX: &str = "model.safetensors.index.json";
const POOLING: &str = "1_Pooling/config.json";
const TENSORS: &str = "model.safetensors";
const TOKENIZER: &str = "tokenizer.json";
const MAX_CONFIG_BYTES: u64 = 1 << 20;
const MAX_HEADER_BYTES: u64 = 16 << 20;
const MAX_INDEX_BYTES: u64 = 16 << 20;
const MAX_SHARDS: usize = 1_024;
const MAX_TOKENIZER_BYTES: u64 = 32 << 20;
