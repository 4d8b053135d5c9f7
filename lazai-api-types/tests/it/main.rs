//! Tests of the public API, in one binary so that it links once.

// The exemption for tests does not reach their helpers, which take values so that calls read well.
#![allow(clippy::needless_pass_by_value, clippy::panic, clippy::unwrap_used)]

mod authorization;
mod bodies;
mod chat;
mod completions;
mod errors;
mod extension;
mod fine_tuning;
mod hashes;
mod hostile;
mod peers;
mod proofs;
mod round_trips;
mod streaming;
mod wallet;
