use core::{ops::RangeInclusive, panic::Location};
use std::collections::{BTreeMap, BTreeSet};

use halo2_proofs::halo2curves::{
    bn256::Fr,
    ff::{Field, PrimeField},
};
use lazai_coprocessor::numeric::{ACTIVATION_MAX, ACTIVATION_MIN};

use crate::{
    Halo2Error,
    constraints::{Cell, Constraints, Part, Product},
    table::Table,
};

/// An integer that the circuit holds in a cell, with the value that the prover assigns to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AssignedInt {
    pub(super) cell: Cell,
    pub(super) value: i128,
}

impl AssignedInt {
    /// Returns the value that the prover assigns.
    #[must_use]
    pub(crate) const fn value(self) -> i128 {
        self.value
    }

    /// Returns the cell.
    #[must_use]
    pub(crate) const fn cell(self) -> Cell {
        self.cell
    }
}

/// Builds constraints together with the values that satisfy them.
///
/// Every method adds the same constraints, whatever the values are.
#[derive(Debug)]
pub(crate) struct Builder {
    constraints: Constraints,
    constants: BTreeMap<[u8; 32], Cell>,
    range_bits: u32,
    /// The first shift that was asked for and is not one of [`SHIFTS`].
    refused_shift: Option<i32>,
}

impl Builder {
    /// Creates an empty builder whose range table holds the integers below `2^range_bits`.
    #[must_use]
    pub(crate) fn new(range_bits: u32) -> Self {
        Self {
            constraints: Constraints::default(),
            constants: BTreeMap::new(),
            range_bits,
            refused_shift: None,
        }
    }

    /// Returns the constraints.
    #[must_use]
    pub(crate) fn finish(self) -> Constraints {
        self.constraints
    }

    /// Checks that every shift was one that the constraints of [`rounded`](Self::rounded) and
    /// [`floored`](Self::floored) allow for; those of another mean nothing.
    ///
    /// # Errors
    /// [`Halo2Error::Rounding`] names the first that was not.
    pub(crate) const fn check_shifts(&self) -> Result<(), Halo2Error> {
        let (min, max) = (*SHIFTS.start(), *SHIFTS.end());
        match self.refused_shift {
            Some(got) => Err(Halo2Error::Rounding { got, min, max }),
            None => Ok(()),
        }
    }

    /// Returns the tables in which something is looked up.
    pub(crate) fn tables(&self) -> BTreeSet<Table> {
        self.constraints.lookups.iter().map(|(table, _)| *table).collect()
    }

    /// Makes the constraints of a method, which are then known by it and by where it is called.
    ///
    /// The closure is where the constraints are made: a call in it has a place of its own, and one
    /// in a tracked method outside of it would have the place of the method's caller.
    #[track_caller]
    pub(crate) fn within<T>(
        &mut self,
        method: &'static str,
        make: impl FnOnce(&mut Self) -> T,
    ) -> T {
        self.constraints.sites.enter(method, Location::caller());
        let made = make(self);
        self.constraints.sites.leave();
        made
    }

    /// Starts the constraints of a part, for reports.
    pub(crate) fn part(&mut self, name: impl Into<String>) {
        let begin = self.constraints.count();
        self.constraints.parts.push(Part { name: name.into(), begin });
    }

    /// Assigns a value to a new cell without constraints; the caller adds those that leave one
    /// value possible.
    pub(crate) fn witness(&mut self, value: i128) -> AssignedInt {
        AssignedInt { cell: self.cell(field(value)), value }
    }

    /// Assigns an element of the field to a new cell.
    pub(crate) fn cell(&mut self, value: Fr) -> Cell {
        let cell = Cell(self.constraints.values.len() as u32);
        self.constraints.values.push(value);
        cell
    }

    /// Returns the value of a cell.
    #[must_use]
    pub(crate) fn value(&self, cell: Cell) -> Fr {
        self.constraints.values[cell.0 as usize]
    }

    /// Returns the constant, from the one cell that holds it.
    pub(crate) fn constant(&mut self, value: i128) -> AssignedInt {
        AssignedInt { cell: self.field_constant(field(value)), value }
    }

