//! Looks for a second solution.
//!
//! What is found here is checked with every constraint, so nothing depends on how it is looked for.

use halo2_proofs::halo2curves::{bn256::Fr, ff::Field};

use crate::{
    Constraint, Domain, Question, Variable,
    domain::{field, ratio, small},
    propagate::State,
    random::Random,
};

impl Question<'_> {
    /// Looks for another solution near the witness, without a constraint: gives a variable of the
    /// constraint another value, keeps what was made before that, and computes the rest.
    ///
    /// If the constraint is needed at all, a second solution breaks it, and most often few values
    /// before it must change. Nothing is narrowed first, so an attempt takes little time. If there
    /// are `results`, one of them must be another in the solution, too, and every other attempt
    /// begins with that.
    pub(crate) fn near(
        &self,
        left_out: Constraint,
        results: &[Variable],
        attempts: usize,
        seed: u64,
    ) -> Option<Vec<Fr>> {
        let own = self.system.variables_of(left_out);
        let own: Vec<_> = own.into_iter().filter(|x| !self.given.contains(x)).collect();
        let first = *own.iter().min()? as usize;
        let mut random = Random::new(seed);
        let mut state = self.state(Some(left_out));
        let known: Vec<Domain> = self.values.iter().map(|value| Domain::exact(*value)).collect();
        for attempt in 0..attempts {
            let from = match NEAR[attempt % NEAR.len()] {
                0 => 0,
                before => (first + 1).saturating_sub(before),
            };
            let others = own.iter().map(|x| *x as usize).filter(|x| *x < from);
            let open = (from..known.len()).chain(others).map(|x| x as Variable);
            let open: Vec<_> = open.filter(|x| !self.given.contains(x)).collect();
            state.reopen(&known, &open);
            state.allow(NEAR_STEPS);
            let (variable, value) = if !results.is_empty() && attempt % 2 == 1 {
                let result = random.one_of(results);
                (result, Some(self.other(result, &mut random)))
            } else {
                let variable = random.one_of(&own);
                let mut breaking = || self.breaking(left_out, variable, &mut random);
                (variable, (0..CHOICES).find_map(|_| breaking()))
            };
            let Some(value) = value.filter(|_| !self.given.contains(&variable)) else { continue };
            if state.propagate().is_ok()
                && let Some(values) = self.complete(&mut state, variable, value, &mut random)
                && self.is_second(&values, Some(left_out))
                && (results.is_empty() || self.is_other_in(&values, results))
            {
                return Some(values);
            }
        }
        None
    }

    /// Looks for another solution in the domains of a state by choosing values of open variables.
    pub(crate) fn second(
        &self,
        state: &mut State<'_>,
        left_out: Option<Constraint>,
    ) -> Option<Vec<Fr>> {
        let mut random = Random::new(0x9e37_79b9_7f4a_7c15);
        let root = state.trail.len();
        let open: Vec<Variable> = self.open(state).collect();
        if open.is_empty() {
            return None;
        }
        for attempt in 0..ATTEMPTS {
            // The variables that are made first depend on fewest others, so they come first, too.
            let mut first = open[(attempt / 2) % open.len()];
            let mut beyond = None;
            if attempt % 2 == 1 {
                first = random.one_of(&open);
            } else if !self.bounds.is_empty() {
                let (variable, low, high) = random.one_of(&self.bounds);
                first = variable;
                beyond = beyond_of(state.domain(variable), low, high, &mut random);
            }
            let value = beyond.unwrap_or_else(|| self.value(state, first, true, &mut random));
            let found = self.complete(state, first, value, &mut random);
            state.undo(root);
            if let Some(values) = found
                && self.is_second(&values, left_out)
            {
                return Some(values);
            }
        }
        None
    }

    /// Gives a variable a value, and chooses values of others until every demanded one has one.
    fn complete(
        &self,
        state: &mut State<'_>,
        variable: Variable,
        value: Fr,
        random: &mut Random,
    ) -> Option<Vec<Fr>> {
        state.follow(variable, value, 1).ok()?;
        loop {
            let left: Vec<Variable> = self.open(state).take(64).collect();
            if left.is_empty() {
                return Some(self.solution(state));
            }
            let fits = (0..CHOICES).any(|_| {
                let length = state.trail.len();
                // The variables that are made first depend on fewest others.
                let is_set = |x: &&Variable| self.values[**x as usize] != Fr::ZERO;
                let variable = match random.below(3) {
                    0 => left[0],
                    1 => *left.iter().find(is_set).unwrap_or(&left[0]),
                    _ => random.one_of(&left),
                };
                let value = self.value(state, variable, false, random);
                let fits = state.follow(variable, value, 1).is_ok();
                if !fits {
                    state.undo(length);
                }
                fits
            });
            if !fits || state.is_exhausted() {
                return None;
            }
        }
    }

    /// Returns whether values keep every constraint but one, and are not those that are asked
    /// about.
    fn is_second(&self, values: &[Fr], left_out: Option<Constraint>) -> bool {
        self.is_other(values) && self.kept(left_out).all(|kept| self.system.holds(kept, values))
    }

    /// Returns whether a solution is another than the witness, or one beyond the bounds.
    fn is_other(&self, values: &[Fr]) -> bool {
        if self.bounds.is_empty() {
            return self.is_other_in(values, &self.demanded);
        }
        self.bounds
            .iter()
            .any(|(x, low, high)| !Domain::Interval(*low, *high).contains(values[*x as usize]))
    }

    /// Returns whether one of some variables has another value than that of the witness.
    pub(crate) fn is_other_in(&self, values: &[Fr], variables: &[Variable]) -> bool {
        variables.iter().any(|x| values[*x as usize] != self.values[*x as usize])
    }

    fn solution(&self, state: &State<'_>) -> Vec<Fr> {
        let value =
            |(variable, honest): (usize, &Fr)| state.value(variable as Variable).unwrap_or(*honest);
        self.values.iter().enumerate().map(value).collect()
    }

    /// Returns a value of a variable that breaks a constraint which the witness keeps, if no other
    /// variable changes.
    fn breaking(
        &self,
        constraint: Constraint,
        variable: Variable,
        random: &mut Random,
    ) -> Option<Fr> {
        let honest = self.values[variable as usize];
        let near = self.other(variable, random);
        let sign = if random.below(2) == 0 { Fr::ONE } else { -Fr::ONE };
        let index = match constraint {
            Constraint::Equation(index) => {
                let mut values = self.values.to_vec();
                values[variable as usize] = near;
                let sum = self.system.equations[index].evaluate(&values);
                return (sum != Fr::ZERO).then_some(near);
            }
            Constraint::Lookup(index) => index,
        };
        let admitted = &self.system.admitted[self.system.lookups[index].admitted];
        let rows = field(admitted.integers.len() as i128);
        let beyond = match random.below(5) {
            0 => honest + sign * rows,
            1 => honest + sign * rows * field(1 << random.below(16)),
            2 => -Fr::ONE,
            3 => fraction(honest, random),
            _ => near,
        };
        (!admitted.contains(beyond)).then_some(beyond)
    }

    /// Returns a value of a variable that is likely to be another than that of the witness.
    fn other(&self, variable: Variable, random: &mut Random) -> Fr {
        let honest = self.values[variable as usize];
        let sign = if random.below(2) == 0 { Fr::ONE } else { -Fr::ONE };
        let power = |random: &mut Random, most: u64| field(1 << random.below(most));
        match random.below(6) {
            0 | 1 => honest + sign,
            2 | 3 => honest + sign * power(random, 64),
            4 => fraction(honest, random),
            _ => field(random.up_to(3) - 1),
        }
    }

    /// Returns a value of a variable: as often as not that of the witness, unless another is asked
    /// for; or a row of the table in which it is looked up, or one of its domain.
    fn value(&self, state: &State<'_>, variable: Variable, other: bool, random: &mut Random) -> Fr {
        let (domain, honest) = (state.domain(variable), self.values[variable as usize]);
        if !other && random.below(2) == 0 && domain.contains(honest) {
            return honest;
        }
        let row = self.row(variable, domain, random);
        row.unwrap_or_else(|| self.choose(domain, variable, other, random))
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
        Some(field(rows[begin + random.below(count as u64) as usize]))
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
                        let integer = small(honest).unwrap_or(low);
                        integer + if near == 3 { 1 } else { -1 }
                    }
                };
                let mut integer = integer.clamp(low, high);
                if other && field(integer) == honest {
                    integer = if integer < high { integer + 1 } else { integer - 1 };
                }
                field(integer)
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

