//! Paths of [`crate::merkle`] trees that stand in one row, as those of trees of trees do. The length of a path and the
//! place of each hash in it follow from the place of the leaf and the number of leaves.

use alloy_primitives::B256;

pub(super) use crate::merkle::{leaf as leaf_hash, node as node_hash};

/// How many siblings the path of leaf `index` of `count` has; fewer than 64.
pub(super) const fn path_len(index: u64, count: u64) -> usize {
    let (mut index, mut count, mut length) = (index, count, 0_usize);
    while count > 1 {
        if index ^ 1 < count {
            length = length.saturating_add(1);
        }
        index >>= 1;
        count = count.div_ceil(2);
    }
    length
}

/// The root above the leaf hash at `index` of `count`, with siblings taken from `path`; `None` if it has too few.
///
/// What is left in `path` is the caller's to judge, since paths of trees of trees stand in one row.
pub(super) fn climb<'a>(
    mut hash: B256,
    mut index: u64,
    mut count: u64,
    path: &mut impl Iterator<Item = &'a B256>,
) -> Option<B256> {
    while count > 1 {
        if index ^ 1 < count {
            let sibling = path.next()?;
            hash =
                if index & 1 == 0 { node_hash(&hash, sibling) } else { node_hash(sibling, &hash) };
        }
        index >>= 1;
        count = count.div_ceil(2);
    }
    Some(hash)
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;
    use crate::availability::tree::Tree;

    fn leaves(count: u8) -> Vec<B256> {
        (0..count).map(|byte| leaf_hash(&[byte])).collect()
    }

    #[test]
    fn every_leaf_climbs_to_the_root_and_to_no_other() {
        for count in 1..=33_u8 {
            let hashes = leaves(count);
            let tree = Tree::new(hashes.clone());
            assert_eq!(tree.root(), crate::merkle::root(&hashes));
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
        let pair = |left: usize, right: usize| node_hash(&hashes[left], &hashes[right]);
        let root = node_hash(&node_hash(&pair(0, 1), &pair(2, 3)), &hashes[4]);
        assert_eq!(Tree::new(hashes.clone()).root(), root);
        assert_eq!(Tree::new(leaves(1)).root(), leaf_hash(&[0]));
    }
}
