#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]
#![deny(clippy::float_arithmetic, clippy::cast_possible_truncation, clippy::cast_sign_loss)]

extern crate alloc;

pub mod abi;
pub mod address;
mod answer;
mod call;
mod input;
mod meter;
mod precompiles;
mod price;
mod refusal;
mod request;

pub use call::{Call, Mode, Reply, ResourcePrices, Status};
pub use precompiles::{AiPrecompiles, DuplicateVerifier, Settings};
