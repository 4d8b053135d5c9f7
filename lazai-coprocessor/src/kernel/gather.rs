use crate::numeric::{round_shift, saturate_i32};

use super::KernelError;

/// An embedding matrix, `[vocabulary, width]`.
#[derive(Clone, Copy, Debug)]
pub struct Embedding<'a> {
    /// Elements of a row.
    pub width: usize,
    /// Weights, `[vocabulary, width]`.
    pub values: &'a [i8],
    /// Exponents of groups of 32, two bits each, low bits first, each row from a new byte.
    pub exponents: &'a [u8],
    /// Fraction bits of each row.
    pub row_bits: &'a [i8],
}

/// Reads the rows of `tokens` into the residual stream.
///
/// Shapes: `output` is `[tokens, width]` i32.
/// Arithmetic: `y = sat32((w << e) * 2^(output_bits - row_bits))`, rounded half up.
///
/// # Errors
/// [`KernelError::Index`] if a token is not in the table; [`KernelError::Length`] if `output` has another size.
pub fn gather(
    table: &Embedding<'_>,
    tokens: &[u32],
    output_bits: i32,
    output: &mut [i32],
) -> Result<(), KernelError> {
    let width = table.width;
    let expected = tokens.len().saturating_mul(width);
    if output.len() != expected {
        return Err(KernelError::Length { operand: "output", expected, got: output.len() });
    }
    if width == 0 {
        return Ok(());
    }
    let exponent_bytes = width.div_ceil(GROUP).div_ceil(4);
    for (token, output) in tokens.iter().zip(output.chunks_exact_mut(width)) {
        let row = *token as usize;
        let (Some(values), Some(exponents), Some(bits)) = (
            table.values.chunks_exact(width).nth(row),
            table.exponents.chunks_exact(exponent_bytes).nth(row),
            table.row_bits.get(row),
        ) else {
            return Err(KernelError::Index { index: row, limit: table.row_bits.len() });
        };
        let shift = i32::from(*bits) - output_bits;
        for (group, (values, output)) in
            values.chunks(GROUP).zip(output.chunks_mut(GROUP)).enumerate()
        {
            let exponent = (exponents[group / 4] >> (2 * (group % 4))) & 3;
            for (w, y) in values.iter().zip(output) {
                *y = saturate_i32(round_shift(i64::from(*w) << exponent, shift));
            }
        }
    }
    Ok(())
}

/// Columns that share an exponent.
const GROUP: usize = 32;
