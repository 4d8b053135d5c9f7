use crate::numeric::{round_shift, saturate_i32};

use super::KernelError;

/// An embedding matrix, `[vocabulary, width]`.
#[derive(Clone, Copy, Debug)]
pub struct Embedding<'a> {
    /// Elements of a row.
    pub width: usize,
    /// Weights without their exponents, `[vocabulary, width]`.
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
/// [`KernelError::Index`] if a token is not in the table; [`KernelError::Length`] if `output` has
/// another size.
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
    for (token, output) in tokens.iter().zip(output.chunks_exact_mut(width)) {
        table.read_row(*token as usize, output_bits, output, |_, w| saturate_i32(w))?;
    }
    Ok(())
}

/// Adds to each row the row of its position, `first` and on.
///
/// Shapes: `residual` is `[tokens, width]` i32, in place.
/// Arithmetic: `y = sat32(y + (w << e) * 2^(bits - row_bits))`, the product rounded half up.
///
/// # Errors
/// [`KernelError::Index`] if a position is not in the table; [`KernelError::Length`] if `residual`
/// has another size.
pub fn add_positions(
    table: &Embedding<'_>,
    first: usize,
    bits: i32,
    residual: &mut [i32],
) -> Result<(), KernelError> {
    let width = table.width;
    let expected = residual.len().checked_div(width).unwrap_or(0) * width;
    if residual.len() != expected {
        return Err(KernelError::Length { operand: "residual", expected, got: residual.len() });
    }
    if width == 0 {
        return Ok(());
    }
    for (row, residual) in residual.chunks_exact_mut(width).enumerate() {
        let sum = |y, w: i64| saturate_i32(w.saturating_add(i64::from(y)));
        table.read_row(first.saturating_add(row), bits, residual, sum)?;
    }
    Ok(())
}

impl Embedding<'_> {
    /// Joins the rounded weights of a row with `output`.
    #[inline(always)]
    fn read_row(
        &self,
        row: usize,
        bits: i32,
        output: &mut [i32],
        join: impl Fn(i32, i64) -> i32,
    ) -> Result<(), KernelError> {
        let exponent_bytes = self.width.div_ceil(GROUP).div_ceil(4);
        let (Some(values), Some(exponents), Some(row_bits)) = (
            self.values.chunks_exact(self.width).nth(row),
            self.exponents.chunks_exact(exponent_bytes).nth(row),
            self.row_bits.get(row),
        ) else {
            return Err(KernelError::Index { index: row, limit: self.row_bits.len() });
        };
        let shift = i32::from(*row_bits) - bits;
        let groups = values.chunks(GROUP).zip(output.chunks_mut(GROUP));
        for (group, (values, output)) in groups.enumerate() {
            let exponent = (exponents[group / 4] >> (2 * (group % 4))) & 3;
            for (w, y) in values.iter().zip(output) {
                *y = join(*y, round_shift(i64::from(*w) << exponent, shift));
            }
        }
        Ok(())
    }
}

/// Columns that share an exponent.
const GROUP: usize = 32;
