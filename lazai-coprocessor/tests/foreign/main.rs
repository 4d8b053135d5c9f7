//! Proofs of zkVMs: real ones where fixtures are, and simulated ones everywhere.

#![cfg(feature = "groth16")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod fixtures;
mod forgery;
mod groth16;
mod hostile;
mod simulator;
mod sweep;
