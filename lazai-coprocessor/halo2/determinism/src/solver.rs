//! Distinguishes cases where constraints alone narrow nothing.

use std::collections::{BTreeMap, BTreeSet};

use halo2_proofs::halo2curves::{bn256::Fr, ff::Field};

use crate::{
    Constraint, Domain, Equation, Variable,
    domain::{Contradiction, ratio},
    equation::{Factors, Term},
    propagate::{Roots, State, Unknowns},
};

/// Cases of which one holds in every solution: a variable and what it is.
type Cases = [(Variable, Fr); 2];

impl State<'_> {
    /// Narrows domains by case distinctions, `depth` of them within each other.
    ///
    /// Each case is followed to its end, and the domains become the hulls of what the cases leave.
    /// As one of the cases holds in every solution, no solution is lost.
    pub(crate) fn solve(
        &mut self,
        depth: usize,
        near: Option<&BTreeSet<Variable>>,
    ) -> Result<(), Contradiction> {
        self.propagate()?;
        loop {
            let mut progress = false;
            for equation in self.equations_near(near) {
                if self.is_exhausted() {
                    return Ok(());
                }
                let Some(cases) = self.cases(&self.system.equations[equation]) else { continue };
                progress |= self.distinguish(cases, depth)?;
            }
            if !progress {
                return Ok(());
            }
        }
    }

    fn equations_near(&self, near: Option<&BTreeSet<Variable>>) -> Vec<usize> {
        let active = |index: &usize| self.is_active(Constraint::Equation(*index));
        let Some(near) = near else {
            return (0..self.system.equations.len()).filter(active).collect();
        };
        let watching = near.iter().flat_map(|variable| self.watchers.of(*variable));
        let equations = watching.filter_map(|constraint| match constraint {
            Constraint::Equation(index) => Some(*index),
            Constraint::Lookup(_) => None,
        });
        equations.filter(active).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Follows each case; returns whether a domain became smaller.
    fn distinguish(&mut self, cases: Cases, depth: usize) -> Result<bool, Contradiction> {
        let mut hull: Option<BTreeMap<Variable, Domain>> = None;
        for (variable, value) in cases {
            let length = self.trail.len();
            let left = self.follow(variable, value, depth).is_ok();
            if left {
                let changed = self.changed_since(length);
                hull = Some(match hull {
                    None => changed
                        .into_iter()
                        .map(|variable| (variable, self.domain(variable)))
                        .collect(),
                    Some(mut hull) => {
                        hull.retain(|variable, _| changed.contains(variable));
                        for (variable, domain) in &mut hull {
                            *domain = domain.hull(self.domain(*variable));
                        }
                        hull
                    }
                });
            }
            self.undo(length);
        }
        let length = self.trail.len();
        for (variable, domain) in hull.ok_or(Contradiction)? {
            self.narrow(variable, domain)?;
        }
        self.propagate()?;
        Ok(self.trail.len() > length)
    }

    /// Follows the case that a variable has a value: what it changes, and the cases of the
    /// equations around that, `depth - 1` of them within each other.
    pub(crate) fn follow(
        &mut self,
        variable: Variable,
        value: Fr,
        depth: usize,
    ) -> Result<(), Contradiction> {
        let length = self.trail.len();
        self.narrow(variable, Domain::exact(value))?;
        self.propagate()?;
        match depth.checked_sub(1) {
            None => Ok(()),
            Some(depth) => {
                let near = self.changed_since(length);
                self.solve(depth, Some(&near))
            }
        }
    }

    fn changed_since(&self, length: usize) -> BTreeSet<Variable> {
        self.trail[length..].iter().map(|(variable, _)| *variable).collect()
    }

    /// Returns cases of which an equation says that one holds: two roots, or two factors of which
    /// one is 0.
    fn cases(&self, equation: &Equation) -> Option<Cases> {
        match self.unknowns(equation) {
            Unknowns::None => None,
            Unknowns::One(x) => {
                let square = |term: &Term| matches!(term.factors, Factors::Two(y, z) if y == z);
                if !equation.terms.iter().any(square) {
                    return None;
                }
                match self.roots(equation, x) {
                    Roots::Some(roots) => match roots[..] {
                        [first, second] => Some([(x, first), (x, second)]),
                        _ => None,
                    },
                    Roots::All(_) => None,
                }
            }
            Unknowns::More => self.factors(equation),
        }
    }

    /// Finds `(x + s) (y + t)` in an equation with two open variables, up to a factor.
    fn factors(&self, equation: &Equation) -> Option<Cases> {
        let is_open = |x: &Variable| !self.domain(*x).is_exact();
        let x = equation.variables().find(is_open)?;
        let mut others = equation.variables().filter(|y| is_open(y) && *y != x);
        let y = others.next()?;
        if others.any(|other| other != y) {
            return None;
        }
        // a x y + b x + c y + d
        let [mut a, mut b, mut c, mut d] = [Fr::ZERO, Fr::ZERO, Fr::ZERO, equation.constant];
        for Term { coefficient, factors, .. } in &equation.terms {
            match *factors {
                Factors::One(z) if z == x => b += coefficient,
                Factors::One(z) if z == y => c += coefficient,
                Factors::One(z) => d += *coefficient * self.value(z)?,
                Factors::Two(z, w) if z == w && (z == x || z == y) => return None,
                Factors::Two(z, w) if (z == x && w == y) || (z == y && w == x) => a += coefficient,
                Factors::Two(z, w) => {
                    let (open, known) = if z == x || z == y { (z, w) } else { (w, z) };
                    let product = *coefficient * self.value(known)?;
                    if open == x {
                        b += product;
                    } else if open == y {
                        c += product;
                    } else {
                        d += product * self.value(open)?;
                    }
                }
            }
        }
        (a != Fr::ZERO && a * d == b * c).then(|| [(x, -ratio(c, a)), (y, -ratio(b, a))])
    }
}
