use std::collections::{BTreeMap, BTreeSet};

use halo2_proofs::halo2curves::{bn256::Fr, ff::Field};
use lazai_halo2::{Gadget, PlacedCircuit, PlacedSites};

use crate::{
    Constraint, Form, GadgetReport, Question, SweepError, System, Variable, Verdict,
    cases::{GADGETS, chosen, drawn},
    inputs::{edges, inputs},
    place::{public, variables},
    random::Random,
    report::{Origin, SiteReport},
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
        let mut circuits = Vec::new();
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
                let circuit = Tried::new(&gadget, &all, *range_bits, &mut report)?;
                circuits.extend(circuit.filter(|_| leave_out));
            }
        }
        // A second solution is worth more than an open question, and is found in less time.
        for effort in [Effort::Near, Effort::Whole] {
            for (number, circuit) in circuits.iter().enumerate() {
                circuit.leave_out(effort, number, &mut report);
            }
        }
        Ok(report)
    }
}

/// How a constraint that is left out is sought.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Effort {
    /// By a second solution near the witness.
    Near,
    /// By the whole question.
    Whole,
}

/// A gadget with its parameters at one width, which was tried on some inputs.
struct Tried {
    name: String,
    system: System,
    /// Where each constraint comes from; a lookup has no form.
    sites: BTreeMap<(Option<Form>, Origin), Vec<Constraint>>,
    given: BTreeSet<Variable>,
    bounds: Vec<(Variable, i128, i128)>,
    /// The results of the gadget.
    results: Vec<Variable>,
    /// Witnesses, and how many cases within each other show that they are the only ones.
    witnesses: Vec<(Vec<Fr>, usize)>,
}

impl Tried {
    /// Tries the gadget on all inputs.
    fn new(
        gadget: &Gadget,
        inputs: &[Vec<i32>],
        range_bits: u32,
        report: &mut GadgetReport,
    ) -> Result<Option<Self>, SweepError> {
        let Some(first) = inputs.first() else { return Ok(None) };
        let name = format!("{gadget:?}, range of {range_bits} bits");
        let placed = PlacedCircuit::gadget(gadget, first, range_bits)?;
        let (system, values) = System::read(&placed, placed.k(), &public(&placed))?;
        report.circuits += 1;
        let mut all = vec![values];
        for inputs in &inputs[1..] {
            let placed = PlacedCircuit::gadget(gadget, inputs, range_bits)?;
            all.push(system.witness(&placed, placed.k(), &public(&placed))?);
        }
        let given = system.variables_before(&placed, 1);
        // A gadget that bounds what it reads must admit nothing else.
        let mut bounds = Vec::new();
        let variables = variables(&placed, &system);
        if let Some(of_read) = gadget.bounds() {
            let read: Vec<_> = placed.given().into_iter().map(|number| variables[number]).collect();
            match bounds_of(&read, &of_read) {
                Some(of_variables) => bounds = of_variables,
                None => report.failures.push(format!("{name}: a value that is read is unknown")),
            }
        }
        let sites = sites(&system, &placed.sites());
        let results = placed.made().into_iter().filter_map(|number| variables[number]).collect();
        let witnesses = all.into_iter().map(|values| (values, 0)).collect();
        let mut tried = Self { name, system, sites, given, bounds, results, witnesses };
        let question = tried.question();
        let mut depths = Vec::with_capacity(inputs.len());
        for (inputs, (values, _)) in inputs.iter().zip(&tried.witnesses) {
            report.inputs += 1;
            let (verdict, depth) = question.with_values(values).answer_and_depth();
            depths.push(depth);
            match verdict {
                Verdict::Unique => report.unique += 1,
                verdict => report.failures.push(format!(
                    "{} on {inputs:?}: {}",
                    tried.name,
                    explain(&tried.system, &verdict)
                )),
            }
        }
        if let Some(bounded) = tried.bounded()
            && bounded.answer() != Verdict::Bounded
        {
            let verdict = explain(&tried.system, &bounded.answer());
            report.failures.push(format!("{}, open: {verdict}", tried.name));
        }
        for ((_, depth), found) in tried.witnesses.iter_mut().zip(depths) {
            *depth = found;
        }
        tried.system.forget_rows();
        Ok(Some(tried))
    }

