//! Narrows the domains of variables by one constraint at a time.
//!
//! Every step keeps each solution: a domain is only ever met with a set that holds the variable's
//! value in all solutions.

use std::collections::VecDeque;

use halo2_proofs::halo2curves::{bn256::Fr, ff::Field};

use crate::{
    Constraint, Domain, Equation, System, Variable,
    domain::{Contradiction, field, floor_root, ratio, small},
    equation::{Factors, Form, Term},
    logup::Admitted,
    system::Lookup,
};

/// Which constraints each variable takes part in.
#[derive(Debug)]
pub(crate) struct Watchers {
    of: Vec<Vec<Constraint>>,
    /// For each lookup in a table that is no interval, the equations that may say which row it is.
    rows: Vec<Vec<usize>>,
}

impl Watchers {
    pub(crate) fn new(system: &System) -> Self {
        let mut of = vec![Vec::new(); system.variables()];
        let mut equations_of = vec![Vec::new(); system.variables()];
        let watch = |of: &mut Vec<Vec<Constraint>>, variable: Variable, constraint: Constraint| {
            let all = &mut of[variable as usize];
            if all.last() != Some(&constraint) {
                all.push(constraint);
            }
        };
        for (index, equation) in system.equations.iter().enumerate() {
            for variable in equation.variables() {
                watch(&mut of, variable, Constraint::Equation(index));
                equations_of[variable as usize].push(index);
            }
        }
        let mut rows = vec![Vec::new(); system.lookups.len()];
        for (index, lookup) in system.lookups.iter().enumerate() {
            watch(&mut of, lookup.variable, Constraint::Lookup(index));
            if system.admitted[lookup.admitted].contiguous {
                continue;
            }
            for equation in &equations_of[lookup.variable as usize] {
                rows[index].push(*equation);
                for variable in system.equations[*equation].variables() {
                    watch(&mut of, variable, Constraint::Lookup(index));
                }
            }
        }
        Self { of, rows }
    }

    pub(crate) fn of(&self, variable: Variable) -> &[Constraint] {
        &self.of[variable as usize]
    }
}

/// Domains, and the constraints that may still narrow them.
#[derive(Debug)]
pub(crate) struct State<'a> {
    pub(crate) system: &'a System,
    pub(crate) watchers: &'a Watchers,
    pub(crate) domains: Vec<Domain>,
    /// What domains were before they were narrowed.
    pub(crate) trail: Vec<(Variable, Domain)>,
    /// Whether each constraint counts, equations first.
    active: Vec<bool>,
    queue: VecDeque<usize>,
    queued: Vec<bool>,
    /// Steps that are left; without any, nothing is narrowed but by [`narrow`](Self::narrow).
    steps: u64,
    /// Whether a propagation took more than [`MAX_STEPS`].
    was_cut: bool,
}

impl<'a> State<'a> {
    pub(crate) fn new(
        system: &'a System,
        watchers: &'a Watchers,
        constraints: impl IntoIterator<Item = Constraint>,
    ) -> Self {
        let count = system.equations.len() + system.lookups.len();
        let mut state = Self {
            system,
            watchers,
            domains: vec![Domain::Any; system.variables()],
            trail: Vec::new(),
            active: vec![false; count],
            queue: VecDeque::new(),
            queued: vec![false; count],
            steps: u64::MAX,
            was_cut: false,
        };
        for constraint in constraints {
            let index = state.index(constraint);
            state.active[index] = true;
            state.push(index);
        }
        state
    }

    const fn index(&self, constraint: Constraint) -> usize {
        match constraint {
            Constraint::Equation(index) => index,
            Constraint::Lookup(index) => self.system.equations.len() + index,
        }
    }

    pub(crate) fn is_active(&self, constraint: Constraint) -> bool {
        self.active[self.index(constraint)]
    }

    fn push(&mut self, index: usize) {
        if !self.queued[index] {
            self.queued[index] = true;
            self.queue.push_back(index);
        }
    }

    pub(crate) fn domain(&self, variable: Variable) -> Domain {
        self.domains[variable as usize]
    }

    pub(crate) fn value(&self, variable: Variable) -> Option<Fr> {
        self.domain(variable).value()
    }

    /// Narrows a domain.
    pub(crate) fn narrow(&mut self, variable: Variable, by: Domain) -> Result<(), Contradiction> {
        let before = self.domain(variable);
        let after = before.meet(by)?;
        if after != before {
            self.trail.push((variable, before));
            self.domains[variable as usize] = after;
            let watchers = self.watchers;
            for constraint in watchers.of(variable) {
                let index = self.index(*constraint);
                if self.active[index] {
                    self.push(index);
                }
            }
        }
        Ok(())
    }

