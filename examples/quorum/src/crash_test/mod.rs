//! Validators that are killed at random times, and checks of what must hold all the same.

mod audit;
mod error;
mod load;
mod rounds;

pub use self::{
    audit::{Audited, audit},
    error::{AuditError, CrashTestError},
    rounds::{CrashTestOptions, CrashTestReport, Restart, run_crash_test},
};
