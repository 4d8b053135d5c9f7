//! Certificates, double votes and openings in an EVM: through the precompile, and through the contracts.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod certificates;
mod chain;
mod double_votes;
mod openings;
mod precompile;
#[path = "../support/mod.rs"]
mod support;
