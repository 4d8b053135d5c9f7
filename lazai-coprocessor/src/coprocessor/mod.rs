//! The CPU as a [`Coprocessor`](lazai_api_types::Coprocessor).

mod builder;
mod cost;
mod cpu;
mod reading;
mod request;

#[cfg(test)]
#[cfg(feature = "parallel")]
mod tests;

pub use builder::{CpuBuilder, OpenError};
pub use cpu::Cpu;
