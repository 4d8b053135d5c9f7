//! A circuit of a few gates and lookups, written down one by one.

use halo2_proofs::{
    circuit::{Cell, Layouter, SimpleFloorPlanner, Value},
    halo2curves::{bn256::Fr, ff::Field},
    plonk::{
        Advice, Circuit, Column, ConstraintSystem, Error, Expression, FirstPhase, Fixed, Instance,
        SecondPhase,
    },
    poly::Rotation,
};
use lazai_determinism::{ColumnIndex, Content, Question, System, Variable, Verdict};

/// How rows of one table are told from those of another, and what is wrong with the argument.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Tags {
    /// By a challenge, which nobody can foresee.
    #[default]
    Challenge,
    /// By a challenge, but a row may be counted after the challenges are known.
    CountedLate,
    /// By a challenge, but a public input is added to the value that is looked up.
    Moved,
    /// By a multiple of `2^32`, which a value that nothing else bounds may have in it.
    PowerOfTwo,
    /// By a challenge, which stands alone below a row and is multiplied by the tag of a value.
    Swapped,
}

/// Constraints on numbered cells.
#[derive(Clone, Debug, Default)]
pub(crate) struct Toy {
    pub(crate) values: Vec<Fr>,
    /// `a + b * c = d`.
    pub(crate) gates: Vec<[usize; 4]>,
    pub(crate) constants: Vec<usize>,
    /// Public cells.
    pub(crate) public: Vec<usize>,
    /// Tag of a table, and cell.
    pub(crate) lookups: Vec<(u64, usize)>,
    /// Rows with their tags.
    pub(crate) table: Vec<(u64, u64)>,
    pub(crate) tags: Tags,
}

#[derive(Clone, Debug)]
pub(crate) struct Columns {
    cells: Column<Advice>,
    begins: Column<Fixed>,
    looked_up: Column<Advice>,
    tag: Column<Fixed>,
    row: Column<Fixed>,
    row_tag: Column<Fixed>,
    summed: Column<Fixed>,
    constants: Column<Fixed>,
    instance: Column<Instance>,
}

pub(crate) const K: u32 = 7;
const SUMMED: usize = (1 << K) - 16;

impl Toy {
    pub(crate) fn cell(&mut self, value: Fr) -> usize {
        self.values.push(value);
        self.values.len() - 1
    }

    pub(crate) fn constant(&mut self, value: Fr) -> usize {
        let cell = self.cell(value);
        self.constants.push(cell);
        cell
    }

    /// Returns a new cell that is `a + b * c`.
    pub(crate) fn sum(&mut self, a: usize, b: usize, c: usize) -> usize {
        let cell = self.cell(self.values[a] + self.values[b] * self.values[c]);
        self.gates.push([a, b, c, cell]);
        cell
    }

    pub(crate) fn read(&self) -> (System, Vec<Fr>) {
        let public = self.public.iter().map(|cell| self.values[*cell]).collect();
        System::read(self, K, &[public]).unwrap()
    }

    /// Returns the variable of a cell, by its first place in a gate.
    pub(crate) fn variable(&self, system: &System, cell: usize) -> Option<Variable> {
        let at = self.gates.iter().flatten().position(|other| *other == cell)?;
        match system.content(ColumnIndex::Advice(0), at)? {
            Content::Variable(variable) => Some(variable),
            Content::Known(_) => None,
        }
    }

    pub(crate) fn answer(&self) -> Verdict {
        let (system, values) = self.read();
        Question::new(&system, &values).answer()
    }
}

impl Circuit<Fr> for Toy {
    type Config = Columns;
    type FloorPlanner = SimpleFloorPlanner;
    type Params = Tags;

    fn without_witnesses(&self) -> Self {
        self.clone()
    }

    fn params(&self) -> Tags {
        self.tags
    }

    fn configure(meta: &mut ConstraintSystem<Fr>) -> Columns {
        Self::configure_with_params(meta, Tags::Challenge)
    }

