use halo2_proofs::halo2curves::{bn256::Fr, ff::Field};

use crate::{Domain, polynomial::Polynomial};

/// The number of a variable: a value of the witness, whatever number of cells it stands in.
pub type Variable = u32;

/// A sum of products that must be 0.
#[derive(Clone, Debug)]
pub struct Equation {
    pub(crate) constant: Fr,
    pub(crate) terms: Vec<Term>,
    /// The name of the gate that demands it.
    pub(crate) gate: String,
    /// The column of the witness in which the gate stands: the first that it reads at its own row.
    pub(crate) column: Option<usize>,
    /// The row at which the gate stands.
    pub(crate) row: usize,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Term {
    pub(crate) coefficient: Fr,
    /// The domain of the coefficient alone.
    pub(crate) scale: Domain,
    pub(crate) factors: Factors,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Factors {
    One(Variable),
    Two(Variable, Variable),
}

/// What an equation demands.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Form {
    /// A variable is 0 or 1.
    Bit,
    /// A variable is a constant, or equals another.
    Equal,
    /// One of two variables is 0.
    ProductZero,
    /// Anything else; most often one variable is a sum of products of others.
    Sum,
}

impl Equation {
    pub(crate) fn new(
        polynomial: &Polynomial,
        gate: &str,
        column: Option<usize>,
        row: usize,
    ) -> Self {
        let mut constant = Fr::ZERO;
        let mut terms = Vec::new();
        for (monomial, coefficient) in polynomial.terms() {
            let factors = match monomial.symbols() {
                [] => {
                    constant = *coefficient;
                    continue;
                }
                [x] => Factors::One(*x),
                [x, y, ..] => Factors::Two(*x, *y),
            };
            let scale = Domain::exact(*coefficient);
            terms.push(Term { coefficient: *coefficient, scale, factors });
        }
        Self { constant, terms, gate: gate.to_owned(), column, row }
    }

    /// Returns the name of the gate that demands the equation.
    #[must_use]
    pub fn gate(&self) -> &str {
        &self.gate
    }

    /// Returns the variables, some of them more than once.
    pub(crate) fn variables(&self) -> impl Iterator<Item = Variable> {
        self.terms
            .iter()
            .flat_map(|term| match term.factors {
                Factors::One(x) => [Some(x), None],
                Factors::Two(x, y) => [Some(x), Some(y)],
            })
            .flatten()
    }

    /// Returns the sum, which must be 0.
    pub(crate) fn evaluate(&self, values: &[Fr]) -> Fr {
        let value = |x: Variable| values[x as usize];
        self.terms.iter().fold(self.constant, |sum, term| {
            sum + term.coefficient
                * match term.factors {
                    Factors::One(x) => value(x),
                    Factors::Two(x, y) => value(x) * value(y),
                }
        })
    }

    /// Returns what the equation demands.
    #[must_use]
    pub fn form(&self) -> Form {
        let zero = self.constant == Fr::ZERO;
        match &self.terms[..] {
            [Term { factors: Factors::Two(..), .. }] if zero => Form::ProductZero,
            [Term { factors: Factors::One(_), .. }] => Form::Equal,
            [a, b] if zero && a.coefficient == -b.coefficient => match (a.factors, b.factors) {
                (Factors::One(_), Factors::One(_)) => Form::Equal,
                (Factors::One(x), Factors::Two(y, z)) | (Factors::Two(y, z), Factors::One(x))
                    if x == y && y == z =>
                {
                    Form::Bit
                }
                _ => Form::Sum,
            },
            _ => Form::Sum,
        }
    }
}
