//! Validators that are killed at random times, and what must hold all the same.

mod audit;
mod rounds;

pub use self::{
    audit::{AuditError, Audited, audit},
    rounds::{KillError, KillOptions, KillReport, Restart, kill_loop},
};
