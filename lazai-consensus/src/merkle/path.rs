//! Hashes of leaves and nodes, and paths between them.

use alloc::vec::Vec;

use alloy_primitives::{B256, Keccak256};

/// Hashes the bytes of a leaf.
#[must_use]
pub fn leaf(bytes: &[u8]) -> B256 {
    let mut hasher = Keccak256::new();
    hasher.update([0]);
    hasher.update(bytes);
    hasher.finalize()
}

/// Hashes two nodes into the one above them.
#[must_use]
pub fn node(left: &B256, right: &B256) -> B256 {
    let mut hasher = Keccak256::new();
    hasher.update([1]);
    hasher.update(left);
    hasher.update(right);
    hasher.finalize()
}

/// Returns the root over hashes of leaves; zero if there are none.
#[must_use]
pub fn root(leaves: &[B256]) -> B256 {
    let mut level = leaves.to_vec();
    while level.len() > 1 {
        level = parents(&level);
    }
    level.first().copied().unwrap_or_default()
}

/// Returns the siblings of leaf `index`, from the leaf upwards; `None` if there is no such leaf.
#[must_use]
pub fn path(leaves: &[B256], index: usize) -> Option<Vec<B256>> {
    leaves.get(index)?;
    let (mut level, mut index, mut path) = (leaves.to_vec(), index, Vec::new());
    while level.len() > 1 {
        path.extend(level.get(index ^ 1));
        level = parents(&level);
        index /= 2;
    }
    Some(path)
}

/// Returns whether `leaf` is the leaf at `index` of `count` under `root`.
#[must_use]
pub fn verify(root: &B256, leaf: B256, index: u64, count: u64, path: &[B256]) -> bool {
    let mut siblings = path.iter();
    index < count
        && climb(leaf, index, count, &mut siblings) == Some(*root)
        && siblings.next().is_none()
}

/// Returns the root above the leaf hash at `index` of `count`, with siblings taken from `path`;
/// `None` if it has too few.
///
/// What is left in `path` is the caller's to judge, since paths of trees of trees stand in one row.
#[must_use]
pub fn climb<'a>(
    mut hash: B256,
    mut index: u64,
    mut count: u64,
    path: &mut impl Iterator<Item = &'a B256>,
) -> Option<B256> {
    while count > 1 {
        // The last of an odd level has no sibling.
        if index ^ 1 < count {
            let sibling = path.next()?;
            hash =
                if index.is_multiple_of(2) { node(&hash, sibling) } else { node(sibling, &hash) };
        }
        index /= 2;
        count = count.div_ceil(2);
    }
    Some(hash)
}

/// Returns the number of siblings of the path of leaf `index` of `count`; fewer than 64.
#[must_use]
pub const fn path_len(index: u64, count: u64) -> usize {
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

/// Returns the level above one.
#[must_use]
pub fn parents(level: &[B256]) -> Vec<B256> {
    let pair = |pair: &[B256]| match pair {
        [left, right] => node(left, right),
        single => single.first().copied().unwrap_or_default(),
    };
    level.chunks(2).map(pair).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_leaf_has_one_place(count in 1_usize..40, at in any::<prop::sample::Index>(), other in 0_u64..50) {
            let leaves: Vec<_> = (0..count).map(|index| leaf(&index.to_be_bytes())).collect();
            let (root, index) = (root(&leaves), at.index(count));
            let path = path(&leaves, index).unwrap();
            let (index, count) = (index as u64, count as u64);
            prop_assert!(verify(&root, leaves[at.index(leaves.len())], index, count, &path));
            prop_assert_eq!(verify(&root, leaves[at.index(leaves.len())], other, count, &path), other == index);
            let mut longer = path.clone();
            longer.push(B256::ZERO);
            prop_assert!(!verify(&root, leaves[at.index(leaves.len())], index, count, &longer));
            if !path.is_empty() {
                prop_assert!(!verify(&root, leaves[at.index(leaves.len())], index, count, &path[1..]));
            }
        }
    }

    #[test]
    fn a_tree_of_nothing_has_no_paths() {
        assert_eq!(root(&[]), B256::ZERO);
        assert_eq!(path(&[], 0), None);
        assert!(!verify(&B256::ZERO, B256::ZERO, 0, 0, &[]));
    }
}
