//! The columns and gates of a circuit, which follow from its shape.

use halo2_proofs::{
    circuit::{Layouter, SimpleFloorPlanner},
    halo2curves::{bn256::Fr, ff::Field},
    plonk::{
        Advice, Challenge, Circuit, Column, ConstraintSystem, Error, Expression, FirstPhase, Fixed,
        Instance, SecondPhase,
    },
    poly::Rotation,
};

use crate::shape::{Shape, TERMS};

/// The columns of a circuit.
#[cfg_attr(
    not(feature = "prover"),
    expect(dead_code, reason = "a verifier puts nothing into columns")
)]
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(super) instance: Column<Instance>,
    pub(super) constants: Vec<Column<Fixed>>,
    pub(super) gates: Vec<(Column<Advice>, Column<Fixed>)>,
    pub(super) lookups: Vec<(Column<Advice>, Column<Fixed>)>,
    pub(super) tables: Vec<TableColumns>,
    pub(super) linear_combinations: Vec<CombinationColumns>,
    pub(super) sums: Vec<Column<Advice>>,
    pub(super) summed: Column<Fixed>,
    pub(super) gamma: Challenge,
    pub(super) beta: Challenge,
}

/// A column of tables: the rows, the table of each row, and how often the row is looked up.
#[derive(Clone, Debug)]
pub(super) struct TableColumns {
    pub(super) row: Column<Fixed>,
    pub(super) tag: Column<Fixed>,
    pub(super) count: Column<Advice>,
}

/// A column of linear combinations, and the fixed columns that say which step starts at each row.
#[derive(Clone, Debug)]
pub(super) struct CombinationColumns {
    pub(super) values: Column<Advice>,
    pub(super) append: Column<Fixed>,
    pub(super) weigh: Column<Fixed>,
    pub(super) weight: Column<Fixed>,
    pub(super) multiply: Column<Fixed>,
}

impl Config {
    pub(crate) fn new(meta: &mut ConstraintSystem<Fr>, shape: Shape) -> Self {
        let instance = meta.instance_column();
        meta.enable_equality(instance);
        let constants: Vec<_> = (0..shape.constants)
            .map(|_| {
                let column = meta.fixed_column();
                meta.enable_equality(column);
                column
            })
            .collect();
        let gates: Vec<_> = (0..shape.gates)
            .map(|_| {
                let column = meta.advice_column_in(FirstPhase);
                meta.enable_equality(column);
                (column, meta.fixed_column())
            })
            .collect();
        let lookups: Vec<_> = (0..shape.lookups)
            .map(|_| {
                let column = meta.advice_column_in(FirstPhase);
                meta.enable_equality(column);
                (column, meta.fixed_column())
            })
            .collect();
        let tables: Vec<_> = (0..shape.tables)
            .map(|_| TableColumns {
                row: meta.fixed_column(),
                tag: meta.fixed_column(),
                count: meta.advice_column_in(FirstPhase),
            })
            .collect();
        // A challenge needs an advice column in the phase before it.
        if gates.is_empty() && lookups.is_empty() {
            meta.advice_column_in(FirstPhase);
        }
        let gamma = meta.challenge_usable_after(FirstPhase);
        let beta = meta.challenge_usable_after(FirstPhase);
        let linear_combinations: Vec<_> = (0..shape.linear_combinations)
            .map(|_| {
                let values = meta.advice_column_in(SecondPhase);
                meta.enable_equality(values);
                CombinationColumns {
                    values,
                    append: meta.fixed_column(),
                    weigh: meta.fixed_column(),
                    weight: meta.fixed_column(),
                    multiply: meta.fixed_column(),
                }
            })
            .collect();
        let sums: Vec<_> = (0..shape.sums()).map(|_| meta.advice_column_in(SecondPhase)).collect();
        let summed = meta.fixed_column();
        let config = Self {
            instance,
            constants,
            gates,
            lookups,
            tables,
            linear_combinations,
            sums,
            summed,
            gamma,
            beta,
        };
        config.multiply(meta);
        config.fold(meta);
        config.look_up(meta);
        meta.set_minimum_degree(TERMS + 2);
        config
    }

