//! Tensors as a file describes them, and where they lie.

use std::{collections::BTreeMap, io::Read};

use super::{GgufError, error::shorten, reader::Reader};

/// The format of the elements of a tensor; the names are those of ggml.
#[allow(non_camel_case_types, reason = "the names of the format")]
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum TensorKind {
    /// The upper half of a 32-bit floating-point number.
    BF16,
    /// 16-bit floating-point numbers.
    F16,
    /// 32-bit floating-point numbers.
    F32,
    /// Blocks of 32: a scale, 4 bits an element.
    Q4_0,
    /// Blocks of 32: a scale and a minimum, 4 bits an element.
    Q4_1,
    /// Blocks of 256: 8 groups with scale and minimum, 4 bits an element.
    Q4_K,
    /// Blocks of 32: a scale, 5 bits an element.
    Q5_0,
    /// Blocks of 32: a scale and a minimum, 5 bits an element.
    Q5_1,
    /// Blocks of 256: 8 groups with scale and minimum, 5 bits an element.
    Q5_K,
    /// Blocks of 256: 16 groups with a scale, 6 bits an element.
    Q6_K,
    /// Blocks of 32: a scale, 8 bits an element.
    Q8_0,
}

/// A tensor of a file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TensorInfo {
    /// The sizes, outermost first: row-major, one to four, none of them 0.
    pub shape: Vec<usize>,
    /// The format of the elements.
    pub kind: TensorKind,
    /// The byte of the file at which the tensor starts.
    pub offset: u64,
    /// Bytes of the tensor in the file.
    pub bytes: u64,
}

/// A tensor as the header names it, before it is known to lie in the file.
#[derive(Debug)]
pub(super) struct Description {
    shape: Vec<usize>,
    kind: TensorKind,
    bytes: u64,
    /// From the start of the data.
    offset: u64,
}

impl TensorKind {
    /// Returns the number of elements that are stored together; a row is a multiple of them.
    #[must_use]
    pub const fn block(self) -> usize {
        match self {
            Self::BF16 | Self::F16 | Self::F32 => 1,
            Self::Q4_0 | Self::Q4_1 | Self::Q5_0 | Self::Q5_1 | Self::Q8_0 => 32,
            Self::Q4_K | Self::Q5_K | Self::Q6_K => 256,
        }
    }

    /// Returns the bytes of a block.
    #[must_use]
    pub const fn block_bytes(self) -> usize {
        match self {
            Self::BF16 | Self::F16 => 2,
            Self::F32 => 4,
            Self::Q4_0 => 18,
            Self::Q4_1 => 20,
            Self::Q4_K => 144,
            Self::Q5_0 => 22,
            Self::Q5_1 => 24,
            Self::Q5_K => 176,
            Self::Q6_K => 210,
            Self::Q8_0 => 34,
        }
    }

    /// Returns the kind with a number of ggml's.
    const fn new(id: u32) -> Option<Self> {
        Some(match id {
            0 => Self::F32,
            1 => Self::F16,
            2 => Self::Q4_0,
            3 => Self::Q4_1,
            6 => Self::Q5_0,
            7 => Self::Q5_1,
            8 => Self::Q8_0,
            12 => Self::Q4_K,
            13 => Self::Q5_K,
            14 => Self::Q6_K,
            30 => Self::BF16,
            _ => return None,
        })
    }
}

impl TensorInfo {
    /// Returns the number of elements.
    #[must_use]
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }

    /// Returns the number of elements of a row, the run along the innermost size.
    #[must_use]
    pub fn row(&self) -> usize {
        self.shape.last().copied().unwrap_or(1)
    }
}

impl Description {
    /// Reads a name and what follows it.
    pub(super) fn read(reader: &mut Reader<impl Read>) -> Result<(String, Self), GgufError> {
        reader.enter("a name of the", "tensors");
        let name = reader.text(MAX_NAME_BYTES)?;
        reader.enter("tensor", &name);
        let rank = reader.u32()?;
        reader.limit("the number of sizes", u64::from(rank), MAX_RANK)?;
        let mut sizes = Vec::new();
        for _ in 0..rank {
            sizes.push(reader.u64()?);
        }
        // The format has the innermost first.
        sizes.reverse();
        let id = reader.u32()?;
        let kind = TensorKind::new(id).ok_or_else(|| {
            let got = foreign_kind(id).map_or_else(|| format!("kind {id}"), str::to_owned);
            GgufError::Kind { tensor: shorten(&name), expected: KINDS, got }
        })?;
        let (shape, bytes) = measure(&name, &sizes, kind)?;
        let offset = reader.u64()?;
        Ok((name, Self { shape, kind, bytes, offset }))
    }
}

