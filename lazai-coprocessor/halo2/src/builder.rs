use std::collections::{BTreeMap, BTreeSet};

use halo2_proofs::halo2curves::{
    bn256::Fr,
    ff::{Field, PrimeField},
};

use lazai_coprocessor::numeric::{ACTIVATION_MAX, ACTIVATION_MIN};

use super::{
    constraints::{Cell, Constraints, Part, Product},
    table::Table,
};

/// An integer in a cell.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Int {
    pub(super) cell: Cell,
    pub(super) value: i128,
}

impl Int {
    /// What the prover knows it to be.
    #[must_use]
    pub(crate) const fn value(self) -> i128 {
        self.value
    }

    /// Where it is.
    #[must_use]
    pub(crate) const fn cell(self) -> Cell {
        self.cell
    }
}

/// Builds constraints together with the values that satisfy them.
///
/// Every method adds the same constraints whatever the values are.
#[derive(Debug)]
pub(crate) struct Builder {
    constraints: Constraints,
    constants: BTreeMap<[u8; 32], Cell>,
    range_bits: u32,
    /// What a malicious prover alters: the number of a witness, and what is added to it.
    #[cfg(test)]
    pub(crate) lie: Option<(usize, i128)>,
    #[cfg(test)]
    pub(crate) witnesses: usize,
}

impl Builder {
    /// Begins with a range table of `2^range_bits` integers.
    #[must_use]
    pub(crate) fn new(range_bits: u32) -> Self {
        Self {
            constraints: Constraints::default(),
            constants: BTreeMap::new(),
            range_bits,
            #[cfg(test)]
            lie: None,
            #[cfg(test)]
            witnesses: 0,
        }
    }

    /// What was built.
    #[must_use]
    pub(crate) fn finish(self) -> Constraints {
        self.constraints
    }

    /// The tables that were asked.
    pub(crate) fn tables(&self) -> BTreeSet<Table> {
        self.constraints.lookups.iter().map(|(table, _)| *table).collect()
    }

    /// Begins the constraints of a part.
    pub(crate) fn part(&mut self, name: impl Into<String>) {
        let begin = self.constraints.count();
        self.constraints.parts.push(Part { name: name.into(), begin });
    }

    /// A new cell without constraints; the caller adds those that leave one value possible.
    pub(crate) fn witness(&mut self, value: i128) -> Int {
        #[cfg(test)]
        let value = self.lied(value);
        Int { cell: self.cell(field(value)), value }
    }

    /// The value, or what a malicious prover makes of it; all that depends on it follows.
    #[cfg(test)]
    const fn lied(&mut self, value: i128) -> i128 {
        self.witnesses += 1;
        match self.lie {
            Some((index, added)) if index + 1 == self.witnesses => value + added,
            _ => value,
        }
    }

    /// A new cell for any element of the field.
    pub(crate) fn cell(&mut self, value: Fr) -> Cell {
        let cell = Cell(self.constraints.values.len() as u32);
        self.constraints.values.push(value);
        cell
    }

    /// The value of a cell.
    #[must_use]
    pub(crate) fn value(&self, cell: Cell) -> Fr {
        self.constraints.values[cell.0 as usize]
    }

    /// The cell of a constant.
    pub(crate) fn constant(&mut self, value: i128) -> Int {
        Int { cell: self.field_constant(field(value)), value }
    }

    /// The cell of a constant of the field.
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

    /// Demands `a + b * c = d`.
    pub(crate) fn gate(&mut self, a: Cell, b: Cell, c: Cell, d: Cell) {
        self.constraints.gates.push([a, b, c, d]);
    }

    /// `a + b * c`.
    pub(crate) fn mul_add(&mut self, a: Int, b: Int, c: Int) -> Int {
        let value = a.value + b.value * c.value;
        let sum = Int { cell: self.cell(field(value)), value };
        self.gate(a.cell, b.cell, c.cell, sum.cell);
        sum
    }

    /// `a * b`.
    pub(crate) fn mul(&mut self, a: Int, b: Int) -> Int {
        let zero = self.constant(0);
        self.mul_add(zero, a, b)
    }

    /// `a + b`.
    pub(crate) fn add(&mut self, a: Int, b: Int) -> Int {
        self.add_scaled(a, b, 1)
    }

    /// `a - b`.
    pub(crate) fn sub(&mut self, a: Int, b: Int) -> Int {
        self.add_scaled(a, b, -1)
    }

    /// `a + b * factor`.
    pub(crate) fn add_scaled(&mut self, a: Int, b: Int, factor: i128) -> Int {
        let factor = self.constant(factor);
        self.mul_add(a, b, factor)
    }

    /// `a * factor`.
    pub(crate) fn scaled(&mut self, a: Int, factor: i128) -> Int {
        let zero = self.constant(0);
        self.add_scaled(zero, a, factor)
    }

    /// `a + offset`.
    pub(crate) fn shifted(&mut self, a: Int, offset: i128) -> Int {
        let offset = self.constant(offset);
        self.add(a, offset)
    }