    /// Returns the one cell that holds a constant of the field.
    pub(crate) fn field_constant(&mut self, value: Fr) -> Cell {
        let key = value.to_repr();
        if let Some(cell) = self.constants.get(&key) {
            return *cell;
        }
        let cell = self.cell(value);
        self.constraints.constants.push((cell, value));
        self.constants.insert(key, cell);
        cell
    }

    /// Constrains `a + b * c = d`.
    #[track_caller]
    pub(crate) fn gate(&mut self, a: Cell, b: Cell, c: Cell, d: Cell) {
        self.constraints.gates.push([a, b, c, d]);
        self.constraints.sites.gate(Location::caller());
    }

    /// Returns `a + b * c`.
    #[track_caller]
    pub(crate) fn mul_add(
        &mut self,
        a: AssignedInt,
        b: AssignedInt,
        c: AssignedInt,
    ) -> AssignedInt {
        let value = a.value + b.value * c.value;
        let sum = AssignedInt { cell: self.cell(field(value)), value };
        self.gate(a.cell, b.cell, c.cell, sum.cell);
        sum
    }

    /// Returns `a * b`.
    #[track_caller]
    pub(crate) fn mul(&mut self, a: AssignedInt, b: AssignedInt) -> AssignedInt {
        let zero = self.constant(0);
        self.mul_add(zero, a, b)
    }

    /// Returns `a + b`.
    #[track_caller]
    pub(crate) fn add(&mut self, a: AssignedInt, b: AssignedInt) -> AssignedInt {
        self.add_scaled(a, b, 1)
    }

    /// Returns `a - b`.
    #[track_caller]
    pub(crate) fn sub(&mut self, a: AssignedInt, b: AssignedInt) -> AssignedInt {
        self.add_scaled(a, b, -1)
    }

    /// Returns `a + b * factor`.
    #[track_caller]
    pub(crate) fn add_scaled(
        &mut self,
        a: AssignedInt,
        b: AssignedInt,
        factor: i128,
    ) -> AssignedInt {
        let factor = self.constant(factor);
        self.mul_add(a, b, factor)
    }

    /// Returns `a * factor`.
    #[track_caller]
    pub(crate) fn scaled(&mut self, a: AssignedInt, factor: i128) -> AssignedInt {
        let zero = self.constant(0);
        self.add_scaled(zero, a, factor)
    }

    /// Returns `a + offset`.
    #[track_caller]
    pub(crate) fn shifted(&mut self, a: AssignedInt, offset: i128) -> AssignedInt {
        let offset = self.constant(offset);
        self.add(a, offset)
    }

    /// Returns `offset + sum a[i] * b[i]`.
    #[track_caller]
    pub(crate) fn dot(
        &mut self,
        offset: i128,
        terms: impl IntoIterator<Item = (AssignedInt, AssignedInt)>,
    ) -> AssignedInt {
        let mut sum = self.constant(offset);
        for (a, b) in terms {
            sum = self.mul_add(sum, a, b);
        }
        sum
    }

    /// Returns `offset + sum a[i] * factor[i]`.
    #[track_caller]
    pub(crate) fn linear(
        &mut self,
        offset: i128,
        terms: impl IntoIterator<Item = (AssignedInt, i128)>,
    ) -> AssignedInt {
        let mut sum = self.constant(offset);
        for (a, factor) in terms {
            sum = self.add_scaled(sum, a, factor);
        }
        sum
    }

    /// Constrains `a = b`.
    #[track_caller]
    pub(crate) fn assert_equal(&mut self, a: AssignedInt, b: AssignedInt) {
        let (zero, one) = (self.constant(0), self.constant(1));
        self.gate(a.cell, zero.cell, one.cell, b.cell);
    }

    /// Constrains `a * b = 0`.
    #[track_caller]
    pub(crate) fn assert_product_zero(&mut self, a: AssignedInt, b: AssignedInt) {
        let zero = self.constant(0);
        self.gate(zero.cell, a.cell, b.cell, zero.cell);
    }

    /// Assigns a bit to a new cell that is constrained to 0 or 1.
    #[track_caller]
    pub(crate) fn bit(&mut self, value: bool) -> AssignedInt {
        let zero = self.constant(0);
        let bit = self.witness(i128::from(value));
        self.gate(zero.cell, bit.cell, bit.cell, bit.cell);
        bit
    }