    /// Sets how many steps are left.
    pub(crate) const fn allow(&mut self, steps: u64) {
        self.steps = steps;
        self.was_cut = false;
    }

    /// Returns how many steps are left.
    pub(crate) const fn left(&self) -> u64 {
        self.steps
    }

    /// Returns whether a propagation ended before its time; domains are then larger than they might
    /// be.
    pub(crate) const fn is_exhausted(&self) -> bool {
        self.steps == 0 || self.was_cut
    }

    /// Begins anew: all variables are known but for some, of which nothing is.
    pub(crate) fn reopen(&mut self, known: &[Domain], open: &[Variable]) {
        self.stop();
        self.trail.clear();
        self.domains.copy_from_slice(known);
        let watchers = self.watchers;
        for variable in open {
            self.domains[*variable as usize] = Domain::Any;
            for constraint in watchers.of(*variable) {
                let index = self.index(*constraint);
                if self.active[index] {
                    self.push(index);
                }
            }
        }
    }

    /// Returns whether every solution in the domains keeps a constraint.
    pub(crate) fn implies(&self, constraint: Constraint) -> bool {
        match constraint {
            Constraint::Equation(index) => {
                let equation = &self.system.equations[index];
                let mut bits = equation.variables();
                match self.unknowns(equation) {
                    Unknowns::None => self.quadratic(equation, None)[2] == Fr::ZERO,
                    Unknowns::One(_) | Unknowns::More => {
                        equation.form() == Form::Bit
                            && bits.all(|bit| self.domain(bit) == Domain::Interval(0, 1))
                    }
                }
            }
            Constraint::Lookup(index) => {
                let Lookup { variable, admitted, .. } = self.system.lookups[index];
                let admitted = &self.system.admitted[admitted];
                match (self.value(variable), self.domain(variable), admitted.domain()) {
                    (Some(value), ..) => admitted.contains(value),
                    (None, Domain::Interval(a, b), Domain::Interval(c, d)) => {
                        admitted.contiguous && c <= a && b <= d
                    }
                    _ => false,
                }
            }
        }
    }

    /// Takes back what was narrowed after the trail had the given length.
    pub(crate) fn undo(&mut self, length: usize) {
        while self.trail.len() > length {
            if let Some((variable, before)) = self.trail.pop() {
                self.domains[variable as usize] = before;
            }
        }
        self.stop();
    }

    fn stop(&mut self) {
        for index in self.queue.drain(..) {
            self.queued[index] = false;
        }
    }

    /// Applies the constraints until none narrows anything, or for so many steps.
    pub(crate) fn propagate(&mut self) -> Result<(), Contradiction> {
        let result = self.steps();
        self.stop();
        result
    }

    fn steps(&mut self) -> Result<(), Contradiction> {
        for _ in 0..MAX_STEPS {
            let Some(left) = self.steps.checked_sub(1) else { return Ok(()) };
            let Some(index) = self.queue.pop_front() else { return Ok(()) };
            self.steps = left;
            self.queued[index] = false;
            let system = self.system;
            match index.checked_sub(system.equations.len()) {
                None => self.equation(&system.equations[index])?,
                Some(lookup) => self.lookup(lookup)?,
            }
        }
        self.was_cut |= !self.queue.is_empty();
        Ok(())
    }

    fn product(&self, factors: Factors) -> Domain {
        match factors {
            Factors::One(x) => self.domain(x),
            Factors::Two(x, y) if x == y => self.domain(x).squared(),
            Factors::Two(x, y) => self.domain(x).times(self.domain(y)),
        }
    }

    fn equation(&mut self, equation: &Equation) -> Result<(), Contradiction> {
        match self.unknowns(equation) {
            Unknowns::None => {
                return match self.quadratic(equation, None) {
                    [_, _, sum] if sum == Fr::ZERO => Ok(()),
                    _ => Err(Contradiction),
                };
            }
            Unknowns::One(x) => {
                let domain = self.roots(equation, x).hull();
                return self.narrow(x, domain?);
            }
            Unknowns::More => {}
        }
        let terms: Vec<Domain> = equation
            .terms
            .iter()
            .map(|term| term.scale.times(self.product(term.factors)))
            .collect();
        if terms.iter().filter(|domain| **domain == Domain::Any).count() > 1 {
            return Ok(());
        }
        // The sums of all terms behind each.
        let mut behind = vec![Domain::ZERO; terms.len() + 1];
        for (at, term) in terms.iter().enumerate().rev() {
            behind[at] = behind[at + 1].plus(*term);
        }
        let mut before = Domain::exact(equation.constant);
        for ((term, own), behind) in equation.terms.iter().zip(&terms).zip(&behind[1..]) {
            let target = before.plus(*behind).negated();
            own.meet(target)?;
            self.term(term, *own, target)?;
            before = before.plus(*own);
        }
        Ok(())
    }

