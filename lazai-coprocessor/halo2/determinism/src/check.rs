use halo2_proofs::halo2curves::bn256::Fr;

use crate::{Constraint, Domain, Question, Variable, propagate::State};

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

/// A verdict, and how it was reached.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) verdict: Verdict,
    /// Case distinctions within each other.
    pub(crate) depth: usize,
    /// Whether an open question might have been answered in more steps.
    pub(crate) is_exhausted: bool,
    /// Steps that were taken.
    pub(crate) steps: u64,
}

impl Question<'_> {
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
        let near = || self.near(constraint, &[], ATTEMPTS, 1).map(Verdict::Second);
        match self.answer_without(Some(constraint), 1, None).verdict {
            Verdict::Open(_) => near()
                .unwrap_or_else(|| self.answer_without(Some(constraint), MAX_DEPTH, None).verdict),
            verdict => verdict,
        }
    }

    /// Answers a question that is shown with all constraints if one is left out, with no more cases
    /// within each other than `most`, in about so many steps.
    pub(crate) fn without_within(&self, constraint: Constraint, most: usize, steps: u64) -> Answer {
        self.answer_without(Some(constraint), most, Some(steps))
    }

    /// Answers the question, and says how many cases within each other that took.
    pub(crate) fn answer_and_depth(&self) -> (Verdict, usize) {
        let Answer { verdict, depth, .. } = self.answer_without(None, MAX_DEPTH, None);
        (verdict, depth)
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

    fn give(&self, state: &mut State<'_>) -> bool {
        self.given.iter().all(|variable| {
            let value = self.values[*variable as usize];
            state.narrow(*variable, Domain::exact(value)).is_ok()
        })
    }

    /// Answers the question. If there is a number of steps, it is known to be shown with all
    /// constraints.
    fn answer_without(
        &self,
        left_out: Option<Constraint>,
        most: usize,
        steps: Option<u64>,
    ) -> Answer {
        let limit = steps.unwrap_or(u64::MAX);
        let at = |verdict: Verdict, depth: usize| Answer {
            verdict,
            depth,
            is_exhausted: false,
            steps: 0,
        };
        let broken = self.kept(left_out).find(|kept| !self.system.holds(*kept, self.values));
        if let Some(broken) = broken {
            return at(Verdict::Broken(broken), 0);
        }
        let mut state = self.state(left_out);
        if !self.give(&mut state) {
            return at(Verdict::Contradiction, 0);
        }
        let shown = || if self.bounds.is_empty() { Verdict::Unique } else { Verdict::Bounded };
        state.allow(limit);
        let mut depth = 0;
        loop {
            if state.solve(depth, None).is_err() {
                return at(Verdict::Contradiction, depth);
            }
            // If the constraints that are left imply the other, their solutions are those of all.
            if steps.is_some() && left_out.is_some_and(|left_out| state.implies(left_out)) {
                return Answer { steps: limit - state.left(), ..at(shown(), depth) };
            }
            if self.is_shown(&state) || depth == most || state.is_exhausted() {
                break;
            }
            depth += 1;
        }
        let lost = |variable: &Variable| {
            !state.domain(*variable).contains(self.values[*variable as usize])
        };
        if self.demanded.iter().any(lost) {
            return at(Verdict::Contradiction, depth);
        }
        let taken = limit - state.left();
        if self.is_shown(&state) {
            return Answer { steps: taken, ..at(shown(), depth) };
        }
        let is_exhausted = state.is_exhausted();
        state.allow(limit);
        let verdict = self.second(&mut state, left_out).map_or_else(
            || {
                let open = self.open(&state).map(|variable| (variable, state.domain(variable)));
                Verdict::Open(open.collect())
            },
            Verdict::Second,
        );
        let steps = taken.saturating_add(limit - state.left());
        Answer { verdict, depth, is_exhausted, steps }
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
}

/// Case distinctions within each other.
const MAX_DEPTH: usize = 3;
/// Attempts to find a second solution near the witness.
const ATTEMPTS: usize = 40;
