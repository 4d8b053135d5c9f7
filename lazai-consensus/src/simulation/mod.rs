//! Clusters of validators on a runtime that one seed decides, the faults they meet, and a checker of what they did.
//!
//! A run is a function of its builder: the same seed gives the same [`Report::hash`], on every machine. The engine is the one
//! that runs the chain, on its own network and storage traits; only clock, disk, network and scheduling are simulated.
//!
//! The checker shares no code with the engine. It sees payloads when they are made, votes when they go onto the wire, and
//! certificates when an honest node accepts them, and holds them against the properties that [`Violation`] lists.
//!
//! Times are counted from the start of a run.

#![allow(
    clippy::arithmetic_side_effects,
    reason = "counters of a simulation; builds that run it check for overflow"
)]

mod application;
mod campaign;
mod checker;
mod cluster;
mod crew;
mod driver;
mod executors;
mod faults;
mod keys;
mod leaders;
mod ledger;
mod observer;
mod opaque;
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
