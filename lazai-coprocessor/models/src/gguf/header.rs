//! The part of a file before its tensors: counts, metadata, and where each tensor lies.

use std::{collections::BTreeMap, io::Read};

use super::{
    Array, GgufError, TensorInfo, Value,
    error::{download_problem, shorten},
    reader::Reader,
    tensor::{self, Description},
};

/// The content of a file before its tensors.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) metadata: BTreeMap<String, Value>,
    pub(super) tensors: BTreeMap<String, TensorInfo>,
}

impl Header {
    /// Reads the header of a file of `length` bytes.
    pub(super) fn read(source: impl Read, length: u64) -> Result<Self, GgufError> {
        let reader = &mut Reader::new(source, length);
        let got = reader.array()?;
        if &got != MAGIC {
            if let Some(problem) = download_problem(&got) {
                return Err(GgufError::Download { problem });
            }
            return Err(GgufError::Magic { got });
        }
        let got = reader.u32()?;
        if !matches!(got, 2 | 3) {
            return Err(GgufError::Version { got });
        }
        let (tensors, keys) = (reader.u64()?, reader.u64()?);
        reader.limit("the number of tensors", tensors, MAX_TENSORS)?;
        reader.limit("the number of keys", keys, MAX_KEYS)?;

        let mut metadata = BTreeMap::new();
        for _ in 0..keys {
            let (key, value) = read_entry(reader)?;
            if metadata.contains_key(&key) {
                return Err(GgufError::DuplicateKey { key: shorten(&key) });
            }
            metadata.insert(key, value);
        }
        let alignment = read_alignment(&metadata)?;

        let mut descriptions = BTreeMap::new();
        for _ in 0..tensors {
            let (name, description) = Description::read(reader)?;
            if descriptions.contains_key(&name) {
                return Err(GgufError::DuplicateTensor { tensor: shorten(&name) });
            }
            descriptions.insert(name, description);
        }
        let base = reader.position().next_multiple_of(alignment);
        let tensors = tensor::place(descriptions, base, alignment, length)?;
        Ok(Self { metadata, tensors })
    }
}

/// Reads a key with its value.
fn read_entry(reader: &mut Reader<impl Read>) -> Result<(String, Value), GgufError> {
    reader.enter("a key of the", "metadata");
    let key = reader.text(MAX_KEY_BYTES)?;
    reader.enter("key", &key);
    let value = match reader.u32()? {
        0 => Value::U8(u8::from_le_bytes(reader.array()?)),
        1 => Value::I8(i8::from_le_bytes(reader.array()?)),
        2 => Value::U16(u16::from_le_bytes(reader.array()?)),
        3 => Value::I16(i16::from_le_bytes(reader.array()?)),
        4 => Value::U32(reader.u32()?),
        5 => Value::I32(i32::from_le_bytes(reader.array()?)),
        6 => Value::F32(f32::from_le_bytes(reader.array()?)),
        7 => Value::Bool(read_bool(reader)?),
        8 => Value::String(reader.text(MAX_TEXT_BYTES)?),
        9 => Value::Array(read_array(reader, 1)?),
        10 => Value::U64(reader.u64()?),
        11 => Value::I64(i64::from_le_bytes(reader.array()?)),
        12 => Value::F64(f64::from_le_bytes(reader.array()?)),
        got => return Err(GgufError::ValueType { part: reader.part(), got }),
    };
    Ok((key, value))
}

/// Reads an array that lies in `depth - 1` others; elements are kept as they come, whatever their
/// count says.
fn read_array(reader: &mut Reader<impl Read>, depth: u64) -> Result<Array, GgufError> {
    reader.limit("the depth of arrays", depth, MAX_DEPTH)?;
    let (kind, count) = (reader.u32()?, reader.u64()?);
    reader.limit("the number of elements", count, MAX_ELEMENTS)?;
    Ok(match kind {
        0 => Array::U8(reader.numbers(count, u8::from_le_bytes)?),
        1 => Array::I8(reader.numbers(count, i8::from_le_bytes)?),
        2 => Array::U16(reader.numbers(count, u16::from_le_bytes)?),
        3 => Array::I16(reader.numbers(count, i16::from_le_bytes)?),
        4 => Array::U32(reader.numbers(count, u32::from_le_bytes)?),
        5 => Array::I32(reader.numbers(count, i32::from_le_bytes)?),
        6 => Array::F32(reader.numbers(count, f32::from_le_bytes)?),
        7 => {
            reader.require(count, 1)?;
            Array::Bool((0..count).map(|_| read_bool(reader)).collect::<Result<_, _>>()?)
        }
        8 => {
            reader.require(count, 8)?;
            let mut texts = Vec::new();
            for _ in 0..count {
                texts.push(reader.text(MAX_TEXT_BYTES)?);
            }
            Array::String(texts)
        }
        9 => {
            reader.require(count, 12)?;
            let mut arrays = Vec::new();
            for _ in 0..count {
                arrays.push(read_array(reader, depth + 1)?);
            }
            Array::Array(arrays)
        }
        10 => Array::U64(reader.numbers(count, u64::from_le_bytes)?),
        11 => Array::I64(reader.numbers(count, i64::from_le_bytes)?),
        12 => Array::F64(reader.numbers(count, f64::from_le_bytes)?),
        got => return Err(GgufError::ValueType { part: reader.part(), got }),
    })
}

fn read_bool(reader: &mut Reader<impl Read>) -> Result<bool, GgufError> {
    match reader.array()? {
        [0] => Ok(false),
        [1] => Ok(true),
        [got] => Err(GgufError::Bool { part: reader.part(), got }),
    }
}

/// Reads the alignment of tensors; 32 where the file names none.
fn read_alignment(metadata: &BTreeMap<String, Value>) -> Result<u64, GgufError> {
    let Some(value) = metadata.get(ALIGNMENT) else { return Ok(DEFAULT_ALIGNMENT) };
    let Value::U32(got) = *value else {
        return Err(GgufError::value(ALIGNMENT, "a u32", value.describe()));
    };
    if !got.is_power_of_two() || !(MIN_ALIGNMENT..=MAX_ALIGNMENT).contains(&got) {
        return Err(GgufError::Alignment { min: MIN_ALIGNMENT, max: MAX_ALIGNMENT, got });
    }
    Ok(u64::from(got))
}

const MAGIC: &[u8; 4] = b"GGUF";
const ALIGNMENT: &str = "general.alignment";
const DEFAULT_ALIGNMENT: u64 = 32;
/// The format asks for multiples of 8.
const MIN_ALIGNMENT: u32 = 8;
const MAX_ALIGNMENT: u32 = 1 << 16;
const MAX_TENSORS: u64 = 1 << 16;
const MAX_KEYS: u64 = 1 << 14;
const MAX_KEY_BYTES: u64 = 256;
/// A chat template is the longest text.
const MAX_TEXT_BYTES: u64 = 1 << 20;
/// The largest vocabularies have 2^18 tokens and 2^19 merges.
const MAX_ELEMENTS: u64 = 1 << 22;
const MAX_DEPTH: u64 = 4;
