//! Runs a program: sequences, step by step, in memory that was planned before.

mod arena;
mod attention;
mod batch;
mod cache;
mod error;
mod operators;
mod part;
mod reserve;
mod sequence;
mod session;
mod step;

#[cfg(test)]
mod tests;

pub use batch::{Batch, Feed};
pub use error::ExecutionError;
pub use session::Session;
