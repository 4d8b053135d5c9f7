use std::sync::Arc;

use commonware_codec::Codec;
use commonware_consensus::simplex::types::Finalization;
use commonware_cryptography::certificate::Verifier;
use commonware_runtime::buffer::paged::CacheRef;
use commonware_storage::archive::{
    Archive as _, Identifier,
    immutable::{self, Archive},
};
use commonware_utils::{NZU16, NZU64, NZUsize};
use lazai_consensus::ErrorSource;

use crate::{
    ChainError, ChainEvent,
    engine::{
        Digest, Environment, Scheme,
        block::{ChainBlock, to_b256},
        directory::Directory,
        execution::Execution,
        limits::{REPLAY_BUFFER, WRITE_BUFFER},
    },
};

/// The archive of final blocks and their certificates, by height. Nothing is ever removed from it.
pub(super) struct Journal<E: Environment> {
    pub(super) certificates: Archive<E, Digest, Finalization<Scheme, Digest>>,
    pub(super) blocks: Archive<E, Digest, Arc<ChainBlock>>,
}

impl<E: Environment> Journal<E> {
    pub(super) async fn open(
        environment: &E,
        partition: &str,
        directory: &Directory,
        cache: &CacheRef,
    ) -> Result<Self, ChainError> {
        let codec = Scheme::certificate_codec_config_unbounded();
        let certificates =
            archive(environment.child("certificates"), partition, "certificates", codec, cache);
        let certificates = certificates.await?;
        let codec = directory.clone();
        let blocks =
            archive(environment.child("blocks"), partition, "blocks", codec, cache).await?;
        Ok(Self { certificates, blocks })
    }

    /// Brings the executor up to the journal: commits, in order, the final blocks that it lacks.
    ///
    /// The executor may also be ahead, if the journal was lost: then what is final is fetched from
    /// the others, and compared when it comes. Returns whether it is: the votes of this validator
    /// are lost as well.
    ///
    /// # Errors
    /// [`ChainError::Diverged`] if the two are of different chains, and whatever the executor says.
    pub(super) async fn reconcile(
        &self,
        execution: &Execution,
        genesis: &Digest,
        mut emit: impl FnMut(ChainEvent),
    ) -> Result<bool, ChainError> {
        if let Some(stored) = self.block(0).await?
            && stored.block.digest() != to_b256(genesis)
        {
            let (executor, journal) = (to_b256(genesis), stored.block.digest());
            return Err(ChainError::Diverged { height: 0, executor, journal });
        }
        let (height, digest) = execution.committed()?;
        match self.block(height).await? {
            // A final block is in the journal before the executor gets it.
            None => return Ok(height > 0),
            Some(stored) if stored.block.digest() != digest => {
                let journal = stored.block.digest();
                return Err(ChainError::Diverged { height, executor: digest, journal });
            }
            Some(_) => {}
        }
        let mut next = height.saturating_add(1);
        while let Some(stored) = self.block(next).await? {
            execution.commit(&stored.block)?;
            let finalization = self.certificates.get(Identifier::Index(next)).await;
            let finalization = finalization.map_err(storage)?;
            let certificate = finalization.and_then(|found| super::reporter::certificate(&found));
            emit(ChainEvent::Finalized { block: stored.block.clone(), certificate });
            next = next.saturating_add(1);
        }
        Ok(false)
    }

    async fn block(&self, height: u64) -> Result<Option<Arc<ChainBlock>>, ChainError> {
        self.blocks.get(Identifier::Index(height)).await.map_err(storage)
    }
}

async fn archive<E: Environment, V: Codec + Send + Sync>(
    environment: E,
    partition: &str,
    name: &str,
    codec_config: V::Cfg,
    cache: &CacheRef,
) -> Result<Archive<E, Digest, V>, ChainError> {
    let config = immutable::Config {
        metadata_partition: format!("{partition}-{name}-metadata"),
        freezer_table_partition: format!("{partition}-{name}-table"),
        freezer_table_initial_size: 1 << 8,
        freezer_table_resize_frequency: 4,
        freezer_table_resize_chunk_size: 1 << 6,
        freezer_key_partition: format!("{partition}-{name}-keys"),
        freezer_key_page_cache: cache.clone(),
        freezer_value_partition: format!("{partition}-{name}-values"),
        freezer_value_target_size: 1 << 26,
        freezer_value_compression: None,
        ordinal_partition: format!("{partition}-{name}-ordinal"),
        items_per_section: NZU64!(4_096),
        freezer_key_write_buffer: WRITE_BUFFER,
        freezer_value_write_buffer: WRITE_BUFFER,
        ordinal_write_buffer: WRITE_BUFFER,
        replay_buffer: REPLAY_BUFFER,
        codec_config,
    };
    Archive::init(environment, config).await.map_err(storage)
}

/// Returns the page cache of the journal.
pub(super) fn page_cache() -> CacheRef {
    CacheRef::new(NZU16!(4_084), NZUsize!(128))
}

fn storage(error: commonware_storage::archive::Error) -> ChainError {
    ChainError::Storage { source: ErrorSource::new(error) }
}
