//! The cost of a check in a contract, by the columns of the circuit.

use crate::shape::{Shape, TERMS};

impl Shape {
    /// Returns the number of columns under the permutation argument: all but tables and sums.
    #[must_use]
    pub(crate) const fn permuted(&self) -> usize {
        self.gates + self.lookups + self.linear_combinations + self.constants + 1
    }

    /// Returns the number of fixed columns.
    #[must_use]
    pub(crate) const fn fixed(&self) -> usize {
        self.gates
            + self.lookups
            + 2 * self.tables
            + 4 * self.linear_combinations
            + self.constants
            + 1
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

    /// Returns the number of scalar multiplications in a check.
    #[must_use]
    pub(crate) const fn multiplications(&self) -> usize {
        // All commitments but one, and the generator.
        self.points() + self.fixed() + self.permuted()
    }

    /// Estimates the gas of a transaction that checks a proof in a contract; equal columns make it
    /// less.
    #[must_use]
    pub(crate) const fn contract_gas(&self) -> usize {
        163_000
            + 6_350 * self.multiplications()
            + 1_150 * self.points()
            + 1_000 * self.evaluations()
    }

    /// Estimates the bytes of that contract.
    #[must_use]
    pub(crate) const fn contract_bytes(&self) -> usize {
        6_800 + 110 * self.multiplications() + 30 * self.points() + 104 * self.evaluations()
    }
}
