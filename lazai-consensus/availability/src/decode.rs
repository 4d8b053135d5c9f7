use alloc::{boxed::Box, collections::BTreeMap};
use std::io::{self, Write};

use lazai_consensus::merkle::Tree;

use super::{
    CodeError, InconsistencyProof, LEAF_BYTES, Manifest, Shard, ShardError, VerifiedShard,
    code::CodedStripe,
};

/// A source of shards, such as a disk or the members of a quorum.
pub trait ShardSource {
    /// Returns a shard of a stripe, or `None` if it is not available. The shard may be wrong: the
    /// caller verifies it.
    fn shard(&mut self, stripe: u32, index: u16) -> Option<Shard<'_>>;

    /// Reports that the shard returned for this position failed verification.
    fn refused(&mut self, _stripe: u32, _index: u16, _error: ShardError) {}
}

/// Provides shards in memory, by stripe and index.
impl ShardSource for BTreeMap<(u32, u16), Shard<'_>> {
    fn shard(&mut self, stripe: u32, index: u16) -> Option<Shard<'_>> {
        self.get(&(stripe, index)).map(Shard::borrowed)
    }
}

/// Provides shared shards in memory, by stripe and index.
impl ShardSource for &BTreeMap<(u32, u16), Shard<'_>> {
    fn shard(&mut self, stripe: u32, index: u16) -> Option<Shard<'_>> {
        self.get(&(stripe, index)).map(Shard::borrowed)
    }
}

/// Restores a dataset: reads any `k` shards of each stripe from `source`, and writes the data to
/// `output`.
///
/// Each stripe is written after it has been encoded again and all its `n` shards have led to the
/// committed root. Hence all readers get the same bytes, or all get [`RestoreError::Inconsistent`],
/// regardless of the shards that they read. After an error `output` holds a prefix of the data.
///
/// Memory: a few stripes.
///
/// # Errors
/// [`RestoreError`] if too few shards are available, if the dataset was encoded wrongly, or if
/// writing fails.
pub fn decode(
    manifest: &Manifest,
    source: &mut impl ShardSource,
    output: &mut impl Write,
) -> Result<(), RestoreError> {
    let commitment = manifest.commitment();
    let mut coded = CodedStripe::default();
    for stripe in 0..commitment.stripes() {
        restore(manifest, source, stripe, &mut coded)?;
        // At most 64 MiB.
        let length = commitment.stripe_len(stripe) as usize;
        output.write_all(coded.data().get(..length).ok_or(CodeError)?)?;
    }
    Ok(())
}

/// Restores a lost shard from `k` others of its stripe.
///
/// # Errors
/// [`RestoreError`] as for [`decode`], or [`RestoreError::Shard`] if the stripe has no such shard.
pub fn repair(
    manifest: &Manifest,
    source: &mut impl ShardSource,
    stripe: u32,
    index: u16,
) -> Result<Shard<'static>, RestoreError> {
    super::shard::shape(manifest.commitment(), stripe, index)?;
    let mut coded = CodedStripe::default();
    let tree = restore(manifest, source, stripe, &mut coded)?;
    Ok(coded.with_path(&tree, stripe, index).into_owned())
}

/// Restores a stripe from any `k` of its shards, checks its root, and returns it with its tree.
fn restore(
    manifest: &Manifest,
    source: &mut impl ShardSource,
    stripe: u32,
    coded: &mut CodedStripe,
) -> Result<Tree, RestoreError> {
    let commitment = manifest.commitment();
    let coding = commitment.coding();
    let mut shards = BTreeMap::new();
    let mut rest = 0..coding.n();
    while shards.len() < usize::from(coding.k()) {
        let Some(index) = rest.next() else {
            let got = u16::try_from(shards.len()).unwrap_or(u16::MAX);
            return Err(RestoreError::TooFewShards { stripe, needed: coding.k(), got });
        };
        if let Some(shard) = fetch(manifest, source, stripe, index) {
            shards.insert(index, shard);
        }
    }
    let used = shards.iter().map(|(index, shard)| (*index, shard.shard().bytes.as_ref()));
    coded.restore(coding, commitment.shard_bytes(stripe), used)?;
    let tree = coded
        .tree(|index| shards.get(&index).map(|shard| (shard.shard().bytes.as_ref(), shard.root())));
    let length = commitment.stripe_len(stripe) as usize;
    let padding = coded.data().get(length..).unwrap_or_default();
    let first_filled = padding.iter().position(|byte| *byte != 0);
    if first_filled.is_none() && Some(&tree.root()) == manifest.stripe_root(stripe) {
        return Ok(tree);
    }
    // The committed shards are no codeword. The smallest proof is one position at which `k + 1`
    // shards differ from the code, or `k` shards whose data continues past the end.
    let place = if let Some(offset) = first_filled {
        length.saturating_add(offset).checked_rem(commitment.shard_bytes(stripe))
    } else {
        rest.find_map(|index| {
            let shard = fetch(manifest, source, stripe, index)?;
            let pairs = shard.shard().bytes.iter().zip(coded.shard(index));
            let place = pairs.enumerate().find(|(_, (given, coded))| given != coded)?.0;
            shards.insert(index, shard);
            Some(place)
        })
    };
    let proof = match place {
        Some(place) => {
            let leaf = u32::try_from(place / LEAF_BYTES).unwrap_or(u32::MAX);
            let openings = shards.values().map(|shard| shard.open(manifest, leaf));
            InconsistencyProof::Leaves(openings.collect::<Result<_, _>>().map_err(|_| CodeError)?)
        }
        None => InconsistencyProof::Stripe {
            stripe_path: manifest.stripe_path(stripe),
            shards: shards.into_values().map(VerifiedShard::into_shard).collect(),
        },
    };
    Err(RestoreError::Inconsistent { stripe, proof: Box::new(proof) })
}

/// Returns a verified copy of a shard, or `None` if the source returns none or a wrong one.
fn fetch(
    manifest: &Manifest,
    source: &mut impl ShardSource,
    stripe: u32,
    index: u16,
) -> Option<VerifiedShard<'static>> {
    let shard = source.shard(stripe, index)?;
    let error = if (shard.stripe, shard.index) == (stripe, index) {
        match shard.into_owned().verify(manifest) {
            Ok(shard) => return Some(shard),
            Err(error) => error,
        }
    } else {
        ShardError::WrongRoot { stripe, index }
    };
    source.refused(stripe, index, error);
    None
}

/// A dataset or a shard cannot be restored.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The erasure code failed.
    #[error(transparent)]
    Code(#[from] CodeError),
    /// The committed shards of a stripe are no codeword: the publisher of the dataset is at fault,
    /// and no reader can restore this stripe.
    #[error("the shards of stripe {stripe} are not the code of any data")]
    Inconsistent {
        /// The stripe.
        stripe: u32,
        /// The proof, which convinces a third party.
        proof: Box<InconsistencyProof>,
    },
    /// The stripe has no such shard.
    #[error(transparent)]
    Shard(#[from] ShardError),
    /// Too few shards of a stripe are available; a retry or another source may provide more.
    #[error("stripe {stripe} needs {needed} shards, got {got} that are right")]
    TooFewShards {
        /// The stripe.
        stripe: u32,
        /// Shards needed.
        needed: u16,
        /// Valid shards received.
        got: u16,
    },
    /// The output failed.
    #[error("the data cannot be written")]
    Write(#[from] io::Error),
}
