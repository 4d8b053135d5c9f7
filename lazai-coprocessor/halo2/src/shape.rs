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
    /// The most columns of every kind, and the most rows.
    pub(crate) const MOST: Self = Self {
        k: K_MAX,
        gates: MAX_COLUMNS,
        lookups: MAX_COLUMNS,
        tables: MAX_COLUMNS,
        linear_combinations: MAX_COLUMNS,
        constants: MAX_COLUMNS,
    };

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

    /// Returns the number of columns under the permutation argument: all but tables and sums.
    #[must_use]
    pub(crate) const fn permuted(&self) -> usize {
        self.gates + self.lookups + self.linear_combinations + self.constants + 1
    }

    /// Returns the number of product columns of the permutation argument.
    #[must_use]
    pub(crate) const fn permutations(&self) -> usize {
        self.permuted().div_ceil(TERMS)
    }

    /// Returns the number of points of a proof: its columns, a random one, the quotient in four
    /// parts, and two of the opening.
    #[must_use]
    pub(crate) const fn points(&self) -> usize {
        let columns = self.gates + self.lookups + self.tables + self.linear_combinations;
        columns + self.sums() + self.permutations() + 7
    }

    /// Returns the number of evaluations in a proof.
    #[must_use]
    pub(crate) const fn evaluations(&self) -> usize {
        // A multiplication has four values and a selector, a linear combination four values and
        // four fixed columns.
        let gates = 5 * self.gates + 8 * self.linear_combinations;
        let lookups = 2 * self.lookups + 3 * self.tables + 2 * self.sums() + 2;
        // Every permuted column, and every product at this row, the next and the last; but not the
        // last product at the last row.
        let permuted = self.permuted() + 3 * self.permutations() - 1;
        gates + lookups + self.constants + permuted + 1
    }

    /// Returns the bytes of a proof without its envelope.
    #[must_use]
    pub(crate) const fn proof_bytes(&self) -> usize {
        64 * self.points() + 32 * self.evaluations()
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
