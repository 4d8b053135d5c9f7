//! A writer of small files, good and bad, for tests.

use core::sync::atomic::{AtomicU32, Ordering};
use std::fs;

use super::{Array, Gguf, GgufError, TensorKind, Value};

/// A file in the making. Every number that a file claims can be set to something else than the
/// truth.
#[derive(Clone, Debug)]
pub(crate) struct Writer {
    pub(crate) version: u32,
    /// The alignment of the tensors; a key of the metadata must say the same.
    pub(crate) alignment: usize,
    pub(crate) entries: Vec<(String, Value)>,
    pub(crate) tensors: Vec<WrittenTensor>,
    pub(crate) tensor_count: Option<u64>,
    pub(crate) entry_count: Option<u64>,
}

/// A tensor of a [`Writer`].
#[derive(Clone, Debug)]
pub(crate) struct WrittenTensor {
    pub(crate) name: String,
    /// Outermost first.
    pub(crate) sizes: Vec<u64>,
    /// ggml's number.
    pub(crate) kind: u32,
    pub(crate) data: Vec<u8>,
    /// From the start of the data; `None` for the next free place.
    pub(crate) offset: Option<u64>,
}

impl Writer {
    pub(crate) const fn new() -> Self {
        Self {
            version: 3,
            alignment: 32,
            entries: Vec::new(),
            tensors: Vec::new(),
            tensor_count: None,
            entry_count: None,
        }
    }

    /// Adds a key.
    pub(crate) fn entry(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.entries.push((key.to_owned(), value.into()));
        self
    }

    /// Adds a tensor of any kind.
    pub(crate) fn tensor(
        mut self,
        name: &str,
        shape: &[usize],
        kind: TensorKind,
        data: &[u8],
    ) -> Self {
        let sizes = shape.iter().map(|size| *size as u64).collect();
        let (name, data) = (name.to_owned(), data.to_vec());
        self.tensors.push(WrittenTensor { name, sizes, kind: id(kind), data, offset: None });
        self
    }

    /// Adds a tensor of 32-bit numbers.
    pub(crate) fn f32s(self, name: &str, shape: &[usize], values: &[f32]) -> Self {
        let data: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.tensor(name, shape, TensorKind::F32, &data)
    }

    /// Returns the header without the padding before the tensors.
    pub(crate) fn header(&self) -> Vec<u8> {
        self.parts().0
    }

    /// Returns the bytes of the file.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let (mut bytes, data) = self.parts();
        bytes.resize(bytes.len().next_multiple_of(self.alignment), 0);
        bytes.extend_from_slice(&data);
        bytes
    }

    /// Writes the file to a temporary place and opens it.
    pub(crate) fn open(&self) -> Result<Gguf, GgufError> {
        open(&self.to_bytes())
    }

    fn parts(&self) -> (Vec<u8>, Vec<u8>) {
        let (mut header, mut data) = (b"GGUF".to_vec(), Vec::new());
        header.extend_from_slice(&self.version.to_le_bytes());
        let tensors = self.tensor_count.unwrap_or(self.tensors.len() as u64);
        header.extend_from_slice(&tensors.to_le_bytes());
        let entries = self.entry_count.unwrap_or(self.entries.len() as u64);
        header.extend_from_slice(&entries.to_le_bytes());
        for (key, value) in &self.entries {
            write_text(&mut header, key);
            write_value(&mut header, value);
        }
        for tensor in &self.tensors {
            write_text(&mut header, &tensor.name);
            header.extend_from_slice(&(tensor.sizes.len() as u32).to_le_bytes());
            for size in tensor.sizes.iter().rev() {
                header.extend_from_slice(&size.to_le_bytes());
            }
            header.extend_from_slice(&tensor.kind.to_le_bytes());
            let offset = tensor.offset.unwrap_or(data.len() as u64);
            header.extend_from_slice(&offset.to_le_bytes());
            data.extend_from_slice(&tensor.data);
            data.resize(data.len().next_multiple_of(self.alignment), 0);
        }
        (header, data)
    }
}

/// Opens a file of some bytes.
pub(crate) fn open(bytes: &[u8]) -> Result<Gguf, GgufError> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("lazai-gguf-{}-{number}", std::process::id());
    let path = std::env::temp_dir().join(name);
    fs::write(&path, bytes).unwrap();
    let file = Gguf::open(&path);
    fs::remove_file(&path).unwrap();
    file
}

