use alloc::{boxed::Box, vec::Vec};
use core::fmt;

use alloy_primitives::{B256, hex};
use lazai_consensus::merkle::{climb, leaf as leaf_hash, path_len};

use super::{COMMITMENT_BYTES, CommitmentError, DatasetCommitment, LEAF_BYTES, Place};

/// One leaf of a dataset, with its Merkle path to the root.
///
/// # Encoding
/// All numbers big-endian, nothing but these fields:
///
/// | offset | bytes | field |
/// | --- | --- | --- |
/// | 0 | 4 | stripe |
/// | 4 | 2 | shard |
/// | 6 | 4 | leaf, its place in the shard |
/// | 10 | 1024 | bytes of the leaf |
/// | 1034 | 32 each | path |
///
/// The path holds siblings from the leaf up: first of the leaf in its shard, then of the shard in
/// its stripe, then of the stripe in the dataset. Its length is not encoded, because the three
/// places and the commitment determine it.
///
/// # Trees
/// The hash of a leaf is `keccak256(0x00 ‖ bytes)`, of a node `keccak256(0x01 ‖ left ‖ right)`. At
/// each level the nodes are paired from the left; a last node without a partner moves up as it is
/// and adds nothing to a path. So with `count` nodes at a level, the node at `index` has the
/// sibling `index ^ 1` if that is below `count`, stands on the left if `index` is even, and is at
/// `index >> 1` of `(count + 1) >> 1` on the level above, up to a single node.
///
/// - The tree of a shard has the hashes of its leaves, `ceil(stripe_len / (k * 1024))` of them.
/// - The tree of a stripe has `n` leaves, `keccak256(0x00 ‖ root of shard)`.
/// - The tree of a dataset has one leaf for each stripe, `keccak256(0x00 ‖ root of stripe)`.
/// - The root of the dataset is `keccak256("lazvm/dataset/1" ‖ commitment)`; see
///   [`DatasetCommitment`].
#[derive(Clone, Eq, PartialEq)]
pub struct Opening {
    /// The stripe, from 0.
    pub stripe: u32,
    /// The shard of the stripe, from 0; the first `k` hold the data itself.
    pub shard: u16,
    /// The leaf of the shard, from 0.
    pub leaf: u32,
    /// The bytes of the leaf.
    pub bytes: Box<[u8; LEAF_BYTES]>,
    /// The siblings, from the leaf up.
    pub path: Vec<B256>,
}

impl Opening {
    /// Returns the position of the leaf.
    #[must_use]
    pub const fn place(&self) -> Place {
        Place { stripe: self.stripe, shard: self.shard, leaf: self.leaf }
    }

