use alloy_primitives::Bytes;
use thiserror::Error;

use crate::mismatch::Mismatch;

/// Why a header is invalid.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum HeaderError {
    /// Blobs come in whole numbers, and a block has few.
    #[error("{got} blob gas is used, of which there may be {max}, in multiples of {blob}")]
    BlobGas {
        /// The gas of one blob.
        blob: u64,
        /// Most gas of a block.
        max: u64,
        /// What is used.
        got: u64,
    },
    /// The blocks at the fork of the DAO say so.
    #[error("the extra data of a block at the fork of the DAO are {got}")]
    DaoExtraData {
        /// The extra data.
        got: Bytes,
    },
    /// The extra data are long.
    #[error("the extra data have {got} bytes, of which there may be {max}")]
    ExtraData {
        /// Most bytes.
        max: usize,
        /// Bytes of this header.
        got: usize,
    },
    /// The gas limit changes by less than a 1,024th, and has a least and a most value.
    #[error("the gas limit is {got}, above a parent whose limit is {parent}")]
    GasLimit {
        /// That of the parent, twice as much where London begins.
        parent: u64,
        /// That of this header.
        got: u64,
    },
    /// More gas is used than may be.
    #[error("{got} gas is used, of which there may be {max}")]
    GasUsed {
        /// The gas limit.
        max: u64,
        /// What is used.
        got: u64,
    },
    /// A field is not what the parent makes it.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// Time goes forward.
    #[error("the time is {got}, and that of the parent {parent}")]
    Time {
        /// Seconds of the parent.
        parent: u64,
        /// Seconds of this header.
        got: u64,
    },
}
