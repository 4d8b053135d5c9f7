#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]
#![deny(clippy::float_arithmetic, clippy::cast_possible_truncation, clippy::cast_sign_loss)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod activation;
mod base_fees;
mod block_executor;
mod builder;
#[cfg(feature = "std")]
mod cache;
mod chain;
mod dynamic;
mod error;
mod evm;
mod execution;
mod factory;
mod fault_log;
mod faults;
mod handler;
mod meter;
mod overrides;
mod pricing;
mod provider;
mod runtime;
mod settlement;
mod state;
mod suspended;
mod vm;

pub use activation::{Activation, BlockPosition};
pub use alloy_consensus;
pub use alloy_evm;
pub use base_fees::BaseFeeSource;
pub use block_executor::{BuilderExecutor, LazBlockExecutorFactory, LeftOut, ParentHash};
pub use builder::LazVmBuilder;
#[cfg(feature = "std")]
pub use cache::CachedCoprocessor;
pub use chain::{LazChain, LazContext};
pub use dynamic::dyn_precompiles;
pub use error::{
    BaseFeeMismatch, BuildError, HeaderError, InvalidOverride, LazVmError, UnknownBaseFees,
};
pub use evm::{LazEvm, LazRevm};
pub use execution::{Execution, ExecutionAndState};
pub use factory::LazEvmFactory;
pub use fault_log::{Attempt, Attempts, FaultLog};
pub use faults::{block_fault_of, fault_of};
pub use handler::LazHandler;
// What a user of this crate implements, passes in or gets back, so that `lazvm` is all that it
// names.
pub use lazai_api_types::{
    Claim, Coprocessor, DuplicateVerifier, Fault, FaultKind, FinishReason, GasCost, GasPricing,
    Generation, InferenceStatement, InvalidKey, Job, ModelId, Outcome, Output, PortError, Prompt,
    ProofCost, ProofLimits, ProofSystemId, ProofVerifier, Quote, Rejection, Sampling,
    SamplingParameter, Task, TaskKind, TokenId, Usage, Work, WorkOverflow, key_hash,
};
pub use lazai_gas::{ChangeLimits, GasSchedule, Governance, Rate, RateError, Resource, Resources};
pub use lazai_precompiles::{
    AiPrecompiles, Call, CallFault, ChainState, CodeAccount, Listing, MemoryState, Missing, Mode,
    NoModels, Precompile, Reply, ResourcePrices, Settings, Status, abi, address, key_address,
};
pub use meter::{Meter, MeteredCall, SharedMeter};
pub use overrides::{AccountOverride, StateOverrides};
pub use pricing::PricingSchedule;
pub use provider::LazPrecompiles;
pub use revm;
pub use runtime::{AiRules, AiRuntime};
pub use settlement::Settlement;
pub use vm::LazVm;
