//! The one tree of this module: at every level a last node without a partner moves up as it is, so that the shape, the
//! length of each path and the place of each hash in it follow from the number of leaves alone.

use alloy_primitives::{B256, Keccak256};

/// The hash of a leaf: `keccak256(0x00 ‖ bytes)`.
pub(super) fn leaf_hash(bytes: &[u8]) -> B256 {
    let mut hasher = Keccak256::new();
    hasher.update([LEAF]);
    hasher.update(bytes);
    hasher.finalize()
}

/// The hash of a node: `keccak256(0x01 ‖ left ‖ right)`.
pub(super) fn node_hash(left: &B256, right: &B256) -> B256 {
    let mut hasher = Keccak256::new();
    hasher.update([NODE]);
    hasher.update(left);
    hasher.update(right);
    hasher.finalize()
}

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

const LEAF: u8 = 0;
const NODE: u8 = 1;

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

    #[test]
    fn leaves_are_not_nodes() {
        let hashes = leaves(2);
        let mut bytes = hashes[0].to_vec();
        bytes.extend_from_slice(hashes[1].as_slice());
        assert_ne!(leaf_hash(&bytes), node_hash(&hashes[0], &hashes[1]));
    }
}
