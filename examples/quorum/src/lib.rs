#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod crash_test;
pub mod demo;
pub mod device;
pub mod fleet;
pub mod node;
