use std::collections::{BTreeMap, BTreeSet};

use halo2_proofs::{
    halo2curves::{bn256::Fr, ff::Field},
    plonk::{AdviceQuery, Circuit, ConstraintSystem, Expression},
};

use crate::{
    ColumnIndex, Equation, ReadError, Variable,
    logup::{Admitted, Lookups, active, advice, rotated, split},
    polynomial::Polynomial,
    recording::{At, Recording},
};

/// The constraints of a circuit, read back from its rows and columns.
#[derive(Debug)]
pub struct System {
    pub(crate) equations: Vec<Equation>,
    pub(crate) lookups: Vec<Lookup>,
    pub(crate) admitted: Vec<Admitted>,
    /// A place of each variable.
    pub(crate) places: Vec<At>,
    /// Whether a variable must have one value: one that stands in a gate, or in two places.
    pub(crate) demanded: Vec<bool>,
    cells: Cells,
    recording: Recording,
}

/// A variable whose value is looked up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lookup {
    pub(crate) variable: Variable,
    pub(crate) admitted: usize,
    /// The place in the columns of lookups.
    pub(crate) at: At,
}

/// A constraint of a [`System`].
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Constraint {
    /// An equation, by its number.
    Equation(usize),
    /// A lookup, by its number.
    Lookup(usize),
}

/// What stands in a place.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Content {
    /// An element that the key or the public inputs fix.
    Known(Fr),
    /// A variable.
    Variable(Variable),
}

impl System {
    /// Reads the constraints of a circuit of `2^k` rows, whose public inputs are fixed, and its
    /// witness: the value of each variable.
    ///
    /// # Errors
    /// [`ReadError`] if a gate or lookup argument has a form that is not understood.
    pub fn read<C: Circuit<Fr>>(
        circuit: &C,
        k: u32,
        public_inputs: &[Vec<Fr>],
    ) -> Result<(Self, Vec<Fr>), ReadError> {
        let (constraints, recording) = Recording::new(circuit, k, public_inputs)?;
        if !constraints.lookups().is_empty() {
            return Err(ReadError::Lookups { what: "halo2's own" });
        }
        let lookups = Lookups::read(&constraints, &recording)?;
        let phases = constraints.advice_column_phase();
        let mut reader = Reader {
            cells: Cells::new(&recording, &phases),
            recording: &recording,
            equations: Vec::new(),
            later: BTreeMap::new(),
        };
        reader.gates(&constraints, &lookups.polynomials)?;
        let Reader { mut cells, mut equations, .. } = reader;
        for (at, known, other) in &cells.conflicts {
            let difference = Polynomial::constant(*known - *other);
            equations.push(Equation::new(&difference, "copy", None, at.row));
        }
        let mut in_gate = BTreeSet::new();
        in_gate.extend(equations.iter().flat_map(Equation::variables));
        let mut read = Vec::with_capacity(lookups.lookups.len());
        for lookup in &lookups.lookups {
            let at = At { column: ColumnIndex::Advice(lookup.column), row: lookup.row };
            // A cell that stands in no gate and is no copy takes no part: a row that looks nothing
            // up has one.
            let alone = !cells.is_copied(at)
                && cells.number(at).is_none_or(|variable| !in_gate.contains(&variable));
            if alone {
                continue;
            }
            match cells.content(at) {
                Content::Variable(variable) => {
                    read.push(Lookup { variable, admitted: lookup.admitted, at });
                }
                Content::Known(value) => {
                    if !lookups.admitted[lookup.admitted].contains(value) {
                        let never = Polynomial::constant(Fr::ONE);
                        let column = Some(lookup.column);
                        equations.push(Equation::new(&never, "look up", column, lookup.row));
                    }
                }
            }
        }
        let places = cells.variables.clone();
        let demanded = (0..places.len() as u32)
            .map(|variable| {
                in_gate.contains(&variable) || cells.is_copied(places[variable as usize])
            })
            .collect();
        let system = Self {
            equations,
            lookups: read,
            admitted: lookups.admitted,
            places,
            demanded,
            cells,
            recording,
        };
        let values = system.values(&system.recording);
        Ok((system, values))
    }

    /// Returns the witness of the same circuit for other integers.
    ///
    /// # Errors
    /// [`ReadError::Structure`] if its fixed columns or copies are others.
    pub fn witness<C: Circuit<Fr>>(
        &self,
        circuit: &C,
        k: u32,
        public_inputs: &[Vec<Fr>],
    ) -> Result<Vec<Fr>, ReadError> {
        let (_, recording) = Recording::new(circuit, k, public_inputs)?;
        let same = recording.copies == self.recording.copies
            && recording.fixed == self.recording.fixed
            && recording.selectors == self.recording.selectors
            && recording.instance == self.recording.instance;
        if same { Ok(self.values(&recording)) } else { Err(ReadError::Structure) }
    }

