#![doc = include_str!("../README.md")]
#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]
#![deny(clippy::float_arithmetic, clippy::cast_possible_truncation, clippy::cast_sign_loss)]

extern crate alloc;

mod builder;
mod chain;
mod dynamic;
mod error;
mod evm;
mod execution;
mod factory;
mod handler;
mod meter;
mod provider;
mod runtime;
mod settlement;
mod state;
mod vm;

pub use alloy_evm;
pub use builder::LazVmBuilder;
pub use chain::{LazChain, LazContext};
pub use dynamic::dyn_precompiles;
pub use error::{BuildError, LazVmError};
pub use evm::{LazEvm, LazRevm};
pub use execution::{Execution, ExecutionAndState};
pub use factory::LazEvmFactory;
pub use handler::LazHandler;
// What a user of this crate implements, passes in or gets back, so that `lazvm` is all that it
// names.
pub use lazai_api_types::{
    Claim, Coprocessor, DuplicateVerifier, Fault, FaultKind, FinishReason, GasCost, GasPricing,
    Generation, InferenceStatement, InvalidKey, Job, ModelId, Outcome, Output, PortError, Prompt,
    ProofCost, ProofLimits, ProofSystemId, ProofVerifier, Quote, Rejection, Sampling,
    SamplingParameter, Task, TaskKind, TokenId, Usage, Work, WorkOverflow, key_hash,
};
pub use lazai_gas::{GasSchedule, Rate, RateError, Resource, Resources};
pub use lazai_precompiles::{
    AiPrecompiles, Call, ChainState, CodeAccount, MemoryState, Mode, Precompile, Reply,
    ResourcePrices, Settings, Status, abi, address, key_address,
};
pub use meter::{Meter, SharedMeter};
pub use provider::LazPrecompiles;
pub use revm;
pub use runtime::AiRuntime;
pub use settlement::Settlement;
pub use vm::LazVm;