    fn configure_with_params(meta: &mut ConstraintSystem<Fr>, tags: Tags) -> Columns {
        let [cells, looked_up, first] = [(); 3].map(|()| meta.advice_column_in(FirstPhase));
        let [begins, tag, row, row_tag, summed, constants] = [(); 6].map(|()| meta.fixed_column());
        let instance = meta.instance_column();
        let gamma = meta.challenge_usable_after(FirstPhase);
        let beta = meta.challenge_usable_after(FirstPhase);
        let [sum, second] = [(); 2].map(|()| meta.advice_column_in(SecondPhase));
        let count = if tags == Tags::CountedLate { second } else { first };
        meta.enable_equality(cells);
        meta.enable_equality(looked_up);
        meta.enable_equality(constants);
        meta.enable_equality(instance);
        meta.create_gate("multiply", |meta| {
            let begins = meta.query_fixed(begins, Rotation::cur());
            let [a, b, c, d] = [0, 1, 2, 3].map(|at| meta.query_advice(cells, Rotation(at)));
            [begins * (a + b * c - d)]
        });
        meta.create_gate("look up", |meta| {
            let one = Expression::Constant(Fr::ONE);
            let beta = meta.query_challenge(beta);
            let apart = match tags {
                Tags::PowerOfTwo => Expression::Constant(Fr::from(1 << 32)),
                _ => meta.query_challenge(gamma),
            };
            let mut value = meta.query_advice(looked_up, Rotation::cur());
            if tags == Tags::Moved {
                value = value + meta.query_instance(instance, Rotation::cur());
            }
            let [tag, row, row_tag] =
                [tag, row, row_tag].map(|column| meta.query_fixed(column, Rotation::cur()));
            let count = meta.query_advice(count, Rotation::cur());
            let above = beta.clone() - value - apart.clone() * tag;
            let below = match tags {
                Tags::Swapped => apart - row - beta * row_tag,
                _ => beta - row - apart * row_tag,
            };
            let holds = meta.query_fixed(summed, Rotation::cur());
            let before = meta.query_fixed(summed, Rotation::prev());
            let now = meta.query_advice(sum, Rotation::cur());
            let next = meta.query_advice(sum, Rotation::next());
            let added = below.clone() + -count * above.clone();
            [
                holds.clone() * ((next - now.clone()) * (above * below) - added),
                holds.clone() * (one.clone() - before.clone()) * now.clone(),
                before * (one - holds) * now,
            ]
        });
        Columns { cells, begins, looked_up, tag, row, row_tag, summed, constants, instance }
    }

    fn synthesize(&self, config: Columns, mut layouter: impl Layouter<Fr>) -> Result<(), Error> {
        let places = layouter.assign_region(
            || "first",
            |mut region| {
                let mut places: Vec<Option<Cell>> = vec![None; self.values.len()];
                for (row_offset, cell) in self.constants.iter().enumerate() {
                    region.assign_fixed(config.constants, row_offset, self.values[*cell]);
                    places[*cell] = Some(Cell { row_offset, column: config.constants.into() });
                }
                let gates = self.gates.iter().flatten().map(|cell| (config.cells, *cell));
                let lookups = self.lookups.iter().map(|(_, cell)| (config.looked_up, *cell));
                for (row_offset, (column, cell)) in gates.enumerate().chain(lookups.enumerate()) {
                    region.assign_advice(column, row_offset, Value::known(self.values[cell]));
                    let here = Cell { row_offset, column: column.into() };
                    match places[cell] {
                        None => places[cell] = Some(here),
                        Some(place) => region.constrain_equal(place, here),
                    }
                }
                for at in 0..self.gates.len() {
                    region.assign_fixed(config.begins, 4 * at, Fr::ONE);
                }
                // Rows that look nothing up look up the first row of the table.
                let (first_tag, first) = self.table.first().copied().unwrap_or_default();
                for row in 0..SUMMED {
                    let (tag, entry) = self.table.get(row).copied().unwrap_or((first_tag, first));
                    region.assign_fixed(config.row, row, Fr::from(entry));
                    region.assign_fixed(config.row_tag, row, Fr::from(tag));
                    region.assign_fixed(config.summed, row, Fr::ONE);
                    let tag = self.lookups.get(row).map_or(first_tag, |(tag, _)| *tag);
                    region.assign_fixed(config.tag, row, Fr::from(tag));
                    if row >= self.lookups.len() {
                        let value = Value::known(Fr::from(first));
                        region.assign_advice(config.looked_up, row, value);
                    }
                }
                Ok(places)
            },
        )?;
        for (row, cell) in self.public.iter().enumerate() {
            if let Some(place) = places[*cell] {
                layouter.constrain_instance(place, config.instance, row);
            }
        }
        Ok(())
    }
}
