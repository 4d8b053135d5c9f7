//! Places every constraint in rows and columns.

use std::collections::BTreeMap;

use halo2_proofs::halo2curves::bn256::Fr;

use crate::{
    Halo2Error,
    builder::field,
    constraints::{Cell, Constraints},
    shape::{MAX_COLUMNS, Shape},
    table::Table,
};

/// A value in a column of linear combinations.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Slot {
    /// A cell of the first phase.
    First(Cell),
    /// A value that depends on a challenge, by its number.
    Second(u32),
}

/// A step of a linear combination, which starts at a row of its column.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum CombinationStep {
    /// Appends a cell: `v[0] * gamma + v[1] = v[2]`.
    AppendCell,
    /// Appends a public weight: `v[0] * gamma + weight = v[1]`.
    AppendWeight(i32),
    /// Adds a product: `v[0] + v[1] * v[2] = v[3]`.
    MultiplyAdd,
}

/// A column of multiplications.
#[derive(Debug, Default)]
pub(crate) struct GateColumn {
    /// The value in each row.
    pub(crate) cells: Vec<Cell>,
    /// The rows at which a multiplication starts.
    pub(crate) begins: Vec<u32>,
}

/// A column of linear combinations.
#[derive(Debug, Default)]
pub(crate) struct CombinationColumn {
    /// The value in each row.
    pub(crate) slots: Vec<Slot>,
    /// The steps, with the row at which each starts.
    pub(crate) steps: Vec<(u32, CombinationStep)>,
}

/// The places of all constraints.
#[derive(Debug)]
pub(crate) struct Layout {
    /// The numbers of columns.
    pub(crate) shape: Shape,
    /// The columns of multiplications.
    pub(crate) gates: Vec<GateColumn>,
    /// The columns of values that are looked up.
    pub(crate) lookups: Vec<Vec<(Table, Cell)>>,
    /// The rows of all tables, one after the other.
    pub(crate) tables: Vec<(Table, u32)>,
    /// The index of the first row of each table.
    pub(crate) starts: BTreeMap<Table, usize>,
    /// The columns of linear combinations that check products.
    pub(crate) linear_combinations: Vec<CombinationColumn>,
    /// Number of values that depend on a challenge.
    pub(crate) second: u32,
}

impl Layout {
    /// Places `constraints` in columns of `2^k` rows, with tables of the given rows.
    ///
    /// # Errors
    /// [`Halo2Error`] if they need too many columns.
    pub(crate) fn new(
        constraints: &Constraints,
        tables: &BTreeMap<Table, Vec<u32>>,
        k: u32,
    ) -> Result<Self, Halo2Error> {
        let mut shape = Shape { k, ..Shape::default() };
        let rows = shape.rows();
        let mut gates = Vec::<GateColumn>::new();
        for [a, b, c, d] in &constraints.gates {
            let fits = gates.last().is_some_and(|column| column.cells.len() + 4 <= rows);
            if !fits {
                gates.push(GateColumn::default());
            }
            let Some(column) = gates.last_mut() else { continue };
            // A sum continues where the last one ended.
            if column.cells.last() != Some(a) {
                column.cells.push(*a);
            }
            column.begins.push(column.cells.len() as u32 - 1);
            column.cells.extend([*b, *c, *d]);
        }
        let summed = shape.summed_rows();
        let lookups: Vec<_> =
            constraints.lookups.chunks(summed).map(<[(Table, Cell)]>::to_vec).collect();
        let mut starts = BTreeMap::new();
        let mut entries = Vec::new();
        for (table, rows) in tables {
            starts.insert(*table, entries.len());
            entries.extend(rows.iter().map(|row| (*table, *row)));
        }
        let (linear_combinations, second) = linear_combinations(constraints, rows)?;
        shape.gates = gates.len();
        shape.lookups = lookups.len();
        shape.tables = if lookups.is_empty() { 0 } else { entries.len().div_ceil(summed) };
        shape.linear_combinations = linear_combinations.len();
        shape.constants = constraints.constants.len().div_ceil(rows).max(1);
        for (what, got) in [
            ("multiplications", shape.gates),
            ("lookups", shape.lookups),
            ("tables", shape.tables),
            ("folds", shape.linear_combinations),
            ("constants", shape.constants),
        ] {
            if got > MAX_COLUMNS {
                return Err(Halo2Error::Columns { what, k, got, max: MAX_COLUMNS });
            }
        }
        let layout =
            Self { shape, gates, lookups, tables: entries, starts, linear_combinations, second };
        layout.check_places(constraints)?;
        Ok(layout)
    }

    /// Checks that every value that the second phase reads is committed before it.
    fn check_places(&self, constraints: &Constraints) -> Result<(), Halo2Error> {
        let mut placed = vec![false; constraints.values.len()];
        let constants = constraints.constants.iter().map(|(cell, _)| cell);
        let gates = self.gates.iter().flat_map(|column| &column.cells);
        let lookups = self.lookups.iter().flatten().map(|(_, cell)| cell);
        for cell in constants.chain(gates).chain(lookups) {
            placed[cell.0 as usize] = true;
        }
        let combined = constraints
            .products
            .iter()
            .flat_map(|product| product.input.iter().chain(&product.output));
        match constraints.instance.iter().chain(combined).find(|cell| !placed[cell.0 as usize]) {
            Some(cell) => Err(Halo2Error::Unplaced { cell: cell.0 }),
            None => Ok(()),
        }
    }