    /// `offset + sum a[i] * b[i]`.
    pub(crate) fn dot(&mut self, offset: i128, terms: impl IntoIterator<Item = (Int, Int)>) -> Int {
        let start = self.constant(offset);
        terms.into_iter().fold(start, |sum, (a, b)| self.mul_add(sum, a, b))
    }

    /// `offset + sum a[i] * factor[i]`.
    pub(crate) fn linear(
        &mut self,
        offset: i128,
        terms: impl IntoIterator<Item = (Int, i128)>,
    ) -> Int {
        let start = self.constant(offset);
        terms.into_iter().fold(start, |sum, (a, factor)| self.add_scaled(sum, a, factor))
    }

    /// Demands `a = b`.
    pub(crate) fn equal(&mut self, a: Int, b: Int) {
        let (zero, one) = (self.constant(0), self.constant(1));
        self.gate(a.cell, zero.cell, one.cell, b.cell);
    }

    /// Demands `a * b = 0`.
    pub(crate) fn one_is_zero(&mut self, a: Int, b: Int) {
        let zero = self.constant(0);
        self.gate(zero.cell, a.cell, b.cell, zero.cell);
    }

    /// A cell that holds 0 or 1.
    pub(crate) fn bit(&mut self, value: bool) -> Int {
        let zero = self.constant(0);
        let bit = self.witness(i128::from(value));
        self.gate(zero.cell, bit.cell, bit.cell, bit.cell);
        bit
    }

    /// Demands `0 <= value < 2^bits`, for `bits` up to 120.
    pub(crate) fn range(&mut self, value: Int, bits: u32) {
        let limb = self.range_bits;
        if bits == 0 {
            let zero = self.constant(0);
            self.equal(value, zero);
            return;
        }
        let mut rest = bits;
        let mut sum: Option<Int> = None;
        while rest > limb {
            let shift = bits - rest;
            let part = self.witness((value.value >> shift) & ((1 << limb) - 1));
            self.lookup(Table::Range, part);
            sum = Some(match sum {
                None => part,
                Some(sum) => self.add_scaled(sum, part, 1 << shift),
            });
            rest -= limb;
        }
        let shift = bits - rest;
        let top = match sum {
            None => value,
            Some(sum) => {
                let top = self.witness(value.value >> shift);
                let factor = self.constant(1 << shift);
                self.gate(sum.cell, top.cell, factor.cell, value.cell);
                top
            }
        };
        self.lookup(Table::Range, top);
        if rest < limb {
            let zero = self.constant(0);
            let scaled = self.add_scaled(zero, top, 1 << (limb - rest));
            self.lookup(Table::Range, scaled);
        }
    }

    /// Demands `0 <= value < 2^b` for a convenient `b` of `bits` or more: where a wider range does no harm.
    pub(crate) fn small(&mut self, value: Int, bits: u32) {
        self.range(value, bits.next_multiple_of(self.range_bits));
    }

    /// Demands `-2^b <= value < 2^b` for a convenient `b` of `bits` or more.
    pub(crate) fn small_signed(&mut self, value: Int, bits: u32) {
        let bits = (bits + 1).next_multiple_of(self.range_bits);
        let above = self.shifted(value, 1 << (bits - 1));
        self.range(above, bits);
    }

    /// Demands `low <= value <= high`.
    pub(crate) fn between(&mut self, value: Int, low: i128, high: i128) {
        let bits = 128 - (high - low).leading_zeros();
        let above = self.shifted(value, -low);
        self.range(above, bits);
        if high - low != (1 << bits) - 1 {
            let top = self.constant(high);
            let below = self.sub(top, value);
            self.range(below, bits);
        }
    }

    /// The entry of `table` at `index`, which other constraints keep within 16 bits.
    pub(crate) fn entry(&mut self, table: Table, index: Int, entries: &[u16]) -> Int {
        let at = usize::try_from(index.value).ok().and_then(|at| entries.get(at));
        let entry = self.witness(i128::from(at.copied().unwrap_or(0)));
        // With both in 16 bits there is one way to make the row of them.
        self.range(entry, 16);
        let row = self.add_scaled(index, entry, 1 << 16);
        self.lookup(table, row);
        entry
    }

    /// `round(value, shift)`, before saturation: `value + 2^(shift-1) = q * 2^shift + r`. The caller bounds `q`, so that one
    /// is possible.
    pub(crate) fn rounded(&mut self, value: Int, shift: i32) -> Int {
        if shift <= 0 {
            let zero = self.constant(0);
            return self.add_scaled(zero, value, 1 << shift.unsigned_abs());
        }
        let shift = shift.unsigned_abs();
        let half = self.shifted(value, 1 << (shift - 1));
        self.floored(half, shift)
    }

    /// `floor(value / 2^shift)`; the caller bounds it.
    pub(crate) fn floored(&mut self, value: Int, shift: u32) -> Int {
        let quotient = self.witness(value.value >> shift);
        let rest = self.witness(value.value & ((1 << shift) - 1));
        self.range(rest, shift);
        let factor = self.constant(1 << shift);
        self.gate(rest.cell, quotient.cell, factor.cell, value.cell);
        quotient
    }

