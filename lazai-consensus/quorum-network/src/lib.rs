#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![deny(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::float_arithmetic
)]

extern crate alloc;

mod driver;
mod tcp;
#[cfg(test)]
mod tests;

pub use tcp::{
    MemberAddress, NetworkConfig, NetworkError, QuorumHandle, QuorumOrders, QuorumService,
};
