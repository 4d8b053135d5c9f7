#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]
#![deny(clippy::cast_possible_truncation, clippy::cast_sign_loss)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

#[cfg(all(feature = "std", panic = "abort"))]
compile_error!(
    "lazai-api-types catches panics, and `panic = \"abort\"` ends the process instead: a proof could stop this node and no other"
);

#[cfg(feature = "authorization")]
pub mod authorization;
pub mod chain;
pub mod codec;
mod identity;
#[cfg(feature = "std")]
mod io_error;
mod job;
#[cfg(feature = "openai")]
pub mod openai;
mod outcome;
mod port;
mod registry;
mod statement;
mod work;

pub use identity::{DatId, ModelId, Nonce, ProofSystemId, TokenId};
#[cfg(feature = "std")]
pub use io_error::IoError;
pub use job::{
    Generation, INTRINSIC_FLOPS_PER_BYTE, Job, MAX_STOP_TEXTS, Prompt, Sampling, Task, TaskKind,
};
pub use outcome::{FinishReason, Outcome, Output, Quote, Usage};
pub use port::{
    Claim, Coprocessor, DataSource, Fault, FaultKind, InvalidKey, PortError, PreparedJob,
    ProofCost, ProofLimits, ProofSystem, ProofVerifier, Rejection, SamplingParameter, key_hash,
};
pub use registry::{
    DuplicateVerifier, GuardedVerifier, ProofRegistry, ProofVerifiers, RegistryError,
};
pub use statement::InferenceStatement;
pub use work::{GasCost, GasPricing, Work, WorkOverflow};
