use std::collections::BTreeMap;

use alloy_primitives::B256;

/// Every block that a validator has told of as final and durable.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// Name and state root by height, and who told first.
    blocks: BTreeMap<u64, (B256, B256, usize)>,
    /// The highest block of each validator.
    tips: BTreeMap<usize, u64>,
}

impl Ledger {
    /// Adds what validator `node` has told.
    ///
    /// # Errors
    /// [`Fork`] if another block is final at that height, or the same one with another state.
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

    /// The highest block that any validator told of; 0 if none did.
    #[must_use]
    pub fn height(&self) -> u64 {
        self.blocks.last_key_value().map_or(0, |(height, _)| *height)
    }

    /// The highest block that validator `node` told of; 0 if it told of none.
    #[must_use]
    pub fn tip(&self, node: usize) -> u64 {
        self.tips.get(&node).copied().unwrap_or_default()
    }

    /// The name of the block at `height`.
    #[must_use]
    pub fn digest(&self, height: u64) -> Option<B256> {
        self.blocks.get(&height).map(|(digest, _, _)| *digest)
    }

    /// The blocks, ascending: height, name and state root.
    pub fn blocks(&self) -> impl Iterator<Item = (u64, B256, B256)> {
        self.blocks.iter().map(|(height, (digest, root, _))| (*height, *digest, *root))
    }
}

/// Two validators hold different blocks for final.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("fork at height {height}: {nodes:?} hold {digests:?} for final")]
pub struct Fork {
    /// The height.
    pub height: u64,
    /// The validators.
    pub nodes: (usize, usize),
    /// What each holds for final.
    pub digests: (B256, B256),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fork_is_seen() {
        let (mut ledger, one, two) =
            (Ledger::default(), B256::repeat_byte(1), B256::repeat_byte(2));
        ledger.add(0, 1, one, one).unwrap();
        ledger.add(1, 1, one, one).unwrap();
        ledger.add(1, 2, two, two).unwrap();
        let fork = Fork { height: 2, nodes: (1, 0), digests: (two, one) };
        assert_eq!(ledger.add(0, 2, one, two), Err(fork));
        assert!(ledger.add(0, 2, two, one).is_err());
        assert_eq!((ledger.height(), ledger.tip(0), ledger.tip(1)), (2, 1, 2));
    }
}
