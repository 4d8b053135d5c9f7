use core::{fmt, ops::Range};
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ArtifactError;

/// The type of a tensor's elements, as safetensors spells it.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub enum Element {
    /// Signed 16-bit integers.
    I16,
    /// Signed 32-bit integers.
    I32,
    /// Signed bytes.
    I8,
    /// Unsigned 16-bit integers.
    U16,
    /// Bytes.
    U8,
}

impl Element {
    /// Returns the bytes of an element.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        match self {
            Self::I16 | Self::U16 => 2,
            Self::I32 => 4,
            Self::I8 | Self::U8 => 1,
        }
    }
}

/// Where a tensor lies in the file, and how to read it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TensorInfo {
    /// The type of an element.
    pub element: Element,
    /// Sizes of the dimensions, outermost first.
    pub shape: Vec<u64>,
    start: usize,
    end: usize,
}

impl TensorInfo {
    /// Returns the range of its bytes in the file.
    #[must_use]
    pub const fn range(&self) -> Range<usize> {
        self.start..self.end
    }
}

impl fmt::Display for TensorInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {:?}", self.element, self.shape)
    }
}

/// Reads the header and checks that it is canonical and covers the file exactly.
pub(super) fn read(bytes: &[u8]) -> Result<BTreeMap<String, TensorInfo>, ArtifactError> {
    let got = bytes.len() as u64;
    let Some((length, rest)) = bytes.split_first_chunk::<8>() else {
        return Err(ArtifactError::Length { expected: 8, got });
    };
    let length = u64::from_le_bytes(*length);
    if length > MAX_HEADER {
        let what = "the header's length";
        return Err(ArtifactError::TooLarge { what, got: length, max: MAX_HEADER });
    }
    let data_start = 8 + length as usize;
    let Some(header) = rest.get(..length as usize) else {
        return Err(ArtifactError::Length { expected: data_start as u64, got });
    };
    let entries: BTreeMap<String, Entry> = serde_json::from_slice(header)
        .map_err(|error| ArtifactError::Syntax { part: "header", message: error.to_string() })?;
    let mut shapes = BTreeMap::new();
    for (name, entry) in entries {
        if let Entry::Tensor(tensor) = entry {
            shapes.insert(name, (tensor.dtype, tensor.shape));
        }
    }
    let layout = Layout::new(&shapes)?;
    if layout.header != header {
        return Err(ArtifactError::NotCanonical { part: "header" });
    }
    let expected = data_start as u64 + layout.data_bytes;
    if expected != got {
        return Err(ArtifactError::Length { expected, got });
    }
    Ok(layout
        .tensors
        .into_iter()
        .map(|(name, range)| {
            let (element, shape) = shapes.remove(&name).unwrap_or((Element::U8, Vec::new()));
            let (start, end) = (data_start + range.start as usize, data_start + range.end as usize);
            (name, TensorInfo { element, shape, start, end })
        })
        .collect())
}

/// The one way to lay out a set of tensors: wide elements first, then by name, without gaps.
#[derive(Debug)]
pub(super) struct Layout {
    /// The header, padded so that the data starts at a multiple of 64.
    pub(super) header: Vec<u8>,
    /// Name and byte range behind the header, in the order of the file.
    pub(super) tensors: Vec<(String, Range<u64>)>,
    /// Bytes behind the header.
    pub(super) data_bytes: u64,
}

impl Layout {
    pub(super) fn new(
        shapes: &BTreeMap<String, (Element, Vec<u64>)>,
    ) -> Result<Self, ArtifactError> {
        let mut order: Vec<_> = shapes.iter().collect();
        order.sort_by_key(|(name, (element, _))| (core::cmp::Reverse(element.bytes()), *name));
        let mut header = String::from(r#"{"__metadata__":{"format":"lazvm"}"#);
        let mut tensors = Vec::with_capacity(order.len());
        let mut offset = 0_u64;
        for (name, (element, shape)) in order {
            let bytes = shape
                .iter()
                .try_fold(element.bytes(), |bytes, size| bytes.checked_mul(*size))
                .and_then(|bytes| offset.checked_add(bytes))
                .filter(|end| *end <= MAX_DATA);
            let Some(end) = bytes else {
                let what = "the size of the tensors";
                return Err(ArtifactError::TooLarge { what, got: u64::MAX, max: MAX_DATA });
            };
            let info =
                HeaderTensor { dtype: *element, shape: shape.clone(), data_offsets: (offset, end) };
            let syntax = |error: serde_json::Error| ArtifactError::Syntax {
                part: "header",
                message: error.to_string(),
            };
            header.push(',');
            header.push_str(&serde_json::to_string(name).map_err(syntax)?);
            header.push(':');
            header.push_str(&serde_json::to_string(&info).map_err(syntax)?);
            tensors.push((name.clone(), offset..end));
            offset = end;
        }
        header.push('}');
        let mut header = header.into_bytes();
        header.resize((header.len() + 8).next_multiple_of(64) - 8, b' ');
        if header.len() as u64 > MAX_HEADER {
            let (what, got) = ("the header's length", header.len() as u64);
            return Err(ArtifactError::TooLarge { what, got, max: MAX_HEADER });
        }
        Ok(Self { header, tensors, data_bytes: offset })
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Entry {
    Tensor(HeaderTensor),
    #[allow(dead_code, reason = "the canonical form decides what it must hold")]
    Metadata(BTreeMap<String, String>),
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct HeaderTensor {
    dtype: Element,
    shape: Vec<u64>,
    data_offsets: (u64, u64),
}

/// Largest header, in bytes.
const MAX_HEADER: u64 = 16 << 20;

/// Largest sum of all tensors, in bytes.
const MAX_DATA: u64 = 1 << 42;
