//! Tests of the public API, in one binary so that it links once.

// The exemption for tests does not reach their helpers.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod eip1559;
mod fixture;
mod full_blocks;
#[cfg(feature = "serde")]
mod serde;
mod worked_example;
