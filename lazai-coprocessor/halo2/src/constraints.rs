use halo2_proofs::halo2curves::{bn256::Fr, ff::Field};

use crate::{sites::Sites, table::Table};

/// The number of a value; all its occurrences in the circuit hold the same one.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Cell(pub(super) u32);

impl Cell {
    /// Returns the number.
    #[must_use]
    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }
}

/// The constraints of a circuit, before anything has a row or a column, and its witness.
///
/// Everything but `values` depends on the network and the shapes alone, never on the integers of a
/// run.
#[derive(Debug, Default)]
pub(crate) struct Constraints {
    /// The value of each cell.
    pub(crate) values: Vec<Fr>,
    /// Multiplications: `a + b * c = d`.
    pub(crate) gates: Vec<[Cell; 4]>,
    /// The cells that hold constants.
    pub(crate) constants: Vec<(Cell, Fr)>,
    /// The cells whose value is a row of a table.
    pub(crate) lookups: Vec<(Table, Cell)>,
    /// Products with public matrices.
    pub(crate) products: Vec<Product>,
    /// The cells that hold the public inputs, in their order.
    pub(crate) instance: Vec<Cell>,
    /// Where the constraints of each part start.
    pub(crate) parts: Vec<Part>,
    /// Where in the source multiplications and lookups are made.
    pub(crate) sites: Sites,
}

/// A product with a public matrix: `output[i][j] = sum_k input[i][k] * weights[j][k]`.
#[derive(Debug)]
pub(crate) struct Product {
    /// `[m, k]`, row by row.
    pub(crate) input: Vec<Cell>,
    /// `[n, k]`, row by row.
    pub(crate) weights: Vec<i32>,
    /// `[m, n]`, row by row.
    pub(crate) output: Vec<Cell>,
    /// Number of columns of the input.
    pub(crate) depth: usize,
}

impl Product {
    /// Returns the number of rows of the weights.
    #[must_use]
    pub(crate) const fn width(&self) -> usize {
        self.weights.len() / self.depth
    }
}

/// The constraints of one operator, or of what follows the operators.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    /// Name for reports.
    pub(crate) name: String,
    /// Number of constraints before it.
    pub(crate) begin: Count,
}

/// Numbers of constraints.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Count {
    /// Number of values.
    pub(crate) cells: usize,
    /// Number of multiplications.
    pub(crate) gates: usize,
    /// Number of lookups.
    pub(crate) lookups: usize,
    /// Number of steps of the linear combinations that check products.
    pub(crate) linear_combinations: usize,
}

impl Constraints {
    /// Returns the numbers of constraints so far.
    #[must_use]
    pub(crate) fn count(&self) -> Count {
        Count {
            cells: self.values.len(),
            gates: self.gates.len(),
            lookups: self.lookups.len(),
            linear_combinations: self.products.iter().map(Product::linear_combinations).sum(),
        }
    }
}

impl Product {
    const fn linear_combinations(&self) -> usize {
        self.weights.len() + self.output.len() + self.input.len()
    }
}

impl Constraints {
    /// Returns the cell of the constant 0, if there is one.
    #[must_use]
    pub(crate) fn zero(&self) -> Option<Cell> {
        let zero = |value: &Fr| bool::from(value.is_zero());
        self.constants.iter().find(|(_, value)| zero(value)).map(|(cell, _)| *cell)
    }
}
