use alloc::vec::Vec;
use core::convert::Infallible;
use std::io::{self, Read};

use lazai_consensus::merkle::Tree;

use super::{
    CodeError, Coding, CommitmentError, DatasetCommitment, Manifest, ManifestError, Shard,
    code::CodedStripe,
};

/// Where the shards of a data set go while it is encoded.
pub trait ShardSink {
    /// Why a shard cannot be taken.
    type Error;

    /// Takes a shard. They come stripe by stripe, and in each stripe in their order; the commitment
    /// of the data set is not known before the last.
    ///
    /// # Errors
    /// Whatever keeps it from taking the shard; encoding then ends.
    fn put(&mut self, shard: Shard<'_>) -> Result<(), Self::Error>;
}

/// Keeps all shards in memory.
impl ShardSink for Vec<Shard<'static>> {
    type Error = Infallible;

    fn put(&mut self, shard: Shard<'_>) -> Result<(), Infallible> {
        self.push(shard.into_owned());
        Ok(())
    }
}

/// Encodes a data set: reads `data` to its end, gives all shards to `sink`, and returns what
/// commits to them.
///
/// Memory: a few stripes, `stripe bytes * (2 + 2 * n / k)` at most, and 32 bytes for each stripe;
/// however long the data.
///
/// # Errors
/// [`EncodeError`] if there is no data or too much for stripes of this size, or if reading or the
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
        // Ends in time if the data has no end.
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

/// Why a data set is not encoded.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum EncodeError<E> {
    /// The code failed.
    #[error(transparent)]
    Code(#[from] CodeError),
    /// The data is empty, or too long for stripes of this size.
    #[error(transparent)]
    Commitment(#[from] CommitmentError),
    /// The roots do not belong together: a defect.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The data cannot be read.
    #[error("the data cannot be read")]
    Read(#[from] io::Error),
    /// The sink did not take a shard.
    #[error("a shard cannot be handed on")]
    Sink(#[source] E),
}
