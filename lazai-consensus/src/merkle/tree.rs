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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merkle::{climb, node, path_len, root};

    fn leaves(count: u8) -> Vec<B256> {
        (0..count).map(|byte| leaf(&[byte])).collect()
    }

    #[test]
    fn every_leaf_climbs_to_the_root_and_to_no_other() {
        for count in 1..=33_u8 {
            let hashes = leaves(count);
            let tree = Tree::new(hashes.clone());
            assert_eq!(tree.root(), root(&hashes));
            for (index, hash) in (0_u64..).zip(&hashes) {
                let path = tree.path(index);
                assert_eq!(path.len(), path_len(index, count.into()), "{index} of {count}");
                let climbed = climb(*hash, index, count.into(), &mut path.iter());
                assert_eq!(climbed, Some(tree.root()), "{index} of {count}");
                for other in (0..count.into()).filter(|other| *other != index) {
                    let climbed = climb(*hash, other, count.into(), &mut path.iter());
                    assert_ne!(climbed, Some(tree.root()), "{index} as {other} of {count}");
                }
                if let Some((_, short)) = path.split_last() {
                    assert_eq!(climb(*hash, index, count.into(), &mut short.iter()), None);
                }
            }
        }
    }

    #[test]
    fn a_lone_node_moves_up_as_it_is() {
        let hashes = leaves(5);
        let pair = |left: usize, right: usize| node(&hashes[left], &hashes[right]);
        let root = node(&node(&pair(0, 1), &pair(2, 3)), &hashes[4]);
        assert_eq!(Tree::new(hashes.clone()).root(), root);
        assert_eq!(Tree::new(leaves(1)).root(), leaf(&[0]));
    }
}
