#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod device;
pub mod fleet;
pub mod kill;
pub mod node;
pub mod story;
