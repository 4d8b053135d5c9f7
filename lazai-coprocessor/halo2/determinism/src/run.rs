use lazai_halo2::PlacedCircuit;

use crate::{
    Constraint, Question, SweepError, System, Verdict,
    place::{given_variables, public, variables},
    sweep::explain,
};

/// What was found out about one part of a run's circuit.
#[derive(Clone, Debug)]
pub struct PartReport {
    /// Index in the program and name of the operator.
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
    let mut made = vec![usize::MAX; system.variables()];
    for (number, variable) in variables.iter().enumerate() {
        if let Some(variable) = variable {
            made[*variable as usize] = made[*variable as usize].min(number);
        }
    }
    // The last value that a constraint speaks of says to which part it belongs.
    let last = |constraint: &Constraint| {
        system.variables_of(*constraint).iter().map(|variable| made[*variable as usize]).max()
    };
    let mut constraints: Vec<_> = system.constraints().map(|c| (last(&c), c)).collect();
    constraints.sort_unstable();
    let mut reports = Vec::new();
    for (index, part) in circuit.parts().into_iter().enumerate() {
        let from = constraints.partition_point(|(last, _)| *last < Some(part.begin));
        let to = constraints.partition_point(|(last, _)| *last < Some(part.end));
        let own = constraints[from..to].iter().map(|(_, constraint)| *constraint);
        let given = given_variables(circuit, &system, index);
        let question = Question::new(&system, &values).of(own).given(given);
        let verdict = question.answer();
        reports.push(PartReport {
            name: part.name,
            constraints: to - from,
            unique: verdict == Verdict::Unique,
            verdict: explain(&system, &verdict),
        });
    }
    Ok(reports)
}
