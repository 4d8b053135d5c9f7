#![doc = include_str!("../README.md")]
#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]
#![deny(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::float_arithmetic
)]

extern crate alloc;

pub mod availability;
pub mod chain;
mod committee;
mod tally;

pub use committee::{Committee, CommitteeError, MAX_MEMBERS, Member};
pub use tally::{Tally, TallyError, Vote};
