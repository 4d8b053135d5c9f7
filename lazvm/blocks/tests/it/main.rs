//! Tests of the public API, in one binary so that it links once.

// The exemption for tests does not reach their helpers.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod bodies;
mod chain;
mod decoding;
mod execution;
mod headers;
mod markets;
mod ommers;
mod pre_runs;
mod support;
mod work;
