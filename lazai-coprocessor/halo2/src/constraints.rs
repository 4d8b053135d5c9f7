use halo2_proofs::halo2curves::{bn256::Fr, ff::Field};

use super::table::Table;

/// A place for a value; all its occurrences hold the same one.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Cell(pub(super) u32);

impl Cell {
    /// The cell of this number.
    #[cfg(test)]
    pub(crate) const fn new(index: usize) -> Self {
        Self(index as u32)
    }

    /// Its number.
    #[must_use]
    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a circuit demands of its values, before anything has a row or a column.
///
/// Everything but `values` depends on the network and the shapes alone, never on the integers that run through it.
#[derive(Debug, Default)]
pub(crate) struct Constraints {
    /// The value of each cell.
    pub(crate) values: Vec<Fr>,
    /// `a + b * c = d`.
    pub(crate) gates: Vec<[Cell; 4]>,
    /// Cells that hold constants.
    pub(crate) constants: Vec<(Cell, Fr)>,
    /// Cells whose value is a row of a table.
    pub(crate) lookups: Vec<(Table, Cell)>,
    /// Products with public matrices.
    pub(crate) products: Vec<Product>,
    /// Cells that hold the public inputs.
    pub(crate) instance: Vec<Cell>,
    /// Where the constraints of each part begin.
    pub(crate) parts: Vec<Part>,
}

/// `output[i][j] = sum_k input[i][k] * weights[j][k]`.
#[derive(Debug)]
pub(crate) struct Product {
    /// `[m, k]`, row by row.
    pub(crate) input: Vec<Cell>,
    /// `[n, k]`, row by row.
    pub(crate) weights: Vec<i32>,
    /// `[m, n]`, row by row.
    pub(crate) output: Vec<Cell>,
    /// Columns of the input.
    pub(crate) depth: usize,
}

impl Product {
    /// Rows of the weights.
    #[must_use]
    pub(crate) const fn width(&self) -> usize {
        self.weights.len() / self.depth
    }
}

/// The constraints of one operator.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    /// Its name.
    pub(crate) name: String,
    /// Sizes when it began.
    pub(crate) begin: Count,
}

/// How many constraints there are.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Count {
    /// Values.
    pub(crate) cells: usize,
    /// Multiplications.
    pub(crate) gates: usize,
    /// Lookups.
    pub(crate) lookups: usize,
    /// Steps of the checks of products.
    pub(crate) folds: usize,
}

impl Constraints {
    /// The sizes so far.
    #[must_use]
    pub(crate) fn count(&self) -> Count {
        Count {
            cells: self.values.len(),
            gates: self.gates.len(),
            lookups: self.lookups.len(),
            folds: self.products.iter().map(Product::folds).sum(),
        }
    }
}

impl Product {
    const fn folds(&self) -> usize {
        self.weights.len() + self.output.len() + self.input.len()
    }
}

impl Constraints {
    /// The cell of the constant 0.
    #[must_use]
    pub(crate) fn zero(&self) -> Option<Cell> {
        let zero = |value: &Fr| bool::from(value.is_zero());
        self.constants.iter().find(|(_, value)| zero(value)).map(|(cell, _)| *cell)
    }
}
