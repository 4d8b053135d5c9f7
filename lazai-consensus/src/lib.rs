#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]
#![deny(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::float_arithmetic
)]

extern crate alloc;

mod committee;
mod tally;

pub use committee::{Committee, CommitteeError, MAX_MEMBERS, Member};
pub use tally::{Tally, TallyError, Vote};