    /// Returns the question whether the first witness is the only one.
    fn question(&self) -> Question<'_> {
        let values = self.witnesses.first().map_or(&[][..], |(values, _)| values);
        Question::new(&self.system, values).given(self.given.iter().copied())
    }

    /// Returns the question whether what is read lies within its bounds, if it has any. Bounds do
    /// not depend on the witness.
    fn bounded(&self) -> Option<Question<'_>> {
        let values = self.witnesses.first().map_or(&[][..], |(values, _)| values);
        let bounded = || Question::new(&self.system, values).bounded(self.bounds.iter().copied());
        (!self.bounds.is_empty()).then(bounded)
    }

    /// Leaves out constraints of each site of which none is known to be needed, one at a time.
    fn leave_out(&self, effort: Effort, number: usize, report: &mut GadgetReport) {
        let (question, bounded) = (self.question(), self.bounded());
        // A part that reads nothing else has constraints of its own only where bounds are asked.
        let asked = bounded.as_ref().unwrap_or(&question).constraints();
        for ((form, origin), constraints) in &self.sites {
            let own: Vec<_> =
                constraints.iter().copied().filter(|c| asked.binary_search(c).is_ok()).collect();
            if own.is_empty() {
                continue;
            }
            let left_out = match form {
                None => &mut report.lookups,
                Some(Form::Sum) => &mut report.sums,
                Some(_) => &mut report.zeros,
            };
            let site = left_out.sites.entry(origin.clone()).or_default();
            if site.refused > 0 {
                continue;
            }
            let contradiction = match effort {
                Effort::Near => {
                    site.example = format!("{}: {}", self.name, self.system.describe(own[0]));
                    if let Some(bounded) = &bounded {
                        self.beyond(bounded, &own, number, site);
                    }
                    if site.refused == 0 {
                        self.near(&question, &own, number, site);
                    }
                    None
                }
                Effort::Whole => self.whole(&question, bounded.as_ref(), &own, number, site),
            };
            if let Some(constraint) = contradiction {
                let constraint = self.system.describe(constraint);
                let name = &self.name;
                report
                    .failures
                    .push(format!("{name}: {constraint}: left out, the rest is contradictory"));
            }
        }
    }

    /// Looks for a solution beyond the bounds.
    fn beyond(
        &self,
        bounded: &Question<'_>,
        own: &[Constraint],
        number: usize,
        site: &mut SiteReport,
    ) {
        for constraint in own {
            site.tried.insert((number, *constraint));
            let answer = bounded.without_within(*constraint, 2, WHOLE_STEPS);
            if matches!(answer.verdict, Verdict::Second(_)) {
                site.refused += 1;
                site.second = true;
                site.other_result = true;
                return;
            }
        }
    }

    /// Returns the constraint before or behind the first about a value that is not 0, for two of
    /// three turns: where one bit of a vector is 1, solutions with several are most often near it.
    fn beside(&self, own: &[Constraint], values: &[Fr], turn: usize) -> Option<Constraint> {
        let side = match turn % 3 {
            0 => return None,
            1 => -1,
            _ => 1,
        };
        let is_set = |constraint: &Constraint| {
            let variables = self.system.variables_of(*constraint);
            variables.first().is_some_and(|x| values[*x as usize] != Fr::ZERO)
        };
        let at = own.iter().position(is_set)?;
        own.get(at.checked_add_signed(side)?).copied()
    }

    /// Looks for a second solution near witnesses; for some turns more, for one with another
    /// result.
    fn near(
        &self,
        question: &Question<'_>,
        own: &[Constraint],
        number: usize,
        site: &mut SiteReport,
    ) {
        let mut end = NEAR_TURNS;
        let mut turn = 0;
        while turn < end {
            // Each constraint and each witness has its turn, those at the edges of the gadget,
            // which are the last, more often than others.
            let count = self.witnesses.len();
            let witness = match turn % 2 {
                0 => (turn / 2) % EDGES.min(count),
                _ => (turn / 2 + number * NEAR_TURNS / 2) % count,
            };
            let (values, _) = &self.witnesses[count - 1 - witness];
            let constraint = own[(turn + turn / own.len()) % own.len()];
            let constraint = self.beside(own, values, turn).unwrap_or(constraint);
            let asked = question.with_values(values);
            site.tried.insert((number, constraint));
            let results = if site.second { &self.results[..] } else { &[] };
            let found = asked.near(constraint, results, NEAR_ATTEMPTS, turn as u64);
            turn += 1;
            let Some(found) = found else { continue };
            if !site.second {
                site.refused += 1;
                site.second = true;
                end = turn + if self.results.is_empty() { 0 } else { RESULT_TURNS };
            }
            if asked.is_other_in(&found, &self.results) {
                site.other_result = true;
                return;
            }
        }
    }

    /// Asks the whole question without a constraint; returns one without which the checker
    /// contradicts the witness, which keeps all others.
    fn whole(
        &self,
        question: &Question<'_>,
        bounded: Option<&Question<'_>>,
        own: &[Constraint],
        number: usize,
        site: &mut SiteReport,
    ) -> Option<Constraint> {
        let of_witnesses =
            self.witnesses.iter().map(|(values, depth)| (question.with_values(values), *depth));
        let bounded = bounded.into_iter().map(|bounded| (bounded.clone(), 1));
        for (question, depth) in bounded.chain(of_witnesses) {
            for constraint in own {
                if site.steps > SITE_STEPS {
                    site.is_exhausted = true;
                    return None;
                }
                let answer = question.without_within(*constraint, depth.max(1) + 1, WHOLE_STEPS);
                site.steps += answer.steps;
                site.tried.insert((number, *constraint));
                match answer.verdict {
                    Verdict::Second(values) => {
                        site.refused += 1;
                        site.second = true;
                        site.other_result = question.is_other_in(&values, &self.results);
                        return None;
                    }
                    Verdict::Open(_) if answer.is_exhausted => site.is_exhausted = true,
                    Verdict::Open(_) => {
                        let constraint = self.system.describe(*constraint);
                        site.example = format!("{}: {constraint}", self.name);
                        site.refused += 1;
                        return None;
                    }
                    Verdict::Bounded | Verdict::Unique => {}
                    Verdict::Broken(_) | Verdict::Contradiction => return Some(*constraint),
                }
            }
        }
        None
    }
}

