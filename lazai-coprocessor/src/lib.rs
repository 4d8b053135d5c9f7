#![doc = include_str!("../README.md")]
#![deny(unsafe_code)]
// Tests measure errors in floats.
#![cfg_attr(not(test), deny(clippy::float_arithmetic))]

#[cfg(panic = "abort")]
compile_error!(
    "lazai-coprocessor catches panics, and `panic = \"abort\"` ends the process instead: a text could stop this node and no other"
);

pub mod architecture;
pub mod artifact;
#[allow(unsafe_code, reason = "SIMD intrinsics")]
pub mod kernel;
pub mod model;
pub mod numeric;
pub mod program;
pub mod table;
pub mod trace;

mod coprocessor;
mod executor;
mod generate;
mod monitor;
mod tokenizer;

pub use coprocessor::{Cpu, CpuBuilder, OpenError};
pub use executor::{Batch, ExecutionError, Feed, Session};
pub use generate::{Generated, Sampler};
pub use monitor::{Monitor, ResourceUsage};
pub use tokenizer::{SpecialTexts, TextStream, Tokenizer, TokenizerError, TokenizerKind};
#[cfg(feature = "test-utils")]
pub use tokenizer::{fixtures as tokenizer_fixtures, json as tokenizer_json};
