//! The engine of the chain: simplex consensus with ordered delivery of blocks.

mod application;
mod block;
mod conductor;
mod directory;
mod elector;
mod execution;
mod journal;
mod limits;
mod reporter;
mod tcp;
mod types;
mod validator;

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests;

pub use tcp::{SimplexEngine, SimplexHandle};
pub(crate) use types::Digest;
pub use types::{Environment, Identity, Scheme};
pub use validator::{Network, ValidatorConfig, max_message_size, start_validator};