    /// Forgets the rows and columns, without which no other witness can be read.
    pub(crate) fn forget_rows(&mut self) {
        self.recording = Recording::default();
    }

    /// Returns what stands in a place of the witness or the key.
    #[must_use]
    pub fn content(&self, column: ColumnIndex, row: usize) -> Option<Content> {
        self.cells.known_content(At { column, row })
    }

    /// Returns the number of variables.
    #[must_use]
    pub const fn variables(&self) -> usize {
        self.places.len()
    }

    /// Returns the equations.
    #[must_use]
    pub fn equations(&self) -> &[Equation] {
        &self.equations
    }

    /// Returns all constraints.
    pub fn constraints(&self) -> impl Iterator<Item = Constraint> + use<> {
        let equations = (0..self.equations.len()).map(Constraint::Equation);
        equations.chain((0..self.lookups.len()).map(Constraint::Lookup))
    }

    /// Returns the variables of a constraint, some of them more than once.
    #[must_use]
    pub fn variables_of(&self, constraint: Constraint) -> Vec<Variable> {
        match constraint {
            Constraint::Equation(index) => self.equations[index].variables().collect(),
            Constraint::Lookup(index) => vec![self.lookups[index].variable],
        }
    }

    /// Returns whether a constraint holds.
    #[must_use]
    pub fn holds(&self, constraint: Constraint, values: &[Fr]) -> bool {
        match constraint {
            Constraint::Equation(index) => self.equations[index].evaluate(values) == Fr::ZERO,
            Constraint::Lookup(index) => {
                let Lookup { variable, admitted, .. } = self.lookups[index];
                self.admitted[admitted].contains(values[variable as usize])
            }
        }
    }

    /// Returns the column of the witness and the row at which a constraint begins, if it reads the
    /// witness there.
    #[must_use]
    pub fn place(&self, constraint: Constraint) -> Option<(usize, usize)> {
        match constraint {
            Constraint::Equation(index) => {
                let Equation { column, row, .. } = self.equations[index];
                Some((column?, row))
            }
            Constraint::Lookup(index) => match self.lookups[index].at {
                At { column: ColumnIndex::Advice(column), row } => Some((column, row)),
                _ => None,
            },
        }
    }

    /// Names a constraint by its gate and place.
    #[must_use]
    pub fn describe(&self, constraint: Constraint) -> String {
        match constraint {
            Constraint::Equation(index) => {
                let equation = &self.equations[index];
                format!("{:?} of gate {} at row {}", equation.form(), equation.gate, equation.row)
            }
            Constraint::Lookup(index) => {
                let Lookup { variable, admitted, .. } = self.lookups[index];
                let (place, admitted) = (self.places[variable as usize], &self.admitted[admitted]);
                let rows = admitted.integers.len() + admitted.elements.len();
                format!("lookup of {:?}, row {}, among {rows}", place.column, place.row)
            }
        }
    }

    fn values(&self, recording: &Recording) -> Vec<Fr> {
        let value = |place: &At| match place.column {
            // Values of later phases depend on challenges, and are in no equation.
            ColumnIndex::Advice(column) => {
                recording.advice[column].get(place.row).copied().unwrap_or(Fr::ZERO)
            }
            _ => Fr::ZERO,
        };
        self.places.iter().map(value).collect()
    }
}

/// Reads the gates row by row.
struct Reader<'a> {
    recording: &'a Recording,
    cells: Cells,
    equations: Vec<Equation>,
    /// What the variables of later phases are, as polynomials in challenges and variables of the
    /// first.
    later: BTreeMap<Variable, Polynomial>,
}

/// A gate at a row of a column.
#[derive(Clone, Copy)]
struct Use<'e> {
    gate: &'e str,
    expression: &'e Expression<Fr>,
    column: Option<usize>,
    row: usize,
}

