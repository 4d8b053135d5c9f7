use alloc::{borrow::Cow, boxed::Box, vec::Vec};
use core::fmt;

use alloy_primitives::B256;
use lazai_consensus::merkle::{Tree, climb, leaf as leaf_hash, path_len};

use super::{DatasetCommitment, LEAF_BYTES, Manifest, Opening, OpeningError};

/// One shard of a stripe, with its Merkle path to the root of the stripe: the unit that a member
/// stores.
///
/// # Encoding
/// Big-endian: stripe (4 bytes), shard (2), path (32 each; the position determines their number),
/// bytes (the commitment determines their number, a multiple of [`LEAF_BYTES`]).
#[derive(Clone, Eq, PartialEq)]
pub struct Shard<'a> {
    /// The stripe, from 0.
    pub stripe: u32,
    /// The index in the stripe, from 0; the first `k` shards hold the data itself.
    pub index: u16,
    /// The siblings from the root of the shard up to that of the stripe.
    pub path: Vec<B256>,
    /// The coded data.
    pub bytes: Cow<'a, [u8]>,
}

impl<'a> Shard<'a> {
    /// Encodes the shard; the format is given at [`Shard`].
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let path_bytes = self.path.len().saturating_mul(32);
        let length = HEAD_BYTES.saturating_add(path_bytes).saturating_add(self.bytes.len());
        let mut bytes = Vec::with_capacity(length);
        bytes.extend_from_slice(&self.stripe.to_be_bytes());
        bytes.extend_from_slice(&self.index.to_be_bytes());
        bytes.extend(self.path.iter().flat_map(|node| node.0));
        bytes.extend_from_slice(&self.bytes);
        bytes
    }

    /// Decodes the bytes of [`encode`](Self::encode), for the dataset of `commitment`, and borrows
    /// from them. The shard is not verified; see [`verify`](Self::verify).
    ///
    /// # Errors
    /// [`ShardError`] if there is no such shard or the length is wrong.
    pub fn decode(bytes: &'a [u8], commitment: &DatasetCommitment) -> Result<Self, ShardError> {
        match Self::split(bytes, commitment)? {
            (shard, []) => Ok(shard),
            (_, rest) => Err(ShardError::Length {
                expected: bytes.len().saturating_sub(rest.len()) as u64,
                got: bytes.len() as u64,
            }),
        }
    }

    /// Decodes a shard at the start of `bytes`, and returns it with the bytes that follow.
    pub(super) fn split(
        bytes: &'a [u8],
        commitment: &DatasetCommitment,
    ) -> Result<(Self, &'a [u8]), ShardError> {
        let got = bytes.len() as u64;
        let too_short = ShardError::Length { expected: HEAD_BYTES as u64, got };
        let (stripe, rest) = bytes.split_first_chunk().ok_or(too_short)?;
        let (index, rest) = rest.split_first_chunk().ok_or(too_short)?;
        let (stripe, index) = (u32::from_be_bytes(*stripe), u16::from_be_bytes(*index));
        let (nodes, shard_bytes) = shape(commitment, stripe, index)?;
        let path_bytes = nodes.saturating_mul(32);
        let expected = HEAD_BYTES.saturating_add(path_bytes).saturating_add(shard_bytes);
        let too_short = ShardError::Length { expected: expected as u64, got };
        let (path, rest) = rest.split_at_checked(path_bytes).ok_or(too_short)?;
        let (bytes, rest) = rest.split_at_checked(shard_bytes).ok_or(too_short)?;
        let path = path.chunks_exact(32).map(B256::from_slice).collect();
        Ok((Self { stripe, index, path, bytes: Cow::Borrowed(bytes) }, rest))
    }

    /// Verifies the shard against the root of its stripe in `manifest`.
    ///
    /// # Errors
    /// [`ShardError`] if the dataset has no such position, if bytes or path have the wrong length,
    /// or if they lead to another root than that of the stripe.
    pub fn verify(self, manifest: &Manifest) -> Result<VerifiedShard<'a>, ShardError> {
        let Self { stripe, index, .. } = self;
        let (shard, root) = self.measure(manifest.commitment())?;
        if manifest.stripe_root(stripe) == Some(&root) {
            Ok(shard)
        } else {
            Err(ShardError::WrongRoot { stripe, index })
        }
    }

    /// Computes the root of the stripe that bytes and path lead to. The caller compares it with the
    /// committed one.
    pub(super) fn measure(
        self,
        commitment: &DatasetCommitment,
    ) -> Result<(VerifiedShard<'a>, B256), ShardError> {
        let Self { stripe, index, ref path, ref bytes } = self;
        let (nodes, shard_bytes) = shape(commitment, stripe, index)?;
        let (expected, got) = (shard_bytes as u64, bytes.len() as u64);
        if got != expected {
            return Err(ShardError::Length { expected, got });
        }
        let (expected, got) = (nodes as u64, path.len() as u64);
        if got != expected {
            return Err(ShardError::PathLength { expected, got });
        }
        let tree = shard_tree(bytes);
        let (hash, n) = (leaf_hash(tree.root().as_slice()), commitment.coding().n());
        let root = climb(hash, index.into(), n.into(), &mut path.iter())
            .ok_or(ShardError::PathLength { expected, got })?;
        Ok((VerifiedShard { shard: self, tree }, root))
    }

    /// Returns a shard that borrows the bytes of this one.
    #[must_use]
    pub fn borrowed(&self) -> Shard<'_> {
        let Self { stripe, index, path, bytes } = self;
        Shard { stripe: *stripe, index: *index, path: path.clone(), bytes: Cow::Borrowed(bytes) }
    }

    /// Converts the shard into one that owns its bytes.
    #[must_use]
    pub fn into_owned(self) -> Shard<'static> {
        let Self { stripe, index, path, bytes } = self;
        Shard { stripe, index, path, bytes: Cow::Owned(bytes.into_owned()) }
    }
}