    /// `clamp(value, low, high)` of a value that exceeds them by less than `2^bits`; bounds the value too.
    pub(crate) fn clamped(&mut self, value: Int, low: i128, high: i128, bits: u32) -> Int {
        let clamped = self.witness(value.value.clamp(low, high));
        self.between(clamped, low, high);
        let excess = value.value - clamped.value;
        // value = clamped + (1 - 2 sign) * size, and size is 0 unless clamped is the bound on that side.
        let size = self.witness(excess.abs());
        let sign = self.bit(excess < 0);
        // No sign of 0, so that there is one way only.
        let least = self.sub(size, sign);
        self.small(least, bits);
        let (top, span) = (self.constant(high), self.constant(low - high));
        let bound = self.mul_add(top, sign, span);
        let room = self.sub(bound, clamped);
        self.one_is_zero(size, room);
        let signed = self.mul(sign, size);
        let sum = self.add(clamped, size);
        let minus_two = self.constant(-2);
        self.gate(sum.cell, signed.cell, minus_two.cell, value.cell);
        clamped
    }

    /// `sat16(value)` of a value of at most `bits` bits and a sign.
    pub(crate) fn sat16(&mut self, value: Int, bits: u32) -> Int {
        self.clamped(value, ACTIVATION_MIN.into(), ACTIVATION_MAX.into(), bits)
    }

    /// `sat32(value)` of a value of at most `bits` bits and a sign.
    pub(crate) fn sat32(&mut self, value: Int, bits: u32) -> Int {
        self.clamped(value, -(1 << 31), (1 << 31) - 1, bits)
    }

    /// Demands that one of `values`, all small, is 0.
    pub(crate) fn some_is_zero(&mut self, values: impl IntoIterator<Item = Int>) {
        let (zero, one) = (self.constant(0), self.constant(1));
        let mut product = one.cell;
        for value in values {
            // The product leaves the integers; in the field, too, it is 0 only if a factor is.
            let element = self.value(product) * self.value(value.cell);
            let next = self.cell(element);
            self.gate(zero.cell, product, value.cell, next);
            product = next;
        }
        self.gate(zero.cell, zero.cell, one.cell, product);
    }

    /// The largest of `values`, all of which are within `2^bits` of it.
    pub(crate) fn max(&mut self, values: &[Int], bits: u32) -> Int {
        let max = self.witness(values.iter().map(|value| value.value).max().unwrap_or(0));
        let mut distances = Vec::with_capacity(values.len());
        for value in values {
            let distance = self.sub(max, *value);
            self.small(distance, bits);
            distances.push(distance);
        }
        self.some_is_zero(distances);
        max
    }

    /// 1 if the value is 0, else 0.
    pub(crate) fn is_zero(&mut self, value: Int) -> Int {
        let (zero, one) = (self.constant(0), self.constant(1));
        let is_zero = self.witness(i128::from(value.value == 0));
        let inverse = Option::<Fr>::from(self.value(value.cell).invert()).unwrap_or(Fr::ZERO);
        let inverse = self.cell(inverse);
        // is_zero + value * inverse = 1, and value * is_zero = 0.
        self.gate(is_zero.cell, value.cell, inverse, one.cell);
        self.gate(zero.cell, value.cell, is_zero.cell, zero.cell);
        // Of 0, which has no inverse, it is 0.
        self.gate(zero.cell, inverse, is_zero.cell, zero.cell);
        is_zero
    }

    /// `floor(value / divisor)` for a positive constant; the caller bounds it.
    pub(crate) fn divided(&mut self, value: Int, divisor: i128) -> Int {
        let quotient = self.witness(value.value.div_euclid(divisor));
        let rest = self.witness(value.value.rem_euclid(divisor));
        self.between(rest, 0, divisor - 1);
        let divisor = self.constant(divisor);
        self.gate(rest.cell, quotient.cell, divisor.cell, value.cell);
        quotient
    }

    /// Demands that the value is a row of the table, its tag left out.
    pub(crate) fn lookup(&mut self, table: Table, row: Int) {
        self.constraints.lookups.push((table, row.cell));
    }

    /// `input [m, depth] * weights [n, depth]^T`; the caller bounds the results.
    pub(crate) fn product(&mut self, input: &[Int], weights: Vec<i32>, depth: usize) -> Vec<Int> {
        let mut output = Vec::with_capacity(input.len() / depth * (weights.len() / depth));
        for x in input.chunks_exact(depth) {
            for w in weights.chunks_exact(depth) {
                let sum = x.iter().zip(w).map(|(x, w)| x.value * i128::from(*w)).sum();
                output.push(self.witness(sum));
            }
        }
        let cells = |values: &[Int]| values.iter().map(|value| value.cell).collect();
        let product = Product { input: cells(input), weights, output: cells(&output), depth };
        self.constraints.products.push(product);
        output
    }

    /// Makes a cell public; the order of calls is that of the instance.
    pub(crate) fn publish(&mut self, cell: Cell) {
        self.constraints.instance.push(cell);
    }
}

/// An integer as an element of the field.
#[must_use]
pub(crate) fn field(value: i128) -> Fr {
    let size = Fr::from_u128(value.unsigned_abs());
    if value < 0 { -size } else { size }
}