impl Reader<'_> {
    fn gates(
        &mut self,
        constraints: &ConstraintSystem<Fr>,
        without: &[(usize, usize)],
    ) -> Result<(), ReadError> {
        let mut open: Vec<Use<'_>> = Vec::new();
        for (index, gate) in constraints.gates().iter().enumerate() {
            let polynomials: Vec<_> = gate
                .polynomials()
                .iter()
                .enumerate()
                .filter(|(at, _)| !without.contains(&(index, *at)))
                .map(|(_, polynomial)| (polynomial, split(polynomial).0, column_of(polynomial)))
                .collect();
            if polynomials.is_empty() {
                continue;
            }
            for row in 0..self.recording.rows {
                for (expression, fixed, column) in &polynomials {
                    let place = Use { gate: gate.name(), expression, column: *column, row };
                    if active(fixed, self.recording, row) && !self.gate(place)? {
                        open.push(place);
                    }
                }
            }
        }
        // A value of a later phase may be read before the gate that says what it is.
        while !open.is_empty() {
            let before = open.len();
            let mut still = Vec::new();
            for place in open {
                if !self.gate(place)? {
                    still.push(place);
                }
            }
            if still.len() == before {
                let Use { gate, row, .. } = still[0];
                return Err(ReadError::LaterPhase { gate: gate.to_owned(), row });
            }
            open = still;
        }
        Ok(())
    }

    /// Adds the equations of a gate at a row; returns false if more than one value of a later phase
    /// is open.
    ///
    /// A challenge is drawn after all variables of the first phase, so a polynomial in it is 0 only
    /// if each coefficient is.
    fn gate(&mut self, place: Use<'_>) -> Result<bool, ReadError> {
        let Use { gate, expression, column, row } = place;
        let polynomial = self.evaluate(expression, row);
        if polynomial.too_high {
            return Err(ReadError::Degree { gate: gate.to_owned(), row });
        }
        let mut open = polynomial
            .terms()
            .iter()
            .flat_map(|(monomial, _)| monomial.symbols())
            .filter(|symbol| self.cells.is_later(**symbol));
        let Some(first) = open.next().copied() else {
            for coefficient in polynomial.coefficients() {
                self.equations.push(Equation::new(&coefficient, gate, column, row));
            }
            return Ok(true);
        };
        if open.any(|other| *other != first) {
            return Ok(false);
        }
        let own = Polynomial::variable(first);
        let alone = |(monomial, _): &&(_, Fr)| *monomial == own.terms()[0].0;
        let Some((_, coefficient)) = polynomial.terms().iter().find(alone).copied() else {
            return Ok(false);
        };
        let rest = polynomial.plus(own.scaled(-coefficient));
        if rest.terms().iter().any(|(monomial, _)| monomial.symbols().contains(&first)) {
            return Ok(false);
        }
        let inverse = coefficient.invert().unwrap_or(Fr::ZERO);
        self.later.insert(first, rest.scaled(-inverse));
        Ok(true)
    }

    fn evaluate(&mut self, expression: &Expression<Fr>, row: usize) -> Polynomial {
        let (recording, later) = (self.recording, &self.later);
        let cells = core::cell::RefCell::new(&mut self.cells);
        let at = |rotation: i32| rotated(recording.rows, row, rotation);
        let place = |column: ColumnIndex, rotation: i32| match cells
            .borrow_mut()
            .content(At { column, row: at(rotation) })
        {
            Content::Known(value) => Polynomial::constant(value),
            Content::Variable(variable) => match later.get(&variable) {
                Some(polynomial) => polynomial.clone(),
                None => Polynomial::variable(variable),
            },
        };
        expression.evaluate(
            &Polynomial::constant,
            &|selector| {
                Polynomial::constant(Fr::from(u64::from(
                    recording.selectors[selector.index()][row],
                )))
            },
            &|query| {
                let row = at(query.rotation().0);
                Polynomial::constant(recording.fixed[query.column_index()][row])
            },
            &|query: AdviceQuery| {
                place(ColumnIndex::Advice(query.column_index()), query.rotation().0)
            },
            &|query| {
                let row = at(query.rotation().0);
                Polynomial::constant(recording.instance[query.column_index()][row])
            },
            &|challenge| Polynomial::challenge(challenge.index()),
            &|a: Polynomial| a.scaled(-Fr::ONE),
            &Polynomial::plus,
            &|a: Polynomial, b: Polynomial| a.times(&b),
            &Polynomial::scaled,
        )
    }
}

/// Returns the first column of the witness that an expression reads at its own row.
fn column_of(expression: &Expression<Fr>) -> Option<usize> {
    let mut read = Vec::new();
    advice(expression, &mut read);
    read.into_iter().find(|(_, rotation)| *rotation == 0).map(|(column, _)| column)
}

