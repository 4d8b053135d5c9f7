//! What a check in a contract takes, by the columns of the circuit.

use super::super::shape::{Shape, TERMS};

impl Shape {
    /// Columns whose cells are tied to equal ones: all but tables and sums.
    #[must_use]
    pub(crate) const fn permuted(&self) -> usize {
        self.gates + self.lookups + self.folds + self.constants + 1
    }

    /// Columns that do not depend on a run.
    #[must_use]
    pub(crate) const fn fixed(&self) -> usize {
        self.gates + self.lookups + 2 * self.tables + 4 * self.folds + self.constants + 1
    }

    /// Columns of products over the permuted ones.
    #[must_use]
    pub(crate) const fn permutations(&self) -> usize {
        self.permuted().div_ceil(TERMS)
    }

    /// Points of a proof: its columns, a random one, the quotient in four parts, and two of the opening.
    #[must_use]
    pub(crate) const fn points(&self) -> usize {
        let columns = self.gates + self.lookups + self.tables + self.folds;
        columns + self.sums() + self.permutations() + 7
    }

    /// Evaluations in a proof.
    #[must_use]
    pub(crate) const fn evaluations(&self) -> usize {
        // A multiplication is four values and a selector, a fold four values and four constants.
        let gates = 5 * self.gates + 8 * self.folds;
        let lookups = 2 * self.lookups + 3 * self.tables + 2 * self.sums() + 2;
        // Every permuted column, and its products here, at the next row and at the last, that of the last column excepted.
        let permuted = self.permuted() + 3 * self.permutations() - 1;
        gates + lookups + self.constants + permuted + 1
    }

    /// Bytes of a proof, without an envelope.
    #[must_use]
    pub(crate) const fn proof_bytes(&self) -> usize {
        64 * self.points() + 32 * self.evaluations()
    }

    /// Multiplications of points in a check.
    #[must_use]
    pub(crate) const fn multiplications(&self) -> usize {
        // All commitments but one, and the generator.
        self.points() + self.fixed() + self.permuted()
    }

    /// About the gas of a transaction that checks a proof in a contract; less, if columns are equal.
    #[must_use]
    pub(crate) const fn contract_gas(&self) -> usize {
        163_000
            + 6_350 * self.multiplications()
            + 1_150 * self.points()
            + 1_000 * self.evaluations()
    }

    /// About the bytes of that contract.
    #[must_use]
    pub(crate) const fn contract_bytes(&self) -> usize {
        6_800 + 110 * self.multiplications() + 30 * self.points() + 104 * self.evaluations()
    }
}
