use core::fmt;

use lazai_halo2::{Gadget, PlacedCircuit};

use crate::{
    Constraint, Form, Question, SweepError, System, Verdict,
    cases::{CHOSEN, GADGETS, edges, gadget, inputs},
    place::{given_variables, public},
    random::Random,
};

/// How much a sweep over gadgets tries.
#[derive(Clone, Debug)]
pub struct Sweep {
    /// The gadgets, by name.
    pub gadgets: Vec<String>,
    /// Parameters that each gadget is tried with.
    pub parameters: usize,
    /// Integers that each gadget with its parameters is tried on, beside those at its edges.
    pub inputs: usize,
    /// Widths of the range table.
    pub range_bits: Vec<u32>,
    /// Widths of the range table at which each constraint is left out in turn.
    pub left_out_at: Vec<u32>,
    /// What integers and parameters are drawn from.
    pub seed: u64,
}

impl Default for Sweep {
    fn default() -> Self {
        Self {
            gadgets: GADGETS.map(str::to_owned).to_vec(),
            parameters: 6,
            inputs: 24,
            range_bits: vec![8, 10, 12, 16],
            left_out_at: vec![8, 16],
            seed: 1,
        }
    }
}

/// What a sweep found out about one gadget.
#[derive(Clone, Debug, Default)]
pub struct GadgetReport {
    /// Name.
    pub name: String,
    /// Circuits: parameters times widths.
    pub circuits: usize,
    /// Witnesses that were tried.
    pub inputs: usize,
    /// Witnesses that are the only solution.
    pub unique: usize,
    /// What is wrong with the others.
    pub failures: Vec<String>,
    /// Lookups that were left out.
    pub lookups: LeftOut,
    /// Constraints that were left out which say that a value is 0, a bit or another value.
    pub zeros: LeftOut,
    /// Other constraints that were left out.
    pub sums: LeftOut,
}

/// Constraints that were left out, one at a time.
#[derive(Clone, Debug, Default)]
pub struct LeftOut {
    /// Number.
    pub count: usize,
    /// Those without which the checker refuses at least one witness.
    pub noticed: usize,
    /// Those without which it finds a second solution, which keeps all others.
    pub second: usize,
    /// Those without which every witness is still the only solution.
    pub unnoticed: Vec<String>,
}

impl Sweep {
    /// Tries all gadgets, and calls `progress` with the report of each.
    ///
    /// # Errors
    /// [`SweepError`] if a circuit cannot be made or read.
    pub fn run(
        &self,
        progress: &mut dyn FnMut(&GadgetReport),
    ) -> Result<Vec<GadgetReport>, SweepError> {
        let mut reports = Vec::new();
        for name in &self.gadgets {
            let mut report = GadgetReport { name: name.clone(), ..GadgetReport::default() };
            for turn in 0..self.parameters {
                // Each gadget draws from a stream of its own, so that it can be tried alone.
                let stream = name.bytes().fold(self.seed, |seed, byte| {
                    seed.wrapping_mul(0x100_0000_01b3) ^ u64::from(byte)
                });
                let mut random = Random::new(stream.wrapping_add(turn as u64));
                let gadget = gadget(name, turn, &mut random)
                    .ok_or_else(|| SweepError::Gadget { name: name.clone() })?;
                let mut inputs: Vec<_> =
                    (0..self.inputs).map(|turn| inputs(&gadget, turn, &mut random)).collect();
                inputs.extend(edges(&gadget));
                for range_bits in &self.range_bits {
                    let leave_out = turn < CHOSEN && self.left_out_at.contains(range_bits);
                    circuit(&gadget, &inputs, *range_bits, leave_out, &mut report)?;
                }
            }
            progress(&report);
            reports.push(report);
        }
        Ok(reports)
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
    for (inputs, values) in inputs.iter().zip(&witnesses) {
        report.inputs += 1;
        match question.with_values(values).answer() {
            Verdict::Unique => report.unique += 1,
            verdict => report.failures.push(format!(
                "{gadget:?} on {inputs:?}, range of {range_bits} bits: {}",
                explain(&system, &verdict)
            )),
        }
    }
    if leave_out {
        for constraint in question.constraints() {
            let left_out = match constraint {
                Constraint::Lookup(_) => &mut report.lookups,
                Constraint::Equation(index) => match system.equations()[*index].form() {
                    Form::Sum => &mut report.sums,
                    _ => &mut report.zeros,
                },
            };
            left_out.add(&question, *constraint, &witnesses, || {
                format!("{gadget:?}, range of {range_bits} bits: {}", system.describe(*constraint))
            });
        }
    }
    Ok(())
}

impl LeftOut {
    fn add(
        &mut self,
        question: &Question<'_>,
        constraint: Constraint,
        witnesses: &[Vec<halo2_proofs::halo2curves::bn256::Fr>],
        name: impl FnOnce() -> String,
    ) {
        self.count += 1;
        let mut open = 0;
        for values in witnesses {
            match question.with_values(values).without(constraint) {
                Verdict::Second(_) => {
                    self.noticed += 1;
                    self.second += 1;
                    return;
                }
                Verdict::Unique => {}
                _ => open += 1,
            }
            if open == WITHOUT_SECOND {
                break;
            }
        }
        if open > 0 {
            self.noticed += 1;
        } else {
            self.unnoticed.push(name());
        }
    }

    fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.noticed += other.noticed;
        self.second += other.second;
        self.unnoticed.extend_from_slice(&other.unnoticed);
    }
}

impl GadgetReport {
    /// Returns the sum of several reports.
    #[must_use]
    pub fn total(reports: &[Self]) -> Self {
        let mut total = Self { name: "all".to_owned(), ..Self::default() };
        for report in reports {
            total.circuits += report.circuits;
            total.inputs += report.inputs;
            total.unique += report.unique;
            total.failures.extend_from_slice(&report.failures);
            total.lookups.merge(&report.lookups);
            total.zeros.merge(&report.zeros);
            total.sums.merge(&report.sums);
        }
        total
    }

    /// Returns whether every witness is the only solution, and every constraint that was left out
    /// was noticed.
    #[must_use]
    pub fn passes(&self) -> bool {
        let all = [&self.lookups, &self.zeros, &self.sums];
        self.unique == self.inputs && all.iter().all(|left_out| left_out.noticed == left_out.count)
    }
}

impl fmt::Display for GadgetReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, circuits, inputs, unique, lookups, zeros, sums, .. } = self;
        write!(
            f,
            "{name}: {circuits} circuits, {inputs} inputs, {unique} unique; left out and noticed: "
        )?;
        write!(f, "lookups {lookups}, zeros {zeros}, sums {sums}")
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { count, noticed, second, .. } = self;
        write!(f, "{noticed} of {count} ({second} by a second solution)")
    }
}

pub(crate) fn explain(system: &System, verdict: &Verdict) -> String {
    match verdict {
        Verdict::Broken(constraint) => format!("breaks {}", system.describe(*constraint)),
        Verdict::Contradiction => "the constraints contradict each other".to_owned(),
        Verdict::Open(open) => {
            format!("{} values open, first {:?}", open.len(), &open[..open.len().min(3)])
        }
        Verdict::Second(_) => "a second solution".to_owned(),
        Verdict::Unique => "the only solution".to_owned(),
    }
}

/// Witnesses that are refused without a second solution before the search goes on.
const WITHOUT_SECOND: usize = 2;
