use std::{collections::BTreeMap, sync::Arc};

use halo2_proofs::{
    circuit::{Layouter, SimpleFloorPlanner},
    halo2curves::bn256::Fr,
    plonk::{Circuit, ConstraintSystem, Error},
};
use lazai_coprocessor::{model::Network, trace::Input};

use super::{
    Gadget,
    gadget::{Built, tables},
};
use crate::{
    Halo2Error, ProvedOutput, Site,
    assignment::AssignedWitness,
    builder::Builder,
    config::Config,
    constraints::{Cell, Constraints},
    layout::Layout,
    plan::{Plan, cheapest},
    prover::record,
    shape::Shape,
};

/// A circuit in rows and columns with its witness, as the prover hands it to halo2.
///
/// The values that the circuit constrains are numbered in the order in which they were made;
/// [`places`](Self::places) says where each first stands.
#[derive(Clone, Debug)]
pub struct PlacedCircuit {
    constraints: Arc<Constraints>,
    layout: Arc<Layout>,
    given: Vec<Cell>,
    made: Vec<Cell>,
}

/// A part of a circuit: the constraints of one operator, or of what follows the operators.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CircuitPart {
    /// Index in the program and name of the operator.
    pub name: String,
    /// Number of values that were made before it.
    pub begin: usize,
    /// Number of values that were made before what follows it.
    pub end: usize,
}

/// The place where a value first stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Place {
    /// Column.
    pub column: PlaceColumn,
    /// Row.
    pub row: usize,
}

/// A column, by its kind and halo2's index among those of the kind.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PlaceColumn {
    /// A column of the witness.
    Advice(usize),
    /// A column of the key.
    Fixed(usize),
}

impl PlacedCircuit {
    /// Returns the circuit of one gadget on the given integers, with a range table of
    /// `2^range_bits` rows.
    ///
    /// # Errors
    /// [`Halo2Error`] if there are more or fewer integers than the gadget reads, or it does not
    /// fit.
    pub fn gadget(gadget: &Gadget, inputs: &[i32], range_bits: u32) -> Result<Self, Halo2Error> {
        if inputs.len() != gadget.inputs().len() {
            return Err(Halo2Error::Operator { index: 0 });
        }
        let mut builder = Builder::new(range_bits);
        builder.part("inputs");
        // Layouts need the constant 0, which every compiled network has.
        builder.constant(0);
        let Built { read, made } = gadget.build(&mut builder, inputs);
        // A result that nothing reads has a place here, so that it is asked about: y + 0 * 1 = y
        // says nothing else.
        for cell in &made {
            let (zero, one) = (builder.constant(0).cell(), builder.constant(1).cell());
            builder.gate(*cell, zero, one, *cell);
        }
        builder.check_shifts()?;
        let tables = tables(builder.tables(), range_bits);
        let constraints = builder.finish();
        let layout = cheapest(&constraints, &tables)?;
        let (constraints, layout) = (Arc::new(constraints), Arc::new(layout));
        Ok(Self { constraints, layout, given: read, made })
    }

    /// Returns the circuit of a run, as [`ProvingKey`](crate::ProvingKey) plans it.
    ///
    /// # Errors
    /// [`Halo2Error`] if such a run cannot be proved.
    pub fn run(
        network: &Network,
        proved_output: ProvedOutput,
        input: Input<'_>,
    ) -> Result<Self, Halo2Error> {
        let trace = record(network, proved_output, input)?;
        let Plan { compiled, layout, .. } = Plan::new(network, &trace, proved_output)?;
        let (constraints, given) = (Arc::new(compiled.constraints), compiled.read);
        Ok(Self { constraints, layout: Arc::new(layout), given, made: Vec::new() })
    }

    /// Returns the binary logarithm of the rows.
    #[must_use]
    pub fn k(&self) -> u32 {
        self.layout.shape.k
    }

    /// Returns the public inputs.
    #[must_use]
    pub fn public_inputs(&self) -> Vec<Fr> {
        self.constraints.instance.iter().map(|cell| self.constraints.values[cell.index()]).collect()
    }

    /// Returns the numbers of the values that the whole circuit reads.
    #[must_use]
    pub fn given(&self) -> Vec<usize> {
        self.given.iter().map(|cell| cell.index()).collect()
    }

    /// Returns the numbers of the results of a gadget.
    #[must_use]
    pub fn made(&self) -> Vec<usize> {
        self.made.iter().map(|cell| cell.index()).collect()
    }

