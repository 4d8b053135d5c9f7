use alloc::vec::Vec;

use alloy_primitives::B256;

use super::path::{leaf, parents};

/// A Merkle tree with all its levels, to take many paths from.
#[derive(Clone, Debug)]
pub struct Tree {
    levels: Vec<Vec<B256>>,
}

impl Tree {
    /// Builds the tree over hashes of leaves. Without any, its root is zero, which no commitment
    /// uses.
    #[must_use]
    pub fn new(leaves: Vec<B256>) -> Self {
        let mut levels = Vec::new();
        let mut level = leaves;
        while level.len() > 1 {
            let above = parents(&level);
            levels.push(core::mem::replace(&mut level, above));
        }
        levels.push(level);
        Self { levels }
    }

    /// Builds the tree over 32-byte values, such as the roots of other trees.
    #[must_use]
    pub fn over_roots(roots: &[B256]) -> Self {
        Self::new(roots.iter().map(|root| leaf(root.as_slice())).collect())
    }

    /// Returns the root; zero if there are no leaves.
    #[must_use]
    pub fn root(&self) -> B256 {
        self.levels.last().and_then(|level| level.first()).copied().unwrap_or_default()
    }

    /// Returns the siblings of the leaf at `index`, from the leaf upwards.
    #[must_use]
    pub fn path(&self, index: u64) -> Vec<B256> {
        let mut index = usize::try_from(index).unwrap_or(usize::MAX);
        let mut path = Vec::new();
        for level in &self.levels {
            if let Some(sibling) = level.get(index ^ 1).filter(|_| level.len() > 1) {
                path.push(*sibling);
            }
            index >>= 1;
        }
        path
    }
}
