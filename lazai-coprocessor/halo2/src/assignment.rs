//! Witness assignment: writes the values of a run into the columns of the circuit.

use halo2_proofs::{
    circuit::{Cell as Place, Layouter, Region, SimpleFloorPlanner, Value},
    halo2curves::{
        bn256::Fr,
        ff::{BatchInvert, Field},
    },
    plonk::{Advice, Circuit, Column, ConstraintSystem, Error},
};

use crate::{
    builder::field,
    config::Config,
    constraints::{Cell, Constraints},
    layout::{CombinationStep, Layout, Slot},
    shape::{Shape, TERMS},
};

/// A circuit with its witness: constraints, their places in the layout, and the values that satisfy
/// them.
#[derive(Clone, Debug)]
pub(crate) struct AssignedWitness<'a> {
    pub(crate) constraints: &'a Constraints,
    pub(crate) layout: &'a Layout,
    #[cfg(test)]
    pub(crate) tampering: Option<Tampering>,
}

/// A change that a malicious prover makes to the columns themselves.
#[cfg(test)]
#[derive(Clone, Copy, Debug)]
pub(crate) enum Tampering {
    /// Adds 1 to the value of an advice column at the first row, and takes 1 away at the second, if
    /// that is another.
    Cells { column: usize, rows: [usize; 2] },
    /// Swaps the two challenges.
    Challenges,
}

impl<'a> AssignedWitness<'a> {
    pub(crate) const fn new(constraints: &'a Constraints, layout: &'a Layout) -> Self {
        Self {
            constraints,
            layout,
            #[cfg(test)]
            tampering: None,
        }
    }

    /// Assigns a value to a row of a column.
    fn put(
        &self,
        region: &mut Region<'_, Fr>,
        column: Column<Advice>,
        row: usize,
        value: Value<Fr>,
    ) {
        #[cfg(test)]
        let value = match self.tampering {
            Some(Tampering::Cells { column: other, rows: [first, second] })
                if other == column.index() && (row == first || row == second) =>
            {
                let added = if row == first { Fr::ONE } else { -Fr::ONE };
                value.map(|value| value + added)
            }
            _ => value,
        };
        region.assign_advice(column, row, value);
    }
}

impl Circuit<Fr> for AssignedWitness<'_> {
    type Config = Config;
    type FloorPlanner = SimpleFloorPlanner;
    type Params = Shape;

    fn without_witnesses(&self) -> Self {
        self.clone()
    }

    fn params(&self) -> Shape {
        self.layout.shape
    }

    fn configure(meta: &mut ConstraintSystem<Fr>) -> Config {
        Config::new(meta, Shape::default())
    }

    fn configure_with_params(meta: &mut ConstraintSystem<Fr>, shape: Shape) -> Config {
        Config::new(meta, shape)
    }

    fn synthesize(&self, config: Config, mut layouter: impl Layouter<Fr>) -> Result<(), Error> {
        let places = layouter.assign_region(
            || "first",
            |mut region| {
                let places = self.first(&config, &mut region);
                Ok(places)
            },
        )?;
        for (row, cell) in self.constraints.instance.iter().enumerate() {
            if let Some(place) = places[cell.0 as usize] {
                layouter.constrain_instance(place, config.instance, row);
            }
        }
        layouter.next_phase();
        let (gamma, beta) =
            (layouter.get_challenge(config.gamma), layouter.get_challenge(config.beta));
        #[cfg(test)]
        let (gamma, beta) = match self.tampering {
            Some(Tampering::Challenges) => (beta, gamma),
            _ => (gamma, beta),
        };
        layouter.assign_region(
            || "second",
            |mut region| {
                self.second(&config, &mut region, gamma, &places);
                self.sums(&config, &mut region, beta.zip(gamma));
                Ok(())
            },
        )
    }
}

