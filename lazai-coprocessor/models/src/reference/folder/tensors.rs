//! The weights of a folder.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use safetensors::{
    Dtype,
    tensor::{Metadata, TensorInfo},
};
use serde_json::Value;

use super::{
    files::{check_download, cut, failed, names_with, pickles, read_optional},
    tokenizer,
};
use crate::{
    float::{from_bfloat, from_half},
    reference::{Note, ReferenceError, arithmetic::narrow, json, tensor_source::TensorSource},
};

/// The tensors of one or several safetensors files; they stay on disk until they are asked for.
#[derive(Debug)]
pub(in crate::reference) struct Tensors {
    folder: PathBuf,
    shards: Vec<Shard>,
    /// The shard of each tensor, and its name there.
    index: BTreeMap<String, (usize, String)>,
}

#[derive(Debug)]
struct Shard {
    name: String,
    metadata: Metadata,
    /// The byte of the file at which the tensors start.
    base: u64,
    file: Mutex<File>,
}

impl Tensors {
    /// Opens `model.safetensors`, or the files that `model.safetensors.index.json` names if there
    /// is none. `rename` gives a tensor the name that the family knows it by.
    ///
    /// The cost is that of the headers: no weight is read.
    pub(in crate::reference) fn open(
        folder: &Path,
        rename: impl Fn(&str) -> String,
    ) -> Result<Self, ReferenceError> {
        let mut tensors =
            Self { folder: folder.to_owned(), shards: Vec::new(), index: BTreeMap::new() };
        for name in tensor_files(folder)? {
            let shard = Shard::open(folder, &name)?;
            for tensor in shard.metadata.tensors().into_keys() {
                let own = rename(without_wrappers(&tensor));
                let place = (tensors.shards.len(), tensor);
                if let Some((_, other)) = tensors.index.insert(own, place.clone()) {
                    let (tensor, other) = (cut(&place.1), cut(&other));
                    let problem = if tensor == other {
                        format!("tensor {tensor} is in two files")
                    } else {
                        format!("tensors {other} and {tensor} are one weight")
                    };
                    return Err(json::syntax(&name, problem));
                }
            }
            tensors.shards.push(shard);
        }
        Ok(tensors)
    }

    /// Returns the shard of a tensor, and what it says of it.
    fn info(&self, name: &str) -> Result<(&Shard, &TensorInfo), ReferenceError> {
        let missing = || ReferenceError::MissingTensor { tensor: name.to_owned() };
        let (shard, own) = self.index.get(name).ok_or_else(missing)?;
        let shard = &self.shards[*shard];
        Ok((shard, shard.metadata.info(own).ok_or_else(missing)?))
    }
}

impl Shard {
    fn open(folder: &Path, name: &str) -> Result<Self, ReferenceError> {
        let failed = failed(name);
        let mut file = File::open(folder.join(name)).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => {
                let hint = if name == TENSORS {
                    missing_weights(folder)
                } else {
                    "the index names it: download it too".to_owned()
                };
                ReferenceError::MissingFile { file: name.to_owned(), hint }
            }
            _ => failed(error),
        })?;
        let length = file.metadata().map_err(&failed)?.len();
        let (metadata, base) = read_header(&mut file, name, length)?;
        Ok(Self { name: name.to_owned(), metadata, base, file: Mutex::new(file) })
    }

    /// Reads bytes of the tensors.
    fn read_at(&self, start: usize, bytes: &mut [u8]) -> Result<(), ReferenceError> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(self.base + start as u64))
            .and_then(|_| file.read_exact(bytes))
            .map_err(failed(&self.name))
    }
}

impl TensorSource for Tensors {
    fn names(&self) -> Vec<String> {
        self.index.keys().cloned().collect()
    }

    fn shape(&self, name: &str, _: usize) -> Result<Vec<usize>, ReferenceError> {
        let (_, info) = self.info(name)?;
        if !matches!(info.dtype, Dtype::F64 | Dtype::F32 | Dtype::F16 | Dtype::BF16) {
            let got = format!("{:?}", info.dtype);
            return Err(ReferenceError::Type { tensor: name.to_owned(), got });
        }
        Ok(info.shape.clone())
    }

