use std::{collections::BTreeSet, sync::Arc};

use halo2_proofs::halo2curves::{bn256::Fr, ff::Field};

use crate::{
    Constraint, Domain, System, Variable,
    propagate::{State, Watchers},
    random::Random,
};

/// A question about a circuit: do some constraints, and the values of some variables, leave one
/// solution?
#[derive(Clone, Debug)]
pub struct Question<'a> {
    system: &'a System,
    watchers: Arc<Watchers>,
    values: &'a [Fr],
    given: BTreeSet<Variable>,
    constraints: Vec<Constraint>,
    /// The variables that must have one value.
    demanded: Vec<Variable>,
    /// The intervals that variables must lie in; if there are any, no variable must have one value.
    bounds: Vec<(Variable, i128, i128)>,
}

/// The answer to a [`Question`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// Every solution lies in the bounds that were asked about.
    Bounded,
    /// The witness itself breaks a constraint.
    Broken(Constraint),
    /// Constraints contradict each other although the witness keeps them: the checker is wrong.
    Contradiction,
    /// No second solution was found, and none is excluded: these variables are left open.
    Open(Vec<(Variable, Domain)>),
    /// There is a second solution, or one beyond the bounds, which keeps every constraint.
    Second(Vec<Fr>),
    /// The witness is the only solution.
    Unique,
}

impl Verdict {
    /// Returns whether what was asked about is shown.
    #[must_use]
    pub const fn is_shown(&self) -> bool {
        matches!(self, Self::Bounded | Self::Unique)
    }
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

    /// Answers the question.
    #[must_use]
    pub fn answer(&self) -> Verdict {
        self.answer_and_depth().0
    }

    /// Answers the question with a constraint left out.
    #[must_use]
    pub fn without(&self, constraint: Constraint) -> Verdict {
        // Most constraints are missed at once, and then a second solution is found sooner than a
        // deep search ends.
        match self.without_at(constraint, 1) {
            Verdict::Open(_) => self.without_at(constraint, MAX_DEPTH),
            verdict => verdict,
        }
    }

    /// Answers the question with a constraint left out, with no more cases within each other.
    pub(crate) fn without_at(&self, constraint: Constraint, depth: usize) -> Verdict {
        self.answer_without(Some(constraint), depth).0
    }

    /// Answers the question, and says how many cases within each other that took.
    pub(crate) fn answer_and_depth(&self) -> (Verdict, usize) {
        self.answer_without(None, MAX_DEPTH)
    }

    /// Returns the domains that the constraints leave after case distinctions of a depth, or
    /// nothing if they contradict each other.
    #[must_use]
    pub fn domains(&self, depth: usize) -> Option<Vec<Domain>> {
        let mut state = self.state(None);
        self.give(&mut state).then_some(())?;
        state.solve(depth, None).ok()?;
        Some(state.domains)
    }

