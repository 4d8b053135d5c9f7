use alloc::{vec, vec::Vec};

use alloy_primitives::B256;

use crate::merkle::parents;

/// Returns the siblings that lead from the leaves at the ascending `places` to the root over
/// `leaves`: level by level, in each from the left, without those that follow from the leaves
/// themselves.
pub(super) fn siblings(leaves: &[B256], places: &[usize]) -> Vec<B256> {
    let mut level = leaves.to_vec();
    let mut known = vec![false; level.len()];
    for place in places {
        if let Some(known) = known.get_mut(*place) {
            *known = true;
        }
    }
    let mut siblings = Vec::new();
    while level.len() > 1 {
        for (pair, known) in level.chunks(2).zip(known.chunks(2)) {
            match (pair, known) {
                ([_, sibling], [true, false]) | ([sibling, _], [false, true]) => {
                    siblings.push(*sibling);
                }
                _ => {}
            }
        }
        known = known.chunks(2).map(|pair| pair.contains(&true)).collect();
        level = parents(&level);
    }
    siblings
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::merkle::{leaf, node, path, root};

    /// Returns the root above the leaves, as the contract computes it.
    fn climb(
        mut nodes: Vec<(usize, B256)>,
        mut width: usize,
        mut siblings: impl Iterator<Item = B256>,
    ) -> Option<B256> {
        while width > 1 {
            let mut above = Vec::new();
            let mut level = nodes.into_iter().peekable();
            while let Some((place, hash)) = level.next() {
                let other = place ^ 1;
                let hash = if other < width {
                    let sibling = match level.next_if(|(next, _)| *next == other) {
                        Some((_, sibling)) => sibling,
                        None => siblings.next()?,
                    };
                    if place % 2 == 0 { node(&hash, &sibling) } else { node(&sibling, &hash) }
                } else {
                    hash
                };
                above.push((place / 2, hash));
            }
            nodes = above;
            width = width.div_ceil(2);
        }
        siblings.next().is_none().then(|| nodes[0].1)
    }

    proptest! {
        #[test]
        fn they_lead_to_the_root(
            count in 1_usize..130,
            places in prop::collection::btree_set(0_usize..130, 1..130),
        ) {
            let places: Vec<_> = places.into_iter().filter(|place| *place < count).collect();
            prop_assume!(!places.is_empty());
            let leaves: Vec<_> = (0..count).map(|index| leaf(&index.to_be_bytes())).collect();
            let siblings = siblings(&leaves, &places);
            let nodes: Vec<_> = places.iter().map(|place| (*place, leaves[*place])).collect();
            prop_assert_eq!(climb(nodes, count, siblings.iter().copied()), Some(root(&leaves)));
            let apart: usize = places.iter().map(|place| path(&leaves, *place).unwrap().len()).sum();
            prop_assert!(siblings.len() <= apart);
            if let [place] = *places {
                prop_assert_eq!(Some(siblings), path(&leaves, place));
            }
        }
    }
}
