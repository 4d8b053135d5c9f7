use lazai_halo2::{Gadget, PlacedCircuit, PlacedSites};

use crate::{
    Constraint, Form, GadgetReport, LeftOut, Question, SweepError, System, Verdict,
    cases::{GADGETS, chosen, drawn},
    inputs::{edges, inputs},
    place::{given_variables, public, variables},
    random::Random,
    report::Origin,
};

/// How much a sweep over gadgets tries.
#[derive(Clone, Debug)]
pub struct Sweep {
    /// The gadgets, by name.
    pub gadgets: Vec<String>,
    /// Parameters that are drawn for each gadget, beside those that are chosen.
    pub drawn: usize,
    /// Integers that each gadget with its parameters is tried on, beside those at its edges.
    pub inputs: usize,
    /// Widths of the range table.
    pub range_bits: Vec<u32>,
    /// Whether constraints are left out, one at a time, of the gadgets with chosen parameters.
    pub leave_out: bool,
    /// What integers and parameters are drawn from.
    pub seed: u64,
}

impl Default for Sweep {
    fn default() -> Self {
        Self {
            gadgets: GADGETS.map(str::to_owned).to_vec(),
            drawn: 3,
            inputs: 24,
            range_bits: vec![8, 10, 12, 16],
            leave_out: true,
            seed: 1,
        }
    }
}

impl Sweep {
    /// Tries all gadgets, and calls `progress` with the report of each as soon as it is there.
    ///
    /// What is noticed only where a method stands alone is known at the end.
    ///
    /// # Errors
    /// [`SweepError`] if a circuit cannot be made or read.
    pub fn run(
        &self,
        progress: &mut dyn FnMut(&GadgetReport),
    ) -> Result<Vec<GadgetReport>, SweepError> {
        let mut reports = Vec::new();
        for name in &self.gadgets {
            let report = self.gadget(name)?;
            progress(&report);
            reports.push(report);
        }
        GadgetReport::compare_methods(&mut reports);
        Ok(reports)
    }

    fn gadget(&self, name: &str) -> Result<GadgetReport, SweepError> {
        let unknown = || SweepError::Gadget { name: name.to_owned() };
        let chosen = chosen(name).ok_or_else(unknown)?;
        // Each gadget draws from a stream of its own, so that it can be tried alone.
        let stream = name
            .bytes()
            .fold(self.seed, |seed, byte| seed.wrapping_mul(0x100_0000_01b3) ^ u64::from(byte));
        let mut report = GadgetReport { name: name.to_owned(), ..GadgetReport::default() };
        for turn in 0..chosen.len() + self.drawn {
            let mut random = Random::new(stream.wrapping_add(turn as u64));
            let (gadget, leave_out) = match chosen.get(turn) {
                Some(gadget) => (gadget.clone(), self.leave_out),
                None => {
                    let turn = turn - chosen.len();
                    (drawn(name, turn, &mut random).ok_or_else(unknown)?, false)
                }
            };
            let mut all: Vec<_> =
                (0..self.inputs).map(|turn| inputs(&gadget, turn, &mut random)).collect();
            all.extend(edges(&gadget));
            for range_bits in &self.range_bits {
                circuit(&gadget, &all, *range_bits, leave_out, &mut report)?;
            }
        }
        Ok(report)
    }
}