    /// Constrains `0 <= value < 2^bits`, for `bits` up to 120.
    #[track_caller]
    pub(crate) fn range_check(&mut self, value: AssignedInt, bits: u32) {
        self.within("range_check", |builder| {
            let limb = builder.range_bits;
            if bits == 0 {
                let zero = builder.constant(0);
                builder.assert_equal(value, zero);
                return;
            }
            let mut rest = bits;
            let mut sum: Option<AssignedInt> = None;
            while rest > limb {
                let shift = bits - rest;
                let part = builder.witness((value.value >> shift) & ((1 << limb) - 1));
                builder.lookup(Table::Range, part);
                sum = Some(match sum {
                    None => part,
                    Some(sum) => builder.add_scaled(sum, part, 1 << shift),
                });
                rest -= limb;
            }
            let shift = bits - rest;
            let top = match sum {
                None => value,
                Some(sum) => {
                    let top = builder.witness(value.value >> shift);
                    let factor = builder.constant(1 << shift);
                    builder.gate(sum.cell, top.cell, factor.cell, value.cell);
                    top
                }
            };
            builder.lookup(Table::Range, top);
            if rest < limb {
                let zero = builder.constant(0);
                let scaled = builder.add_scaled(zero, top, 1 << (limb - rest));
                builder.lookup(Table::Range, scaled);
            }
        });
    }

    /// Constrains `0 <= value < 2^b` for the least multiple `b` of the limb size that is not below
    /// `bits`: cheaper than an exact range, where a wider one does no harm.
    #[track_caller]
    pub(crate) fn range_check_loose(&mut self, value: AssignedInt, bits: u32) {
        self.range_check(value, bits.next_multiple_of(self.range_bits));
    }

    /// Constrains `-2^b <= value < 2^b` for some `b` of `bits` or more, so that whole limbs are
    /// checked.
    #[track_caller]
    pub(crate) fn range_check_signed(&mut self, value: AssignedInt, bits: u32) {
        self.within("range_check_signed", |builder| {
            let bits = (bits + 1).next_multiple_of(builder.range_bits);
            let above = builder.shifted(value, 1 << (bits - 1));
            builder.range_check(above, bits);
        });
    }

    /// Constrains `low <= value <= high`.
    #[track_caller]
    pub(crate) fn range_check_between(&mut self, value: AssignedInt, low: i128, high: i128) {
        self.within("range_check_between", |builder| {
            let bits = 128 - (high - low).leading_zeros();
            let above = builder.shifted(value, -low);
            if high - low == (1 << bits) - 1 {
                builder.range_check(above, bits);
                return;
            }
            // Both are integers that are not negative, and their sum is `high - low`, in the field
            // and so as integers, because both are small. Hence neither exceeds it, whatever larger
            // bound the limbs have.
            builder.range_check_loose(above, bits);
            let top = builder.constant(high);
            let below = builder.sub(top, value);
            builder.range_check_loose(below, bits);
        });
    }

    /// Returns the entry of `table` at `index`, which other constraints keep within 16 bits.
    #[track_caller]
    pub(crate) fn entry(
        &mut self,
        table: Table,
        index: AssignedInt,
        entries: &[u16],
    ) -> AssignedInt {
        let at = usize::try_from(index.value).ok().and_then(|at| entries.get(at));
        let entry = self.witness(i128::from(at.copied().unwrap_or(0)));
        self.within("entry", |builder| {
            // With the index in 16 bits and the entry a small integer that is not negative, both
            // follow from the row: a row has 32 bits, so the entry has no more than 16.
            builder.range_check_loose(entry, 16);
            let row = builder.add_scaled(index, entry, 1 << 16);
            builder.lookup(table, row);
        });
        entry
    }

    /// Returns the shift, or the nearest of [`SHIFTS`] if it is none of them, which is remembered.
    fn checked_shift(&mut self, shift: i32) -> i32 {
        let nearest = shift.clamp(*SHIFTS.start(), *SHIFTS.end());
        if nearest != shift {
            self.refused_shift.get_or_insert(shift);
        }
        nearest
    }

