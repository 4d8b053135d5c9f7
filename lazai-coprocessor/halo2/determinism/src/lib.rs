#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod cases;
mod check;
mod domain;
mod equation;
mod error;
mod inputs;
mod logup;
mod place;
mod polynomial;
mod propagate;
mod question;
mod random;
mod recording;
mod report;
mod run;
mod search;
mod solver;
mod sweep;
mod system;

pub use cases::GADGETS;
pub use check::Verdict;
pub use domain::Domain;
pub use equation::{Equation, Form, Variable};
pub use error::{ReadError, SweepError};
pub use question::Question;
pub use recording::ColumnIndex;
pub use report::{GadgetReport, LeftOut};
pub use run::{Part, PartReport, check_parts, check_run};
pub use sweep::Sweep;
pub use system::{Constraint, Content, System};

#[cfg(test)]
mod tests;
