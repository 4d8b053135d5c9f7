//! The datasets that a member holds for its quorum.

mod admission;
mod dataset;
mod handover;
mod manifests;
mod pending;
mod shards;
mod state;

pub(crate) use shards::offer_shards;
pub(crate) use state::Holding;
