#![doc = include_str!("../README.md")]
#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]
#![deny(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::float_arithmetic
)]

extern crate alloc;

mod assignment;
mod audit;
mod calldata;
#[cfg(feature = "std")]
mod code;
mod coding;
mod commitment;
#[cfg(feature = "std")]
mod decode;
#[cfg(feature = "std")]
mod encode;
#[cfg(feature = "encryption")]
pub mod encryption;
#[cfg(feature = "std")]
mod inconsistency;
mod manifest;
mod opening;
mod place;
mod sampling;
mod shard;
#[cfg(feature = "std")]
mod store;
mod verifier;

pub use assignment::Assignment;
pub use audit::{
    AnswerError, AuditAnswer, AuditFailure, AuditPlan, AuditReport, Auditor, Holding,
    MAX_ANSWER_BYTES, MAX_CHALLENGES,
};
pub use calldata::opening_calldata;
#[cfg(feature = "std")]
pub use code::CodeError;
pub use coding::{
    Coding, CodingError, DEFAULT_STRIPE_BYTES, LEAF_BYTES, MAX_SHARDS, MAX_STRIPE_BYTES,
};
pub use commitment::{COMMITMENT_BYTES, CommitmentError, DatasetCommitment, MAX_STRIPES};
#[cfg(feature = "std")]
pub use decode::{RestoreError, ShardSource, decode, repair};
#[cfg(feature = "std")]
pub use encode::{EncodeError, ShardSink, encode};
#[cfg(feature = "std")]
pub use inconsistency::{InconsistencyError, InconsistencyProof};
pub use manifest::{Manifest, ManifestError};
pub use opening::{MAX_OPENING_BYTES, Opening, OpeningError, verify_opening, verify_opening_proof};
pub use place::Place;
pub use sampling::{MAX_SAMPLES, SampleError, SamplePlan, detection_ppm};
pub use shard::{Shard, ShardError, VerifiedShard};
#[cfg(feature = "std")]
pub use store::{FileStore, MemoryStore, PublishError, ShardStore, StoreError, Stored};
pub use verifier::{
    DataOpeningVerifier, OpeningKey, OpeningProof, OpeningProofError, OpeningValues,
};
