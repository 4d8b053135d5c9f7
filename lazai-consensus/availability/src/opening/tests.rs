use alloc::{vec, vec::Vec};

use alloy_primitives::keccak256;
use lazai_consensus::merkle::Tree;
use proptest::prelude::*;

use super::*;
use crate::Coding;

/// A dataset of uncoded leaves: `leaf` gives the bytes at each position.
struct Leaves {
    commitment: DatasetCommitment,
    shards: Vec<Vec<Tree>>,
    stripes: Vec<Tree>,
    dataset: Tree,
}

fn leaf(stripe: u32, shard: u16, leaf: u32) -> [u8; LEAF_BYTES] {
    let mut bytes = [7; LEAF_BYTES];
    bytes[..4].copy_from_slice(&stripe.to_be_bytes());
    bytes[500..502].copy_from_slice(&shard.to_be_bytes());
    bytes[1_020..].copy_from_slice(&leaf.to_be_bytes());
    bytes
}

impl Leaves {
    fn new(bytes: u64, n: u16, stripe_bytes: u32) -> Self {
        let coding = Coding::with_stripe_bytes(n, stripe_bytes).unwrap();
        let shape = DatasetCommitment::new(bytes, coding, B256::ZERO).unwrap();
        let shard = |stripe, shard| {
            let leaves = 0..shape.leaves(stripe);
            Tree::new(leaves.map(|index| leaf_hash(&leaf(stripe, shard, index))).collect())
        };
        let shards: Vec<Vec<_>> = (0..shape.stripes())
            .map(|stripe| (0..n).map(|index| shard(stripe, index)).collect())
            .collect();
        let roots = |trees: &[Tree]| trees.iter().map(Tree::root).collect::<Vec<_>>();
        let stripes: Vec<_> =
            shards.iter().map(|shards| Tree::over_roots(&roots(shards))).collect();
        let dataset = Tree::over_roots(&roots(&stripes));
        let commitment = DatasetCommitment::new(bytes, coding, dataset.root()).unwrap();
        Self { commitment, shards, stripes, dataset }
    }

    fn opening(&self, stripe: u32, shard: u16, index: u32) -> Opening {
        let mut path = self.shards[stripe as usize][shard as usize].path(index.into());
        path.extend(self.stripes[stripe as usize].path(shard.into()));
        path.extend(self.dataset.path(stripe.into()));
        Opening { stripe, shard, leaf: index, bytes: Box::new(leaf(stripe, shard, index)), path }
    }

    fn openings(&self) -> impl Iterator<Item = Opening> {
        let Self { commitment, .. } = self;
        (0..commitment.stripes()).flat_map(move |stripe| {
            (0..commitment.coding().n()).flat_map(move |shard| {
                (0..commitment.leaves(stripe)).map(move |leaf| self.opening(stripe, shard, leaf))
            })
        })
    }
}

#[test]
fn every_leaf_opens_at_its_place_and_at_no_other() {
    // Three stripes with 3, 3 and 2 leaves in each of 5 shards: all of k = 2.
    let leaves = Leaves::new(15_000, 5, 6_000);
    let commitment = leaves.commitment;
    assert_eq!([0, 1, 2].map(|stripe| commitment.leaves(stripe)), [3, 3, 2]);
    let openings: Vec<_> = leaves.openings().collect();
    assert_eq!(openings.len(), 5 * (3 + 3 + 2));
    for opening in &openings {
        assert_eq!(verify_opening(&commitment, opening), Ok(()));
        for other in &openings {
            let place = |opening: &Opening| (opening.stripe, opening.shard, opening.leaf);
            if place(other) != place(opening) {
                let Opening { stripe, shard, leaf, .. } = *other;
                let moved = Opening { stripe, shard, leaf, ..opening.clone() };
                assert!(verify_opening(&commitment, &moved).is_err(), "{opening:?} as {other:?}");
            }
        }
    }
}

#[test]
fn a_path_can_be_followed_by_hand() {
    let leaves = Leaves::new(15_000, 5, 6_000);
    // Leaf 2 of 3 moves up alone; shard 4 of 5 moves up alone twice; stripe 2 of 3 moves up alone.
    let opening = leaves.opening(1, 3, 1);
    assert_eq!(opening.path.len(), 2 + 3 + 2);
    let hash = |parts: &[&[u8]]| keccak256(parts.concat());
    let path: Vec<&[u8]> = opening.path.iter().map(|node| node.as_slice()).collect();
    let node = hash(&[&[0], opening.bytes.as_slice()]);
    let node = hash(&[&[1], path[0], node.as_slice()]);
    let shard_root = hash(&[&[1], node.as_slice(), path[1]]);
    let node = hash(&[&[0], shard_root.as_slice()]);
    let node = hash(&[&[1], path[2], node.as_slice()]);
    let node = hash(&[&[1], path[3], node.as_slice()]);
    let stripe_root = hash(&[&[1], node.as_slice(), path[4]]);
    let node = hash(&[&[0], stripe_root.as_slice()]);
    let node = hash(&[&[1], path[5], node.as_slice()]);
    let root = hash(&[&[1], node.as_slice(), path[6]]);
    assert_eq!(root, leaves.commitment.stripes_root());
    assert_eq!(leaves.opening(2, 4, 1).path.len(), 1 + 1 + 1);
}

