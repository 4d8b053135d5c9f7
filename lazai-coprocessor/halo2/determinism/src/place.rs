use std::collections::BTreeSet;

use halo2_proofs::halo2curves::bn256::Fr;
use lazai_halo2::{Place, PlaceColumn, PlacedCircuit};

use crate::{ColumnIndex, Content, System, Variable};

/// Returns the public inputs as columns.
pub(crate) fn public(circuit: &PlacedCircuit) -> Vec<Vec<Fr>> {
    vec![circuit.public_inputs()]
}

/// Returns the variable of each value of a circuit by its number; constants have none.
pub(crate) fn variables(circuit: &PlacedCircuit, system: &System) -> Vec<Option<Variable>> {
    let variable = |place: Option<Place>| {
        let Place { column, row } = place?;
        let column = match column {
            PlaceColumn::Advice(index) => ColumnIndex::Advice(index),
            PlaceColumn::Fixed(index) => ColumnIndex::Fixed(index),
        };
        match system.content(column, row)? {
            Content::Variable(variable) => Some(variable),
            Content::Known(_) => None,
        }
    };
    circuit.places().into_iter().map(variable).collect()
}

impl System {
    /// Returns the variables of the values that a circuit makes before a part, and of those that
    /// it reads.
    #[must_use]
    pub fn variables_before(&self, circuit: &PlacedCircuit, part: usize) -> BTreeSet<Variable> {
        let parts = circuit.parts();
        let begin = parts.get(part).map_or(0, |part| part.begin);
        let variables = variables(circuit, self);
        let given = (0..begin).chain(circuit.given());
        given.filter_map(|number| variables[number]).collect()
    }
}
