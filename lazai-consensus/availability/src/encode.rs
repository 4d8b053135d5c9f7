use alloc::vec::Vec;
use core::convert::Infallible;
use std::io::{self, Read};

use lazai_consensus::merkle::Tree;

use super::{
    CodeError, Coding, CommitmentError, DatasetCommitment, Manifest, ManifestError, Shard,
    code::CodedStripe,
};

/// A destination for the shards of a dataset during encoding.
pub trait ShardSink {
    /// The reason for which a shard cannot be stored.
    type Error;

    /// Stores a shard. Shards arrive in ascending order of stripe and index; the commitment of the
    /// dataset is not known before the last of them.
    ///
    /// # Errors
    /// Any failure of the sink; encoding then stops and returns it.
    fn put(&mut self, shard: Shard<'_>) -> Result<(), Self::Error>;
}

/// Collects all shards in memory.
impl ShardSink for Vec<Shard<'static>> {
    type Error = Infallible;

    fn put(&mut self, shard: Shard<'_>) -> Result<(), Infallible> {
        self.push(shard.into_owned());
        Ok(())
    }
}

/// Encodes a dataset: reads `data` to its end, passes all shards to `sink`, and returns the
/// manifest.
///
/// Memory: a few stripes, `stripe bytes * (2 + 2 * n / k)` at most, and 32 bytes for each stripe,
/// regardless of the length of the data.
///
/// # Errors
/// [`EncodeError`] if the data is empty or too long for stripes of this size, or if reading or the
/// sink fails.
pub fn encode<S: ShardSink>(
    mut data: impl Read,
    coding: Coding,
    sink: &mut S,
) -> Result<Manifest, EncodeError<S::Error>> {
    let mut bytes = 0_u64;
    let mut stripe_roots = Vec::new();
    let mut coded = CodedStripe::default();
    loop {
        let mut stripe_data = data.by_ref().take(coding.stripe_bytes().into());
        let read = stripe_data.read_to_end(coded.data_mut())?;
        if read == 0 {
            break;
        }
        let stripe = u32::try_from(stripe_roots.len()).unwrap_or(u32::MAX);
        bytes = bytes.saturating_add(read as u64);
        // Stops endless data: too many stripes are an error here.
        let shape = DatasetCommitment::new(bytes, coding, Default::default())?;
        coded.encode(coding, shape.shard_bytes(stripe))?;
        let tree = coded.tree(|_| None);
        for index in 0..coding.n() {
            sink.put(coded.with_path(&tree, stripe, index)).map_err(EncodeError::Sink)?;
        }
        stripe_roots.push(tree.root());
    }
    let root = Tree::over_roots(&stripe_roots).root();
    let commitment = DatasetCommitment::new(bytes, coding, root)?;
    Ok(Manifest::new(commitment, stripe_roots)?)
}

/// A dataset cannot be encoded.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum EncodeError<E> {
    /// The erasure code failed.
    #[error(transparent)]
    Code(#[from] CodeError),
    /// The data is empty, or too long for stripes of this size.
    #[error(transparent)]
    Commitment(#[from] CommitmentError),
    /// The manifest was rejected: a defect of this crate.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The data cannot be read.
    #[error("the data cannot be read")]
    Read(#[from] io::Error),
    /// The sink failed to store a shard.
    #[error("a shard cannot be handed on")]
    Sink(#[source] E),
}
