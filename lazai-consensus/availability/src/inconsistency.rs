use alloc::vec::Vec;

use alloy_primitives::{B256, Keccak256};
use lazai_consensus::merkle::{climb, leaf as leaf_hash, path_len};

use super::{
    CodeError, DatasetCommitment, LEAF_BYTES, Opening, OpeningError, Shard, ShardError,
    code::CodedStripe, verify_opening,
};

/// A proof that the committed shards of a stripe are not a codeword: they are no encoding of any
/// data.
///
/// # Encoding
/// One byte that names the form, then for
///
/// - 0, leaves: their number (2 bytes, big-endian), and the [`Opening`]s one after the other;
/// - 1, a stripe: its `k` [`Shard`]s one after the other, and the path of the stripe (32 bytes for
///   each sibling).
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum InconsistencyProof {
    /// Leaves at one position of the shards of a stripe: either `k` of them, whose data continues
    /// past the end of the dataset, or `k + 1` that are not of one codeword. A leaf of each shard
    /// is enough, since the code treats each block of 64 bytes separately.
    Leaves(Vec<Opening>),
    /// `k` whole shards, for the case that no others are available: the stripe that they encode has
    /// another root than the committed one.
    Stripe {
        /// The siblings from the root of the stripe to the root of the dataset.
        stripe_path: Vec<B256>,
        /// The shards, ascending.
        shards: Vec<Shard<'static>>,
    },
}

impl InconsistencyProof {
    /// Verifies that the stripe is encoded wrongly.
    ///
    /// Cost: for leaves `k + 1` openings and the encoding of `n` KiB; for a stripe its decoding.
    ///
    /// # Errors
    /// [`InconsistencyError`] if the leaves or shards are not the committed ones, or are
    /// consistent.
    pub fn verify(&self, commitment: &DatasetCommitment) -> Result<(), InconsistencyError> {
        match self {
            Self::Leaves(openings) => verify_leaves(commitment, openings),
            Self::Stripe { stripe_path, shards } => verify_stripe(commitment, stripe_path, shards),
        }
    }

    /// Encodes the proof; the format is given at [`InconsistencyProof`].
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Leaves(openings) => {
                let count = u16::try_from(openings.len()).unwrap_or(u16::MAX);
                let mut bytes = [[LEAVES].as_slice(), &count.to_be_bytes()].concat();
                bytes.extend(openings.iter().flat_map(Opening::encode));
                bytes
            }
            Self::Stripe { stripe_path, shards } => {
                let mut bytes = [STRIPE].to_vec();
                bytes.extend(shards.iter().flat_map(Shard::encode));
                bytes.extend(stripe_path.iter().flat_map(|node| node.0));
                bytes
            }
        }
    }

    /// Decodes the bytes of [`encode`](Self::encode), for the dataset of `commitment`. The proof is
    /// not verified; see [`verify`](Self::verify).
    ///
    /// # Errors
    /// [`InconsistencyError`] if the length is wrong, or the dataset lacks a position that the
    /// proof names.
    pub fn decode(
        bytes: &[u8],
        commitment: &DatasetCommitment,
    ) -> Result<Self, InconsistencyError> {
        let k = commitment.coding().k();
        let (form, mut rest) = bytes.split_first().ok_or(InconsistencyError::Empty)?;
        match *form {
            LEAVES => {
                let (count, openings) =
                    rest.split_first_chunk().ok_or(InconsistencyError::Empty)?;
                let count = u16::from_be_bytes(*count);
                check_count(count.into(), k, k.saturating_add(1))?;
                rest = openings;
                let mut openings = Vec::new();
                for _ in 0..count {
                    let (opening, after) = Opening::split(rest, commitment)?;
                    openings.push(opening);
                    rest = after;
                }
                check_end(rest, 0)?;
                Ok(Self::Leaves(openings))
            }
            STRIPE => {
                let mut shards = Vec::new();
                for _ in 0..k {
                    let (shard, after) = Shard::split(rest, commitment)?;
                    shards.push(shard.into_owned());
                    rest = after;
                }
                let stripe = shards.first().map_or(0, |shard| shard.stripe);
                check_end(rest, path_len(stripe.into(), commitment.stripes().into()))?;
                let stripe_path = rest.chunks_exact(32).map(B256::from_slice).collect();
                Ok(Self::Stripe { stripe_path, shards })
            }
            got => Err(InconsistencyError::Form { got }),
        }
    }

    /// Returns the hash of the proof that a quorum certifies:
    /// `keccak256("lazvm/inconsistency/1" ‖ encoding)`.
    #[must_use]
    pub fn hash(&self) -> B256 {
        let mut hasher = Keccak256::new();
        hasher.update(DOMAIN);
        hasher.update(self.encode());
        hasher.finalize()
    }
}

