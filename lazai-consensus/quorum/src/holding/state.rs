use alloc::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use alloy_primitives::{Address, B256};
use lazai_availability::Manifest;
use lazai_consensus::{Attestation, Epoch};

use super::{dataset::Dataset, pending::PendingShards};
use crate::{assignment::stored_bytes, context::Context};

/// The datasets of a member: it takes the shards that fall to it, hands them out, and takes over
/// others for the next epoch.
#[derive(Debug, Default)]
pub(crate) struct Holding {
    pub(super) datasets: BTreeMap<B256, Dataset>,
    pub(super) pending_shards: BTreeMap<B256, PendingShards>,
    /// How many shards are being read for each peer.
    pub(super) reads_in_flight: BTreeMap<Address, usize>,
    /// Certified datasets whose manifest is not known.
    pub(super) missing_manifests: BTreeMap<B256, Attestation>,
    /// Datasets that are being removed from the disk.
    pub(super) removing: BTreeSet<B256>,
    /// Commitments that are certified to be to no data.
    pub(super) inconsistent: BTreeSet<B256>,
    /// When what could not be taken over is tried again.
    pub(super) next_sync_ms: u64,
}

impl Holding {
    /// Takes a dataset of which there are shards on disk.
    pub(crate) fn recover(&mut self, context: &Context, manifest: Arc<Manifest>) {
        let mut dataset = Dataset::new(manifest);
        let committee = context.epochs.committee(context.epochs.current());
        let bytes =
            committee.and_then(|committee| stored_bytes(committee, context.own, &dataset.manifest));
        dataset.bytes = bytes.unwrap_or_default();
        self.datasets.insert(dataset.manifest.root(), dataset);
    }

    /// Takes a pledge to keep a dataset that was found on disk.
    pub(crate) fn recover_pledge(&mut self, root: B256, until: Epoch) {
        if let Some(dataset) = self.datasets.get_mut(&root) {
            dataset.pledge(until);
        }
    }

    /// Returns the manifest of a dataset, if it is known.
    pub(crate) fn manifest(&self, root: B256) -> Option<&Arc<Manifest>> {
        self.datasets.get(&root).map(|dataset| &dataset.manifest)
    }

    /// Returns whether a dataset is not known yet, but will be.
    pub(crate) fn is_coming(&self, root: B256) -> bool {
        let is_coming =
            self.missing_manifests.contains_key(&root) || self.pending_shards.contains_key(&root);
        is_coming && !self.datasets.contains_key(&root)
    }

    /// Returns the manifest of a dataset, if it is known and not known to be inconsistent.
    pub(crate) fn consistent_manifest(&self, root: B256) -> Option<&Arc<Manifest>> {
        let dataset = self.datasets.get(&root).filter(|dataset| !dataset.is_inconsistent());
        dataset.map(|dataset| &dataset.manifest)
    }

    /// Returns whether it is time to try again what could not be taken over.
    pub(crate) const fn is_sync_due(&self, context: &Context) -> bool {
        context.now_ms >= self.next_sync_ms
    }

    /// Returns the datasets that are certified as available and still to be kept in an epoch.
    pub(crate) fn available(&self, epoch: Epoch) -> impl Iterator<Item = (&B256, &Attestation)> {
        let datasets = self.datasets.iter();
        let certified = datasets.filter_map(|(root, dataset)| Some((root, dataset.certified()?)));
        certified.filter(move |(_, attestation)| attestation.fact.is_kept_in(epoch))
    }

    /// Returns how many datasets are known, and how many are being taken in.
    pub(crate) fn load(&self) -> [usize; 2] {
        [self.datasets.len(), self.pending_shards.len()]
    }
}
