//! A checkpoint on disk: configuration and tensors.

use core::fmt::Debug;
use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::Path,
    sync::{Mutex, PoisonError},
};

use safetensors::{Dtype, tensor::Metadata};

use super::{LlamaConfig, ReferenceError};
use crate::float::{from_bfloat, from_half};

/// An opened Hugging Face folder of Llama's family, with every tensor's presence and shape checked.
///
/// Tensors stay on disk until they are asked for.
#[derive(Debug)]
pub struct Checkpoint {
    config: LlamaConfig,
    metadata: Metadata,
    /// Where the tensors start.
    base: u64,
    file: Mutex<File>,
}

impl Checkpoint {
    /// Opens a folder with `config.json` and `model.safetensors`.
    ///
    /// The cost is that of the headers: no weight is read.
    ///
    /// # Errors
    /// [`ReferenceError`], which names the field or tensor, if a file is absent, too large, cut or
    /// malformed, or if the tensors are not those of the configuration.
    pub fn open(folder: &Path) -> Result<Self, ReferenceError> {
        let config = LlamaConfig::from_json(&read_config(folder)?)?;
        let failed = |error: io::Error| ReferenceError::Io { file: TENSORS, kind: error.kind() };
        let mut file = File::open(folder.join(TENSORS)).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        let (metadata, base) = read_header(&mut file, length)?;
        let checkpoint = Self { config, metadata, base, file: Mutex::new(file) };
        checkpoint.check_tensors()?;
        Ok(checkpoint)
    }

    /// The configuration.
    #[must_use]
    pub const fn config(&self) -> &LlamaConfig {
        &self.config
    }

    /// Reads a tensor that [`LlamaConfig::tensors`] names.
    ///
    /// # Errors
    /// [`ReferenceError::MissingTensor`] if there is no such tensor,
    /// [`ReferenceError::NotFinite`] if a weight is infinite or not a number,
    /// [`ReferenceError::Io`] if the file cannot be read.
    pub fn tensor(&self, name: &str) -> Result<Vec<f32>, ReferenceError> {
        let missing = || ReferenceError::MissingTensor { tensor: name.to_owned() };
        let info = self.metadata.info(name).ok_or_else(missing)?;
        let (start, end) = info.data_offsets;
        let mut bytes = vec![0; end - start];
        {
            let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            file.seek(SeekFrom::Start(self.base + start as u64))
                .and_then(|_| file.read_exact(&mut bytes))
                .map_err(|error| ReferenceError::Io { file: TENSORS, kind: error.kind() })?;
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

    /// Checks that the file holds the tensors of the configuration and no others.
    fn check_tensors(&self) -> Result<(), ReferenceError> {
        let mut expected = self.config.tensors();
        for (name, shape) in &expected {
            let Some(info) = self.metadata.info(name) else {
                return Err(ReferenceError::MissingTensor { tensor: name.clone() });
            };
            if info.shape != *shape {
                let (expected, got) = (shape.clone(), info.shape.clone());
                return Err(ReferenceError::Shape { tensor: name.clone(), expected, got });
            }
            if !matches!(info.dtype, Dtype::F32 | Dtype::F16 | Dtype::BF16) {
                let got = format!("{:?}", info.dtype);
                return Err(ReferenceError::Type { tensor: name.clone(), got });
            }
        }
        expected.sort();
        let known = |name: &str| {
            expected.binary_search_by(|(expected, _)| expected.as_str().cmp(name)).is_ok()
                // A copy of the tied embedding, and a constant of old files, say nothing new.
                || name == "lm_head.weight"
                || name.ends_with(".rotary_emb.inv_freq")
        };
        match self.metadata.offset_keys().into_iter().find(|name| !known(name)) {
            Some(name) => {
                Err(ReferenceError::UnexpectedTensor { tensor: name.chars().take(64).collect() })
            }
            None => Ok(()),
        }
    }
}

/// Reads `config.json`, at most [`MAX_CONFIG_BYTES`] of it.
fn read_config(folder: &Path) -> Result<Vec<u8>, ReferenceError> {
    let failed = |error: io::Error| ReferenceError::Io { file: CONFIG, kind: error.kind() };
    let file = File::open(folder.join(CONFIG)).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(MAX_CONFIG_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    let got = bytes.len() as u64;
    if got > MAX_CONFIG_BYTES {
        return Err(ReferenceError::FileSize { part: CONFIG, got, max: MAX_CONFIG_BYTES });
    }
    Ok(bytes)
}

/// Reads the header of a safetensors file of `length` bytes; returns where the tensors start.
fn read_header(file: &mut File, length: u64) -> Result<(Metadata, u64), ReferenceError> {
    let failed = |error: io::Error| ReferenceError::Io { file: TENSORS, kind: error.kind() };
    let mut prefix = [0; 8];
    file.read_exact(&mut prefix).map_err(failed)?;
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
    file.take(got).read_to_end(&mut header).map_err(failed)?;
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
const TENSORS: &str = "model.safetensors";
const MAX_CONFIG_BYTES: u64 = 1 << 20;
const MAX_HEADER_BYTES: u64 = 16 << 20;