/// Returns a value that differs by a fraction, as the highest limb may if others take it up.
fn fraction(honest: Fr, random: &mut Random) -> Fr {
    let odd = 1 + 2 * random.up_to(3);
    let odd = if random.below(2) == 0 { odd } else { -odd };
    honest + ratio(field(odd), field(2 << random.below(8)))
}

/// Returns an element of a domain that is no integer from `low` to `high`, if there is one.
fn beyond_of(domain: Domain, low: i128, high: i128, random: &mut Random) -> Option<Fr> {
    let integers = match domain {
        Domain::Interval(least, most) => [least, most, low - 1, high + 1],
        Domain::Any => [low - 1, high + 1, low - 1, high + 1],
        Domain::Element(value) => return Some(value),
    };
    let beyond =
        |integer: &i128| !(low..=high).contains(integer) && domain.contains(field(*integer));
    let integers: Vec<i128> = integers.into_iter().filter(beyond).collect();
    (!integers.is_empty()).then(|| field(random.one_of(&integers)))
}

/// Attempts to find a second solution in the domains of a state.
const ATTEMPTS: usize = 40;
/// Values that are tried where those before left no solution.
const CHOICES: usize = 3;
/// How many variables may change from which on, in turn: the constraint's last ones, or all.
const NEAR: [usize; 6] = [1, 8, 1, 24, 64, 0];
/// Steps of one attempt near the witness.
const NEAR_STEPS: u64 = 40_000;