/// Returns ggml's number of a kind.
pub(crate) const fn id(kind: TensorKind) -> u32 {
    match kind {
        TensorKind::F32 => 0,
        TensorKind::F16 => 1,
        TensorKind::Q4_0 => 2,
        TensorKind::Q4_1 => 3,
        TensorKind::Q5_0 => 6,
        TensorKind::Q5_1 => 7,
        TensorKind::Q8_0 => 8,
        TensorKind::Q4_K => 12,
        TensorKind::Q5_K => 13,
        TensorKind::Q6_K => 14,
        TensorKind::BF16 => 30,
    }
}

fn write_text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend_from_slice(&(text.len() as u64).to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
}

fn write_value(bytes: &mut Vec<u8>, value: &Value) {
    let (kind, data): (u32, Vec<u8>) = match value {
        Value::U8(value) => (0, value.to_le_bytes().to_vec()),
        Value::I8(value) => (1, value.to_le_bytes().to_vec()),
        Value::U16(value) => (2, value.to_le_bytes().to_vec()),
        Value::I16(value) => (3, value.to_le_bytes().to_vec()),
        Value::U32(value) => (4, value.to_le_bytes().to_vec()),
        Value::I32(value) => (5, value.to_le_bytes().to_vec()),
        Value::F32(value) => (6, value.to_le_bytes().to_vec()),
        Value::Bool(value) => (7, vec![u8::from(*value)]),
        Value::String(text) => {
            let mut data = Vec::new();
            write_text(&mut data, text);
            (8, data)
        }
        Value::Array(array) => {
            let mut data = Vec::new();
            write_array(&mut data, array);
            (9, data)
        }
        Value::U64(value) => (10, value.to_le_bytes().to_vec()),
        Value::I64(value) => (11, value.to_le_bytes().to_vec()),
        Value::F64(value) => (12, value.to_le_bytes().to_vec()),
    };
    bytes.extend_from_slice(&kind.to_le_bytes());
    bytes.extend_from_slice(&data);
}

fn write_array(bytes: &mut Vec<u8>, array: &Array) {
    let mut data = Vec::new();
    let kind: u32 = match array {
        Array::U8(values) => each(&mut data, values, |value| value.to_le_bytes(), 0),
        Array::I8(values) => each(&mut data, values, |value| value.to_le_bytes(), 1),
        Array::U16(values) => each(&mut data, values, |value| value.to_le_bytes(), 2),
        Array::I16(values) => each(&mut data, values, |value| value.to_le_bytes(), 3),
        Array::U32(values) => each(&mut data, values, |value| value.to_le_bytes(), 4),
        Array::I32(values) => each(&mut data, values, |value| value.to_le_bytes(), 5),
        Array::F32(values) => each(&mut data, values, |value| value.to_le_bytes(), 6),
        Array::Bool(values) => each(&mut data, values, |value| [u8::from(*value)], 7),
        Array::String(values) => {
            values.iter().for_each(|text| write_text(&mut data, text));
            8
        }
        Array::Array(values) => {
            values.iter().for_each(|array| write_array(&mut data, array));
            9
        }
        Array::U64(values) => each(&mut data, values, |value| value.to_le_bytes(), 10),
        Array::I64(values) => each(&mut data, values, |value| value.to_le_bytes(), 11),
        Array::F64(values) => each(&mut data, values, |value| value.to_le_bytes(), 12),
    };
    bytes.extend_from_slice(&kind.to_le_bytes());
    bytes.extend_from_slice(&(array.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&data);
}

fn each<T, const N: usize>(
    bytes: &mut Vec<u8>,
    values: &[T],
    convert: impl Fn(&T) -> [u8; N],
    kind: u32,
) -> u32 {
    values.iter().for_each(|value| bytes.extend_from_slice(&convert(value)));
    kind
}

impl From<Array> for Value {
    fn from(array: Array) -> Self {
        Self::Array(array)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<f32> for Value {
    fn from(value: f32) -> Self {
        Self::F32(value)
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::U32(value)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<Vec<String>> for Value {
    fn from(texts: Vec<String>) -> Self {
        Self::Array(Array::String(texts))
    }
}

impl From<Vec<f32>> for Value {
    fn from(values: Vec<f32>) -> Self {
        Self::Array(Array::F32(values))
    }
}

impl From<Vec<i32>> for Value {
    fn from(values: Vec<i32>) -> Self {
        Self::Array(Array::I32(values))
    }
}