/// Returns the variables of the values that a gadget reads with their bounds, if each has one.
pub(crate) fn bounds_of(
    read: &[Option<Variable>],
    bounds: &[(i32, i32)],
) -> Option<Vec<(Variable, i128, i128)>> {
    if read.len() != bounds.len() {
        return None;
    }
    let bound = |(x, (low, high)): (&Option<Variable>, &(i32, i32))| {
        Some(((*x)?, i128::from(*low), i128::from(*high)))
    };
    read.iter().zip(bounds).map(bound).collect()
}

/// Returns the constraints of each origin, by their form if they are equations.
fn sites(
    system: &System,
    sites: &PlacedSites,
) -> BTreeMap<(Option<Form>, Origin), Vec<Constraint>> {
    let mut all: BTreeMap<_, Vec<Constraint>> = BTreeMap::new();
    for constraint in system.constraints() {
        let (origin, form) = origin(system, sites, constraint);
        all.entry((form, origin)).or_default().push(constraint);
    }
    all
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

/// Turns of constraints and witnesses of one site and circuit, near which a solution is sought.
const NEAR_TURNS: usize = 48;
/// Witnesses at the edges of a gadget, or about as many.
const EDGES: usize = 6;
/// Turns after a second solution whose results are those of the witness.
const RESULT_TURNS: usize = 16;
/// Attempts of one turn.
const NEAR_ATTEMPTS: usize = 6;
/// Steps of one whole question.
const WHOLE_STEPS: u64 = 1_000_000;
/// Steps of all whole questions about one site.
const SITE_STEPS: u64 = 3_000_000;
