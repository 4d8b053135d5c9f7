use std::collections::BTreeMap;

use alloy_primitives::B256;

/// The blocks that validators have announced as final and durable.
#[derive(Clone, Debug, Default)]
pub struct FinalBlocks {
    /// Digest, state root and first announcer by height.
    blocks: BTreeMap<u64, (B256, B256, usize)>,
    /// Highest block by validator.
    tips: BTreeMap<usize, u64>,
}

impl FinalBlocks {
    /// Adds a block that validator `node` announced.
    ///
    /// # Errors
    /// [`Fork`] if another block was announced at that height, or the same one with another state
    /// root.
    pub fn add(
        &mut self,
        node: usize,
        height: u64,
        digest: B256,
        state_root: B256,
    ) -> Result<(), Fork> {
        let (known, root, first) = *self.blocks.entry(height).or_insert((digest, state_root, node));
        if (known, root) != (digest, state_root) {
            return Err(Fork { height, nodes: (first, node), digests: (known, digest) });
        }
        let tip = self.tips.entry(node).or_default();
        *tip = height.max(*tip);
        Ok(())
    }

    /// Returns the height of the highest block; 0 if there is none.
    #[must_use]
    pub fn height(&self) -> u64 {
        self.blocks.last_key_value().map_or(0, |(height, _)| *height)
    }

    /// Returns the height of the highest block of validator `node`; 0 if it has none.
    #[must_use]
    pub fn tip(&self, node: usize) -> u64 {
        self.tips.get(&node).copied().unwrap_or_default()
    }

    /// Returns the digest of the block at `height`.
    #[must_use]
    pub fn digest(&self, height: u64) -> Option<B256> {
        self.blocks.get(&height).map(|(digest, _, _)| *digest)
    }

    /// Returns height, digest and state root of each block, in ascending order.
    pub fn blocks(&self) -> impl Iterator<Item = (u64, B256, B256)> {
        self.blocks.iter().map(|(height, (digest, root, _))| (*height, *digest, *root))
    }
}

/// Two validators announced different blocks at one height.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("fork at height {height}: {nodes:?} hold {digests:?} for final")]
pub struct Fork {
    /// Height of the blocks.
    pub height: u64,
    /// Indices of the validators.
    pub nodes: (usize, usize),
    /// Digest that each announced.
    pub digests: (B256, B256),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fork_is_seen() {
        let (mut blocks, one, two) =
            (FinalBlocks::default(), B256::repeat_byte(1), B256::repeat_byte(2));
        blocks.add(0, 1, one, one).unwrap();
        blocks.add(1, 1, one, one).unwrap();
        blocks.add(1, 2, two, two).unwrap();
        let fork = Fork { height: 2, nodes: (1, 0), digests: (two, one) };
        assert_eq!(blocks.add(0, 2, one, two), Err(fork));
        assert!(blocks.add(0, 2, two, one).is_err());
        assert_eq!((blocks.height(), blocks.tip(0), blocks.tip(1)), (2, 1, 2));
    }
}
