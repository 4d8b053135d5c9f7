use alloc::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    vec::Vec,
};

use alloy_primitives::Address;
use lazai_availability::{Manifest, Shard};
use lazai_consensus::{Attestation, Epoch};

/// The shards of a dataset that this member is about to hold.
#[derive(Clone, Debug)]
pub(super) struct PendingShards {
    pub(super) manifest: Arc<Manifest>,
    pub(super) then: Then,
    /// The members that said that they have the shards.
    pub(super) sources: Vec<Address>,
    /// The shards that are not on disk, by stripe and place; `None` until that is known.
    pub(super) missing: Option<BTreeSet<(u32, u16)>>,
    /// When the shards that were asked for may be asked for again.
    pub(super) asked: BTreeMap<(u32, u16), u64>,
    /// Shards that are being written.
    pub(super) saving: BTreeSet<(u32, u16)>,
    /// Shards that came before it was known what is on disk.
    pub(super) early: Vec<(Address, Shard<'static>)>,
    /// Bytes of all shards of the dataset that fall to this member.
    pub(super) bytes: u64,
    pub(super) rounds: usize,
    pub(super) progress_ms: u64,
    pub(super) is_restoring: bool,
}

/// What a member says once it holds its shards.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Then {
    /// That the epoch may begin.
    Ready(Epoch),
    /// That it holds them, under each of these names.
    Vote(Vec<Attestation>),
}

impl PendingShards {
    pub(super) const fn new(
        manifest: Arc<Manifest>,
        then: Then,
        sources: Vec<Address>,
        bytes: u64,
        now_ms: u64,
    ) -> Self {
        Self {
            manifest,
            then,
            sources,
            missing: None,
            asked: BTreeMap::new(),
            saving: BTreeSet::new(),
            early: Vec::new(),
            bytes,
            rounds: 0,
            progress_ms: now_ms,
            is_restoring: false,
        }
    }

    /// Returns whether the shards are taken over for an epoch, not for a new dataset.
    pub(super) const fn is_handover(&self) -> bool {
        matches!(self.then, Then::Ready(_))
    }

    /// Returns whether all shards are on disk.
    pub(super) fn is_whole(&self) -> bool {
        self.missing.as_ref().is_some_and(BTreeSet::is_empty) && self.saving.is_empty()
    }

    /// Returns the bytes of shards that are here and not on disk.
    pub(super) fn saving_bytes(&self) -> usize {
        self.saving.len().saturating_mul(self.manifest.commitment().shard_bytes(0))
    }
}