    /// Narrows the variables of a term that lies in `target`.
    fn term(&mut self, term: &Term, own: Domain, target: Domain) -> Result<(), Contradiction> {
        if target == Domain::Any {
            return Ok(());
        }
        let product = self.product(term.factors);
        let quotient = match (small(term.coefficient), target.value()) {
            (Some(1), _) => target,
            (Some(-1), _) => target.negated(),
            (_, Some(value)) => Domain::exact(ratio(value, term.coefficient)),
            (Some(by), None) if own != Domain::Any => target.divided(by, product)?,
            _ => Domain::Any,
        };
        match term.factors {
            Factors::One(x) => self.narrow(x, quotient),
            Factors::Two(x, y) if x == y => {
                if quotient == Domain::ZERO {
                    return self.narrow(x, Domain::ZERO);
                }
                let root = quotient.square_root(self.domain(x))?;
                self.narrow(x, root)
            }
            Factors::Two(x, y) => {
                self.factor(quotient, x, y)?;
                self.factor(quotient, y, x)
            }
        }
    }

    /// Narrows `x`, whose product with `y` lies in `product`.
    fn factor(&mut self, product: Domain, x: Variable, y: Variable) -> Result<(), Contradiction> {
        let (own, other) = (self.domain(x), self.domain(y));
        if product == Domain::ZERO {
            return if other.contains_zero() { Ok(()) } else { self.narrow(x, Domain::ZERO) };
        }
        if !product.contains_zero() && own.contains_zero() {
            let without = own.without_zero()?;
            self.narrow(x, without)?;
        }
        match (other.value(), product.value()) {
            (Some(by), _) if by == Fr::ZERO => Ok(()),
            (Some(by), Some(value)) => self.narrow(x, Domain::exact(ratio(value, by))),
            (Some(by), None) => match small(by) {
                Some(1) => self.narrow(x, product),
                Some(-1) => self.narrow(x, product.negated()),
                Some(by) => {
                    let quotient = product.divided(by, own)?;
                    self.narrow(x, quotient)
                }
                None => Ok(()),
            },
            (None, _) => {
                let quotient = product.quotient(other, own)?;
                self.narrow(x, quotient)
            }
        }
    }

    fn lookup(&mut self, index: usize) -> Result<(), Contradiction> {
        let Lookup { variable, admitted, .. } = self.system.lookups[index];
        let admitted = &self.system.admitted[admitted];
        if let Some(value) = self.value(variable) {
            return if admitted.contains(value) { Ok(()) } else { Err(Contradiction) };
        }
        self.narrow(variable, admitted.domain())?;
        if admitted.contiguous || !admitted.elements.is_empty() {
            return Ok(());
        }
        let watchers = self.watchers;
        for equation in &watchers.rows[index] {
            if self.active[*equation] {
                self.rows(variable, admitted, &self.system.equations[*equation])?;
            }
        }
        Ok(())
    }

    /// Narrows a variable to the rows of a table that a linear equation with one other open
    /// variable admits.
    fn rows(
        &mut self,
        row: Variable,
        table: &Admitted,
        equation: &Equation,
    ) -> Result<(), Contradiction> {
        let mut constant = Domain::exact(equation.constant);
        let (mut own, mut other) = (None, None);
        for term in &equation.terms {
            let product = self.product(term.factors);
            match term.factors {
                Factors::One(x) if x == row && own.is_none() => own = small(term.coefficient),
                _ if product.is_exact() => constant = constant.plus(term.scale.times(product)),
                Factors::One(x) if other.is_none() => other = Some((x, small(term.coefficient))),
                _ => return Ok(()),
            }
        }
        let (Some(own), Some((other, Some(by))), Domain::Interval(constant, _)) =
            (own, other, constant)
        else {
            return Ok(());
        };
        let (Domain::Interval(first, last), Domain::Interval(low, high)) =
            (self.domain(row), self.domain(other))
        else {
            return Ok(());
        };
        // `constant + own * row + by * other = 0`, over the integers if nothing wraps.
        let small =
            |domain: Domain, by: i128| domain.times(Domain::Interval(by, by)) != Domain::Any;
        if !small(self.domain(row), own) || !small(self.domain(other), by) {
            return Ok(());
        }
        let admitted = |row: &i128| {
            let sum = constant + own * *row;
            sum % by == 0 && low <= -(sum / by) && -(sum / by) <= high
        };
        // Where each row is told by its rest, most often one is left.
        let residue =
            (own.abs() == 1 && by.abs() > 1).then(|| (-constant * own).rem_euclid(by.abs()));
        let rows = residue.and_then(|residue| table.of_residue(by.abs(), residue));
        let rows = rows.unwrap_or(&table.integers);
        let begin = rows.partition_point(|row| *row < first);
        let end = rows.partition_point(|row| *row <= last);
        let mut left = rows[begin.min(end)..end].iter().copied().filter(admitted);
        let Some(least) = left.next() else { return Err(Contradiction) };
        let most = left.next_back().unwrap_or(least);
        self.narrow(row, Domain::Interval(least, most))
    }

