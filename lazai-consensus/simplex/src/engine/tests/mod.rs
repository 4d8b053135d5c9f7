//! The engine with a small executor, on the deterministic runtime and over TCP.

mod cluster;
mod deterministic;
mod hostile;
mod ledger;
mod recovery;
mod tcp;

pub(super) use cluster::{Cluster, committee};
pub(super) use ledger::Ledger;
