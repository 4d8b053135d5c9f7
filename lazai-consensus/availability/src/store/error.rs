use std::io;

use alloy_primitives::B256;

use crate::{OpeningError, ShardError};

/// An operation of a store failed.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The manifest is damaged. [`ShardStore::add`](super::ShardStore::add) replaces it.
    #[error("the manifest of {root} is damaged")]
    DamagedManifest {
        /// The root of the dataset.
        root: B256,
    },
    /// A shard is damaged. [`ShardStore::put`](super::ShardStore::put) replaces it.
    #[error("shard {index} of stripe {stripe} of {root} is damaged")]
    DamagedShard {
        /// The root of the dataset.
        root: B256,
        /// The stripe.
        stripe: u32,
        /// The index of the shard in the stripe.
        index: u16,
    },
    /// The disk failed.
    #[error("the store cannot {action}")]
    Io {
        /// The operation that failed.
        action: &'static str,
        /// The cause.
        source: io::Error,
    },
    /// Another process has the store open.
    #[error("another process has the store open")]
    Locked,
    /// The store has no such dataset.
    #[error("there is no dataset {root}, add its manifest first")]
    NoDataset {
        /// The root asked for.
        root: B256,
    },
    /// The shard has no such leaf.
    #[error(transparent)]
    Opening(#[from] OpeningError),
    /// The shard does not belong to the dataset.
    #[error(transparent)]
    Shard(#[from] ShardError),
}