    fn read(&self, name: &str) -> Result<Vec<f32>, ReferenceError> {
        let (shard, info) = self.info(name)?;
        let (start, end) = info.data_offsets;
        let mut bytes = vec![0; end - start];
        shard.read_at(start, &mut bytes)?;
        let values: Vec<f32> = match info.dtype {
            // Rounded to nearest; what is out of range becomes infinite, and is refused.
            Dtype::F64 => {
                bytes.as_chunks().0.iter().map(|bytes| narrow(f64::from_le_bytes(*bytes))).collect()
            }
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

    fn same(&self, first: &str, second: &str) -> Result<bool, ReferenceError> {
        let (one, first_info) = self.info(first)?;
        let (other, second_info) = self.info(second)?;
        if first_info.shape != second_info.shape {
            return Ok(false);
        }
        if first_info.dtype != second_info.dtype {
            return Ok(self.read(first)? == self.read(second)?);
        }
        let bytes = first_info.data_offsets.1 - first_info.data_offsets.0;
        let mut pieces = [vec![0; PIECE_BYTES.min(bytes)], vec![0; PIECE_BYTES.min(bytes)]];
        for start in (0..bytes).step_by(PIECE_BYTES) {
            let length = PIECE_BYTES.min(bytes - start);
            for (piece, (shard, info)) in
                pieces.iter_mut().zip([(one, first_info), (other, second_info)])
            {
                shard.read_at(info.data_offsets.0 + start, &mut piece[..length])?;
            }
            if pieces[0][..length] != pieces[1][..length] {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn tokenizer_json(&self, vocabulary: u32) -> Result<(Vec<u8>, Vec<Note>), ReferenceError> {
        tokenizer::read(&self.folder, vocabulary)
    }
}

/// Returns the files of a folder that hold its weights.
fn tensor_files(folder: &Path) -> Result<Vec<String>, ReferenceError> {
    // The one file comes first, as in `transformers`.
    if folder.join(TENSORS).exists() {
        return Ok(vec![TENSORS.to_owned()]);
    }
    match read_optional(folder, INDEX, MAX_INDEX_BYTES)? {
        Some(json) => shard_names(&json),
        None => Ok(vec![TENSORS.to_owned()]),
    }
}

/// Says what to do about a folder without weights that are read.
fn missing_weights(folder: &Path) -> String {
    let named = |start| names_with(folder, &[start], &[".safetensors"]).into_iter().next();
    if let Some(file) = named("adapter_model") {
        return format!("{file} is an adapter: merge it into its model, and read what that saves");
    }
    if let Some(file) = named("model-0") {
        return format!("{file} is a part: download {INDEX} and the other parts too");
    }
    if let Some(file) = named("consolidated") {
        return format!("{file} has other names of tensors: download {TENSORS} or its parts");
    }
    if let Some(file) = named("model") {
        return format!("if {file} has all weights, name it {TENSORS}");
    }
    match pickles(folder).first() {
        Some(file) => format!(
            "{file} is not read: load the folder with transformers and save it again, which writes \
             safetensors"
        ),
        None => "the folder has no weights: download them too".to_owned(),
    }
}

/// Removes what a wrapper of the training put before the name of a tensor.
fn without_wrappers(mut name: &str) -> &str {
    while let Some(rest) = WRAPPERS.iter().find_map(|wrapper| name.strip_prefix(wrapper)) {
        name = rest;
    }
    name
}

/// Reads the files that an index names, each once, in order.
fn shard_names(json: &[u8]) -> Result<Vec<String>, ReferenceError> {
    let refused = |problem: String| json::syntax(INDEX, problem);
    let index = json::value(INDEX, json)?;
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

/// Reads the header of a safetensors file of `length` bytes; returns where the tensors start.
fn read_header(
    file: &mut File,
    name: &str,
    length: u64,
) -> Result<(Metadata, u64), ReferenceError> {
    let failed = failed(name);
    let mut prefix = [0; 8];
    let shorter =
        |expected| Err(ReferenceError::FileLength { file: name.to_owned(), expected, got: length });
    if length < prefix.len() as u64 {
        return shorter(prefix.len() as u64);
    }
    file.read_exact(&mut prefix).map_err(&failed)?;
    check_download(name, &prefix)?;
    let got = u64::from_le_bytes(prefix);
    if got > MAX_HEADER_BYTES {
        let part = format!("the header of {name}");
        return Err(ReferenceError::FileSize { part, got, max: MAX_HEADER_BYTES });
    }
    let base = 8 + got;
    if base > length {
        return shorter(base);
    }
    let mut header = Vec::new();
    file.take(got).read_to_end(&mut header).map_err(&failed)?;
    // This also checks that the tensors follow one another and fill their shapes.
    let metadata: Metadata =
        serde_json::from_slice(&header).map_err(|error| json::syntax(name, error.to_string()))?;
    let end = metadata.tensors().values().map(|info| info.data_offsets.1).max().unwrap_or(0);
    let expected = base.saturating_add(end as u64);
    if expected != length {
        return shorter(expected);
    }
    Ok((metadata, base))
}

const INDEX: &str = "model.safetensors.index.json";
const TENSORS: &str = "model.safetensors";
const MAX_HEADER_BYTES: u64 = 16 << 20;
const MAX_INDEX_BYTES: u64 = 16 << 20;
const MAX_SHARDS: usize = 1_024;

/// Bytes that are compared at once.
const PIECE_BYTES: usize = 1 << 20;

/// What wrappers of training put before names.
const WRAPPERS: [&str; 3] = ["_orig_mod.", "base_model.model.", "module."];