    fn multiply(&self, meta: &mut ConstraintSystem<Fr>) {
        for (column, begins) in &self.gates {
            meta.create_gate("multiply", |meta| {
                let begins = meta.query_fixed(*begins, Rotation::cur());
                let [a, b, c, d] = [0, 1, 2, 3].map(|at| meta.query_advice(*column, Rotation(at)));
                [begins * (a + b * c - d)]
            });
        }
    }

    fn fold(&self, meta: &mut ConstraintSystem<Fr>) {
        for columns in &self.linear_combinations {
            meta.create_gate("fold", |meta| {
                let [append, weigh, weight, multiply] =
                    [columns.append, columns.weigh, columns.weight, columns.multiply]
                        .map(|column| meta.query_fixed(column, Rotation::cur()));
                let [a, b, c, d] =
                    [0, 1, 2, 3].map(|at| meta.query_advice(columns.values, Rotation(at)));
                let gamma = meta.query_challenge(self.gamma);
                let shifted = a.clone() * gamma;
                [
                    append * (shifted.clone() + b.clone() - c.clone()),
                    weigh * (shifted + weight - b.clone()),
                    multiply * (a + b * c - d),
                ]
            });
        }
    }

    /// Adds the lookup argument: `sum 1 / (beta - looked up) = sum count / (beta - row)` over all
    /// rows, where both are a value plus `gamma` times a tag.
    ///
    /// # Source
    /// Haböck 2022, ePrint 2022/1530.
    fn look_up(&self, meta: &mut ConstraintSystem<Fr>) {
        if self.sums.is_empty() {
            return;
        }
        meta.create_gate("look up", |meta| {
            let one = Expression::Constant(Fr::ONE);
            let beta = meta.query_challenge(self.beta);
            // An unbounded value could equal a row of another table, tag included, if the tag were
            // added without a challenge.
            let gamma = meta.query_challenge(self.gamma);
            let mut terms: Vec<(Expression<Fr>, Expression<Fr>)> = Vec::new();
            for (value, tag) in &self.lookups {
                let value = meta.query_advice(*value, Rotation::cur());
                let tag = meta.query_fixed(*tag, Rotation::cur());
                terms.push((one.clone(), beta.clone() - value - gamma.clone() * tag));
            }
            for TableColumns { row, tag, count } in &self.tables {
                let row = meta.query_fixed(*row, Rotation::cur());
                let tag = meta.query_fixed(*tag, Rotation::cur());
                let count = meta.query_advice(*count, Rotation::cur());
                terms.push((-count, beta.clone() - row - gamma.clone() * tag));
            }
            let summed = meta.query_fixed(self.summed, Rotation::cur());
            let before = meta.query_fixed(self.summed, Rotation::prev());
            let first = summed.clone() * (one.clone() - before.clone());
            let last = before * (one.clone() - summed.clone());
            let mut constraints = Vec::new();
            let mut total = Expression::Constant(Fr::ZERO);
            for (terms, sum) in terms.chunks(TERMS).zip(&self.sums) {
                let now = meta.query_advice(*sum, Rotation::cur());
                let next = meta.query_advice(*sum, Rotation::next());
                let all = terms.iter().fold(one.clone(), |all, (_, below)| all * below.clone());
                let mut added = Expression::Constant(Fr::ZERO);
                for (index, (above, _)) in terms.iter().enumerate() {
                    let others = terms.iter().enumerate().filter(|(other, _)| *other != index);
                    added = added
                        + others.fold(above.clone(), |all, (_, (_, below))| all * below.clone());
                }
                constraints.push(summed.clone() * ((next - now.clone()) * all - added));
                constraints.push(first.clone() * now.clone());
                total = total + now;
            }
            constraints.push(last * total);
            constraints
        });
    }
}

/// A circuit without constraints, from which halo2 learns the columns and gates of a shape.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Columns;

impl Circuit<Fr> for Columns {
    type Config = Config;
    type FloorPlanner = SimpleFloorPlanner;
    type Params = Shape;

    fn without_witnesses(&self) -> Self {
        Self
    }

    fn configure(meta: &mut ConstraintSystem<Fr>) -> Config {
        Config::new(meta, Shape::default())
    }

    fn configure_with_params(meta: &mut ConstraintSystem<Fr>, shape: Shape) -> Config {
        Config::new(meta, shape)
    }

    fn synthesize(&self, _: Config, _: impl Layouter<Fr>) -> Result<(), Error> {
        Err(Error::Synthesis)
    }
}
