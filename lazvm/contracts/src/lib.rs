#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]

pub mod jobs;
pub mod market;
pub mod models;
pub mod process;
pub mod settlement;
pub mod token;

pub use alloy_sol_types as sol_types;
