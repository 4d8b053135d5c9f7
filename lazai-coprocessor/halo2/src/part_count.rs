use serde::{Deserialize, Serialize};

use crate::constraints::{Constraints, Count};

/// Numbers of constraints of one operator of a run, or of what follows the operators.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct PartCount {
    /// Index in the program and name of the operator.
    pub name: String,
    /// Number of values.
    pub cells: usize,
    /// Number of multiplications.
    pub gates: usize,
    /// Number of lookups.
    pub lookups: usize,
    /// Number of steps of the linear combinations that check products.
    #[serde(rename = "folds")]
    pub linear_combinations: usize,
}

/// Returns the numbers of constraints of every part, in order.
pub(crate) fn parts(constraints: &Constraints) -> Vec<PartCount> {
    let parts = &constraints.parts;
    let ends = parts.iter().skip(1).map(|part| part.begin).chain([constraints.count()]);
    let count = |part: Count, end: Count, name: &str| PartCount {
        name: name.to_owned(),
        cells: end.cells - part.cells,
        gates: end.gates - part.gates,
        lookups: end.lookups - part.lookups,
        linear_combinations: end.linear_combinations - part.linear_combinations,
    };
    parts.iter().zip(ends).map(|(part, end)| count(part.begin, end, &part.name)).collect()
}
