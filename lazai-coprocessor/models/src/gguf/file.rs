//! An opened file.

use core::ops::Range;
use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufReader, Read, Seek, SeekFrom},
    path::Path,
    sync::{Mutex, PoisonError},
};

use super::{
    Array, GgufError, TensorInfo, Value,
    dequantize::dequantize,
    error::shorten,
    header::Header,
    split::{self, Split, file_name},
};

/// An opened GGUF file: its metadata, and tensors that stay on disk until they are asked for.
#[derive(Debug)]
pub struct Gguf {
    header: Header,
    /// The parts of the file.
    parts: Vec<Mutex<File>>,
    /// The part of each tensor that is not in the first.
    places: BTreeMap<String, usize>,
}

impl Gguf {
    /// Opens a file and checks its header: metadata, and shape, kind and place of every tensor. Of
    /// a model in several files, `path` is the first; the others are found by its name.
    ///
    /// The cost is that of the header, at most 64 MiB: no weight is read.
    ///
    /// # Errors
    /// [`GgufError`], which names the key or tensor, if the file cannot be read, is malformed,
    /// above a limit, or has a tensor that overlaps another, lies outside the file, or has elements
    /// of a kind that is not read.
    pub fn open(path: &Path) -> Result<Self, GgufError> {
        let mut file = Self::open_part(path)?;
        let Some(split) = file.split()? else { return Ok(file) };
        split.check_first(path)?;
        for index in 1..split.count {
            let part = split.part(path, index).ok_or_else(|| split.unnamed())?;
            file.add_part(&part, Split { number: index, ..split })
                .map_err(|problem| GgufError::SplitOther { file: file_name(&part), problem })?;
        }
        Ok(file)
    }

