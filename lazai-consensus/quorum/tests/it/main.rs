//! Quorums of members through the public interface.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod cluster;
mod faults;
mod hostile;
mod promises;
mod service;
#[path = "../../../tests/it/support.rs"]
mod support;