    /// Encodes the opening; the format is given at [`Opening`].
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let path_bytes = self.path.len().saturating_mul(NODE_BYTES);
        let mut bytes = Vec::with_capacity(OPENING_HEAD_BYTES.saturating_add(path_bytes));
        bytes.extend_from_slice(&self.stripe.to_be_bytes());
        bytes.extend_from_slice(&self.shard.to_be_bytes());
        bytes.extend_from_slice(&self.leaf.to_be_bytes());
        bytes.extend_from_slice(self.bytes.as_slice());
        for node in &self.path {
            bytes.extend_from_slice(node.as_slice());
        }
        bytes
    }

    /// Decodes the bytes of [`encode`](Self::encode) as an opening in the dataset of `commitment`.
    /// The path is not verified; see [`verify_opening`].
    ///
    /// The length is checked before anything is allocated: it follows from the position, and is at
    /// most [`MAX_OPENING_BYTES`].
    ///
    /// # Errors
    /// [`OpeningError`] if the length is wrong or the dataset has no such position.
    pub fn decode(bytes: &[u8], commitment: &DatasetCommitment) -> Result<Self, OpeningError> {
        match Self::split(bytes, commitment)? {
            (opening, []) => Ok(opening),
            (_, rest) => Err(OpeningError::Length {
                expected: bytes.len().saturating_sub(rest.len()) as u64,
                got: bytes.len() as u64,
            }),
        }
    }

    /// Decodes an opening at the start of `bytes`, and returns it with the bytes that follow.
    pub(super) fn split<'a>(
        bytes: &'a [u8],
        commitment: &DatasetCommitment,
    ) -> Result<(Self, &'a [u8]), OpeningError> {
        let got = bytes.len() as u64;
        let too_short = OpeningError::Length { expected: OPENING_HEAD_BYTES as u64, got };
        let (stripe, rest) = bytes.split_first_chunk().ok_or(too_short)?;
        let (shard, rest) = rest.split_first_chunk().ok_or(too_short)?;
        let (leaf, rest) = rest.split_first_chunk().ok_or(too_short)?;
        let (leaf_bytes, rest) = rest.split_first_chunk::<LEAF_BYTES>().ok_or(too_short)?;
        let (stripe, shard, leaf) =
            (u32::from_be_bytes(*stripe), u16::from_be_bytes(*shard), u32::from_be_bytes(*leaf));
        let path_bytes =
            opening_path_len(commitment, stripe, shard, leaf)?.saturating_mul(NODE_BYTES);
        let (path, rest) = rest.split_at_checked(path_bytes).ok_or(OpeningError::Length {
            expected: OPENING_HEAD_BYTES.saturating_add(path_bytes) as u64,
            got,
        })?;
        let path = path.chunks_exact(NODE_BYTES).map(B256::from_slice).collect();
        Ok((Self { stripe, shard, leaf, bytes: Box::new(*leaf_bytes), path }, rest))
    }
}

impl fmt::Debug for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = self.bytes.first_chunk::<8>().map(hex::encode);
        f.debug_struct("Opening")
            .field("stripe", &self.stripe)
            .field("shard", &self.shard)
            .field("leaf", &self.leaf)
            .field("first_bytes", &head)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// Verifies that `opening` holds the leaf at its position in the dataset of `commitment`.
///
/// Cost: one hash of 1025 bytes, and at most 52 of 33 or 65 bytes; no allocation.
///
/// # Errors
/// [`OpeningError`] if the dataset has no such position, if the path has the wrong length, or if it
/// leads to another root.
pub fn verify_opening(
    commitment: &DatasetCommitment,
    opening: &Opening,
) -> Result<(), OpeningError> {
    let &Opening { stripe, shard, leaf, ref bytes, ref path } = opening;
    let expected = opening_path_len(commitment, stripe, shard, leaf)?;
    if path.len() != expected {
        return Err(OpeningError::PathLength { expected: expected as u64, got: path.len() as u64 });
    }
    let mut path = path.iter();
    let node = leaf_hash(bytes.as_slice());
    let shard_root = climb(node, leaf.into(), commitment.leaves(stripe).into(), &mut path);
    let root =
        shard_root.and_then(|root| climb_from_shard(commitment, stripe, shard, &root, &mut path));
    if root == Some(commitment.stripes_root()) { Ok(()) } else { Err(OpeningError::WrongRoot) }
}

/// Verifies an opening against the root of a dataset alone, as a contract does, and returns its
/// commitment and the opening.
///
/// `proof` is an encoded [`DatasetCommitment`] followed by an encoded [`Opening`]: from 1,082 bytes
/// to [`MAX_OPENING_BYTES`] and 48.
///
/// # Errors
/// [`OpeningError`] if the commitment does not hash to `root`, or the opening is malformed or does
/// not verify.
pub fn verify_opening_proof(
    root: B256,
    proof: &[u8],
) -> Result<(DatasetCommitment, Opening), OpeningError> {
    let (commitment, opening) =
        proof.split_at_checked(COMMITMENT_BYTES).ok_or(OpeningError::Length {
            expected: COMMITMENT_BYTES.saturating_add(OPENING_HEAD_BYTES) as u64,
            got: proof.len() as u64,
        })?;
    let commitment = DatasetCommitment::decode(commitment)?;
    if commitment.root() != root {
        return Err(OpeningError::WrongDataset { expected: root });
    }
    let opening = Opening::decode(opening, &commitment)?;
    verify_opening(&commitment, &opening)?;
    Ok((commitment, opening))
}

