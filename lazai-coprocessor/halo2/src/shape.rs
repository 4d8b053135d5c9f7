/// The columns of a circuit; with the number of constants' columns they determine its gates.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Shape {
    /// Logarithm of the rows.
    pub(crate) k: u32,
    /// Columns of multiplications.
    pub(crate) gates: usize,
    /// Columns of values that are looked up.
    pub(crate) lookups: usize,
    /// Columns of tables.
    pub(crate) tables: usize,
    /// Columns of the checks of products.
    pub(crate) folds: usize,
    /// Columns of constants.
    pub(crate) constants: usize,
}

impl Shape {
    /// Rows that constraints may use; those behind them hold what makes a proof reveal nothing.
    #[cfg(feature = "prover")]
    #[must_use]
    pub(crate) const fn rows(&self) -> usize {
        (1 << self.k) - RESERVED
    }

    /// Rows of lookups and tables: the last is kept for the end of their sums.
    #[cfg(feature = "prover")]
    #[must_use]
    pub(crate) const fn summed_rows(&self) -> usize {
        self.rows() - 1
    }

    /// Columns of partial sums, three terms each.
    #[must_use]
    pub(crate) const fn sums(&self) -> usize {
        (self.lookups + self.tables).div_ceil(TERMS)
    }
}

/// Rows at the end that hold random values.
#[cfg(feature = "prover")]
pub(crate) const RESERVED: usize = 16;
/// Terms of a partial sum, so that its gate has degree five.
pub(crate) const TERMS: usize = 3;

/// Most columns of a kind.
pub(crate) const MAX_COLUMNS: usize = 64;
/// Fewest rows, as a logarithm.
pub(crate) const K_MIN: u32 = 6;
/// Most rows, as a logarithm.
pub(crate) const K_MAX: u32 = 22;
