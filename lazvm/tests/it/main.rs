//! Tests of the public API, in one binary so that it links once.

// The exemption for tests does not reach their helpers.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod activation;
mod blocks;
mod branches;
mod cache;
mod call_kinds;
mod devices;
mod differential;
mod edges;
mod ethereum;
mod execution;
mod factory;
mod faults;
mod fees;
mod genesis;
mod inspector;
mod proofs;
mod simulation;
mod support;