#[test]
fn the_bytes_are_fixed() {
    let leaves = Leaves::new(15_000, 5, 6_000);
    let opening = leaves.opening(1, 3, 2);
    let bytes = opening.encode();
    assert_eq!(bytes[..10], [0, 0, 0, 1, 0, 3, 0, 0, 0, 2]);
    assert_eq!(bytes[10..1_034], leaf(1, 3, 2));
    assert_eq!(bytes.len(), 1_034 + 32 * opening.path.len());
    assert_eq!(bytes[1_034..1_066], opening.path[0].0);
}

#[test]
fn proofs_are_bound_to_the_root() {
    let leaves = Leaves::new(15_000, 5, 6_000);
    let (commitment, opening) = (leaves.commitment, leaves.opening(2, 1, 0));
    let proof = [commitment.encode().as_slice(), &opening.encode()].concat();
    let root = commitment.root();
    assert_eq!(verify_opening_proof(root, &proof), Ok((commitment, opening)));
    let expected = B256::repeat_byte(1);
    let error = verify_opening_proof(expected, &proof).unwrap_err();
    assert_eq!(error, OpeningError::WrongDataset { expected });
    for length in 0..proof.len() {
        assert!(verify_opening_proof(root, &proof[..length]).is_err(), "{length}");
    }
    for bit in 0..proof.len() * 8 {
        let mut changed = proof.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(verify_opening_proof(root, &changed).is_err(), "bit {bit}");
    }
}

#[test]
fn places_out_of_bounds_are_named() {
    let leaves = Leaves::new(15_000, 5, 6_000);
    let opening = leaves.opening(2, 4, 1);
    let error = |opening| verify_opening(&leaves.commitment, &opening).unwrap_err();
    let stripe = Opening { stripe: 3, ..opening.clone() };
    assert_eq!(error(stripe), OpeningError::NoStripe { got: 3, stripes: 3 });
    let shard = Opening { shard: 5, ..opening.clone() };
    assert_eq!(error(shard), OpeningError::NoShard { got: 5, shards: 5 });
    let leaf = Opening { leaf: 2, ..opening.clone() };
    assert_eq!(error(leaf), OpeningError::NoLeaf { got: 2, leaves: 2 });
    let path = Opening { path: vec![], ..opening };
    assert_eq!(error(path), OpeningError::PathLength { expected: 3, got: 0 });
}

#[test]
fn the_longest_opening_has_the_stated_length() {
    // 2^24 stripes of 64 MiB, of 1 shard each.
    let one = Coding::with_stripe_bytes(1, 64 << 20).unwrap();
    let commitment = DatasetCommitment::new(1 << 50, one, B256::ZERO).unwrap();
    let nodes = |commitment, shard| opening_path_len(commitment, 0, shard, 0).unwrap();
    assert_eq!(nodes(&commitment, 0), 24 + 16);
    let many = Coding::with_stripe_bytes(1_024, 64 << 20).unwrap();
    let commitment = DatasetCommitment::new(1 << 50, many, B256::ZERO).unwrap();
    assert!(nodes(&commitment, 1_023) <= 24 + 16 + 10);
    assert_eq!(MAX_OPENING_BYTES, 1_034 + 32 * 50);
}

proptest! {
    #[test]
    fn openings_round_trip_and_nothing_else_decodes(
        bytes in 1..40_000_u64,
        n in 1..12_u16,
        stripe_bytes in 1_000..9_000_u32,
        pick: prop::sample::Index,
    ) {
        let leaves = Leaves::new(bytes, n, stripe_bytes);
        let commitment = leaves.commitment;
        let openings: Vec<_> = leaves.openings().collect();
        let opening = pick.get(&openings);
        prop_assert_eq!(verify_opening(&commitment, opening), Ok(()));
        let encoded = opening.encode();
        prop_assert!(encoded.len() <= MAX_OPENING_BYTES);
        let decoded = Opening::decode(&encoded, &commitment);
        prop_assert_eq!(decoded.as_ref(), Ok(opening));
        for length in 0..encoded.len() {
            prop_assert!(Opening::decode(&encoded[..length], &commitment).is_err());
        }
        for more in [1, 31, 32, 64] {
            let longer = [encoded.as_slice(), &vec![0; more]].concat();
            prop_assert!(Opening::decode(&longer, &commitment).is_err());
        }
    }

    #[test]
    fn random_bytes_are_no_opening(
        bytes in prop::collection::vec(any::<u8>(), 0..1_400),
        root: [u8; 32],
    ) {
        let commitment = Leaves::new(15_000, 5, 6_000).commitment;
        if let Ok(opening) = Opening::decode(&bytes, &commitment) {
            prop_assert_eq!(opening.encode(), bytes.clone());
            prop_assert_eq!(verify_opening(&commitment, &opening), Err(OpeningError::WrongRoot));
        }
        prop_assert!(verify_opening_proof(root.into(), &bytes).is_err());
    }
}
