//! The cost of a check in a contract, by the columns of the circuit.

use crate::shape::Shape;

impl Shape {
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