    /// Counts how often each row of the tables is looked up; unused rows of lookup columns look up
    /// the first row.
    ///
    /// A value that is in no table is not counted, and no proof of it verifies.
    #[must_use]
    pub(crate) fn multiplicities(&self, values: &[Fr]) -> Vec<u64> {
        let mut counts = vec![0_u64; self.tables.len()];
        let mut looked_up = 0;
        for (table, cell) in self.lookups.iter().flatten() {
            looked_up += 1;
            let bytes = values[cell.0 as usize].to_bytes();
            let (low, high) = bytes.split_at(4);
            if high.iter().any(|byte| *byte != 0) {
                continue;
            }
            let value = low.iter().rev().fold(0_u32, |value, byte| value << 8 | u32::from(*byte));
            let index = self.starts.get(table).map(|start| start + (value & 0xffff) as usize);
            if let Some(index) = index.filter(|at| self.tables.get(*at) == Some(&(*table, value))) {
                counts[index] += 1;
            }
        }
        if let Some(first) = counts.first_mut() {
            *first += (self.shape.lookups * self.shape.summed_rows() - looked_up) as u64;
        }
        counts
    }

    /// Computes the values that depend on `gamma`, in the order of their numbers.
    #[must_use]
    pub(crate) fn second_values(&self, values: &[Fr], gamma: Fr) -> Vec<Fr> {
        let mut second = vec![Fr::zero(); self.second as usize];
        let get = |second: &[Fr], slot: Slot| match slot {
            Slot::First(cell) => values[cell.0 as usize],
            Slot::Second(id) => second[id as usize],
        };
        for column in &self.linear_combinations {
            for (row, step) in &column.steps {
                let at = |offset: usize| column.slots[*row as usize + offset];
                let (target, value) = match step {
                    CombinationStep::AppendCell => {
                        (at(2), get(&second, at(0)) * gamma + get(&second, at(1)))
                    }
                    CombinationStep::AppendWeight(weight) => {
                        let weight = field(i128::from(*weight));
                        (at(1), get(&second, at(0)) * gamma + weight)
                    }
                    CombinationStep::MultiplyAdd => {
                        let product = get(&second, at(1)) * get(&second, at(2));
                        (at(3), get(&second, at(0)) + product)
                    }
                };
                if let Slot::Second(id) = target {
                    second[id as usize] = value;
                }
            }
        }
        second
    }
}

/// Places the checks of all products: `u[k] = sum_j weights[j][k] gamma^j` once, and for each row
/// `i` of the input `sum_k input[i][k] u[k] = sum_j output[i][j] gamma^j`.
///
/// A wrong output passes for at most `n` of the values of `gamma`. Returns the columns, and how
/// many values depend on `gamma`.
///
/// # Source
/// Freivalds 1977.
fn linear_combinations(
    constraints: &Constraints,
    rows: usize,
) -> Result<(Vec<CombinationColumn>, u32), Halo2Error> {
    let mut writer = Writer { columns: Vec::new(), rows, next: 0 };
    // Without it, products would be left unchecked.
    let zero = match constraints.zero() {
        Some(zero) => zero,
        None if constraints.products.is_empty() => return Ok((Vec::new(), 0)),
        None => return Err(Halo2Error::NoZero),
    };
    for product in &constraints.products {
        let (width, depth) = (product.width(), product.depth);
        let mut columns = Vec::with_capacity(depth);
        for k in 0..depth {
            let mut sum = Slot::First(zero);
            for j in (0..width).rev() {
                let next = writer.fresh();
                writer.write(
                    &[sum, next],
                    CombinationStep::AppendWeight(product.weights[j * depth + k]),
                );
                sum = next;
            }
            columns.push(sum);
        }
        for (x, y) in product.input.chunks_exact(depth).zip(product.output.chunks_exact(width)) {
            let mut combined = Slot::First(zero);
            for y in y.iter().rev() {
                let next = writer.fresh();
                writer.write(&[combined, Slot::First(*y), next], CombinationStep::AppendCell);
                combined = next;
            }
            let mut sum = Slot::First(zero);
            for (k, (x, column)) in x.iter().zip(&columns).enumerate() {
                // The last sum is the combination of the output itself: a copy of its cell, so that
                // both are equal.
                let next = if k + 1 == depth { combined } else { writer.fresh() };
                writer.write(&[sum, Slot::First(*x), *column, next], CombinationStep::MultiplyAdd);
                sum = next;
            }
        }
    }
    Ok((writer.columns, writer.next))
}

struct Writer {
    columns: Vec<CombinationColumn>,
    rows: usize,
    next: u32,
}

impl Writer {
    const fn fresh(&mut self) -> Slot {
        let slot = Slot::Second(self.next);
        self.next += 1;
        slot
    }

    fn write(&mut self, slots: &[Slot], step: CombinationStep) {
        let fits = self.columns.last().is_some_and(|column| column.slots.len() + 4 <= self.rows);
        if !fits {
            self.columns.push(CombinationColumn::default());
        }
        let Some(column) = self.columns.last_mut() else { return };
        if column.slots.last() != slots.first() {
            column.slots.extend(slots.first());
        }
        column.steps.push((column.slots.len() as u32 - 1, step));
        column.slots.extend(&slots[1..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::constraints::Product;

    #[test]
    fn products_are_not_left_unchecked_for_want_of_a_zero() {
        let mut constraints = Constraints::default();
        let (input, output) = (Cell(0), Cell(1));
        constraints.values = vec![Fr::one(); 2];
        constraints.gates.push([input, input, output, output]);
        let tables = BTreeMap::new();
        assert!(Layout::new(&constraints, &tables, 6).is_ok());
        constraints.products.push(Product {
            input: vec![input],
            weights: vec![1],
            output: vec![output],
            depth: 1,
        });
        assert_eq!(Layout::new(&constraints, &tables, 6).unwrap_err(), Halo2Error::NoZero);
    }
}
