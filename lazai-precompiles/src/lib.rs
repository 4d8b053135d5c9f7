#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]
#![deny(clippy::float_arithmetic, clippy::cast_possible_truncation, clippy::cast_sign_loss)]

extern crate alloc;

pub mod abi;
pub mod address;
mod answer;
mod call;
mod input;
mod keys;
mod listed;
mod listing;
mod meter;
mod missing;
mod no_models;
mod precompiles;
mod price;
mod proof_request;
mod proofs;
mod request;
mod revert;
mod settings;
mod state;

pub use address::Precompile;
pub use call::{Call, CallFault, Mode, Reply, ResourcePrices, Status};
pub use keys::key_address;
pub use lazai_api_types::DuplicateVerifier;
pub use listing::Listing;
pub use meter::WORK_RULES;
pub use missing::Missing;
pub use no_models::NoModels;
pub use precompiles::AiPrecompiles;
pub use settings::Settings;
pub use state::{ChainState, CodeAccount, MemoryState};
