//! Datasets of leaves that encode their own position.

use alloy_primitives::B256;
use lazai_availability::{Coding, DatasetCommitment, LEAF_BYTES, Opening};
use lazai_consensus::merkle;

/// A dataset of uncoded leaves: `leaf` gives the bytes at each position.
pub(crate) struct Leaves {
    pub(crate) commitment: DatasetCommitment,
    /// The hashes of the leaves, by stripe and shard.
    shards: Vec<Vec<Vec<B256>>>,
}

fn leaf(stripe: u32, shard: u16, leaf: u32) -> [u8; LEAF_BYTES] {
    let mut bytes = [7; LEAF_BYTES];
    bytes[..4].copy_from_slice(&stripe.to_be_bytes());
    bytes[500..502].copy_from_slice(&shard.to_be_bytes());
    bytes[1_020..].copy_from_slice(&leaf.to_be_bytes());
    bytes
}

impl Leaves {
    pub(crate) fn new(bytes: u64, n: u16, stripe_bytes: u32) -> Self {
        let coding = Coding::with_stripe_bytes(n, stripe_bytes).unwrap();
        let shape = DatasetCommitment::new(bytes, coding, B256::ZERO).unwrap();
        let shard = |stripe, shard| -> Vec<_> {
            let leaves = 0..shape.leaves(stripe);
            leaves.map(|index| merkle::leaf(&leaf(stripe, shard, index))).collect()
        };
        let shards: Vec<Vec<_>> = (0..shape.stripes())
            .map(|stripe| (0..n).map(|index| shard(stripe, index)).collect())
            .collect();
        let root = merkle::root(&stripe_leaves(&shards));
        Self { commitment: DatasetCommitment::new(bytes, coding, root).unwrap(), shards }
    }

    pub(crate) fn opening(&self, stripe: u32, shard: u16, index: u32) -> Opening {
        let shards = &self.shards[stripe as usize];
        let mut path = merkle::path(&shards[usize::from(shard)], index as usize).unwrap();
        path.extend(merkle::path(&shard_leaves(shards), shard.into()).unwrap());
        path.extend(merkle::path(&stripe_leaves(&self.shards), stripe as usize).unwrap());
        Opening { stripe, shard, leaf: index, bytes: Box::new(leaf(stripe, shard, index)), path }
    }
}

fn shard_leaves(shards: &[Vec<B256>]) -> Vec<B256> {
    shards.iter().map(|leaves| merkle::leaf(merkle::root(leaves).as_slice())).collect()
}

fn stripe_leaves(stripes: &[Vec<Vec<B256>>]) -> Vec<B256> {
    let root = |shards: &Vec<Vec<B256>>| merkle::root(&shard_leaves(shards));
    stripes.iter().map(|shards| merkle::leaf(root(shards).as_slice())).collect()
}