impl AssignedWitness<'_> {
    fn value(&self, cell: Cell) -> Fr {
        self.constraints.values[cell.0 as usize]
    }

    fn first(&self, config: &Config, region: &mut Region<'_, Fr>) -> Vec<Option<Place>> {
        let mut places: Vec<Option<Place>> = vec![None; self.constraints.values.len()];
        let rows = self.layout.shape.rows();
        for (index, (cell, value)) in self.constraints.constants.iter().enumerate() {
            let (column, row) = (config.constants[index / rows], index % rows);
            region.assign_fixed(column, row, *value);
            places[cell.0 as usize] = Some(Place { row_offset: row, column: column.into() });
        }
        let mut put =
            |region: &mut Region<'_, Fr>, column: Column<Advice>, row: usize, cell: Cell| {
                self.put(region, column, row, Value::known(self.value(cell)));
                let here = Place { row_offset: row, column: column.into() };
                match places[cell.0 as usize] {
                    None => places[cell.0 as usize] = Some(here),
                    Some(place) => region.constrain_equal(place, here),
                }
            };
        for (placed, (column, begins)) in self.layout.gates.iter().zip(&config.gates) {
            for (row, cell) in placed.cells.iter().enumerate() {
                put(region, *column, row, *cell);
            }
            for row in &placed.begins {
                region.assign_fixed(*begins, *row as usize, Fr::ONE);
            }
        }
        for (placed, (column, tag)) in self.layout.lookups.iter().zip(&config.lookups) {
            for (row, (table, cell)) in placed.iter().enumerate() {
                put(region, *column, row, *cell);
                region.assign_fixed(*tag, row, Fr::from(table.tag()));
            }
        }
        let summed = self.layout.shape.summed_rows();
        let counts = self.layout.multiplicities(&self.constraints.values);
        let columns = self.layout.tables.chunks(summed).zip(counts.chunks(summed));
        for ((entries, counts), columns) in columns.zip(&config.tables) {
            for (row, ((table, entry), number)) in entries.iter().zip(counts).enumerate() {
                region.assign_fixed(columns.row, row, Fr::from(u64::from(*entry)));
                region.assign_fixed(columns.tag, row, Fr::from(table.tag()));
                self.put(region, columns.count, row, Value::known(Fr::from(*number)));
            }
        }
        for row in 0..summed {
            region.assign_fixed(config.summed, row, Fr::ONE);
        }
        places
    }

    fn second(
        &self,
        config: &Config,
        region: &mut Region<'_, Fr>,
        gamma: Value<Fr>,
        places: &[Option<Place>],
    ) {
        let mut known = Vec::new();
        gamma.map(|gamma| known = self.layout.second_values(&self.constraints.values, gamma));
        let mut second: Vec<Option<Place>> = vec![None; self.layout.second as usize];
        for (placed, columns) in
            self.layout.linear_combinations.iter().zip(&config.linear_combinations)
        {
            for (row, slot) in placed.slots.iter().enumerate() {
                let here = Place { row_offset: row, column: columns.values.into() };
                let (value, place) = match slot {
                    Slot::First(cell) => (Some(self.value(*cell)), places[cell.0 as usize]),
                    Slot::Second(id) => (known.get(*id as usize).copied(), second[*id as usize]),
                };
                let value = value.map_or_else(Value::unknown, Value::known);
                self.put(region, columns.values, row, value);
                match (place, slot) {
                    (Some(place), _) => region.constrain_equal(place, here),
                    (None, Slot::Second(id)) => second[*id as usize] = Some(here),
                    (None, Slot::First(_)) => {}
                }
            }
            for (row, step) in &placed.steps {
                let row = *row as usize;
                let selector = match step {
                    CombinationStep::AppendCell => columns.append,
                    CombinationStep::MultiplyAdd => columns.multiply,
                    CombinationStep::AppendWeight(weight) => {
                        region.assign_fixed(columns.weight, row, field(i128::from(*weight)));
                        columns.weigh
                    }
                };
                region.assign_fixed(selector, row, Fr::ONE);
            }
        }
    }

    fn sums(&self, config: &Config, region: &mut Region<'_, Fr>, challenges: Value<(Fr, Fr)>) {
        let mut terms = Vec::new();
        challenges.map(|(beta, gamma)| terms = self.terms(beta, gamma));
        let rows = self.layout.shape.rows();
        for (index, column) in config.sums.iter().enumerate() {
            let mut sum = Fr::ZERO;
            for row in 0..rows {
                let value = if terms.is_empty() { Value::unknown() } else { Value::known(sum) };
                self.put(region, *column, row, value);
                if row + 1 < rows {
                    for term in terms.iter().skip(index * TERMS).take(TERMS) {
                        sum += term[row];
                    }
                }
            }
        }
    }

    /// Returns the fractions of every row of the lookup argument, one list for each column of
    /// lookups and tables.
    fn terms(&self, beta: Fr, gamma: Fr) -> Vec<Vec<Fr>> {
        let rows = self.layout.shape.summed_rows();
        let mut terms = Vec::new();
        for lookups in &self.layout.lookups {
            let mut below = vec![beta; rows];
            for (below, (table, cell)) in below.iter_mut().zip(lookups) {
                *below -= self.value(*cell) + gamma * Fr::from(table.tag());
            }
            invert(&mut below);
            terms.push(below);
        }
        let counts = self.layout.multiplicities(&self.constraints.values);
        for (entries, counts) in self.layout.tables.chunks(rows).zip(counts.chunks(rows)) {
            let mut below = vec![beta; entries.len()];
            for (below, (table, entry)) in below.iter_mut().zip(entries) {
                *below -= Fr::from(u64::from(*entry)) + gamma * Fr::from(table.tag());
            }
            invert(&mut below);
            for (below, count) in below.iter_mut().zip(counts) {
                *below *= -Fr::from(*count);
            }
            below.resize(rows, Fr::ZERO);
            terms.push(below);
        }
        terms
    }
}

/// Inverts all elements with one division; 0 stays 0.
fn invert(values: &mut [Fr]) {
    values.iter_mut().batch_invert();
}
