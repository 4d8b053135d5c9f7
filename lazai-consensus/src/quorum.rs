use core::fmt;

use alloy_primitives::B256;

/// The name of a quorum: an iDAO as the chain knows it.
///
/// Attestations name no other chain than this does, so no two chains may have quorums of one name
/// and key: a hash over the digest of the chain's genesis block and the iDAO's address is such a
/// name.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct QuorumId(pub B256);

impl fmt::Display for QuorumId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// The number of an epoch: a span of time in which the members of a quorum do not change, counted
/// by the chain.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Epoch(pub u64);

impl fmt::Display for Epoch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}