impl fmt::Debug for Shard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shard")
            .field("stripe", &self.stripe)
            .field("index", &self.index)
            .field("path", &self.path)
            .field("bytes", &self.bytes.len())
            .finish()
    }
}

/// A shard verified against its dataset, created by [`Shard::verify`] alone.
#[derive(Clone, Debug)]
pub struct VerifiedShard<'a> {
    shard: Shard<'a>,
    tree: Tree,
}

impl<'a> VerifiedShard<'a> {
    /// Returns the shard.
    #[must_use]
    pub const fn shard(&self) -> &Shard<'a> {
        &self.shard
    }

    /// Returns the shard as an unverified one.
    #[must_use]
    pub fn into_shard(self) -> Shard<'a> {
        self.shard
    }

    /// Returns the root of the tree over the leaves of the shard.
    #[must_use]
    pub fn root(&self) -> B256 {
        self.tree.root()
    }

    /// Opens a leaf of the shard. `manifest` must be that of its dataset.
    ///
    /// # Errors
    /// [`OpeningError::NoLeaf`].
    pub fn open(&self, manifest: &Manifest, leaf: u32) -> Result<Opening, OpeningError> {
        let Shard { stripe, index, path: ref shard_path, ref bytes } = self.shard;
        let leaves = manifest.commitment().leaves(stripe);
        let (chunks, _) = bytes.as_chunks::<LEAF_BYTES>();
        let chunk = usize::try_from(leaf).ok().and_then(|leaf| chunks.get(leaf));
        let bytes = Box::new(*chunk.ok_or(OpeningError::NoLeaf { got: leaf, leaves })?);
        let mut path = self.tree.path(leaf.into());
        path.extend_from_slice(shard_path);
        path.extend(manifest.stripe_path(stripe));
        Ok(Opening { stripe, shard: index, leaf, bytes, path })
    }
}

/// Builds the tree over the leaves of a shard.
pub(super) fn shard_tree(bytes: &[u8]) -> Tree {
    Tree::new(bytes.chunks(LEAF_BYTES).map(leaf_hash).collect())
}

/// Returns the number of siblings in the path of a shard, and its size in bytes.
pub(super) fn shape(
    commitment: &DatasetCommitment,
    stripe: u32,
    index: u16,
) -> Result<(usize, usize), ShardError> {
    let (stripes, shards) = (commitment.stripes(), commitment.coding().n());
    if stripe >= stripes {
        return Err(ShardError::NoStripe { got: stripe, stripes });
    }
    if index >= shards {
        return Err(ShardError::NoShard { got: index, shards });
    }
    Ok((path_len(index.into(), shards.into()), commitment.shard_bytes(stripe)))
}

/// A shard is malformed or does not belong to the dataset.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ShardError {
    /// The length of the bytes is wrong.
    #[error("the shard at this place has {expected} bytes, got {got}")]
    Length {
        /// Least number of bytes.
        expected: u64,
        /// Bytes given.
        got: u64,
    },
    /// The stripe has no such shard.
    #[error("there is no shard {got}, a stripe has {shards}")]
    NoShard {
        /// Shard named, from 0.
        got: u16,
        /// Shards of a stripe.
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
    /// The shard is not the committed one.
    #[error("shard {index} of stripe {stripe} does not lead to the committed root")]
    WrongRoot {
        /// Stripe of the shard.
        stripe: u32,
        /// Index of the shard in the stripe.
        index: u16,
    },
}

/// Bytes of an encoded shard before its path.
const HEAD_BYTES: usize = 4 + 2;