/// Tries one gadget with its parameters at one width on all inputs.
fn circuit(
    gadget: &Gadget,
    inputs: &[Vec<i32>],
    range_bits: u32,
    leave_out: bool,
    report: &mut GadgetReport,
) -> Result<(), SweepError> {
    let Some(first) = inputs.first() else { return Ok(()) };
    let placed = PlacedCircuit::gadget(gadget, first, range_bits)?;
    let (system, values) = System::read(&placed, placed.k(), &public(&placed))?;
    let given = given_variables(&placed, &system, 1);
    let question = Question::new(&system, &values).given(given);
    report.circuits += 1;
    let mut witnesses = vec![values.clone()];
    for inputs in &inputs[1..] {
        let placed = PlacedCircuit::gadget(gadget, inputs, range_bits)?;
        witnesses.push(system.witness(&placed, placed.k(), &public(&placed))?);
    }
    let mut depths = Vec::with_capacity(witnesses.len());
    for (inputs, values) in inputs.iter().zip(&witnesses) {
        report.inputs += 1;
        let (verdict, depth) = question.with_values(values).answer_and_depth();
        depths.push(depth);
        match verdict {
            Verdict::Unique => report.unique += 1,
            verdict => report.failures.push(format!(
                "{gadget:?} on {inputs:?}, range of {range_bits} bits: {}",
                explain(&system, &verdict)
            )),
        }
    }
    // A gadget that bounds what it reads must admit nothing else.
    let bounded = gadget.bounds().map(|bounds| {
        let variables = variables(&placed, &system);
        let read = placed.given().into_iter().filter_map(|number| variables[number]);
        let bounds = read.zip(bounds).map(|(x, (low, high))| (x, low.into(), high.into()));
        Question::new(&system, &values).bounded(bounds)
    });
    if let Some(bounded) = &bounded
        && bounded.answer() != Verdict::Bounded
    {
        let verdict = explain(&system, &bounded.answer());
        report.failures.push(format!("{gadget:?}, range of {range_bits} bits, open: {verdict}"));
    }
    if leave_out {
        // Bounds do not depend on the witness.
        let mut asked: Vec<_> = bounded.iter().map(|bounded| (bounded.clone(), 1)).collect();
        let questions = witnesses.iter().map(|values| question.with_values(values));
        asked.extend(questions.zip(depths));
        let sites = placed.sites();
        for constraint in bounded.as_ref().unwrap_or(&question).constraints() {
            let (origin, left_out) = match origin(&system, &sites, *constraint) {
                (origin, None) => (origin, &mut report.lookups),
                (origin, Some(Form::Sum)) => (origin, &mut report.sums),
                (origin, Some(_)) => (origin, &mut report.zeros),
            };
            let name = || {
                format!("{gadget:?}, range of {range_bits} bits: {}", system.describe(*constraint))
            };
            if !left_out.add(origin, *constraint, &asked, name) {
                report.failures.push(format!("{}: left out, the rest is contradictory", name()));
            }
        }
    }
    Ok(())
}

/// Returns where a constraint comes from, and its form if it is an equation.
fn origin(system: &System, sites: &PlacedSites, constraint: Constraint) -> (Origin, Option<Form>) {
    let (form, gate) = match constraint {
        Constraint::Lookup(_) => (None, "look up"),
        Constraint::Equation(index) => {
            let equation = &system.equations()[index];
            (Some(equation.form()), equation.gate())
        }
    };
    let site = system.place(constraint).and_then(|(column, row)| sites.at(column, row));
    let origin =
        site.map_or_else(|| Origin::Gate(gate.to_owned()), |site| Origin::Site(site.clone()));
    (origin, form)
}

impl LeftOut {
    /// Leaves out a constraint, unless it is known that one of its origin is needed; returns false
    /// if the checker contradicts the witness then, which keeps all others.
    fn add(
        &mut self,
        origin: Origin,
        constraint: Constraint,
        asked: &[(Question<'_>, usize)],
        name: impl Fn() -> String,
    ) -> bool {
        let site = self.sites.entry(origin).or_default();
        if site.refused > 0 {
            return true;
        }
        site.tried += 1;
        site.example = name();
        // A second solution is worth more than an open question, and is found in less time.
        let mut open = Vec::new();
        for (question, depth) in asked {
            let depth = (*depth).max(1);
            match question.without_at(constraint, depth) {
                Verdict::Second(_) => {
                    site.refused += 1;
                    site.second = true;
                    return true;
                }
                Verdict::Open(_) => open.push((question, depth)),
                Verdict::Bounded | Verdict::Unique => {}
                Verdict::Broken(_) | Verdict::Contradiction => return false,
            }
            if open.len() >= OPEN {
                break;
            }
        }
        for (question, depth) in open {
            match question.without_at(constraint, depth + 1) {
                Verdict::Second(_) => {
                    site.refused += 1;
                    site.second = true;
                }
                Verdict::Open(_) => site.refused += 1,
                Verdict::Bounded | Verdict::Unique => continue,
                Verdict::Broken(_) | Verdict::Contradiction => return false,
            }
            break;
        }
        true
    }
}

pub(crate) fn explain(system: &System, verdict: &Verdict) -> String {
    match verdict {
        Verdict::Bounded => "within the bounds".to_owned(),
        Verdict::Broken(constraint) => format!("breaks {}", system.describe(*constraint)),
        Verdict::Contradiction => "the constraints contradict each other".to_owned(),
        Verdict::Open(open) => {
            format!("{} values open, first {:?}", open.len(), &open[..open.len().min(3)])
        }
        Verdict::Second(_) => "a second solution".to_owned(),
        Verdict::Unique => "the only solution".to_owned(),
    }
}

/// Witnesses that are left open without a constraint before the search for a second solution ends.
const OPEN: usize = 4;