    /// Returns the only open variable of an equation, if there is one.
    pub(crate) fn unknowns(&self, equation: &Equation) -> Unknowns {
        let mut found = Unknowns::None;
        for variable in equation.variables() {
            if self.domain(variable).is_exact() {
                continue;
            }
            match found {
                Unknowns::None => found = Unknowns::One(variable),
                Unknowns::One(other) if other == variable => {}
                _ => return Unknowns::More,
            }
        }
        found
    }

    /// Returns the coefficients of `x^2`, `x` and 1, all else being known.
    fn quadratic(&self, equation: &Equation, x: Option<Variable>) -> [Fr; 3] {
        let known = |variable: Variable| self.value(variable).unwrap_or(Fr::ZERO);
        let mut sums = [Fr::ZERO, Fr::ZERO, equation.constant];
        for Term { coefficient, factors, .. } in &equation.terms {
            match *factors {
                Factors::One(y) if Some(y) == x => sums[1] += coefficient,
                Factors::One(y) => sums[2] += *coefficient * known(y),
                Factors::Two(y, z) => match (Some(y) == x, Some(z) == x) {
                    (true, true) => sums[0] += coefficient,
                    (true, false) => sums[1] += *coefficient * known(z),
                    (false, true) => sums[1] += *coefficient * known(y),
                    (false, false) => sums[2] += *coefficient * known(y) * known(z),
                },
            }
        }
        sums
    }

    /// Returns the values of the only open variable that satisfy the equation and lie in its
    /// domain.
    pub(crate) fn roots(&self, equation: &Equation, x: Variable) -> Roots {
        let domain = self.domain(x);
        let within = |root: &Fr| domain.contains(*root);
        let [a, b, c] = self.quadratic(equation, Some(x));
        if a == Fr::ZERO {
            return match (b == Fr::ZERO, c == Fr::ZERO) {
                (true, true) => Roots::All(domain),
                (true, false) => Roots::Some(Vec::new()),
                _ => {
                    if let (Some(by), Some(sum)) = (small(b), small(c))
                        && sum % by != 0
                        && domain.magnitude().is_some_and(|most| most < SMALL && by.abs() < SMALL)
                    {
                        // A fraction, and no integer of the interval.
                        return Roots::Some(Vec::new());
                    }
                    Roots::Some([-ratio(c, b)].into_iter().filter(within).collect())
                }
            };
        }
        let (b, c) = (ratio(b, a), ratio(c, a));
        let mut roots = if c == Fr::ZERO {
            vec![Fr::ZERO, -b]
        } else if b == Fr::ZERO
            && let Some(square) = small(-c).filter(|square| *square >= 0)
            && floor_root(square) * floor_root(square) == square
        {
            vec![field(floor_root(square)), field(-floor_root(square))]
        } else {
            let half = Fr::from(2).invert().unwrap_or(Fr::ZERO);
            match Option::<Fr>::from((b.square() - c.double().double()).sqrt()) {
                None => Vec::new(),
                Some(root) => vec![(root - b) * half, -(root + b) * half],
            }
        };
        roots.dedup();
        roots.retain(within);
        Roots::Some(roots)
    }
}

/// The open variables of an equation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Unknowns {
    None,
    One(Variable),
    More,
}

/// The solutions of an equation in one variable.
#[derive(Clone, Debug)]
pub(crate) enum Roots {
    /// The equation says nothing.
    All(Domain),
    Some(Vec<Fr>),
}

impl Roots {
    fn hull(self) -> Result<Domain, Contradiction> {
        match self {
            Self::All(domain) => Ok(domain),
            Self::Some(roots) => {
                let roots = roots.into_iter().map(Domain::exact);
                roots.reduce(Domain::hull).ok_or(Contradiction)
            }
        }
    }
}

/// Steps after which propagation stops; what is found until then holds.
const MAX_STEPS: usize = 200_000;
/// Magnitude of factors whose product does not wrap.
const SMALL: i128 = 1 << 62;
