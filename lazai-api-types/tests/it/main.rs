//! Tests of the public API, in one binary so that it links once.

// The exemption for tests does not reach their helpers, which take values so that calls read well.
#![allow(clippy::needless_pass_by_value, clippy::panic, clippy::unwrap_used)]

#[cfg(feature = "authorization")]
mod authorization;
#[cfg(feature = "openai")]
mod bodies;
#[cfg(feature = "openai")]
mod chat;
mod codes;
#[cfg(feature = "openai")]
mod completions;
#[cfg(feature = "openai")]
mod errors;
#[cfg(feature = "openai")]
mod extension;
#[cfg(feature = "openai")]
mod fine_tuning;
mod hashes;
#[cfg(feature = "openai")]
mod hostile;
mod jobs;
#[cfg(feature = "openai")]
mod peers;
mod proofs;
#[cfg(feature = "openai")]
mod responses;
#[cfg(feature = "openai")]
mod round_trips;
#[cfg(feature = "openai")]
mod streaming;
#[cfg(feature = "authorization")]
mod wallet;
