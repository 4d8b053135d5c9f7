#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![deny(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::float_arithmetic)]
#![allow(
    clippy::arithmetic_side_effects,
    reason = "counters of a simulation; builds that run it check for overflow"
)]

extern crate alloc;

#[cfg(panic = "abort")]
compile_error!(
    "lazai-simulation catches panics, and `panic = \"abort\"` ends the process instead: a validator that fails could not be reported"
);

mod application;
mod campaign;
mod checker;
mod cluster;
mod driver;
mod engine_only;
mod executors;
mod faults;
mod keys;
mod leaders;
mod ledger;
mod nodes;
mod observer;
mod plan;
mod record;
mod regions;
mod report;
mod scenario;
mod twins;
mod validators;

pub use campaign::{Case, Group, Summary, spread};
pub use checker::Violation;
pub use cluster::{Cluster, ClusterError};
pub use faults::{Crash, Disk, Link, Partition, PowerCut, Signatures, StorageFaults};
pub use ledger::HashLedger;
pub use regions::Region;
pub use report::{Latencies, Report};
pub use scenario::{Objection, Scenario, UnknownScenario, max_views};
pub use twins::{Pattern, Round, Twins};