/// Computes the root of the tree over the stripes from the root of a shard and the siblings above
/// it.
pub(super) fn climb_from_shard<'a>(
    commitment: &DatasetCommitment,
    stripe: u32,
    shard: u16,
    shard_root: &B256,
    path: &mut impl Iterator<Item = &'a B256>,
) -> Option<B256> {
    let hash = leaf_hash(shard_root.as_slice());
    let stripe_root = climb(hash, shard.into(), commitment.coding().n().into(), path)?;
    climb(leaf_hash(stripe_root.as_slice()), stripe.into(), commitment.stripes().into(), path)
}

/// Returns the number of siblings in the path of an opening.
fn opening_path_len(
    commitment: &DatasetCommitment,
    stripe: u32,
    shard: u16,
    leaf: u32,
) -> Result<usize, OpeningError> {
    let (stripes, n) = (commitment.stripes(), commitment.coding().n());
    let leaves = commitment.leaves(stripe);
    if stripe >= stripes {
        return Err(OpeningError::NoStripe { got: stripe, stripes });
    }
    if shard >= n {
        return Err(OpeningError::NoShard { got: shard, shards: n });
    }
    if leaf >= leaves {
        return Err(OpeningError::NoLeaf { got: leaf, leaves });
    }
    // Each is below 64.
    Ok(path_len(leaf.into(), leaves.into())
        .saturating_add(path_len(shard.into(), n.into()))
        .saturating_add(path_len(stripe.into(), stripes.into())))
}

/// An opening is malformed or does not verify.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum OpeningError {
    /// The commitment before the opening is malformed.
    #[error(transparent)]
    Commitment(#[from] CommitmentError),
    /// The length of the encoding is wrong.
    #[error("an opening at this place has {expected} bytes, got {got}")]
    Length {
        /// Least number of bytes.
        expected: u64,
        /// Bytes given.
        got: u64,
    },
    /// The shard has no such leaf.
    #[error("there is no leaf {got}, a shard of this stripe has {leaves}")]
    NoLeaf {
        /// Leaf named, from 0.
        got: u32,
        /// Leaves of the shard.
        leaves: u32,
    },
    /// The stripe has no such shard.
    #[error("there is no shard {got}, a stripe has {shards}")]
    NoShard {
        /// Shard named, from 0.
        got: u16,
        /// Shards of the stripe.
        shards: u16,
    },
    /// The dataset has no such stripe.
    #[error("there is no stripe {got}, the dataset has {stripes}")]
    NoStripe {
        /// Stripe named, from 0.
        got: u32,
        /// Stripes of the dataset.
        stripes: u32,
    },
    /// The path has the wrong length.
    #[error("the path at this place has {expected} siblings, got {got}")]
    PathLength {
        /// Siblings needed.
        expected: u64,
        /// Siblings given.
        got: u64,
    },
    /// The commitment before the opening is that of another dataset.
    #[error("the commitment is not the one with root {expected}")]
    WrongDataset {
        /// The requested root.
        expected: B256,
    },
    /// The leaf and its path lead to another root: the leaf is not the committed one.
    #[error("the leaf and its path do not lead to the committed root")]
    WrongRoot,
}

/// Maximum size of an encoded opening in bytes: at most 16 siblings in a shard, 10 in a stripe, and
/// 24 in a dataset.
pub const MAX_OPENING_BYTES: usize = OPENING_HEAD_BYTES + 50 * NODE_BYTES;

/// Bytes of an encoded opening before its path.
const OPENING_HEAD_BYTES: usize = 4 + 2 + 4 + LEAF_BYTES;
const NODE_BYTES: usize = 32;

#[cfg(test)]
mod tests;
