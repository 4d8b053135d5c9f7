#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![deny(clippy::float_arithmetic, clippy::cast_possible_truncation, clippy::cast_sign_loss)]

mod body;
mod chain_spec;
mod dao;
mod decode;
mod error;
mod executor;
mod factory;
mod header;
mod import;
mod ommers;
mod outcome;
mod system;

pub use alloy_hardforks;
pub use body::check_body;
pub use chain_spec::ChainSpec;
pub use decode::{MAX_BLOCK_BYTES, decode_block};
pub use error::{BlockError, Field, Mismatch, Value};
pub use executor::LazBlockExecutor;
pub use factory::{AlloySpec, EthExecutors, EthereumExecutors, LazBlockExecutors, LazExecutors};
pub use header::{HeaderError, check_header, difficulty, next_base_fee};
pub use import::{Block, Importer, Recovered, RootOf};
pub use ommers::{Ancestor, OmmerError, check_ommers};
pub use outcome::{Outcome, check_outcome};