    /// Returns `round(value, shift)` before saturation: `q` with
    /// `value + 2^(shift-1) = q * 2^shift + r`.
    ///
    /// The caller bounds `q`, so that only one is possible.
    #[track_caller]
    pub(crate) fn rounded(&mut self, value: AssignedInt, shift: i32) -> AssignedInt {
        let shift = self.checked_shift(shift);
        self.within("rounded", |builder| {
            if shift <= 0 {
                let zero = builder.constant(0);
                return builder.add_scaled(zero, value, 1 << shift.unsigned_abs());
            }
            let shift = shift.unsigned_abs();
            let half = builder.shifted(value, 1 << (shift - 1));
            builder.floored(half, shift)
        })
    }

    /// Returns `floor(value / 2^shift)`, which the caller bounds.
    #[track_caller]
    pub(crate) fn floored(&mut self, value: AssignedInt, shift: u32) -> AssignedInt {
        let shift = self.checked_shift(i32::try_from(shift).unwrap_or(i32::MAX)).unsigned_abs();
        let quotient = self.witness(value.value >> shift);
        let rest = self.witness(value.value & ((1 << shift) - 1));
        self.within("floored", |builder| {
            builder.range_check(rest, shift);
            let factor = builder.constant(1 << shift);
            builder.gate(rest.cell, quotient.cell, factor.cell, value.cell);
        });
        quotient
    }

    /// Returns `clamp(value, low, high)` of a value that exceeds the bounds by less than `2^bits`,
    /// and constrains the value to that.
    #[track_caller]
    pub(crate) fn clamped(
        &mut self,
        value: AssignedInt,
        low: i128,
        high: i128,
        bits: u32,
    ) -> AssignedInt {
        let clamped = self.witness(value.value.clamp(low, high));
        self.within("clamped", |builder| {
            builder.range_check_between(clamped, low, high);
            let excess = value.value - clamped.value;
            // value = clamped + (1 - 2 sign) * size, and size is 0 unless clamped is the bound on
            // that side.
            let size = builder.witness(excess.abs());
            let sign = builder.bit(excess < 0);
            // A size of 0 has no sign, so that there is only one witness.
            let least = builder.sub(size, sign);
            builder.range_check_loose(least, bits);
            let (top, span) = (builder.constant(high), builder.constant(low - high));
            let bound = builder.mul_add(top, sign, span);
            let room = builder.sub(bound, clamped);
            builder.assert_product_zero(size, room);
            let signed = builder.mul(sign, size);
            let sum = builder.add(clamped, size);
            let minus_two = builder.constant(-2);
            builder.gate(sum.cell, signed.cell, minus_two.cell, value.cell);
        });
        clamped
    }

    /// Returns `sat16(value)` of a value of at most `bits` bits and a sign.
    #[track_caller]
    pub(crate) fn sat16(&mut self, value: AssignedInt, bits: u32) -> AssignedInt {
        self.clamped(value, ACTIVATION_MIN.into(), ACTIVATION_MAX.into(), bits)
    }

    /// Returns `sat32(value)` of a value of at most `bits` bits and a sign.
    #[track_caller]
    pub(crate) fn sat32(&mut self, value: AssignedInt, bits: u32) -> AssignedInt {
        self.clamped(value, i32::MIN.into(), i32::MAX.into(), bits)
    }

    /// Constrains the product of `values` to be 0, that is, at least one of them.
    #[track_caller]
    pub(crate) fn assert_any_zero(&mut self, values: impl IntoIterator<Item = AssignedInt>) {
        self.within("assert_any_zero", |builder| {
            let (zero, one) = (builder.constant(0), builder.constant(1));
            let mut product = one.cell;
            for value in values {
                // The product leaves the integers. In the field, too, it is 0 only if a factor is.
                let element = builder.value(product) * builder.value(value.cell);
                let next = builder.cell(element);
                builder.gate(zero.cell, product, value.cell, next);
                product = next;
            }
            builder.gate(zero.cell, zero.cell, one.cell, product);
        });
    }

    /// Returns the largest of `values`, all of which are within `2^bits` of it.
    #[track_caller]
    pub(crate) fn max(&mut self, values: &[AssignedInt], bits: u32) -> AssignedInt {
        let max = self.witness(values.iter().map(|value| value.value).max().unwrap_or(0));
        self.within("max", |builder| {
            let mut distances = Vec::with_capacity(values.len());
            for value in values {
                let distance = builder.sub(max, *value);
                builder.range_check_loose(distance, bits);
                distances.push(distance);
            }
            builder.assert_any_zero(distances);
        });
        max
    }

