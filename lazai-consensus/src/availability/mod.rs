//! Data that a quorum keeps off chain: what stands for it on chain, and how anyone checks a piece of it.
//!
//! A data set is cut into stripes, each stripe is coded into `n` shards of which any `k` restore it, and each shard is
//! cut into leaves of 1 KiB. A [`DatasetCommitment`] binds all of them; an [`Opening`] shows one leaf to whoever knows
//! the root, be it a light client or a contract.

mod coding;
mod commitment;
mod merkle;
mod opening;
#[cfg(test)]
mod tree;

pub use coding::{
    Coding, CodingError, DEFAULT_STRIPE_BYTES, LEAF_BYTES, MAX_SHARDS, MAX_STRIPE_BYTES,
};
pub use commitment::{COMMITMENT_BYTES, CommitmentError, DatasetCommitment, MAX_STRIPES};
pub use opening::{MAX_OPENING_BYTES, Opening, OpeningError, verify_opening, verify_opening_proof};
