#![doc = include_str!("../README.md")]
#![deny(unsafe_code)]

pub mod architecture;
pub mod artifact;
#[cfg(feature = "chat")]
pub mod chat;
pub mod gguf;
#[allow(unsafe_code, reason = "SIMD intrinsics")]
pub mod kernel;
pub mod model;
pub mod numeric;
pub mod program;
pub mod quantize;
pub mod reference;
pub mod table;
pub mod trace;

mod coprocessor;
mod executor;
mod float;
mod generate;
mod monitor;
mod tokenizer;

pub use coprocessor::{Cpu, CpuBuilder};
pub use executor::{Batch, ExecutionError, Feed, Session};
pub use generate::{Generated, Sampler};
pub use monitor::{Monitor, Usage};
pub use tokenizer::{TextStream, Tokenizer, TokenizerError};
