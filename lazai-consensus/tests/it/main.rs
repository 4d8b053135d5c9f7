//! Quorums through the public interface.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod attestation_model;
mod certificates;
mod committees;
mod encodings;
mod evidence;
mod evm;
mod governance;
mod journal;
mod refuter;
mod support;
