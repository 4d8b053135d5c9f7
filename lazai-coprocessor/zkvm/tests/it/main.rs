//! Proofs of zkVMs: real ones where fixtures are, and simulated ones everywhere.

#![cfg(all(feature = "groth16", feature = "plonk"))]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod fixtures;
mod forgery;
mod golden;
mod groth16;
mod hostile;
mod plonk;
mod plonk_simulator;
mod simulator;
mod sweep;
