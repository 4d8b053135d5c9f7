use std::collections::BTreeSet;

use halo2_proofs::halo2curves::bn256::Fr;
use lazai_halo2::PlacedCircuit;

use crate::{
    Constraint, Question, SweepError, System, Variable, Verdict,
    place::{public, variables},
    sweep::explain,
};

/// A part of a circuit: what one operator makes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Part {
    /// Name.
    pub name: String,
    /// The variables that the part makes.
    pub made: Vec<Variable>,
}

/// What was found out about one part of a circuit.
#[derive(Clone, Debug)]
pub struct PartReport {
    /// Name; of a run, the index in the program and the name of the operator.
    pub name: String,
    /// Constraints of the part.
    pub constraints: usize,
    /// Whether the part has one solution, given all values that were made before it.
    pub unique: bool,
    /// What was found.
    pub verdict: String,
}

/// Checks the circuit of a run part by part, with everything before a part given.
///
/// If every part has one solution, then so has the whole circuit once its input is fixed.
///
/// # Errors
/// [`SweepError`] if the circuit cannot be read.
pub fn check_run(circuit: &PlacedCircuit) -> Result<Vec<PartReport>, SweepError> {
    let (system, values) = System::read(circuit, circuit.k(), &public(circuit))?;
    let variables = variables(circuit, &system);
    let read: Vec<_> = circuit.given().into_iter().filter_map(|number| variables[number]).collect();
    let parts = circuit.parts().into_iter().map(|part| Part {
        name: part.name,
        made: variables[part.begin..part.end].iter().copied().flatten().collect(),
    });
    Ok(check_parts(&system, &values, &read, &parts.collect::<Vec<_>>()))
}

/// Checks a circuit part by part: whether the variables that a part makes have one value, given
/// what the whole circuit reads and what the parts before it make.
///
/// A constraint belongs to the part that makes the last of its variables. A variable that no
/// constraint of its own part mentions is open there, whatever later parts say of it: they take it
/// as given. A variable that no part makes is asked about with the first.
#[must_use]
pub fn check_parts(
    system: &System,
    values: &[Fr],
    read: &[Variable],
    parts: &[Part],
) -> Vec<PartReport> {
    let mut maker = vec![0; system.variables()];
    for (index, part) in parts.iter().enumerate().rev() {
        for variable in &part.made {
            maker[*variable as usize] = index;
        }
    }
    let last = |constraint: &Constraint| {
        system.variables_of(*constraint).iter().map(|variable| maker[*variable as usize]).max()
    };
    let mut constraints: Vec<_> =
        system.constraints().map(|c| (last(&c).unwrap_or(0), c)).collect();
    constraints.sort_unstable();
    let mut given: BTreeSet<Variable> = read.iter().copied().collect();
    let mut reports = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let from = constraints.partition_point(|(last, _)| *last < index);
        let to = constraints.partition_point(|(last, _)| *last <= index);
        let own = constraints[from..to].iter().map(|(_, constraint)| *constraint);
        let made = (0..system.variables() as Variable).filter(|x| maker[*x as usize] == index);
        let made: Vec<Variable> = made.collect();
        let question = Question::new(system, values)
            .of(own)
            .demand(made.iter().copied())
            .given(given.iter().copied());
        let verdict = question.answer();
        reports.push(PartReport {
            name: part.name.clone(),
            constraints: to - from,
            unique: verdict == Verdict::Unique,
            verdict: explain(system, &verdict),
        });
        given.extend(made);
    }
    reports
}
