//! Whether operands have the shapes that the product needs.

use super::KernelError;

/// Returns how many rows of length `row` an operand has.
pub(super) fn rows_of(operand: &'static str, got: usize, row: usize) -> Result<usize, KernelError> {
    if row == 0 {
        expect_length(operand, 0, got)?;
        return Ok(0);
    }
    if got.is_multiple_of(row) {
        Ok(got / row)
    } else {
        Err(KernelError::RowLength { operand, row, got })
    }
}

/// Checks the number of elements of an operand.
pub(super) const fn expect_length(
    operand: &'static str,
    expected: usize,
    got: usize,
) -> Result<(), KernelError> {
    if got == expected { Ok(()) } else { Err(KernelError::Length { operand, expected, got }) }
}