    fn open_part(path: &Path) -> Result<Self, GgufError> {
        let file = File::open(path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        let header = Header::read(BufReader::new(&file), length)?;
        Ok(Self { header, parts: vec![Mutex::new(file)], places: BTreeMap::new() })
    }

    /// Returns the place of the file in a split; `None` if it is whole.
    fn split(&self) -> Result<Option<Split>, GgufError> {
        let count = self.u32(split::COUNT)?.unwrap_or(1);
        let number = self.u32(split::NUMBER)?.unwrap_or(0);
        Ok((count > 1).then_some(Split { number, count }))
    }

    /// Adds the tensors of another part; fails with what is wrong with it.
    fn add_part(&mut self, path: &Path, expected: Split) -> Result<(), String> {
        let other = Self::open_part(path).map_err(|error| match error {
            GgufError::Io { source } if source.kind() == io::ErrorKind::NotFound => {
                "is missing: download it too".to_owned()
            }
            error => format!("is refused: {error}"),
        })?;
        if other.split().map_err(|error| error.to_string())? != Some(expected) {
            return Err("belongs to another model, or to another place".to_owned());
        }
        let place = self.parts.len();
        for (name, info) in other.header.tensors {
            if self.header.tensors.contains_key(&name) {
                return Err(format!("has the tensor {} again", shorten(&name)));
            }
            self.places.insert(name.clone(), place);
            self.header.tensors.insert(name, info);
        }
        self.parts.extend(other.parts);
        Ok(())
    }

    /// Returns the value of a key.
    #[must_use]
    pub fn metadata(&self, key: &str) -> Option<&Value> {
        self.header.metadata.get(key)
    }

    /// Returns all keys with their values.
    #[must_use]
    pub const fn entries(&self) -> &BTreeMap<String, Value> {
        &self.header.metadata
    }

    /// Returns all tensors by name.
    #[must_use]
    pub const fn tensors(&self) -> &BTreeMap<String, TensorInfo> {
        &self.header.tensors
    }

    /// Reads and dequantizes a tensor, row-major.
    ///
    /// # Errors
    /// [`GgufError::MissingTensor`] if there is no such tensor, [`GgufError::NotFinite`] if a
    /// weight is infinite or not a number, [`GgufError::Io`] if the file cannot be read.
    pub fn tensor(&self, name: &str) -> Result<Vec<f32>, GgufError> {
        let info = self.info(name)?;
        self.rows(name, 0..info.elements() / info.row())
    }

    /// Reads and dequantizes some rows of a tensor, where a row is a run along the innermost size.
    ///
    /// # Errors
    /// As [`Gguf::tensor`], and [`GgufError::Rows`] if the tensor does not have the rows.
    pub fn rows(&self, name: &str, rows: Range<usize>) -> Result<Vec<f32>, GgufError> {
        let info = self.info(name)?;
        let row = info.row();
        let count = info.elements() / row;
        if rows.start > rows.end || rows.end > count {
            let (tensor, start, end) = (shorten(name), rows.start, rows.end);
            return Err(GgufError::Rows { tensor, rows: count, start, end });
        }
        let row_bytes = row / info.kind.block() * info.kind.block_bytes();
        let part = self.places.get(name).copied().unwrap_or(0);
        let mut offset = info.offset + rows.start as u64 * row_bytes as u64;
        let mut left = rows.len() * row_bytes;
        // The file holds the rows, so its length bounds this.
        let mut values = Vec::with_capacity(rows.len() * row);
        let piece = PIECE_BYTES / info.kind.block_bytes() * info.kind.block_bytes();
        let mut bytes = vec![0; left.min(piece)];
        while left > 0 {
            let bytes = &mut bytes[..left.min(piece)];
            self.read(part, offset, bytes).map_err(failed)?;
            dequantize(info.kind, bytes, &mut values);
            offset += bytes.len() as u64;
            left -= bytes.len();
        }
        match values.iter().position(|value| !value.is_finite()) {
            Some(index) => {
                let index = rows.start * row + index;
                Err(GgufError::NotFinite { tensor: shorten(name), index })
            }
            None => Ok(values),
        }
    }

    /// Reads the boolean of a key, if the key is there.
    ///
    /// # Errors
    /// [`GgufError::Value`] if it is something else.
    pub fn bool(&self, key: &str) -> Result<Option<bool>, GgufError> {
        self.typed(key, "a boolean", Value::as_bool)
    }

    /// Reads the number of a key, if the key is there.
    ///
    /// # Errors
    /// [`GgufError::Value`] if it is no f32 or not finite.
    pub fn f32(&self, key: &str) -> Result<Option<f32>, GgufError> {
        self.typed(key, "a finite f32", Value::as_f32)
    }

    /// Reads the number of a key, if the key is there.
    ///
    /// # Errors
    /// [`GgufError::Value`] if it is no integer from 0 to 2^32 - 1.
    pub fn u32(&self, key: &str) -> Result<Option<u32>, GgufError> {
        self.typed(key, "an integer of 32 bits, not negative", Value::as_u32)
    }

    /// Reads the text of a key, if the key is there.
    ///
    /// # Errors
    /// [`GgufError::Value`] if it is something else.
    pub fn text(&self, key: &str) -> Result<Option<&str>, GgufError> {
        self.typed(key, "a text", Value::as_str)
    }

    /// Reads the 32-bit floating-point numbers of a key, if the key is there; they may be infinite
    /// or not a number.
    ///
    /// # Errors
    /// [`GgufError::Value`] if it is something else.
    pub fn f32s(&self, key: &str) -> Result<Option<&[f32]>, GgufError> {
        self.typed(key, "an array of f32", |value| value.as_array().and_then(Array::as_f32s))
    }

    /// Reads the integers of a key, if the key is there.
    ///
    /// # Errors
    /// [`GgufError::Value`] if it is something else.
    pub fn i64s(&self, key: &str) -> Result<Option<Vec<i64>>, GgufError> {
        let convert = |value: &Value| value.as_array().and_then(Array::to_i64s);
        self.typed(key, "an array of integers", convert)
    }

    /// Reads the texts of a key, if the key is there.
    ///
    /// # Errors
    /// [`GgufError::Value`] if it is something else.
    pub fn texts(&self, key: &str) -> Result<Option<&[String]>, GgufError> {
        self.typed(key, "an array of texts", |value| value.as_array().and_then(Array::as_strings))
    }

    fn typed<'a, T>(
        &'a self,
        key: &str,
        expected: &'static str,
        convert: impl Fn(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, GgufError> {
        let Some(value) = self.metadata(key) else { return Ok(None) };
        match convert(value) {
            Some(value) => Ok(Some(value)),
            None => Err(GgufError::value(key, expected, value.describe())),
        }
    }

    fn info(&self, name: &str) -> Result<&TensorInfo, GgufError> {
        let missing = || GgufError::MissingTensor { tensor: shorten(name) };
        self.tensors().get(name).ok_or_else(missing)
    }

    fn read(&self, part: usize, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        let mut file = self.parts[part].lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(offset))?;
        file.read_exact(bytes)
    }
}

fn failed(error: io::Error) -> GgufError {
    GgufError::Io { source: error.into() }
}

/// Bytes that are read at once, about.
const PIECE_BYTES: usize = 1 << 20;
