//! Validators as child processes on one machine, and what they have told so far.

mod ledger;
mod ports;
mod process;
mod validators;

pub use self::{
    ledger::{Fork, Ledger},
    ports::free_ports,
    process::{Heard, Process, ProcessError},
    validators::{Fleet, FleetError, FleetOptions},
};