fn verify_leaves(
    commitment: &DatasetCommitment,
    openings: &[Opening],
) -> Result<(), InconsistencyError> {
    let coding = commitment.coding();
    check_count(openings.len(), coding.k(), coding.k().saturating_add(1))?;
    let (stripe, leaf) = openings.first().map_or((0, 0), |first| (first.stripe, first.leaf));
    let is_row = openings.iter().all(|opening| (opening.stripe, opening.leaf) == (stripe, leaf));
    let is_ascending = openings.is_sorted_by(|left, right| left.shard < right.shard);
    if !is_row || !is_ascending {
        return Err(InconsistencyError::Order);
    }
    for opening in openings {
        verify_opening(commitment, opening)?;
    }
    let (first, further) = openings.split_at(coding.k().into());
    let leaves = first.iter().map(|opening| (opening.shard, opening.bytes.as_slice()));
    let mut coded = CodedStripe::default();
    coded.restore(coding, LEAF_BYTES, leaves)?;
    // Shard i of the data starts at byte i * shard bytes of the stripe; both are far below 2^32.
    let (end, shard_bytes) =
        (commitment.stripe_len(stripe) as usize, commitment.shard_bytes(stripe));
    let place = (leaf as usize).saturating_mul(LEAF_BYTES);
    let goes_on = (0_usize..).zip(coded.data().chunks(LEAF_BYTES)).any(|(shard, bytes)| {
        let from = shard.saturating_mul(shard_bytes).saturating_add(place);
        bytes.iter().skip(end.saturating_sub(from)).any(|byte| *byte != 0)
    });
    let differs =
        further.iter().any(|opening| opening.bytes.as_slice() != coded.shard(opening.shard));
    if goes_on || differs { Ok(()) } else { Err(InconsistencyError::Consistent) }
}

fn verify_stripe(
    commitment: &DatasetCommitment,
    stripe_path: &[B256],
    shards: &[Shard<'static>],
) -> Result<(), InconsistencyError> {
    let coding = commitment.coding();
    check_count(shards.len(), coding.k(), coding.k())?;
    let stripe = shards.first().map_or(0, |first| first.stripe);
    let is_row = shards.iter().all(|shard| shard.stripe == stripe);
    if !is_row || !shards.is_sorted_by(|left, right| left.index < right.index) {
        return Err(InconsistencyError::Order);
    }
    let mut root = None;
    for shard in shards {
        let (_, leads_to) = shard.borrowed().measure(commitment)?;
        if *root.get_or_insert(leads_to) != leads_to {
            let Shard { stripe, index, .. } = *shard;
            return Err(ShardError::WrongRoot { stripe, index }.into());
        }
    }
    let root = root.unwrap_or_default();
    let (hash, stripes) = (leaf_hash(root.as_slice()), commitment.stripes().into());
    let mut path = stripe_path.iter();
    let leads_to = climb(hash, stripe.into(), stripes, &mut path);
    if leads_to != Some(commitment.stripes_root()) || path.next().is_some() {
        return Err(InconsistencyError::StripePath { stripe });
    }
    let bytes = shards.iter().map(|shard| (shard.index, shard.bytes.as_ref()));
    let mut coded = CodedStripe::default();
    coded.restore(coding, commitment.shard_bytes(stripe), bytes)?;
    let end = commitment.stripe_len(stripe) as usize;
    let goes_on = coded.data().iter().skip(end).any(|byte| *byte != 0);
    if goes_on || coded.tree(|_| None).root() != root {
        Ok(())
    } else {
        Err(InconsistencyError::Consistent)
    }
}

fn check_count(got: usize, least: u16, most: u16) -> Result<(), InconsistencyError> {
    if (usize::from(least)..=usize::from(most)).contains(&got) {
        return Ok(());
    }
    Err(InconsistencyError::Count { least, most, got: got as u64 })
}

const fn check_end(rest: &[u8], nodes: usize) -> Result<(), InconsistencyError> {
    let expected = nodes.saturating_mul(32);
    if rest.len() == expected {
        return Ok(());
    }
    Err(InconsistencyError::End { expected: expected as u64, got: rest.len() as u64 })
}

/// An inconsistency proof is malformed or does not verify.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InconsistencyError {
    /// The erasure code failed.
    #[error(transparent)]
    Code(#[from] CodeError),
    /// The leaves or shards are consistent: nothing is proved.
    #[error("the shards are the code of their data")]
    Consistent,
    /// The number of leaves or shards is out of range.
    #[error("{got} leaves or shards, but {least} to {most} show something")]
    Count {
        /// Least number.
        least: u16,
        /// Highest number.
        most: u16,
        /// Number given.
        got: u64,
    },
    /// There are no bytes.
    #[error("the proof ends in its head")]
    Empty,
    /// The bytes end too early, or bytes follow the proof.
    #[error("{expected} bytes must follow the leaves or shards, got {got}")]
    End {
        /// Bytes needed.
        expected: u64,
        /// Bytes given.
        got: u64,
    },
    /// The number of the form is unknown.
    #[error("there is no proof of form {got}")]
    Form {
        /// Number given.
        got: u8,
    },
    /// A leaf is not the committed one.
    #[error(transparent)]
    Opening(#[from] OpeningError),
    /// The leaves or shards are not at one position of one stripe, or not in ascending order of
    /// shards.
    #[error("leaves or shards must be of one place and ascend")]
    Order,
    /// A shard is not the committed one.
    #[error(transparent)]
    Shard(#[from] ShardError),
    /// The root of the stripe is not the committed one.
    #[error("stripe {stripe} does not lead to the committed root")]
    StripePath {
        /// The stripe.
        stripe: u32,
    },
}

const DOMAIN: &[u8] = b"lazvm/inconsistency/1";
const LEAVES: u8 = 0;
const STRIPE: u8 = 1;
