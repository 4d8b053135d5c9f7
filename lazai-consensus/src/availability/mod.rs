//! Data that a quorum keeps off chain: what stands for it on chain, and how anyone checks a piece of it.
//!
//! A data set is cut into stripes, each stripe is coded into `n` shards of which any `k` restore it, and each shard is
//! cut into leaves of 1 KiB. A [`DatasetCommitment`] binds all of them; an [`Opening`] shows one leaf to whoever knows
//! the root, be it a light client or a contract.

mod assignment;
mod audit;
#[cfg(feature = "availability")]
mod code;
mod coding;
mod commitment;
#[cfg(feature = "availability")]
mod decode;
#[cfg(feature = "availability")]
mod encode;
#[cfg(feature = "encryption")]
pub mod encryption;
#[cfg(feature = "availability")]
mod inconsistency;
mod manifest;
mod merkle;
mod opening;
mod place;
mod sampling;
mod shard;
#[cfg(feature = "availability")]
mod store;
mod tree;

pub use assignment::Assignment;
pub use audit::{
    AnswerError, AuditAnswer, AuditFailure, AuditPlan, AuditReport, Auditor, Holding,
    MAX_ANSWER_BYTES, MAX_CHALLENGES,
};
#[cfg(feature = "availability")]
pub use code::CodeError;
pub use coding::{
    Coding, CodingError, DEFAULT_STRIPE_BYTES, LEAF_BYTES, MAX_SHARDS, MAX_STRIPE_BYTES,
};
pub use commitment::{COMMITMENT_BYTES, CommitmentError, DatasetCommitment, MAX_STRIPES};
#[cfg(feature = "availability")]
pub use decode::{RestoreError, ShardSource, decode, repair};
#[cfg(feature = "availability")]
pub use encode::{EncodeError, ShardSink, encode};
#[cfg(feature = "availability")]
pub use inconsistency::{InconsistencyError, InconsistencyProof};
pub use manifest::{Manifest, ManifestError};
pub use opening::{MAX_OPENING_BYTES, Opening, OpeningError, verify_opening, verify_opening_proof};
pub use place::Place;
pub use sampling::{MAX_SAMPLES, SampleError, SamplePlan, detection_ppm};
pub use shard::{Shard, ShardError, VerifiedShard};
#[cfg(feature = "availability")]
pub use store::{FileStore, MemoryStore, PublishError, ShardStore, StoreError, Stored};
