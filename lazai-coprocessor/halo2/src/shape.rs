/// The rows and columns of a circuit, which determine its gates.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Shape {
    /// Binary logarithm of the rows.
    pub(crate) k: u32,
    /// Columns of multiplications.
    pub(crate) gates: usize,
    /// Columns of values that are looked up.
    pub(crate) lookups: usize,
    /// Columns of tables.
    pub(crate) tables: usize,
    /// Columns of linear combinations.
    pub(crate) linear_combinations: usize,
    /// Columns of constants.
    pub(crate) constants: usize,
}

impl Shape {
    /// Returns how many rows constraints may use; those after them hold blinding values.
    #[cfg(feature = "prover")]
    #[must_use]
    pub(crate) const fn rows(&self) -> usize {
        (1 << self.k) - RESERVED
    }

    /// Returns how many rows lookups and tables may use; the last is kept for the end of their
    /// sums.
    #[cfg(feature = "prover")]
    #[must_use]
    pub(crate) const fn summed_rows(&self) -> usize {
        self.rows() - 1
    }

    /// Returns the logarithm of the rows, and the numbers of columns in their order.
    #[cfg(feature = "prover")]
    #[must_use]
    pub(crate) const fn numbers(&self) -> [usize; 6] {
        let Self { k, gates, lookups, tables, linear_combinations, constants } = *self;
        [k as usize, gates, lookups, tables, linear_combinations, constants]
    }

    /// Returns the number of columns of partial sums, three terms each.
    #[must_use]
    pub(crate) const fn sums(&self) -> usize {
        (self.lookups + self.tables).div_ceil(TERMS)
    }
}

/// Rows at the end that hold blinding values.
#[cfg(feature = "prover")]
pub(crate) const RESERVED: usize = 16;
/// Terms of a partial sum, so that its gate has degree five.
pub(crate) const TERMS: usize = 3;

/// Largest number of columns of a kind.
pub(crate) const MAX_COLUMNS: usize = 64;
/// Binary logarithm of the fewest rows.
pub(crate) const K_MIN: u32 = 6;
/// Binary logarithm of the most rows.
pub(crate) const K_MAX: u32 = 22;
