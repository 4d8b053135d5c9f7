//! A weight matrix as the artifact stores it.

use super::{KernelError, shape::expect_length};

/// The weights of a matrix product, borrowed from the artifact in the form it stores.
///
/// The effective weight is `values[row, column] << exponent`, where 32 columns share an exponent of
/// 0 to 3, and a result of row `row` is shifted right by `shifts[row]`.
#[derive(Clone, Copy, Debug)]
pub struct WeightMatrix<'a> {
    rows: usize,
    columns: usize,
    values: &'a [i8],
    exponents: &'a [u8],
    shifts: &'a [u8],
}

impl<'a> WeightMatrix<'a> {
    /// Columns that share an exponent.
    pub const GROUP: usize = 32;

    /// Largest shift of a row.
    pub const SHIFT_MAX: u8 = 31;

    /// Smallest shift of a row.
    pub const SHIFT_MIN: u8 = 1;

    /// From this shift on, a row may sum to [`NORM_MAX`](Self::NORM_MAX); below it, to half as much
    /// for each bit.
    pub const SHIFT_FULL: u8 = 8;

    /// Largest sum of the magnitudes of a row's effective weights: 128 times it is below `2^30`.
    pub const NORM_MAX: u64 = (1 << 23) - 1;

    /// Returns the largest sum of the magnitudes of a row's effective weights, with a shift:
    /// results stay below `2^30`.
    #[must_use]
    pub const fn norm_max(shift: u8) -> u64 {
        Self::NORM_MAX >> Self::SHIFT_FULL.saturating_sub(shift)
    }

    /// Puts a matrix together from its parts.
    ///
    /// Shapes: `values` is `[rows, columns]`; `exponents` is `[rows, exponent_bytes(columns)]`,
    /// two bits for each group, four groups in a byte, the first in the low bits; `shifts` is
    /// `[rows]`.
    ///
    /// # Errors
    /// [`KernelError::ShapeOverflow`] or [`KernelError::Length`] if a part does not have its
    /// shape, and [`KernelError::Shift`] if a shift is outside
    /// [`SHIFT_MIN`](Self::SHIFT_MIN)`..=`[`SHIFT_MAX`](Self::SHIFT_MAX). The values are not read:
    /// that is what [`validate`](Self::validate) does, once for a model.
    pub fn new(
        rows: usize,
        columns: usize,
        values: &'a [i8],
        exponents: &'a [u8],
        shifts: &'a [u8],
    ) -> Result<Self, KernelError> {
        let elements = |operand, columns: usize| {
            let overflow = KernelError::ShapeOverflow { operand, rows, columns };
            rows.checked_mul(columns).ok_or(overflow)
        };
        expect_length("weight values", elements("weight values", columns)?, values.len())?;
        let bytes = elements("weight exponents", Self::exponent_bytes(columns))?;
        expect_length("weight exponents", bytes, exponents.len())?;
        expect_length("weight shifts", rows, shifts.len())?;
        let allowed = Self::SHIFT_MIN..=Self::SHIFT_MAX;
        if let Some(row) = shifts.iter().position(|shift| !allowed.contains(shift)) {
            let (min, max) = (Self::SHIFT_MIN, Self::SHIFT_MAX);
            return Err(KernelError::Shift { row, got: shifts[row], min, max });
        }
        Ok(Self { rows, columns, values, exponents, shifts })
    }

    /// Returns the bytes of the exponents of one row.
    #[must_use]
    pub const fn exponent_bytes(columns: usize) -> usize {
        columns.div_ceil(Self::GROUP).div_ceil(4)
    }

    /// Checks the values that the arithmetic relies on, in time of the whole matrix.
    ///
    /// # Errors
    /// [`KernelError::WeightRange`] if a value is -128, [`KernelError::RowNorm`] if the magnitudes
    /// of a row sum to more than [`norm_max`](Self::norm_max), and [`KernelError::ExponentPadding`]
    /// if an exponent is set that no group has, so that equal matrices have equal bytes.
    pub fn validate(&self) -> Result<(), KernelError> {
        let groups = self.columns.div_ceil(Self::GROUP);
        for row in 0..self.rows {
            let (values, exponents) = (self.row_values(row), self.row_exponents(row));
            if let Some(column) = values.iter().position(|value| *value == i8::MIN) {
                return Err(KernelError::WeightRange { row, column });
            }
            if let Some(last) = exponents.last()
                && !groups.is_multiple_of(4)
                && last >> (2 * (groups % 4)) != 0
            {
                return Err(KernelError::ExponentPadding { row });
            }
            let norm = values.chunks(Self::GROUP).enumerate().map(|(group, values)| {
                let sum: u32 = values.iter().map(|value| u32::from(value.unsigned_abs())).sum();
                u64::from(sum) << group_exponent(exponents, group)
            });
            let (got, max) = (norm.sum(), Self::norm_max(self.shifts[row]));
            if got > max {
                return Err(KernelError::RowNorm { row, got, max });
            }
        }
        Ok(())
    }

    /// Returns the number of rows, one for each column of the result: n.
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// Returns the number of columns, one for each column of the input: k.
    #[must_use]
    pub const fn columns(&self) -> usize {
        self.columns
    }

    /// Returns the weights without their exponents, `[rows, columns]`.
    #[must_use]
    pub const fn values(&self) -> &'a [i8] {
        self.values
    }

    /// Returns the packed exponents, `[rows, exponent_bytes(columns)]`.
    #[must_use]
    pub const fn exponents(&self) -> &'a [u8] {
        self.exponents
    }

    /// Returns the right shifts of the results, `[rows]`.
    #[must_use]
    pub const fn shifts(&self) -> &'a [u8] {
        self.shifts
    }

    /// Returns the effective weight at a place.
    ///
    /// # Panics
    /// If the place is outside the matrix.
    #[must_use]
    pub fn effective(&self, row: usize, column: usize) -> i16 {
        let exponent = group_exponent(self.row_exponents(row), column / Self::GROUP);
        i16::from(self.row_values(row)[column]) << exponent
    }

    /// Returns the values of one row.
    pub(super) fn row_values(&self, row: usize) -> &'a [i8] {
        &self.values[row * self.columns..][..self.columns]
    }

    /// Returns the packed exponents of one row.
    pub(super) fn row_exponents(&self, row: usize) -> &'a [u8] {
        let bytes = Self::exponent_bytes(self.columns);
        &self.exponents[row * bytes..][..bytes]
    }
}

/// Returns the exponent of one group of a row.
pub(super) fn group_exponent(exponents: &[u8], group: usize) -> u32 {
    u32::from(exponents[group / 4]) >> (2 * (group % 4)) & 3
}
