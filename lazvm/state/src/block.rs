use alloy_primitives::{B256, Bloom, Bytes, Log};
use alloy_rlp::{Decodable, RlpDecodable, RlpEncodable};

use crate::StateError;

/// A block, as far as a store keeps it.
#[derive(Clone, Debug, Default, Eq, PartialEq, RlpDecodable, RlpEncodable)]
pub struct Block {
    /// Its number.
    pub number: u64,
    /// Its hash.
    pub hash: B256,
    /// The hash of the block below.
    pub parent: B256,
    /// The root of the state behind it.
    pub root: B256,
    /// Its header and body, as the host encodes them.
    pub body: Bytes,
    /// Its receipts, as the host encodes them.
    pub receipts: Bytes,
    /// The logs of each transaction.
    pub logs: Vec<Vec<Log>>,
}

/// The last block of a store.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Head {
    /// Its number.
    pub number: u64,
    /// Its hash.
    pub hash: B256,
    /// The root of the state behind it.
    pub root: B256,
}

impl Block {
    /// Returns the filter of its logs.
    #[must_use]
    pub fn bloom(&self) -> Bloom {
        let mut bloom = Bloom::ZERO;
        self.logs.iter().flatten().for_each(|log| bloom.accrue_log(log));
        bloom
    }

    pub(crate) const fn head(&self) -> Head {
        Head { number: self.number, hash: self.hash, root: self.root }
    }

    pub(crate) fn read(mut bytes: &[u8]) -> Result<Self, StateError> {
        Self::decode(&mut bytes).map_err(|error| StateError::Malformed { what: "a block", error })
    }
}