/// Computes the shape and the bytes of a tensor.
fn measure(name: &str, sizes: &[u64], kind: TensorKind) -> Result<(Vec<usize>, u64), GgufError> {
    let failed = |problem: &'static str| GgufError::Dimensions {
        tensor: shorten(name),
        got: sizes.to_vec(),
        problem,
    };
    if sizes.is_empty() {
        return Err(failed("it has no sizes"));
    }
    if sizes.contains(&0) {
        return Err(failed("a size is 0"));
    }
    let elements = sizes
        .iter()
        .try_fold(1_u64, |product, size| product.checked_mul(*size))
        .filter(|elements| *elements <= MAX_ELEMENTS)
        .ok_or_else(|| failed("its elements are more than 2^40"))?;
    let (block, row) = (kind.block(), sizes.last().copied().unwrap_or(1));
    if !row.is_multiple_of(block as u64) {
        return Err(GgufError::RowLength { tensor: shorten(name), block, got: row });
    }
    let shape = sizes
        .iter()
        .map(|size| usize::try_from(*size))
        .collect::<Result<_, _>>()
        .map_err(|_| failed("a size does not fit this machine"))?;
    usize::try_from(elements).map_err(|_| failed("its elements do not fit this machine"))?;
    Ok((shape, elements / block as u64 * kind.block_bytes() as u64))
}

/// Checks where tensors lie in a file of `length` bytes, whose data starts at `base`.
pub(super) fn place(
    descriptions: BTreeMap<String, Description>,
    base: u64,
    alignment: u64,
    length: u64,
) -> Result<BTreeMap<String, TensorInfo>, GgufError> {
    let mut tensors = BTreeMap::new();
    for (name, Description { shape, kind, bytes, offset }) in descriptions {
        if !offset.is_multiple_of(alignment) {
            return Err(GgufError::Offset { tensor: shorten(&name), alignment, got: offset });
        }
        let offset = base.saturating_add(offset);
        let end = offset.saturating_add(bytes);
        if end > length {
            return Err(GgufError::Range { tensor: shorten(&name), end, length });
        }
        tensors.insert(name, TensorInfo { shape, kind, offset, bytes });
    }
    let mut order: Vec<(&String, &TensorInfo)> = tensors.iter().collect();
    order.sort_by_key(|(_, info)| info.offset);
    // None is empty, so neighbours suffice.
    for pair in order.windows(2) {
        let [(other, before), (name, info)] = *pair else { continue };
        let (start, end) = (info.offset, before.offset + before.bytes);
        if start < end {
            let (tensor, other) = (shorten(name), shorten(other));
            return Err(GgufError::Overlap { tensor, start, other, end });
        }
    }
    Ok(tensors)
}

/// Returns the name of a kind of ggml that is not read.
const fn foreign_kind(id: u32) -> Option<&'static str> {
    Some(match id {
        9 => "Q8_1",
        10 => "Q2_K",
        11 => "Q3_K",
        15 => "Q8_K",
        16 => "IQ2_XXS",
        17 => "IQ2_XS",
        18 => "IQ3_XXS",
        19 => "IQ1_S",
        20 => "IQ4_NL",
        21 => "IQ3_S",
        22 => "IQ2_S",
        23 => "IQ4_XS",
        24 => "I8",
        25 => "I16",
        26 => "I32",
        27 => "I64",
        28 => "F64",
        29 => "IQ1_M",
        34 => "TQ1_0",
        35 => "TQ2_0",
        39 => "MXFP4",
        40 => "NVFP4",
        _ => return None,
    })
}

const KINDS: &str = "F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q4_K, Q5_K or Q6_K";
const MAX_NAME_BYTES: u64 = 256;
const MAX_RANK: u64 = 4;
const MAX_ELEMENTS: u64 = 1 << 40;
