//! Data that a quorum keeps off chain: what stands for it on chain, and how anyone checks a piece of it.
//!
//! A data set is cut into stripes, each stripe is coded into `n` shards of which any `k` restore it, and each shard is
//! cut into leaves of 1 KiB. A [`DatasetCommitment`] binds all of them; an [`Opening`] shows one leaf to whoever knows
//! the root, be it a light client or a contract.
//!
//! | who | what for | with |
//! | --- | --- | --- |
//! | publisher | makes shards of data, and what commits to them | `encode`, or `FileStore::publish` |
//! | member | holds shards, puts right what is lost, answers audits | `FileStore`, `repair`, [`AuditAnswer`] |
//! | reader | gets the data from any `k` shards of each stripe | `decode` |
//! | auditor | asks members for leaves that nobody could foresee | [`AuditPlan`], [`AuditReport`] |
//! | light client | sees for itself that data is there | [`SamplePlan`] |
//! | contract | checks one leaf | [`verify_opening_proof`] |
//!
//! What has no link needs the feature `availability`. Private data is sealed before it is encoded, with the feature
//! `encryption`.
//!
#![cfg_attr(feature = "availability", doc = "```")]
#![cfg_attr(not(feature = "availability"), doc = "```ignore")]
//! use std::collections::BTreeMap;
//!
//! use lazai_consensus::availability::{Coding, decode, encode, verify_opening};
//!
//! let data = vec![7; 100_000];
//! let mut shards = Vec::new();
//! let manifest = encode(data.as_slice(), Coding::with_stripe_bytes(7, 50_000)?, &mut shards)?;
//! assert_eq!(shards.len(), 2 * 7, "two stripes");
//!
//! // Any leaf can be shown to who knows the commitment.
//! let opening = shards[9].borrowed().verify(&manifest)?.open(&manifest, 5)?;
//! verify_opening(manifest.commitment(), &opening)?;
//!
//! // Four of the seven shards of each stripe are lost.
//! let mut left: BTreeMap<_, _> = shards
//!     .into_iter()
//!     .filter(|shard| [1, 4, 6].contains(&shard.index))
//!     .map(|shard| ((shard.stripe, shard.index), shard))
//!     .collect();
//! let mut restored = Vec::new();
//! decode(&manifest, &mut left, &mut restored)?;
//! assert_eq!(restored, data);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

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
mod opening;
mod place;
mod sampling;
mod shard;
#[cfg(feature = "availability")]
mod store;
mod tree;

#[cfg(test)]
pub(crate) use tree::Tree;

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
