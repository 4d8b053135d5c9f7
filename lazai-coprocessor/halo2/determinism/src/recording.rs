use halo2_proofs::{
    circuit::Value,
    halo2curves::{bn256::Fr, ff::Field},
    plonk::{
        Advice, Any, Assigned, Assignment, Challenge, Circuit, Column, ConstraintSystem, Error,
        Fixed, FloorPlanner, Instance, Selector,
    },
};

use crate::ReadError;

/// What a circuit puts into its columns.
#[derive(Debug, Default)]
pub(crate) struct Recording {
    pub(crate) rows: usize,
    pub(crate) fixed: Vec<Vec<Fr>>,
    pub(crate) selectors: Vec<Vec<bool>>,
    pub(crate) advice: Vec<Vec<Fr>>,
    pub(crate) instance: Vec<Vec<Fr>>,
    /// The places that must hold equal values.
    pub(crate) copies: Vec<[At; 2]>,
    outside: bool,
}

/// A place: a column by its kind and index, and a row.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct At {
    pub(crate) column: ColumnIndex,
    pub(crate) row: usize,
}

/// A column by its kind and halo2's index among those of the kind.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum ColumnIndex {
    /// Of the witness.
    Advice(usize),
    /// Of the key.
    Fixed(usize),
    /// Of public inputs.
    Instance(usize),
}

impl Recording {
    /// Runs the circuit's own assignment, as the prover does, and keeps what it puts where.
    pub(crate) fn new<C: Circuit<Fr>>(
        circuit: &C,
        k: u32,
        public_inputs: &[Vec<Fr>],
    ) -> Result<(ConstraintSystem<Fr>, Self), ReadError> {
        let mut system = ConstraintSystem::default();
        let config = C::configure_with_params(&mut system, circuit.params());
        let rows = 1 << k;
        let columns = |count: usize| vec![vec![Fr::ZERO; rows]; count];
        let mut instance = columns(system.num_instance_columns());
        for (column, values) in instance.iter_mut().zip(public_inputs) {
            for (place, value) in column.iter_mut().zip(values) {
                *place = *value;
            }
        }
        let phases = system.advice_column_phase();
        let advice = |phase: &u8| if *phase == 0 { vec![Fr::ZERO; rows] } else { Vec::new() };
        let mut recording = Self {
            rows,
            fixed: columns(system.num_fixed_columns()),
            selectors: vec![vec![false; rows]; system.num_selectors()],
            advice: phases.iter().map(advice).collect(),
            instance,
            copies: Vec::new(),
            outside: false,
        };
        let constants = system.constants().clone();
        C::FloorPlanner::synthesize(&mut recording, circuit, config, constants)
            .map_err(|error| ReadError::Synthesis { message: error.to_string() })?;
        if recording.outside {
            return Err(ReadError::Rows { k });
        }
        Ok((system, recording))
    }

    fn put(&mut self, column: ColumnIndex, row: usize, value: Fr) {
        let place = match column {
            ColumnIndex::Advice(index) => self.advice.get_mut(index),
            ColumnIndex::Fixed(index) => self.fixed.get_mut(index),
            ColumnIndex::Instance(_) => None,
        };
        match place.and_then(|column| column.get_mut(row)) {
            Some(place) => *place = value,
            None => self.outside = true,
        }
    }
}

fn known<T>(value: Value<T>) -> Option<T> {
    let mut known = None;
    value.map(|value| known = Some(value));
    known
}

fn index(column: Column<Any>) -> ColumnIndex {
    match column.column_type() {
        Any::Advice(_) => ColumnIndex::Advice(column.index()),
        Any::Fixed => ColumnIndex::Fixed(column.index()),
        Any::Instance => ColumnIndex::Instance(column.index()),
    }
}

impl Assignment<Fr> for Recording {
    fn enter_region<NR: Into<String>, N: FnOnce() -> NR>(&mut self, _: N) {}

    fn annotate_column<A: FnOnce() -> AR, AR: Into<String>>(&mut self, _: A, _: Column<Any>) {}

    fn exit_region(&mut self) {}

    fn enable_selector<A: FnOnce() -> AR, AR: Into<String>>(
        &mut self,
        _: A,
        selector: &Selector,
        row: usize,
    ) -> Result<(), Error> {
        match self.selectors.get_mut(selector.index()).and_then(|column| column.get_mut(row)) {
            Some(place) => *place = true,
            None => self.outside = true,
        }
        Ok(())
    }

    fn query_instance(&self, column: Column<Instance>, row: usize) -> Result<Value<Fr>, Error> {
        let value = self.instance.get(column.index()).and_then(|column| column.get(row));
        value.map(|value| Value::known(*value)).ok_or(Error::BoundsFailure)
    }

    fn assign_advice<'v>(
        &mut self,
        column: Column<Advice>,
        row: usize,
        to: Value<Assigned<Fr>>,
    ) -> Value<&'v Assigned<Fr>> {
        // Values of later phases are known as functions of the challenges alone.
        if column.column_type().phase() == 0
            && let Some(value) = known(to)
        {
            self.put(ColumnIndex::Advice(column.index()), row, value.evaluate());
        }
        Value::unknown()
    }

    fn assign_fixed(&mut self, column: Column<Fixed>, row: usize, to: Assigned<Fr>) {
        self.put(ColumnIndex::Fixed(column.index()), row, to.evaluate());
    }

    fn copy(&mut self, left: Column<Any>, left_row: usize, right: Column<Any>, right_row: usize) {
        let places = [
            At { column: index(left), row: left_row },
            At { column: index(right), row: right_row },
        ];
        self.outside |= places.iter().any(|place| place.row >= self.rows);
        self.copies.push(places);
    }

    fn fill_from_row(
        &mut self,
        column: Column<Fixed>,
        row: usize,
        to: Value<Assigned<Fr>>,
    ) -> Result<(), Error> {
        if let Some(value) = known(to) {
            for row in row..self.rows {
                self.put(ColumnIndex::Fixed(column.index()), row, value.evaluate());
            }
        }
        Ok(())
    }

    fn get_challenge(&self, _: Challenge) -> Value<Fr> {
        Value::unknown()
    }

    fn push_namespace<NR: Into<String>, N: FnOnce() -> NR>(&mut self, _: N) {}

    fn pop_namespace(&mut self, _: Option<String>) {}
}