    /// Returns the parts, in order.
    #[must_use]
    pub fn parts(&self) -> Vec<CircuitPart> {
        let parts = &self.constraints.parts;
        let ends = parts.iter().skip(1).map(|part| part.begin.cells);
        let ends = ends.chain([self.constraints.values.len()]);
        let part = |(part, end): (&crate::constraints::Part, usize)| CircuitPart {
            name: part.name.clone(),
            begin: part.begin.cells,
            end,
        };
        parts.iter().zip(ends).map(part).collect()
    }

    /// Returns for each value, by its number, where it first stands in a column of the first phase
    /// or of constants. A value without a place takes no part in the circuit.
    #[must_use]
    pub fn places(&self) -> Vec<Option<Place>> {
        let config = Config::new(&mut ConstraintSystem::default(), self.layout.shape);
        let mut places = vec![None; self.constraints.values.len()];
        let mut put = |column: PlaceColumn, row: usize, cell: &Cell| {
            places[cell.index()].get_or_insert(Place { column, row });
        };
        let rows = self.layout.shape.rows();
        for (index, (cell, _)) in self.constraints.constants.iter().enumerate() {
            let column = config.constants[index / rows].index();
            put(PlaceColumn::Fixed(column), index % rows, cell);
        }
        for (placed, (column, _)) in self.layout.gates.iter().zip(&config.gates) {
            for (row, cell) in placed.cells.iter().enumerate() {
                put(PlaceColumn::Advice(column.index()), row, cell);
            }
        }
        for (placed, (column, _)) in self.layout.lookups.iter().zip(&config.lookups) {
            for (row, (_, cell)) in placed.iter().enumerate() {
                put(PlaceColumn::Advice(column.index()), row, cell);
            }
        }
        places
    }

    /// Returns where in the source each multiplication and lookup is made.
    #[must_use]
    pub fn sites(&self) -> PlacedSites {
        let config = Config::new(&mut ConstraintSystem::default(), self.layout.shape);
        let sites = &self.constraints.sites;
        let gates =
            self.layout.gates.iter().zip(&config.gates).flat_map(|(placed, (column, _))| {
                placed.begins.iter().map(move |row| (column.index(), *row as usize))
            });
        let lookups = self.layout.lookups.iter().zip(&config.lookups);
        let lookups = lookups.flat_map(|(placed, (column, _))| {
            (0..placed.len()).map(move |row| (column.index(), row))
        });
        let gates = gates.enumerate().map(|(index, place)| (place, sites.of_gate(index)));
        let lookups = lookups.enumerate().map(|(index, place)| (place, sites.of_lookup(index)));
        let made = gates.chain(lookups).filter_map(|(place, site)| Some((place, site?)));
        PlacedSites(made.collect())
    }
}

/// Where in the source the constraints of a [`PlacedCircuit`] are made, by their places.
#[derive(Clone, Debug, Default)]
pub struct PlacedSites(BTreeMap<(usize, usize), Site>);

impl PlacedSites {
    /// Returns where the multiplication or lookup is made that begins at a row of a column of the
    /// witness.
    #[must_use]
    pub fn at(&self, column: usize, row: usize) -> Option<&Site> {
        self.0.get(&(column, row))
    }
}

/// The columns of a [`PlacedCircuit`].
#[derive(Clone, Debug)]
pub struct CircuitColumns(Config);

/// The numbers of rows and columns of a [`PlacedCircuit`].
#[derive(Clone, Copy, Debug, Default)]
pub struct CircuitShape(Shape);

impl Circuit<Fr> for PlacedCircuit {
    type Config = CircuitColumns;
    type FloorPlanner = SimpleFloorPlanner;
    type Params = CircuitShape;

    fn without_witnesses(&self) -> Self {
        self.clone()
    }

    fn params(&self) -> CircuitShape {
        CircuitShape(self.layout.shape)
    }

    fn configure(meta: &mut ConstraintSystem<Fr>) -> CircuitColumns {
        CircuitColumns(Config::new(meta, Shape::default()))
    }

    fn configure_with_params(
        meta: &mut ConstraintSystem<Fr>,
        CircuitShape(shape): CircuitShape,
    ) -> CircuitColumns {
        CircuitColumns(Config::new(meta, shape))
    }

    fn synthesize(
        &self,
        CircuitColumns(config): CircuitColumns,
        layouter: impl Layouter<Fr>,
    ) -> Result<(), Error> {
        AssignedWitness::new(&self.constraints, &self.layout).synthesize(config, layouter)
    }
}
