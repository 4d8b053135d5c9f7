//! What a builder of blocks remembers of transactions that this node could not run, and what it
//! tries because of it.

mod attempt;
mod attempts;
mod log;
mod standing;
#[cfg(test)]
mod tests;

pub use attempt::Attempt;
pub use attempts::Attempts;
pub use log::FaultLog;
