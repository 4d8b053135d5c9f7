use std::{collections::BTreeSet, sync::Arc};

use halo2_proofs::halo2curves::bn256::Fr;

use crate::{
    Constraint, System, Variable,
    propagate::{State, Watchers},
};

/// A question about a circuit: do some constraints, and the values of some variables, leave one
/// solution?
#[derive(Clone, Debug)]
pub struct Question<'a> {
    pub(crate) system: &'a System,
    pub(crate) watchers: Arc<Watchers>,
    pub(crate) values: &'a [Fr],
    pub(crate) given: BTreeSet<Variable>,
    constraints: Vec<Constraint>,
    /// The variables that must have one value.
    pub(crate) demanded: Vec<Variable>,
    /// The intervals that variables must lie in; if there are any, no variable must have one value.
    pub(crate) bounds: Vec<(Variable, i128, i128)>,
}

impl<'a> Question<'a> {
    /// Asks about the constraints of the whole circuit with nothing given but what the key and the
    /// public inputs fix, for the witness `values`.
    #[must_use]
    pub fn new(system: &'a System, values: &'a [Fr]) -> Self {
        let demanded = (0..system.variables() as Variable)
            .filter(|variable| system.demanded[*variable as usize])
            .collect();
        Self {
            system,
            watchers: Arc::new(Watchers::new(system)),
            values,
            given: BTreeSet::new(),
            constraints: system.constraints().collect(),
            demanded,
            bounds: Vec::new(),
        }
    }

    /// Fixes the values of variables, and leaves out the constraints about these alone. Those about
    /// no variable stay: they contradict what the key and the public inputs fix.
    #[must_use]
    pub fn given(mut self, given: impl IntoIterator<Item = Variable>) -> Self {
        self.given.extend(given);
        let open = |variable: &Variable| !self.given.contains(variable);
        self.constraints.retain(|constraint| {
            let variables = self.system.variables_of(*constraint);
            variables.is_empty() || variables.iter().any(open)
        });
        self.demanded.retain(open);
        self
    }

    /// Asks whether variables lie from the second to the third integer in every solution, whatever
    /// they and others are.
    #[must_use]
    pub fn bounded(mut self, bounds: impl IntoIterator<Item = (Variable, i128, i128)>) -> Self {
        self.bounds.extend(bounds);
        self
    }

    /// Asks about other constraints, and about the variables that stand in them.
    #[must_use]
    pub fn of(mut self, constraints: impl IntoIterator<Item = Constraint>) -> Self {
        self.constraints = constraints.into_iter().collect();
        let variables = self.constraints.iter().flat_map(|c| self.system.variables_of(*c));
        let variables: BTreeSet<Variable> = variables.collect();
        self.demanded.retain(|variable| variables.contains(variable));
        self
    }

    /// Asks about variables, too, whether a constraint that is asked about mentions them or not,
    /// but for those that take no part in the circuit.
    #[must_use]
    pub fn demand(mut self, variables: impl IntoIterator<Item = Variable>) -> Self {
        let takes_part = |variable: &Variable| self.system.demanded[*variable as usize];
        let given = |variable: &Variable| self.given.contains(variable);
        let demanded: BTreeSet<Variable> = variables
            .into_iter()
            .filter(|variable| takes_part(variable) && !given(variable))
            .chain(self.demanded.iter().copied())
            .collect();
        self.demanded = demanded.into_iter().collect();
        self
    }

    /// Asks about another witness of the same circuit.
    #[must_use]
    pub fn with_values<'b>(&self, values: &'b [Fr]) -> Question<'b>
    where
        'a: 'b,
    {
        Question { values, ..self.clone() }
    }

    /// Returns the constraints that are asked about.
    #[must_use]
    pub fn constraints(&self) -> &[Constraint] {
        &self.constraints
    }

    pub(crate) fn state(&self, left_out: Option<Constraint>) -> State<'_> {
        State::new(self.system, &self.watchers, self.kept(left_out))
    }

    /// Returns the constraints that are asked about but for one.
    pub(crate) fn kept(&self, left_out: Option<Constraint>) -> impl Iterator<Item = Constraint> {
        self.constraints.iter().copied().filter(move |kept| Some(*kept) != left_out)
    }

    pub(crate) fn open<'s>(&'s self, state: &'s State<'_>) -> impl Iterator<Item = Variable> + 's {
        self.demanded.iter().copied().filter(|variable| !state.domain(*variable).is_exact())
    }
}
