#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![deny(clippy::float_arithmetic, clippy::cast_possible_truncation, clippy::cast_sign_loss)]

mod block;
mod body;
mod build;
mod chain_spec;
mod dao;
mod decode;
mod deposits;
mod error;
mod executor;
mod factory;
mod header;
mod import;
mod market;
mod mismatch;
mod ommers;
mod outcome;
mod pre_run;
mod system;

pub use alloy_hardforks;
pub use block::Block;
pub use body::check_body;
pub use build::{Attributes, Built, LeftOut};
pub use chain_spec::ChainSpec;
pub use decode::{MAX_BLOCK_BYTES, decode_block};
pub use error::BlockError;
pub use executor::LazBlockExecutor;
pub use factory::{AlloySpec, EthExecutors, EthereumExecutors, LazBlockExecutors, LazExecutors};
pub use header::{HeaderError, check_header, difficulty, next_base_fee};
pub use import::{Importer, Recovered, RootOf};
pub use market::{Market, MarketExecutor, MarketImporter, Metered, OverLimit, Treasury};
pub use mismatch::{Field, Mismatch, Value};
pub use ommers::{Ancestor, OmmerError, check_ommers};
pub use outcome::{Outcome, check_outcome};
pub use pre_run::PreRun;