    /// Returns 1 if the value is 0, else 0.
    #[track_caller]
    pub(crate) fn is_zero(&mut self, value: AssignedInt) -> AssignedInt {
        self.within("is_zero", |builder| {
            let (zero, one) = (builder.constant(0), builder.constant(1));
            let is_zero = builder.witness(i128::from(value.value == 0));
            let inverse = builder.value(value.cell).invert();
            let inverse = Option::<Fr>::from(inverse).unwrap_or(Fr::ZERO);
            let inverse = builder.cell(inverse);
            // is_zero + value * inverse = 1, and value * is_zero = 0.
            builder.gate(is_zero.cell, value.cell, inverse, one.cell);
            builder.gate(zero.cell, value.cell, is_zero.cell, zero.cell);
            // 0 has no inverse; the cell is then constrained to 0.
            builder.gate(zero.cell, inverse, is_zero.cell, zero.cell);
            is_zero
        })
    }

    /// Returns `floor(value / divisor)` for a positive constant; the caller bounds the quotient.
    #[track_caller]
    pub(crate) fn divided(&mut self, value: AssignedInt, divisor: i128) -> AssignedInt {
        let quotient = self.witness(value.value.div_euclid(divisor));
        let rest = self.witness(value.value.rem_euclid(divisor));
        self.within("divided", |builder| {
            builder.range_check_between(rest, 0, divisor - 1);
            let divisor = builder.constant(divisor);
            builder.gate(rest.cell, quotient.cell, divisor.cell, value.cell);
        });
        quotient
    }

    /// Constrains the value to be a row of the table, without its tag.
    #[track_caller]
    pub(crate) fn lookup(&mut self, table: Table, row: AssignedInt) {
        self.constraints.lookups.push((table, row.cell));
        self.constraints.sites.lookup(Location::caller());
    }

    /// Returns `input [m, depth] * weights [n, depth]^T`; the caller bounds the results.
    pub(crate) fn product(
        &mut self,
        input: &[AssignedInt],
        weights: Vec<i32>,
        depth: usize,
    ) -> Vec<AssignedInt> {
        let mut output = Vec::with_capacity(input.len() / depth * (weights.len() / depth));
        for x in input.chunks_exact(depth) {
            for w in weights.chunks_exact(depth) {
                let sum = x.iter().zip(w).map(|(x, w)| x.value * i128::from(*w)).sum();
                output.push(self.witness(sum));
            }
        }
        let cells = |values: &[AssignedInt]| values.iter().map(|value| value.cell).collect();
        let product = Product { input: cells(input), weights, output: cells(&output), depth };
        self.constraints.products.push(product);
        output
    }

    /// Makes a cell a public input; public inputs have the order of the calls.
    pub(crate) fn publish(&mut self, cell: Cell) {
        self.constraints.instance.push(cell);
    }
}

/// The shifts of a rounding. Powers of two up to 2^120 are 128-bit integers with room for a sum,
/// and so are values of up to 46 bits, the widest that are rounded, times 2^64.
const SHIFTS: RangeInclusive<i32> = -64..=120;

/// Converts an integer to an element of the field.
#[must_use]
pub(crate) fn field(value: i128) -> Fr {
    let size = Fr::from_u128(value.unsigned_abs());
    if value < 0 { -size } else { size }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shifts_that_no_constraint_allows_for_are_refused() {
        let check = |shift: i32, down: bool| {
            let mut builder = Builder::new(16);
            let value = builder.constant((1 << 46) - 1);
            if down {
                builder.floored(value, shift as u32);
            } else {
                builder.rounded(value, shift);
            }
            builder.check_shifts()
        };
        for shift in [-64, -1, 0, 1, 119, 120] {
            assert_eq!(check(shift, false), Ok(()), "{shift}");
        }
        // 1 << 127 is negative, and 1 << 128 is none of 128 bits.
        for got in [-96, -65, 121, 127, 128, i32::MAX] {
            let refused = Halo2Error::Rounding { got, min: -64, max: 120 };
            assert_eq!(check(got, false), Err(refused.clone()));
            if got > 0 {
                assert_eq!(check(got, true), Err(refused));
            }
        }
    }
}
