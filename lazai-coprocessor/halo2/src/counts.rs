use serde::{Deserialize, Serialize};

use super::constraints::{Constraints, Count};

/// The constraints of one operator of a run, or of what follows the operators.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct PartCount {
    /// Its place in the program, and its name.
    pub name: String,
    /// Values.
    pub cells: usize,
    /// Multiplications.
    pub gates: usize,
    /// Lookups.
    pub lookups: usize,
    /// Steps of the checks of products.
    pub folds: usize,
}

/// The constraints of every part, in order.
pub(crate) fn parts(constraints: &Constraints) -> Vec<PartCount> {
    let parts = &constraints.parts;
    let ends = parts.iter().skip(1).map(|part| part.begin).chain([constraints.count()]);
    let count = |part: Count, end: Count, name: &str| PartCount {
        name: name.to_owned(),
        cells: end.cells - part.cells,
        gates: end.gates - part.gates,
        lookups: end.lookups - part.lookups,
        folds: end.folds - part.folds,
    };
    parts.iter().zip(ends).map(|(part, end)| count(part.begin, end, &part.name)).collect()
}
