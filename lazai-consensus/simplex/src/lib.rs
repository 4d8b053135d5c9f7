#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![deny(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::float_arithmetic
)]

#[cfg(panic = "abort")]
compile_error!(
    "lazai-simplex catches panics, and `panic = \"abort\"` ends the process instead: an engine that fails could not be reported"
);

mod agreement;
mod engine;
mod identity_secret;
pub mod simulator;

pub use agreement::{ChainConfig, ChainEngine, ChainError, ChainEvent, ChainHandle, ChainTiming};
pub use engine::{SimplexEngine, SimplexHandle};
pub use identity_secret::IdentitySecret;
