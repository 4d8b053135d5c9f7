//! The engine of the chain: simplex consensus with ordered delivery of blocks.

mod application;
mod block;
mod conductor;
mod directory;
mod elector;
mod environment;
mod execution;
mod journal;
mod limits;
mod reporter;
mod tcp;
mod validator;

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests;

pub(crate) use environment::Digest;
pub use environment::{Environment, Identity, Scheme};
pub use tcp::{SimplexEngine, SimplexHandle};
pub use validator::{Network, ValidatorConfig, max_message_size, start_validator};
