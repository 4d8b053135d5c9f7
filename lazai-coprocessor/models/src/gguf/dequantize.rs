//! Blocks of ggml to f32, in the order of operations of its reference code, without fusing.

use super::TensorKind;
use crate::float::{from_bfloat, from_half};

/// Appends the elements of whole blocks.
pub(super) fn dequantize(kind: TensorKind, bytes: &[u8], values: &mut Vec<f32>) {
    match kind {
        TensorKind::BF16 => {
            let halves = bytes.as_chunks().0.iter();
            values.extend(halves.map(|bytes| from_bfloat(u16::from_le_bytes(*bytes))));
        }
        TensorKind::F16 => {
            let halves = bytes.as_chunks().0.iter();
            values.extend(halves.map(|bytes| from_half(u16::from_le_bytes(*bytes))));
        }
        TensorKind::F32 => {
            values.extend(bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)));
        }
        TensorKind::Q4_0 => blocks(bytes, values, q4_0),
        TensorKind::Q4_1 => blocks(bytes, values, q4_1),
        TensorKind::Q4_K => blocks(bytes, values, q4_k),
        TensorKind::Q5_0 => blocks(bytes, values, q5_0),
        TensorKind::Q5_1 => blocks(bytes, values, q5_1),
        TensorKind::Q5_K => blocks(bytes, values, q5_k),
        TensorKind::Q6_K => blocks(bytes, values, q6_k),
        TensorKind::Q8_0 => blocks(bytes, values, q8_0),
    }
}

/// Appends the `E` elements of every block of `B` bytes.
fn blocks<const B: usize, const E: usize>(
    bytes: &[u8],
    values: &mut Vec<f32>,
    block: impl Fn(&[u8; B]) -> [f32; E],
) {
    for bytes in bytes.as_chunks().0 {
        values.extend_from_slice(&block(bytes));
    }
}

fn q4_0(block: &[u8; 18]) -> [f32; 32] {
    let scale = half(block, 0);
    let mut values = [0.0; 32];
    for (i, byte) in block[2..].iter().enumerate() {
        values[i] = small(i32::from(byte & 15) - 8) * scale;
        values[i + 16] = small(i32::from(byte >> 4) - 8) * scale;
    }
    values
}

fn q4_1(block: &[u8; 20]) -> [f32; 32] {
    let (scale, minimum) = (half(block, 0), half(block, 2));
    let mut values = [0.0; 32];
    for (i, byte) in block[4..].iter().enumerate() {
        values[i] = f32::from(byte & 15) * scale + minimum;
        values[i + 16] = f32::from(byte >> 4) * scale + minimum;
    }
    values
}

fn q5_0(block: &[u8; 22]) -> [f32; 32] {
    let (scale, quants) = (half(block, 0), five_bits(&block[2..]));
    quants.map(|quant| small(i32::from(quant) - 16) * scale)
}

fn q5_1(block: &[u8; 24]) -> [f32; 32] {
    let (scale, minimum, quants) = (half(block, 0), half(block, 2), five_bits(&block[4..]));
    quants.map(|quant| f32::from(quant) * scale + minimum)
}

fn q8_0(block: &[u8; 34]) -> [f32; 32] {
    let scale = half(block, 0);
    let mut values = [0.0; 32];
    for (value, byte) in values.iter_mut().zip(&block[2..]) {
        *value = f32::from(byte.cast_signed()) * scale;
    }
    values
}

fn q4_k(block: &[u8; 144]) -> [f32; 256] {
    let (scale, minimum) = (half(block, 0), half(block, 2));
    let mut values = [0.0; 256];
    for (group, values) in values.as_chunks_mut::<32>().0.iter_mut().enumerate() {
        let (scale, minimum) = scale_and_minimum(&block[4..16], group, scale, minimum);
        let quants = &block[16 + 32 * (group / 2)..];
        for (value, byte) in values.iter_mut().zip(quants) {
            *value = scale * f32::from(byte >> (4 * (group % 2)) & 15) - minimum;
        }
    }
    values
}

fn q5_k(block: &[u8; 176]) -> [f32; 256] {
    let (scale, minimum) = (half(block, 0), half(block, 2));
    let high = &block[16..48];
    let mut values = [0.0; 256];
    for (group, values) in values.as_chunks_mut::<32>().0.iter_mut().enumerate() {
        let (scale, minimum) = scale_and_minimum(&block[4..16], group, scale, minimum);
        let low = &block[48 + 32 * (group / 2)..];
        for ((value, low), high) in values.iter_mut().zip(low).zip(high) {
            let quant = low >> (4 * (group % 2)) & 15 | (high >> group & 1) << 4;
            *value = scale * f32::from(quant) - minimum;
        }
    }
    values
}

fn q6_k(block: &[u8; 210]) -> [f32; 256] {
    let (low, high, scales) = (&block[..128], &block[128..192], &block[192..208]);
    let scale = half(block, 208);
    let mut values = [0.0; 256];
    for (i, value) in values.iter_mut().enumerate() {
        // Each half of the block is four runs of 32: two in the low and two in the high digits.
        let (part, run, column) = (i / 128, i / 32 % 4, i % 32);
        let low = low[64 * part + 32 * (run % 2) + column] >> (4 * (run / 2)) & 15;
        let high = high[32 * part + column] >> (2 * run) & 3;
        let scale = scale * f32::from(scales[i / 16].cast_signed());
        *value = scale * small(i32::from(low | high << 4) - 32);
    }
    values
}

/// Returns the scale and the minimum of a group of 32 in a block of 256: 6 bits each, times those
/// of the block.
fn scale_and_minimum(packed: &[u8], group: usize, scale: f32, minimum: f32) -> (f32, f32) {
    let (factor, offset) = if group < 4 {
        (packed[group] & 63, packed[group + 4] & 63)
    } else {
        (
            packed[group + 4] & 15 | packed[group - 4] >> 6 << 4,
            packed[group + 4] >> 4 | packed[group] >> 6 << 4,
        )
    };
    (scale * f32::from(factor), minimum * f32::from(offset))
}

/// Unpacks 32 numbers of 5 bits: the highest digits in four bytes, then the others in sixteen.
fn five_bits(packed: &[u8]) -> [u8; 32] {
    let (high, low) = packed.split_at(4);
    core::array::from_fn(|i| low[i % 16] >> (4 * (i / 16)) & 15 | (high[i / 8] >> (i % 8) & 1) << 4)
}

fn half(bytes: &[u8], offset: usize) -> f32 {
    from_half(u16::from_le_bytes([bytes[offset], bytes[offset + 1]]))
}

/// Converts a number of few digits, exactly.
#[allow(clippy::cast_precision_loss, reason = "at most 8 digits")]
const fn small(quant: i32) -> f32 {
    quant as f32
}