/// The cells of a circuit: those that copies make equal are one.
#[derive(Debug)]
struct Cells {
    rows: usize,
    advice: usize,
    fixed: usize,
    /// The number of the column of a cell's representative times the rows, plus its row.
    parents: Vec<u32>,
    copied: BTreeSet<u32>,
    /// The elements that the key or the public inputs fix, by representative.
    known: BTreeMap<u32, Fr>,
    /// The numbers of the variables, by representative.
    numbers: BTreeMap<u32, Variable>,
    variables: Vec<At>,
    later: Vec<bool>,
    phases: Vec<u8>,
    /// The representatives that have a cell of the first phase.
    first: BTreeMap<u32, At>,
    /// Copies of different known elements.
    conflicts: Vec<(At, Fr, Fr)>,
}

impl Cells {
    fn new(recording: &Recording, phases: &[u8]) -> Self {
        let (advice, fixed) = (recording.advice.len(), recording.fixed.len());
        let columns = advice + fixed + recording.instance.len();
        let mut cells = Self {
            rows: recording.rows,
            advice,
            fixed,
            parents: (0..(columns * recording.rows) as u32).collect(),
            copied: BTreeSet::new(),
            known: BTreeMap::new(),
            numbers: BTreeMap::new(),
            variables: Vec::new(),
            later: Vec::new(),
            phases: phases.to_vec(),
            first: BTreeMap::new(),
            conflicts: Vec::new(),
        };
        for [left, right] in &recording.copies {
            let (left, right) = (cells.root(cells.id(*left)), cells.root(cells.id(*right)));
            // The lower is the representative, so that numbers do not depend on the order.
            cells.parents[left.max(right) as usize] = left.min(right);
        }
        for at in recording.copies.iter().flatten() {
            let root = cells.root(cells.id(*at));
            cells.copied.insert(root);
            let known = match at.column {
                ColumnIndex::Advice(column) => {
                    if cells.phases[column] == 0 {
                        cells.first.entry(root).or_insert(*at);
                    }
                    continue;
                }
                ColumnIndex::Fixed(column) => recording.fixed[column][at.row],
                ColumnIndex::Instance(column) => recording.instance[column][at.row],
            };
            let before = *cells.known.entry(root).or_insert(known);
            if before != known {
                cells.conflicts.push((*at, before, known));
            }
        }
        cells
    }

    const fn id(&self, at: At) -> u32 {
        let column = match at.column {
            ColumnIndex::Advice(column) => column,
            ColumnIndex::Fixed(column) => self.advice + column,
            ColumnIndex::Instance(column) => self.advice + self.fixed + column,
        };
        (column * self.rows + at.row) as u32
    }

    fn root(&mut self, mut id: u32) -> u32 {
        while self.parents[id as usize] != id {
            let above = self.parents[self.parents[id as usize] as usize];
            self.parents[id as usize] = above;
            id = above;
        }
        id
    }

    fn find(&self, mut id: u32) -> u32 {
        while self.parents[id as usize] != id {
            id = self.parents[id as usize];
        }
        id
    }

    /// Returns what stands in a place, and makes a variable of it if it is not known.
    fn content(&mut self, at: At) -> Content {
        let root = self.root(self.id(at));
        if let Some(known) = self.known.get(&root) {
            return Content::Known(*known);
        }
        let next = self.variables.len() as Variable;
        let number = *self.numbers.entry(root).or_insert(next);
        if number == next {
            let phase = |at: &At| match at.column {
                ColumnIndex::Advice(column) => self.phases[column],
                _ => 0,
            };
            let first = self.first.get(&root).copied().unwrap_or(at);
            self.later.push(phase(&first) > 0);
            self.variables.push(first);
        }
        Content::Variable(number)
    }

    fn known_content(&self, at: At) -> Option<Content> {
        let root = self.find(self.id(at));
        let known = self.known.get(&root).map(|known| Content::Known(*known));
        known.or_else(|| self.numbers.get(&root).map(|number| Content::Variable(*number)))
    }

    /// Returns the number of the variable in a place, if it has one.
    fn number(&self, at: At) -> Option<Variable> {
        self.numbers.get(&self.find(self.id(at))).copied()
    }

    fn is_later(&self, variable: Variable) -> bool {
        self.later[variable as usize]
    }

    fn is_copied(&self, at: At) -> bool {
        !self.is_later_place(at) && self.copied.contains(&self.find(self.id(at)))
    }

    fn is_later_place(&self, at: At) -> bool {
        matches!(at.column, ColumnIndex::Advice(column) if self.phases[column] > 0)
    }
}