    fn state(&self, left_out: Option<Constraint>) -> State<'_> {
        let constraints = self.constraints.iter().copied();
        let constraints = constraints.filter(|constraint| Some(*constraint) != left_out);
        State::new(self.system, &self.watchers, constraints)
    }

    fn give(&self, state: &mut State<'_>) -> bool {
        self.given.iter().all(|variable| {
            let value = self.values[*variable as usize];
            state.narrow(*variable, Domain::exact(value)).is_ok()
        })
    }

    fn answer_without(&self, left_out: Option<Constraint>, most: usize) -> (Verdict, usize) {
        let kept = || self.constraints.iter().filter(|constraint| Some(**constraint) != left_out);
        if let Some(broken) = kept().find(|kept| !self.system.holds(**kept, self.values)) {
            return (Verdict::Broken(*broken), 0);
        }
        let mut state = self.state(left_out);
        if !self.give(&mut state) {
            return (Verdict::Contradiction, 0);
        }
        let mut depth = 0;
        loop {
            if state.solve(depth, None).is_err() {
                return (Verdict::Contradiction, depth);
            }
            if self.is_shown(&state) || depth == most {
                break;
            }
            depth += 1;
        }
        let lost = |variable: &Variable| {
            !state.domain(*variable).contains(self.values[*variable as usize])
        };
        if self.demanded.iter().any(lost) {
            return (Verdict::Contradiction, depth);
        }
        if self.is_shown(&state) {
            let bounded = !self.bounds.is_empty();
            return (if bounded { Verdict::Bounded } else { Verdict::Unique }, depth);
        }
        let verdict = match self.second(&mut state) {
            Some(values) if kept().all(|kept| self.system.holds(*kept, &values)) => {
                Verdict::Second(values)
            }
            _ => {
                let open = self.open(&state).map(|variable| (variable, state.domain(variable)));
                Verdict::Open(open.collect())
            }
        };
        (verdict, depth)
    }

    fn is_shown(&self, state: &State<'_>) -> bool {
        if self.bounds.is_empty() {
            return self.open(state).next().is_none();
        }
        self.bounds.iter().all(|(variable, low, high)| match state.domain(*variable) {
            Domain::Interval(least, most) => *low <= least && most <= *high,
            _ => false,
        })
    }

    fn open<'s>(&'s self, state: &'s State<'_>) -> impl Iterator<Item = Variable> + 's {
        self.demanded.iter().copied().filter(|variable| !state.domain(*variable).is_exact())
    }

    /// Looks for another solution by choosing values of open variables.
    fn second(&self, state: &mut State<'_>) -> Option<Vec<Fr>> {
        let mut random = Random::new(0x9e37_79b9_7f4a_7c15);
        let root = state.trail.len();
        let open: Vec<Variable> = self.open(state).collect();
        if open.is_empty() {
            return None;
        }
        for attempt in 0..ATTEMPTS {
            // The variables that are made first depend on fewest others, so they come first, too.
            let mut next = Some(open[(attempt / 2) % open.len()]);
            let mut beyond = None;
            if attempt % 2 == 1 {
                next = Some(random.one_of(&open));
            } else if !self.bounds.is_empty() {
                let (variable, low, high) = random.one_of(&self.bounds);
                next = Some(variable);
                beyond = beyond_of(state.domain(variable), low, high, &mut random);
            }
            let mut first = true;
            while let Some(variable) = next {
                let domain = state.domain(variable);
                let value = match (beyond.take(), self.row(variable, domain, &mut random)) {
                    (Some(beyond), _) => beyond,
                    (None, Some(row)) => row,
                    (None, None) => self.choose(domain, variable, first, &mut random),
                };
                first = false;
                if state.follow(variable, value, 1).is_err() {
                    break;
                }
                let left: Vec<Variable> = self.open(state).take(16).collect();
                next = match left.len() {
                    0 => None,
                    count => Some(left[random.below(count as u64) as usize]),
                };
            }
            let found = next.is_none().then(|| self.solution(state));
            state.undo(root);
            if let Some(values) = found
                && self.is_other(&values)
            {
                return Some(values);
            }
        }
        None
    }

    /// Returns whether a solution is another than the witness, or one beyond the bounds.
    fn is_other(&self, values: &[Fr]) -> bool {
        if self.bounds.is_empty() {
            return self.demanded.iter().any(|x| values[*x as usize] != self.values[*x as usize]);
        }
        self.bounds
            .iter()
            .any(|(x, low, high)| !Domain::Interval(*low, *high).contains(values[*x as usize]))
    }

    fn solution(&self, state: &State<'_>) -> Vec<Fr> {
        let value =
            |(variable, honest): (usize, &Fr)| state.value(variable as Variable).unwrap_or(*honest);
        self.values.iter().enumerate().map(value).collect()
    }

    /// Returns a row of the table in which a variable is looked up, if that is no interval.
    fn row(&self, variable: Variable, domain: Domain, random: &mut Random) -> Option<Fr> {
        let rows = self.watchers.of(variable).iter().find_map(|constraint| match constraint {
            Constraint::Lookup(index) => {
                let lookup = self.system.lookups[*index];
                let admitted = &self.system.admitted[lookup.admitted];
                (lookup.variable == variable && !admitted.contiguous).then_some(&admitted.integers)
            }
            Constraint::Equation(_) => None,
        })?;
        let Domain::Interval(low, high) = domain else { return None };
        let begin = rows.partition_point(|row| *row < low);
        let end = rows.partition_point(|row| *row <= high);
        let count = end.checked_sub(begin).filter(|count| *count > 0)?;
        Some(crate::domain::field(rows[begin + random.below(count as u64) as usize]))
    }

    /// Returns a value of a domain, other than the honest one if it is the first choice.
    fn choose(&self, domain: Domain, variable: Variable, other: bool, random: &mut Random) -> Fr {
        let honest = self.values[variable as usize];
        match domain {
            Domain::Interval(low, high) => {
                let integer = match random.below(5) {
                    0 => low,
                    1 => high,
                    2 => low + random.up_to(high - low),
                    near => {
                        let integer = crate::domain::small(honest).unwrap_or(low);
                        integer + if near == 3 { 1 } else { -1 }
                    }
                };
                let mut integer = integer.clamp(low, high);
                if other && crate::domain::field(integer) == honest {
                    integer = if integer < high { integer + 1 } else { integer - 1 };
                }
                crate::domain::field(integer)
            }
            Domain::Element(value) => value,
            Domain::Any => match random.below(3) {
                0 => honest + Fr::ONE,
                1 => Fr::from(random.next()).square().square(),
                _ => Fr::from(random.below(1_000)),
            },
        }
    }
}

/// Returns an element of a domain that is no integer from `low` to `high`, if there is one.
fn beyond_of(domain: Domain, low: i128, high: i128, random: &mut Random) -> Option<Fr> {
    let integers = match domain {
        Domain::Interval(least, most) => [least, most, low - 1, high + 1],
        Domain::Any => [low - 1, high + 1, low - 1, high + 1],
        Domain::Element(value) => return Some(value),
    };
    let beyond = |integer: &i128| {
        !(low..=high).contains(integer) && domain.contains(crate::domain::field(*integer))
    };
    let integers: Vec<i128> = integers.into_iter().filter(beyond).collect();
    (!integers.is_empty()).then(|| crate::domain::field(random.one_of(&integers)))
}

/// Case distinctions within each other.
const MAX_DEPTH: usize = 3;
/// Attempts to find a second solution.
const ATTEMPTS: usize = 40;
