//! Tests of the public API, in one binary so that it links once.

// The exemption for tests does not reach their helpers.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod blocks;
mod chain;
mod faults;
mod kills;
mod logs;
mod proofs;
mod snapshots;
